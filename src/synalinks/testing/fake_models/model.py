"""Rules in place of language models, each with a written law of how often it is right.

Nothing here is a language model. A rule has the right answer to some questions and gives it with a
probability that depends, by `Law`, on what the prompt teaches; so a training run has something to gain, and
what it gains can be computed exactly (`RuleModel.probability`) as well as measured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from synalinks import _json
from synalinks.errors import ConfigurationError
from synalinks.lm.providers.fake.filling import ANSWER_NAMES, WORK_NAMES, Filler
from synalinks.testing.fake_models import proposals as _proposals
from synalinks.testing.fake_models.chat import ChatRequest, ModelReply
from synalinks.testing.fake_models.layout import Layout
from synalinks.testing.fake_server.faults import uniform

#: Words of a precise instruction; each one found teaches as much as the next.
CUES = (
    "step by step",
    "calculate",
    "check",
    "only the number",
    "without units",
    "order of operations",
    "sign",
)

_EXAMPLES = re.compile(r"<examples>(.*?)</examples>", re.DOTALL)
_EXAMPLE = re.compile(r"<input>\s*(.*?)\s*</input>\s*<output>\s*(.*?)\s*</output>", re.DOTALL)
_INSTRUCTIONS = re.compile(r"<instructions>(.*?)</instructions>", re.DOTALL)
# At most what a double can hold, so that no text makes a number of a million digits.
_NUMBER = re.compile(r"[-+]?\d{1,250}(?:\.\d{1,50})?(?:[eE][-+]?\d\d?)?")
_BLOCKS = re.compile(r"<(examples|input_schema|output_schema)>.*?</\1>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Prior:
    """What a system message teaches: worked examples that are right, that are wrong, and cues."""

    right: int = 0
    wrong: int = 0
    cues: int = 0


@dataclass(frozen=True, slots=True)
class Law:
    """How often a rule is right.

        alone     = base + spread * (2 h - 1)                    h: a hash of the question, its own difficulty
        untaught  = (1 - min(right, examples) / examples)^2 * (1 - cue_gain)^cues
        P(right)  = ceiling - (ceiling - alone) * untaught - wrong_cost * wrong,   kept in [floor, ceiling]

    So with the defaults 0, 1, 2 and 3 right examples give 0.55, 0.78, 0.92 and 0.97 on the average question,
    one cue gives 0.65 and three give 0.79; what is taught helps most with the hard questions.

    Example:
        >>> from synalinks.testing import ArithmeticModel, Law
        >>> sure = ArithmeticModel(Law(base=1.0, ceiling=1.0))

    Attributes:
        base: P(right) on the average question of a prompt that teaches nothing.
        ceiling, floor: the best and the worst P(right).
        examples: distinct right examples that teach all there is to learn.
        cue_gain: share of what is missing that each distinct cue of the instructions gives.
        wrong_cost: what each wrong example takes away.
        spread: how far the difficulty of questions reaches to both sides of `base`.
        cues: the words that make an instruction precise, in lower case.
    """

    base: float = 0.55
    ceiling: float = 0.97
    floor: float = 0.02
    examples: int = 3
    cue_gain: float = 0.25
    wrong_cost: float = 0.12
    spread: float = 0.25
    cues: Sequence[str] = CUES

    def __post_init__(self) -> None:
        if not 0 <= self.floor <= self.base <= self.ceiling <= 1 or self.examples < 1:
            raise ConfigurationError(
                "a Law needs 0 <= floor <= base <= ceiling <= 1 and examples >= 1, got "
                f"floor={self.floor}, base={self.base}, ceiling={self.ceiling}, examples={self.examples}"
            )

    def probability(self, prior: Prior, question: str) -> float:
        """P(right) for a question in its normal form, after this prior."""
        alone = self.base + self.spread * (2 * uniform(question, "difficulty") - 1)
        alone = min(max(alone, self.floor), self.ceiling)
        untaught = (1 - min(prior.right, self.examples) / self.examples) ** 2
        untaught *= (1 - self.cue_gain) ** prior.cues
        value = self.ceiling - (self.ceiling - alone) * untaught - self.wrong_cost * prior.wrong
        return min(max(value, self.floor), self.ceiling)


@dataclass(frozen=True, slots=True)
class Question:
    """A question that the rule has the answer to.

    Attributes:
        text: its normal form.
        value: the right answer.
        slips: plausible wrong answers.
        stem: what stands before " = 42" in the work; the text itself by default.
    """

    text: str
    value: Fraction
    slips: Sequence[Fraction] = ()
    stem: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rule says: a number, the same as text (with a slip such as units perhaps), and the work."""

    value: Fraction | None
    text: str
    work: str


