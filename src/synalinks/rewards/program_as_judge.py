"""ProgramAsJudge: a program that scores predictions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from synalinks.errors import ConfigurationError
from synalinks.modules import LMWarning
from synalinks.rewards.reward import Reward
from synalinks.saving import serialize_synalinks_object


class ProgramAsJudge(Reward):
    """The `reward` field of what a program makes of a target and a prediction.

    The program is called with the list `[y_true, y_pred]`; without a target its first input is None.

    Args:
        program: a program of two inputs, or any module that takes such a list.
        name, reduction, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Reward`.

    Raises:
        ConfigurationError: what is given can't be called.
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

    async def call(self, y_true: Any, y_pred: Any) -> float:
        """What the program says; 0, with a warning, where it has no answer.

        Raises:
            ConfigurationError: its answer has no field `reward`.
        """
        if not y_pred.get_json():
            return 0.0
        answer = await self.judge(y_true, y_pred)
        if answer is None:
            warnings.warn(
                f"the judge {self.name!r} gave no answer, so the prediction scores 0", LMWarning, stacklevel=2
            )
            return 0.0
        value = answer.get_json()
        if "reward" not in value:
            raise ConfigurationError(
                f"the judge {self.name!r} answers with {list(value)}; it must have a field `reward`, in [0, 1]"
            )
        return float(value["reward"])

    async def judge(self, y_true: Any, y_pred: Any) -> Any:
        """The judgement of one masked prediction, or None if it failed for good."""
        return await self.program([y_true, y_pred])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"program": serialize_synalinks_object(self.program), **super().get_config()}
