"""ExactMatch: 1 if what counts of the prediction equals what counts of the target, else 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from synalinks._json import JsonObject
from synalinks.rewards.reward import RewardFunctionWrapper


async def exact_match(y_true: Any, y_pred: Any) -> float:
    """1.0 if both are the same JSON, else 0.0; a missing one never matches."""
    if y_true is None or y_pred is None:
        return 0.0
    return 1.0 if y_true.get_json() == y_pred.get_json() else 0.0


class ExactMatch(RewardFunctionWrapper):
    """1 if the masked prediction equals the masked target as JSON, else 0.

    Args: see `Reward`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     thinking: str
        ...     answer: int
        ...
        >>> reward = synalinks.rewards.ExactMatch(in_mask=["answer"])
        >>> asyncio.run(reward(Answer(thinking="2 + 2", answer=4), Answer(thinking="", answer=4)))
        1.0
    """

    needs_target: ClassVar[bool] = True

    def __init__(
        self,
        name: str = "exact_match",
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        super().__init__(
            exact_match,
            name=name,
            in_mask=in_mask,
            out_mask=out_mask,
            in_mask_pattern=in_mask_pattern,
            out_mask_pattern=out_mask_pattern,
        )

    def get_config(self) -> JsonObject:
        """Name and masks."""
        return {"name": self.name, **self.masks.config}
