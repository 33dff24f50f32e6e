"""The synthetic provider: invents an answer to any request, at once and for nothing. It is not a language model.

What it says has no meaning; its form and its length are what matter. An answer obeys the schema of its request, is as
long as was stated or learnt, and depends on seed, request and draw only, never on the order of calls.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from synalinks import _json
from synalinks.lm.core.call import Call, Reply, Request, Schema, Usage, schema_of
from synalinks.lm.core.errors import ConfigurationError, SampleRefused
from synalinks.lm.forecast.token_count import count_prompt, count_tokens
from synalinks.lm.providers.fake.filling import ANSWER_NAMES, WORK_NAMES, Filler

#: Tokens of a text that nothing is known about: a whole answer without a schema, a text field.
FREE_TEXT, FIELD = 150, 25
#: How many times as long a field is whose name says that it holds thinking.
THINKING = 4.0
#: Tokens of thinking that is asked for by `reasoning_effort` and nothing is known about.
EFFORTS = {"minimal": 100, "low": 400, "medium": 1500, "high": 4000}
#: Numbers of a vector where the request does not say.
DIMENSIONS = 64
#: Salts tried until a value obeys its schema; `not`, `if` and `oneOf` may need more than one.
_TRIES = 8
#: Passes that bring a value to its length.
_FITS = 4
_TEXT = (
    "the answer follows from what is given so we take each part in turn and check that it holds before going on with "
    "the next one because a small slip early changes all that comes after it and then the last step puts the parts "
    "together into one result that can be compared with the question as it was asked"
)

_WORDS = _TEXT.split()

#: Tokens of an answer: a number, a range to draw from, these by model, or a function of the call.
Tokens = int | tuple[int, int] | Mapping[str, Any] | Callable[[Call], int]


class Priors(Protocol):
    """Statistics of models from calls they have answered."""

    def output_tokens(self, call: Call, uniform: float) -> int | None:
        """The length of the answer to a call, drawn with a number in [0, 1); None if nothing is known."""

    def input_tokens(self, request: Request) -> int | None:
        """The length of a prompt as this model counts; None if nothing is known."""

    def vector_size(self, request: Request) -> int | None:
        """How many numbers this model's vectors have; None if nothing is known."""


def uniform(*parts: object) -> float:
    """A number in [0, 1) that is a hash of `parts`: the same for the same parts, on every machine."""
    data = "\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return (int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big") >> 11) / (1 << 53)


