"""ProgramAsJudge: a program that scores predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synalinks._base.warning import warn
from synalinks._json import Json, JsonObject
from synalinks.data import Variable
from synalinks.errors import ConfigurationError
from synalinks.lm import use_ledger
from synalinks.modules import LMWarning
from synalinks.rewards.reward import Reward
from synalinks.rewards.score import Score
from synalinks.saving import serialize_synalinks_object


class ProgramAsJudge(Reward):
    """The `reward` field of what a program makes of a target and a prediction.

    The program is called with the list `[y_true, y_pred]`; without a target its first input is None.

    Args:
        program: a program of two inputs, or any module that takes such a list.
        name, reduction, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Reward`.

    Raises:
        ConfigurationError: what is given can't be called.

    Example:
        >>> class Judgement(synalinks.DataModel):
        ...     reward: float
        ...
        >>> async def judge(inputs):
        ...     return Judgement(reward=0.8)
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> reward = synalinks.rewards.ProgramAsJudge(judge, name="judge")
        >>> asyncio.run(reward(None, Answer(answer="red")))
        0.8
    """

    def __init__(
        self,
        program: Any,
        reduction: str | None = "mean",
        name: str | None = None,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        super().__init__(name, reduction, in_mask, out_mask, in_mask_pattern, out_mask_pattern)
        if not callable(program):
            raise ConfigurationError(f"{type(self).__name__} takes a program of two inputs, got {program!r}")
        self.program = program
        self._saved: list[Json] = []

    async def call(self, y_true: Any, y_pred: Any) -> float:
        """The program's answer; 0, with a warning, where it has none.

        Raises:
            ConfigurationError: its answer has no field `reward`.
        """
        if not y_pred.get_json():
            return 0.0
        await self._put_back([y_true, y_pred])
        with use_ledger() as calls:
            answer = await self.judge(y_true, y_pred)
        if answer is None:
            if not any(entry.error for entry in calls):  # of a call that failed, its model has warned
                warn(f"the judge {self.name!r} gave no answer, so the prediction scores 0", LMWarning)
            return 0.0
        value = answer.get_json()
        if "reward" not in value:
            raise ConfigurationError(
                f"the judge {self.name!r} answers with {list(value)}; it must have a field `reward`, in [0, 1]"
            )
        critique = value.get("critique")
        return Score(value["reward"], critique if isinstance(critique, str) and critique else None)

    async def judge(self, y_true: Any, y_pred: Any) -> Any:
        """The judgement of one masked prediction, or None if it failed for good."""
        return await self.program([y_true, y_pred])

    def get_config(self) -> JsonObject:
        """The constructor's arguments, and what the program's variables hold: a judge may have been trained."""
        config = {"program": serialize_synalinks_object(self.program), **super().get_config()}
        values = self._saved or [variable.get_json() for variable in getattr(self.program, "variables", ())]
        return {**config, "variables": values} if values else config

    @classmethod
    def from_config(cls, config: Mapping[str, Json]) -> Any:
        """The judge that `get_config` described, its variables as they were.

        Raises:
            ConfigurationError: the program has other variables.
        """
        made = super().from_config({name: value for name, value in config.items() if name != "variables"})
        made._saved = list(config.get("variables", ()))
        made._assign_saved()
        return made

    async def _put_back(self, inputs: list[object]) -> None:
        """Give variables that are made at the first call the values they were saved with."""
        if not self._saved:
            return
        if hasattr(self.program, "build_whole"):
            await self.program.build_whole(inputs)
        self._assign_saved(at_last=True)

    def _assign_saved(self, at_last: bool = False) -> None:
        """Give the program's variables the values they were saved with, in their order.

        Raises:
            ConfigurationError: it has other variables; for a program that is not built yet, only `at_last`.
        """
        if not self._saved:
            return
        variables: list[Variable] = getattr(self.program, "variables", [])
        if len(variables) != len(self._saved) or not all(
            value.keys() <= variable.get_schema().get("properties", {}).keys()
            for variable, value in zip(variables, self._saved, strict=True)
        ):
            if not at_last and not variables:
                return
            raise ConfigurationError(
                f"the judge {self.name!r} was saved with {len(self._saved)} variables, and its program has "
                f"{len(variables)}, or such of other fields; load it with the program it was saved with"
            )
        for variable, value in zip(variables, self._saved, strict=True):
            variable.assign({**variable.get_json(), **value})
        self._saved = []
