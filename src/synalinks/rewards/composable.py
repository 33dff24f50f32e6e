"""ComposableReward: several rewards of one prediction, as their weighted mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from synalinks._concurrency import run_all
from synalinks._json import Json, JsonObject
from synalinks.errors import ConfigurationError
from synalinks.rewards.lookup import get
from synalinks.rewards.reward import Reward
from synalinks.rewards.score import weighted
from synalinks.saving import serialize_synalinks_object


class ComposableReward(Reward):
    """The weighted mean of several rewards of one prediction, in [0, 1].

    Each reward applies its own masks to what this one's leave.

    Args:
        rewards: rewards, names or functions.
        weights: one for each, 0 or above; equal where None.
        name, reduction, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Reward`.

    Raises:
        ConfigurationError: no rewards, or weights that don't fit.

    Example:
        >>> def short(y_true, y_pred):
        ...     return float(len(y_pred.get("answer")) <= 3)
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> reward = synalinks.rewards.ComposableReward(["exact_match", short], weights=[3, 1])
        >>> asyncio.run(reward(Answer(answer="blue"), Answer(answer="red")))
        0.25
    """

    def __init__(
        self,
        rewards: Sequence[object],
        weights: Sequence[float] | None = None,
        name: str = "composable_reward",
        reduction: str | None = "mean",
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        super().__init__(name, reduction, in_mask, out_mask, in_mask_pattern, out_mask_pattern)
        self.rewards: list[Reward] = [get(one) for one in rewards if one is not None]
        self.weights = [1.0] * len(self.rewards) if weights is None else [float(weight) for weight in weights]
        if not self.rewards:
            raise ConfigurationError("ComposableReward(rewards=[]): give at least one reward")
        fits = len(self.weights) == len(self.rewards) and min(self.weights) >= 0
        if not fits or not 0 < math.fsum(self.weights) < math.inf:
            raise ConfigurationError(
                f"ComposableReward(weights={weights!r}): one weight, 0 or above, for each of {self.rewards}"
            )

    async def call(self, y_true: Any, y_pred: Any) -> float:
        """The weighted mean of the rewards, which are computed concurrently."""
        values = await run_all(reward(y_true, y_pred) for reward in self.rewards)
        return weighted(values, self.weights)

    def check_schema(self, schema: Mapping[str, Json], whose: str) -> None:
        """Refuse masks, those of its parts included, that name no field of a prediction or of a target."""
        super().check_schema(schema, whose)
        for reward in self.rewards:
            reward.check_schema(schema, whose)

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {"rewards": serialize_synalinks_object(self.rewards), "weights": self.weights, **super().get_config()}