class SyntheticProvider:
    """Answers every call, chat and embedding, of every model, with something that has the right form.

    A chat request with a schema gets JSON that obeys it; one with tools gets a call of one of them, and text once a
    result has come back; any other gets text. Usage counts the prompt's real text and the length of the answer, and is
    marked `raw={"synthetic": True}`; the layers above price it as they would price the model asked.

    Args:
        seed: another seed gives other answers.
        output_tokens: length of the answers: a number, a pair (least, most), a mapping from models' names to those, or
            a function of the call. None takes the lengths in `priors`, and those that the names of fields suggest.
        priors: statistics of the models.
        stretch: how much longer texts are than their fields suggest, where nothing else decides.
        thinking: how much longer thinking is than another field, in an answer whose length is known.

    Raises:
        ConfigurationError: lengths that are none.
        SampleRefused: (when called) nothing was found that obeys the schema; `kind="synthetic"`.
    """

    name = "synthetic"
    #: No tool runs on what it says (`Run.is_simulated`).
    invents_answers = True

    def __init__(
        self,
        seed: int = 0,
        *,
        output_tokens: Tokens | None = None,
        priors: Priors | None = None,
        stretch: float = 1.0,
        thinking: float = THINKING,
    ) -> None:
        self.seed = seed
        self.stretch = stretch
        self.thinking = thinking
        self._stated = output_tokens
        self._priors = priors
        for length in output_tokens.values() if isinstance(output_tokens, Mapping) else (output_tokens,):
            _check_length(length)

    async def __call__(self, call: Call, /) -> Reply:
        reply = self.embed(call.request) if call.request.kind == "embed" else self.chat(call)
        if call.sink is not None:
            reply.feed(call.sink)
        return reply

    # --- embeddings ----------------------------------------------------------------------------------------

    def _usage(self, request: Request, source: str, answer: int | None = None, thought: int | None = None) -> Usage:
        """Tokens of prompt and answer, marked as synthetic, and with their basis for estimates."""
        known = None if self._priors is None else self._priors.input_tokens(request)
        schema = 0 if request.schema is None else count_tokens(request.schema.canonical.decode())
        return Usage(
            input_fresh=count_prompt(request) if known is None else known,
            output_text=answer,
            output_reasoning=thought or None,
            raw={
                "synthetic": True,
                "prompt": "guessed" if known is None else "learnt",
                "answer": source,
                "schema": schema,
                "single": request.single_answer,
            },
        )

    def embed(self, request: Request) -> Reply:
        """A unit vector for each text, the same for the same text."""
        known = None if self._priors is None else self._priors.vector_size(request)
        size = int(request.options.get("dimensions") or known or DIMENSIONS)
        vectors = tuple(_vector(f"{self.seed}\x1f{text}", size) for text in request.texts)
        return Reply(vectors=vectors, usage=self._usage(request, "stated"), model=request.model.partition("/")[2])

    # --- chat ----------------------------------------------------------------------------------------------

    def chat(self, call: Call) -> Reply:
        """An answer of the right form and length.

        Raises:
            SampleRefused: nothing was found that obeys the schema.
        """
        request = call.request
        spot = self.spot(call)
        wanted, source = self._answer_tokens(call, uniform(*spot, "length"))
        limit = call.output_limit
        if wanted is not None and limit is not None:
            wanted = min(wanted, limit)
        reply = self._reply(call, wanted, lambda label: uniform(*spot, label))
        thought = 0 if wanted is not None else self._thinking(request)
        text = wanted if wanted is not None else self._length_of(reply)
        if limit is not None and text + thought > limit:
            thought = max(0, limit - text)
            reply = reply if text <= limit else self._cut(call, reply, limit)
            text = min(text, limit)
        return replace(reply, usage=self._usage(request, source, text, thought), model=request.model.partition("/")[2])

    def _thinking(self, request: Request) -> int:
        return round(self.stretch * EFFORTS.get(str(request.options.get("reasoning_effort")), 0))

    def spot(self, call: Call) -> tuple[object, ...]:
        """All that an answer is drawn by."""
        return (self.seed, call.request.digest, 0 if call.request.single_answer else call.draw)

    def _answer_tokens(self, call: Call, number: float) -> tuple[int | None, str]:
        """Tokens of the answer that were stated or learnt, and which it was; None if nothing was: `guessed`."""
        stated = self._stated
        if isinstance(stated, Mapping):
            stated = stated.get(call.request.model)
        if callable(stated):
            return max(1, int(stated(call))), "stated"
        if isinstance(stated, tuple):
            return stated[0] + int(number * (stated[1] - stated[0] + 1)), "stated"
        if stated is not None:
            return int(stated), "stated"
        known = None if self._priors is None else self._priors.output_tokens(call, number)
        return (None, "guessed") if known is None else (max(1, known), "learnt")

    def _reply(self, call: Call, wanted: int | None, draw: Callable[[str], float]) -> Reply:
        request = call.request
        if request.tools and not _has_result(request):
            tool = request.tools[int(draw("tool") * len(request.tools))]
            function = tool.get("function", tool)
            arguments = self._value(request, schema_of(function.get("parameters") or {"type": "object"}), wanted, draw)
            called = {"id": f"call_{int(draw('id') * 16**8):08x}", "name": function["name"], "arguments": arguments}
            return Reply(tool_calls=(called,), finish="tool_calls")
        if request.schema is None:
            return Reply(text=_prose(wanted or round(FREE_TEXT * self.stretch), draw("prose")), finish="stop")
        return Reply(text=_json.dumps(self._value(request, request.schema, wanted, draw)), finish="stop")

    def _value(self, request: Request, schema: Schema, wanted: int | None, draw: Callable[[str], float]) -> Any:
        """A value of about so many tokens that obeys a schema.

        Raises:
            SampleRefused: none was found.
        """
        problem = None
        for salt in range(_TRIES):
            value = _Value(schema.value, _salted(draw, salt), FIELD * self.stretch, self.thinking).of(wanted)
            if (problem := schema.problem(value)) is None:
                return value
        raise SampleRefused(
            f"no synthetic answer to {request!r} was found that obeys its schema: {problem}. Answer such requests "
            "yourself: wrap the SyntheticModel in a function of the call",
            kind="synthetic",
        )

    @staticmethod
    def _length_of(reply: Reply) -> int:
        calls = "".join(_json.dumps(dict(call)) for call in reply.tool_calls)
        return max(1, count_tokens(reply.text + calls))

    def _cut(self, call: Call, reply: Reply, limit: int) -> Reply:
        """An answer within the limit: what has to be whole is made as short as it can be."""
        if call.request.schema is None and not reply.tool_calls:
            return Reply(text=_prose(limit, 0.0), finish="length")
        spot = self.spot(call)
        short = self._reply(call, 1, lambda label: uniform(*spot, label))
        return replace(short, finish="length" if self._length_of(short) > limit else short.finish)