class RuleModel:
    """A rule that answers the questions it can `find`, right as often as its `law` says.

    The draw decides whether an answer is right and, if not, which slip is made. Answers fill the JSON schema
    of the request by name and type: `answer`, `result`, `number` ... get the answer, `thinking`,
    `reasoning` ... the work. A request to improve instructions (see `_proposals`) gets a longer
    instruction.
    """

    def __init__(self, law: Law | None = None) -> None:
        self.law = law or Law()
        # A bounded memory, because the same system message comes with every sample of a batch.
        self._prior_of = lru_cache(maxsize=256)(self._read_prior)

    def find(self, text: str) -> Question | None:
        """The last question in `text` that the rule can answer, or None. To be given by a subclass."""
        raise ConfigurationError(f"{type(self).__name__} must define find(text) -> Question | None")

    # -------------------------------------------------------------- the law applied
    def question(self, request: ChatRequest) -> Question | None:
        """The question in a request, or None if the rule has no answer to any."""
        return self._find_in(request.last_user_text)

    def _find_in(self, text: str) -> Question | None:
        """Look into the strings of a JSON text, last one first; into the text itself if it is no JSON."""
        for part in reversed(_strings(_decoded(text))):
            if found := self.find(part):
                return found
        return None

    def prior(self, system: str) -> Prior:
        """What a system message teaches."""
        return self._prior_of(system)

    def _read_prior(self, system: str) -> Prior:
        marks: dict[str, bool] = {}
        for block in _EXAMPLES.findall(system):
            for asked, answered in _EXAMPLE.findall(block):
                if question := self._find_in(asked):
                    right = _same(said(_decoded(answered)), question.value)
                    marks[question.text] = marks.get(question.text, True) and right
        instructions = " ".join(_INSTRUCTIONS.findall(system)) or _BLOCKS.sub(" ", system)
        lower = instructions.lower()
        good = sum(marks.values())
        return Prior(good, len(marks) - good, sum(cue in lower for cue in self.law.cues))

    def probability(self, request: ChatRequest) -> float | None:
        """The exact chance that the answer to this request is right; None without a question."""
        question = self.question(request)
        if question is None:
            return None
        return self.law.probability(self.prior(request.system), question.text)

    # -------------------------------------------------------------- answering
    def reply(self, request: ChatRequest) -> str | ModelReply:
        """The answer to a request."""
        question = self.question(request)
        if request.tools and request.after_tool is None and (call := self.tool_call(request, question)):
            return ModelReply(tool_calls=(call,))
        answer = self.answer(request, question)
        text = self._render(request, answer)
        return ModelReply(text, thinking=answer.work) if request.think else text

    def tool_call(self, request: ChatRequest, question: Question | None) -> tuple[str, Mapping[str, Any]] | None:
        """The call of a tool that helps with the question, or None; a plain rule calls none."""
        return None

    def answer(self, request: ChatRequest, question: Question | None) -> Answer:
        """The rule's answer, right or wrong by the draw; after a tool, what the tool said."""
        if request.after_tool is not None and (value := said(_decoded(request.after_tool))) is not None:
            return Answer(value, number_text(value), f"The tool says {number_text(value)}.")
        if question is None:
            return Answer(None, "unknown", "There is no question here that I can work out.")
        if request.uniform("right") < self.law.probability(self.prior(request.system), question.text):
            return _worked(question, question.value)
        # One slip more than there are wrong values: the right number with a unit after it.
        place = int(request.uniform("slip") * (len(question.slips) + 1))
        if place < len(question.slips):
            return _worked(question, question.slips[place])
        right = _worked(question, question.value)
        wrong = question.slips[0] if question.slips else question.value + 1
        return Answer(wrong, right.text + " units", right.work)

    def _render(self, request: ChatRequest, answer: Answer) -> str:
        layout = None if isinstance(request.format, Mapping) else Layout.asked_in(request.last_user_text)
        if layout is not None:
            filled = self._filled(request, answer, layout.schema)
            return layout.written(filled) if layout.marked else _dumps(filled)
        if request.format is None:
            return answer.work
        if isinstance(request.format, str):
            return _dumps({"answer": answer.text})
        return _dumps(self._filled(request, answer, request.format))

    def _filled(self, request: ChatRequest, answer: Answer, schema: Mapping[str, Any]) -> Any:
        """A value of a schema that says the answer."""
        proposal = _proposals.read(_decoded(request.last_user_text))

        def suggest(path: tuple[str, ...], kind: str) -> Any:
            name = path[-1].lower() if path else ""
            if proposal is not None and kind == "string":
                return proposal.text(name, request.uniform)
            if kind in ("number", "integer"):
                return answer.value
            parts = {part for step in path for part in step.lower().split("_")}
            return answer.text if parts & ANSWER_NAMES and not parts & WORK_NAMES else answer.work

        return Filler(schema, suggest, request.uniform).fill()


def _worked(question: Question, value: Fraction) -> Answer:
    text = number_text(value)
    return Answer(value, text, f"{question.stem or question.text} = {text}")


def number_text(value: Fraction) -> str:
    """A number as people write it: an integer without a point, else the shortest decimal of a double."""
    return str(value.numerator) if value.denominator == 1 else repr(float(value))


def said(output: object) -> Fraction | None:
    """The number an output gives as its answer: the field named like an answer, or the whole output."""
    if isinstance(output, Mapping):
        for name, value in output.items():
            if ANSWER_NAMES & set(str(name).lower().split("_")):
                return said(value)
        return None
    if isinstance(output, bool) or not isinstance(output, (int, float, str)):
        return None
    text = str(output).strip()
    return Fraction(text) if _NUMBER.fullmatch(text) else None


def _same(value: Fraction | None, right: Fraction) -> bool:
    """Equal, or equal as far as a double can tell: a third is written 0.3333333333333333."""
    return value is not None and (value == right or number_text(value) == number_text(right))


def _decoded(text: str) -> Any:
    stripped = text.strip()
    if stripped[:1] in ("{", "[", '"') and len(stripped) > 1:
        try:
            return _json.loads(stripped)
        except _json.JSONDecodeError:
            return stripped
    return stripped


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    return [text for part in value for text in _strings(part)] if isinstance(value, list) else []


def _dumps(value: object) -> str:
    # Not `_json.dumps`: a rule's integers may have more than 64 bits.
    return json.dumps(value, ensure_ascii=False)
