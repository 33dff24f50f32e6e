"""RubricsAsJudge: a language model that scores predictions by named rubrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar

from synalinks._json import JsonObject
from synalinks._support.signature import NamedSignature
from synalinks.errors import ConfigurationError
from synalinks.modules import DecisionModel
from synalinks.rewards.lm_as_judge import LMAsJudge
from synalinks.rewards.rubric_table import BY_TITLE, Rubric, get_rubric, list_rubrics

INSTRUCTIONS = (
    "Judge an answer by the rubrics below, and by nothing else. Fields that begin with `gold_` are the right answer, "
    "where there is one; the others are what is to be judged. First say where it meets the rubrics and where it does "
    "not, then give one score for all together: the highest if every rubric is met fully, the lowest if none is."
)


class RubricsAsJudge(LMAsJudge):
    """One score of the prediction by one or more rubrics, in one call. More is better, also for rubrics of faults.

    The prompt holds target and prediction only. Whatever else a rubric refers to, such as context or trajectory, has
    to be among their fields: let the program return its inputs.

    Args:
        rubrics: names (see `list_rubrics`), or a mapping of names of your own to what they ask for.
        instructions: in place of ours, before the rubrics.
        language_model, prompt_template, examples, score_type, reduction, name, masks: see `LMAsJudge`.
        decision_model: a `DecisionModel`, or its name, that scores in place of the language model: the mean of the
            steps of the scale by their probabilities.

    Raises:
        ConfigurationError: no rubrics, or unknown ones.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> judge = synalinks.rewards.RubricsAsJudge("ollama/llama3.2", ["faithfulness", "bias"])
        >>> with synalinks.use_provider(ScriptedProvider([{"critique": "Short.", "reward": 0.5}])):
        ...     asyncio.run(judge(None, Answer(answer="red")))
        ...
        0.5
    """

    def __init__(
        self,
        language_model: object = None,
        rubrics: Sequence[str] | Mapping[str, str] | str | None = None,
        prompt_template: str | None = None,
        examples: Sequence[object] | None = None,
        instructions: str | None = None,
        score_type: type[Enum] | str | None = None,
        reduction: str | None = "mean",
        name: str = "rubrics_as_judge",
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
        decision_model: object = None,
    ) -> None:
        if decision_model is not None:
            self.decision_model = DecisionModel.get(decision_model)
        self.rubrics = _asked_for(rubrics, type(self).__name__)
        listed = "\n".join(f"- {title}: {asks}" for title, asks in self.rubrics.items())
        super().__init__(
            language_model,
            prompt_template,
            examples,
            f"{INSTRUCTIONS if instructions is None else instructions}\n\n{listed}",
            score_type,
            reduction,
            name,
            in_mask,
            out_mask,
            in_mask_pattern,
            out_mask_pattern,
        )
        self._given["instructions"] = instructions

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {"rubrics": self.rubrics, **super().get_config()}


def _asked_for(rubrics: Any, whose: str) -> dict[str, str]:
    """Texts by the rubrics' names."""
    if isinstance(rubrics, Mapping):
        found = {str(name): str(asks) for name, asks in rubrics.items()}
    else:
        names = [rubrics] if isinstance(rubrics, str) else list(rubrics or ())
        found = {rubric.name: rubric.asks for rubric in map(get_rubric, names)}
    if not found:
        raise ConfigurationError(f"{whose}(rubrics={rubrics!r}): name at least one of {list_rubrics()}")
    return found


class RubricAsJudge(RubricsAsJudge):
    """A judge by one rubric of the table, the base of `Toxicity`, `Faithfulness` and the others.

    Args: see `RubricsAsJudge`; `name` is the rubric's by default.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> judge = synalinks.rewards.Toxicity("ollama/llama3.2")
        >>> with synalinks.use_provider(ScriptedProvider([{"critique": "Short.", "reward": 0.5}])):
        ...     asyncio.run(judge(None, Answer(answer="red")))
        ...
        0.5
    """

    #: What a subclass judges by: where it states none, the rubric of its name.
    rubric: ClassVar[Rubric]
    __signature__ = NamedSignature()

    def __init_subclass__(cls) -> None:
        if "rubric" not in cls.__dict__ and cls.__name__ in BY_TITLE:
            cls.rubric = BY_TITLE[cls.__name__]

    def __init__(
        self,
        language_model: object = None,
        prompt_template: str | None = None,
        examples: Sequence[object] | None = None,
        instructions: str | None = None,
        score_type: type[Enum] | str | None = None,
        reduction: str | None = "mean",
        name: str | None = None,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
        decision_model: object = None,
    ) -> None:
        super().__init__(
            language_model,
            self.rubric.name,
            prompt_template,
            examples,
            instructions,
            score_type,
            reduction,
            name or self.rubric.name,
            in_mask,
            out_mask,
            in_mask_pattern,
            out_mask_pattern,
            decision_model,
        )

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {name: value for name, value in super().get_config().items() if name != "rubrics"}
