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
from synalinks.rewards import BatchReward, Reward


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
        if len(rewards) > 1 and any(isinstance(one, BatchReward) for one in rewards):
            raise ConfigurationError("a BatchReward stands alone: it can't be one of several outputs' rewards")
        return cls(rewards, given, [metric_namespace.get(m) for m in metrics or ()], several)

    @property
    def whole(self) -> BatchReward | None:
        """The reward, if it is one that wants a whole batch."""
        first = self.rewards[0] if self.rewards else None
        return first if isinstance(first, BatchReward) else None

    async def reward(self, y_true: Any, y_pred: Any) -> float:
        """The reward of one sample: for several outputs, the weighted mean of theirs; one reward serves them all."""
        if not self.rewards:
            return 0.0
        if y_pred is None:
            return 0.0
        pairs = self.pairs(y_true, y_pred)
        rewards, weights = self.rewards, self.weights
        if not self.per_output:
            rewards, weights = rewards * len(pairs), weights * len(pairs)
        if len(pairs) != len(rewards):
            raise ConfigurationError(f"{len(rewards)} rewards for a program of {len(pairs)} outputs")
        values = [await reward(*pair) for reward, pair in zip(rewards, pairs, strict=True)]
        if len(values) == 1:
            return values[0]
        return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)

    def pairs(self, y_true: Any, y_pred: Any) -> list[tuple[Any, Any]]:
        """Target and prediction of each output; a program without an answer has one pair.

        Raises:
            ConfigurationError: another number of targets than outputs.
        """
        if not tree.is_nested(y_pred):
            return [(y_true, y_pred)]
        outputs = tree.flatten(y_pred)
        targets = [None] * len(outputs) if y_true is None else tree.flatten(y_true)
        if len(targets) != len(outputs):
            raise ConfigurationError(
                f"the program has {len(outputs)} outputs and an example has {len(targets)} targets; give each example "
                "of y one target per output, as a tuple or dict"
            )
        return list(zip(targets, outputs, strict=True))

    def check_schemas(self, outputs: Any, target: Any) -> None:
        """Refuse masks that name no field of the program's outputs or of a target.

        Raises:
            ConfigurationError: naming the nearest field.
        """
        for whose, given in (("prediction", outputs), ("target", target)):
            if given is None:
                continue
            flat = tree.flatten(given)
            for index, reward in enumerate(self.rewards):
                measured = flat[index : index + 1] if self.per_output else flat
                for value in measured:
                    reward.check_schema(value.get_schema(), whose)
            for metric in self.metrics:
                for value in flat:
                    metric.check_schema(value.get_schema(), whose)

    def names(self) -> list[str]:
        """Names of the metrics for logs; a name that comes again gets `_1`, `_2`, ..."""
        seen: dict[str, int] = {}
        names = []
        for metric in self.metrics:
            count = seen.get(metric.name, 0)
            seen[metric.name] = count + 1
            names.append(metric.name if not count else f"{metric.name}_{count}")
        return names
