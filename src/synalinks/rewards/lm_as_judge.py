"""LMAsJudge: a language model that scores predictions on a scale."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from synalinks._json import JsonObject
from synalinks._support.setting_of import SettingOf
from synalinks.modules import DecisionModel
from synalinks.modules.generators.self_critique import SelfCritique, scale_config
from synalinks.rewards.program_as_judge import ProgramAsJudge
from synalinks.saving import serialize_synalinks_object

INSTRUCTIONS = (
    "Judge how good an answer is. Fields that begin with `gold_` are the right answer, where there is one; the others "
    "are the answer to be judged. First say what is right and what is wrong about it, then score it."
)


class LMAsJudge(ProgramAsJudge):
    """A score of the prediction, shown beside the target, whose fields are prefixed with `gold_`.

    The model scores on a scale of steps, mapped to [0, 1]. An empty prediction scores 0 without a call; so does, with a
    warning, one whose judgement failed.

    Args:
        language_model: a `LanguageModel`, its name, or None for the session's default at the first call.
        prompt_template, examples, instructions: of the judge; see `Generator`.
        score_type: the scale; see `SelfCritique`.
        name, reduction, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Reward`.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> judge = synalinks.rewards.LMAsJudge(language_model="ollama/llama3.2")
        >>> with synalinks.use_provider(ScriptedProvider([{"critique": "Short.", "reward": 0.5}])):
        ...     asyncio.run(judge(None, Answer(answer="red")))
        ...
        0.5
    """

    #: Scores in place of the language model, in subclasses that have one; set before this constructor runs.
    decision_model: DecisionModel | None = None

    language_model = SettingOf("critic")
    prompt_template = SettingOf("critic")
    examples = SettingOf("critic")
    instructions = SettingOf("critic")
    score_type = SettingOf("critic")

    def __init__(
        self,
        language_model: object = None,
        prompt_template: str | None = None,
        examples: Sequence[object] | None = None,
        instructions: str | None = None,
        score_type: type[Enum] | str | None = None,
        reduction: str | None = "mean",
        name: str = "lm_as_judge",
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        critic = SelfCritique(
            language_model=language_model,
            prompt_template=prompt_template,
            examples=examples,
            instructions=instructions if instructions is not None else INSTRUCTIONS,
            score_type=score_type,
            return_inputs=False,
            name=f"critic_{name}",
            trainable=False,
            decision_model=self.decision_model,
        )
        super().__init__(critic, reduction, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)
        self.critic = critic
        self._given = {"prompt_template": prompt_template, "instructions": instructions}

    async def judge(self, y_true: Any, y_pred: Any) -> Any:
        """The critic's judgement of the prediction beside its target."""
        return await self.critic(y_pred if y_true is None else y_true.prefix("gold") + y_pred)

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        generator = self.critic.generator
        own = {
            "language_model": serialize_synalinks_object(generator.language_model),
            "examples": [[example["inputs"], example["outputs"]] for example in generator.examples],
            "score_type": scale_config(self.critic.score_type),
            **self._given,
        }
        if self.decision_model is not None:
            own["decision_model"] = serialize_synalinks_object(self.decision_model)
        theirs = ("program", "variables")  # nothing trains the critic
        return {**own, **{name: value for name, value in super().get_config().items() if name not in theirs}}