class _Value:
    """Makes one value of a schema, its texts as long as they have to be."""

    def __init__(self, schema: Mapping[str, Any], draw: Callable[[str], float], field: float, thinking: float) -> None:
        self._schema = schema
        self._draw = draw
        self._field = field
        self._thinking = thinking
        self._texts: dict[tuple[str, ...], None] = {}

    def of(self, wanted: int | None) -> Any:
        """The value; of `wanted` tokens as far as its texts can be stretched, or as long as its fields suggest."""
        value = self._fill({})
        if wanted is None:
            return self._fill({path: self._field * weight for path, weight in _weights(self._texts, THINKING).items()})
        weights = _weights(self._texts, self._thinking)
        lengths = dict.fromkeys(weights, 0.0)
        whole = sum(weights.values())
        for _ in range(_FITS):
            missing = wanted - count_tokens(_json.dumps(value))
            if not whole or abs(missing) <= max(1, wanted // 50):
                break
            lengths = {path: max(0.0, lengths[path] + missing * weights[path] / whole) for path in weights}
            value = self._fill(lengths)
        return value

    def _fill(self, lengths: Mapping[tuple[str, ...], float]) -> Any:
        def suggest(path: tuple[str, ...], kind: str) -> Any:
            if kind != "string":
                return None
            self._texts.setdefault(path)
            tokens = lengths.get(path, 0.0)
            label = "/".join(path)
            if tokens < 1:
                return str(int(self._draw(f"{label}/number") * 100))
            return _prose(round(tokens), self._draw(f"{label}/prose"))

        return Filler(self._schema, suggest, self._draw, varied=True).fill()


def _salted(draw: Callable[[str], float], salt: int) -> Callable[[str], float]:
    return lambda label: draw(f"{salt}/{label}")


def _weight(path: tuple[str, ...], thinking: float) -> float:
    """How long a text is, compared with another field's: thinking is long, an answer with thinking before it short."""
    parts = {part for step in path for part in step.lower().split("_")}
    if parts & WORK_NAMES:
        return thinking
    return 0.0 if parts & ANSWER_NAMES else 1.0


def _weights(texts: Iterable[tuple[str, ...]], thinking: float) -> dict[tuple[str, ...], float]:
    """The weights of all text fields; answers are numbers as long as another field can take the length."""
    shares = {path: _weight(path, thinking) for path in texts}
    return shares if any(shares.values()) else dict.fromkeys(shares, 1.0)


def _prose(tokens: int, start: float) -> str:
    """A text of so many tokens: each word of it is one."""
    first = int(start * len(_WORDS))
    return " ".join(_WORDS[(first + i) % len(_WORDS)] for i in range(max(1, tokens)))


def _has_result(request: Request) -> bool:
    """Whether a tool has answered since the user last spoke."""
    for message in reversed(request.messages):
        if message.get("role") == "tool":
            return True
        if message.get("role") == "user":
            return False
    return False


def _vector(label: str, size: int) -> bytes:
    """A unit vector, little-endian float32, that is a hash of `label`."""
    data = hashlib.shake_128(label.encode("utf-8", "surrogatepass")).digest(2 * size)
    numbers = [number - 32767.5 for number in struct.unpack(f"<{size}H", data)]
    length = math.sqrt(math.fsum(number * number for number in numbers))
    return struct.pack(f"<{size}f", *(number / length for number in numbers))


def _check_length(length: object) -> None:
    if length is None or callable(length):
        return
    pair = length if isinstance(length, tuple) else (length, length)
    if len(pair) != 2 or not all(isinstance(n, int) and n >= 1 for n in pair) or pair[0] > pair[1]:
        raise ConfigurationError(
            f"output_tokens={length!r}: write a number of tokens (1 or more), a pair (least, most), a mapping from "
            "models to those, or a function of the call"
        )
