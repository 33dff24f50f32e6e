"""What `compile` was given, checked and ready: rewards with weights, metrics, optimizer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synalinks import metrics as metric_namespace
from synalinks import rewards as reward_namespace
from synalinks.data import Operand, schema_of, tree
from synalinks.errors import ConfigurationError
from synalinks.lm import Ledger
from synalinks.metrics import Metric, OperationalMetric
from synalinks.metrics.operational.metric import Runs
from synalinks.rewards import Reward

_Schemas = Sequence[Mapping[str, Any]]


@dataclass
class Compiled:
    """Rewards (one, or one per output with its weight) and metrics."""

    rewards: list[Reward]
    weights: list[float]
    metrics: list[Metric]
    per_output: bool
    _seen: bool = False

    @classmethod
    def of(cls, reward: Any, weights: Sequence[float] | None, metrics: Sequence[Any] | None) -> Compiled:
        """From what `compile` takes.

        Raises:
            ConfigurationError: identifiers that mean nothing, weights that don't fit.
        """
        several = isinstance(reward, (list, tuple, dict))
        rewards = [reward_namespace.get(r) for r in (tree.flatten(reward) if several else [reward]) if r is not None]
        given = list(weights) if weights is not None else [1.0] * len(rewards)
        if len(given) != len(rewards) or not all(0 <= w < math.inf for w in given) or (given and not sum(given)):
            raise ConfigurationError(f"reward_weights={weights!r}: one weight, 0 or above, for each of {rewards}")
        # As in the reference: the user's instances are not those updated, so two programs may be given one.
        return cls(rewards, given, [metric_namespace.get(m).twin() for m in metrics or () if m is not None], several)

    def bind(self, program: Runs) -> None:
        """Have operational metrics look at the runs of a program."""
        for metric in self.metrics:
            if isinstance(metric, OperationalMetric):
                metric.bind_program(program)

    def late_logs(self, ledger: Ledger, epoch: int) -> dict[str, Any]:
        """What the optimizer's calls of an epoch come to with those of its end, after the validation."""
        named = zip(self.names(), self.metrics, strict=True)
        late = [(name, one) for name, one in named if isinstance(one, OperationalMetric) and one.phase == "optimizer"]
        calls = ledger.filter(epoch=epoch, phase="optimizer") if late else ledger
        return {name: metric.over(calls) for name, metric in late}

    def by_output(self, y_true: Any, y_pred: Any) -> list[tuple[Reward, float, Any, Any]]:
        """Reward, weight, target and prediction of each output of one sample; one reward serves all outputs.

        There is none without a prediction, or without rewards.

        Raises:
            ConfigurationError: another number of rewards, or of targets, than outputs; at the first prediction, masks
                that name no field of it.
        """
        if not self.rewards or y_pred is None:
            return []
        pairs = self.pairs(y_true, y_pred)
        rewards, weights = self.rewards, self.weights
        if not self.per_output:
            rewards, weights = rewards * len(pairs), weights * len(pairs)
        if len(pairs) != len(rewards):
            raise ConfigurationError(f"{len(rewards)} rewards for a program of {len(pairs)} outputs")
        if not self._seen and all(prediction is not None for _, prediction in pairs):
            self._seen = True
            self.check_schemas(y_pred, None)
        return [(r, w, *pair) for r, w, pair in zip(rewards, weights, pairs, strict=True)]

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

    def columns(self, targets: Sequence[Any], predictions: Sequence[Any]) -> list[tuple[list[Any], list[Any]]]:
        """Targets and predictions of each output over a batch; a sample without an answer has None everywhere.

        Shapes: `(batch,)` each.

        Raises:
            ConfigurationError: another number of targets than outputs.
        """
        nested = [one for one in (*predictions, *targets) if tree.is_nested(one)]
        none = [None] * len(tree.flatten(nested[0])) if nested else None
        rows = [
            self.pairs(y, none if prediction is None else prediction)
            for y, prediction in zip(targets, predictions, strict=True)
        ]
        columns = [list(zip(*column, strict=True)) for column in zip(*rows, strict=True)]
        return [(list(wanted), list(found)) for wanted, found in columns]

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
                    _check_reward(reward, value.get_schema(), whose, len(measured))
        for metric in self.metrics:
            _check_metric(metric, *(_schemas(side) for side in (outputs, target)))

    def names(self) -> list[str]:
        """Names of the metrics for logs; a name that comes again gets `_1`, `_2`, ..."""
        seen: dict[str, int] = {}
        names = []
        for metric in self.metrics:
            count = seen.get(metric.name, 0)
            seen[metric.name] = count + 1
            names.append(metric.name if not count else f"{metric.name}_{count}")
        return names


def measures(metric: Metric, targets: Sequence[Any], predictions: Sequence[Any]) -> bool:
    """Whether a metric measures this one of several outputs: its masks, if it has any, name fields of it."""
    shown = next((one for one in (*predictions, *targets) if isinstance(one, Operand)), None)
    return shown is None or _fits(metric, schema_of(shown))


def _check_reward(reward: Reward, schema: Mapping[str, Any], whose: str, serves: int) -> None:
    try:
        reward.check_schema(schema, whose)
    except ConfigurationError as error:
        if serves < 2:
            raise
        raise ConfigurationError(
            f"{error}. One reward serves all {serves} outputs here; to reward each by its own fields, or some alone, "
            "give compile one reward per output: reward=[..., ...], and reward_weights"
        ) from error


def _check_metric(metric: Metric, outputs: _Schemas, targets: _Schemas) -> None:
    """Refuse masks that fit no output, or not the targets of those outputs that they fit.

    Raises:
        ConfigurationError: naming the nearest field; of several outputs without it the first is named.
    """
    places: list[int] | None = None
    for whose, schemas in (("prediction", outputs), ("target", targets)):
        measured = places if places is not None and len(outputs) == len(schemas) else range(len(schemas))
        fitting = [place for place in measured if _fits(metric, schemas[place])]
        if schemas and len(fitting) < (1 if places is None else len(measured)):
            metric.check_schema(schemas[next(place for place in measured if place not in fitting)], whose)
        places = fitting if schemas else None


def _schemas(values: Any) -> _Schemas:
    return [] if values is None else [value.get_schema() for value in tree.flatten(values)]


def _fits(metric: Metric, schema: Mapping[str, Any]) -> bool:
    try:
        metric.check_schema(schema, "prediction")
    except ConfigurationError:
        return False
    return True
