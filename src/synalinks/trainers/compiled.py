"""What `compile` was given, checked and ready: rewards with weights, metrics, optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from synalinks import metrics as metric_namespace
from synalinks import rewards as reward_namespace
from synalinks.data import tree
from synalinks.errors import ConfigurationError
from synalinks.metrics import Metric
from synalinks.rewards import Reward


@dataclass
class Compiled:
    """Rewards (one, or one per output with its weight) and metrics."""

    rewards: list[Reward]
    weights: list[float]
    metrics: list[Metric]
    per_output: bool

    @classmethod
    def of(cls, reward: Any, weights: Sequence[float] | None, metrics: Sequence[Any] | None) -> Compiled:
        """From what `compile` takes.

        Raises:
            ConfigurationError: identifiers that mean nothing, weights that don't fit.
        """
        several = isinstance(reward, (list, tuple, dict))
        rewards = [reward_namespace.get(r) for r in (tree.flatten(reward) if several else [reward]) if r is not None]
        given = list(weights) if weights is not None else [1.0] * len(rewards)
        if len(given) != len(rewards) or any(w < 0 for w in given) or (given and not sum(given)):
            raise ConfigurationError(f"reward_weights={weights!r}: one weight, 0 or above, for each of {rewards}")
        return cls(rewards, given, [metric_namespace.get(m) for m in metrics or ()], several)

    async def reward(self, y_true: Any, y_pred: Any) -> float:
        """The reward of one sample: for several outputs, the weighted mean of theirs."""
        if not self.rewards:
            return 0.0
        if not self.per_output:
            return await self.rewards[0](y_true, y_pred)
        if y_pred is None:
            return 0.0
        pairs = list(zip(tree.flatten(y_true), tree.flatten(y_pred), strict=True))
        if len(pairs) != len(self.rewards):
            raise ConfigurationError(f"{len(self.rewards)} rewards for a program of {len(pairs)} outputs")
        values = [await reward(*pair) for reward, pair in zip(self.rewards, pairs, strict=True)]
        total = sum(self.weights)
        return sum(v * w for v, w in zip(values, self.weights, strict=True)) / total

    def check_schemas(self, outputs: Any, target: Any) -> None:
        """Refuse masks that name no field of the program's outputs or of a target.

        Raises:
            ConfigurationError: naming the nearest field.
        """
        if outputs is None:
            return
        flat = tree.flatten(outputs)
        for index, reward in enumerate(self.rewards):
            output = flat[index] if self.per_output and index < len(flat) else flat[0]
            reward.check_schema(output.get_schema(), "prediction")
            if target is not None and not self.per_output:
                reward.check_schema(target.get_schema(), "target")
        for metric in self.metrics:
            if len(flat) == 1:
                metric.check_schema(flat[0].get_schema(), "prediction")
                if target is not None:
                    metric.check_schema(target.get_schema(), "target")

    def names(self) -> list[str]:
        """Names of the metrics for logs; a name that comes again gets `_1`, `_2`, ..."""
        seen: dict[str, int] = {}
        names = []
        for metric in self.metrics:
            count = seen.get(metric.name, 0)
            seen[metric.name] = count + 1
            names.append(metric.name if not count else f"{metric.name}_{count}")
        return names
