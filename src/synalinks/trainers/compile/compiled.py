"""What `compile` was given, checked and ready: rewards with weights, metrics, optimizer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synalinks import metrics as metric_namespace
from synalinks import rewards as reward_namespace
from synalinks.data import Operand, schema_of, tree
from synalinks.errors import ConfigurationError
from synalinks.lm import Ledger
from synalinks.metrics import Mean, Metric, OperationalMetric
from synalinks.metrics.operational.metric import Runs
from synalinks.modules.masking.possible import schema_of_fields
from synalinks.rewards import Reward
from synalinks.saving import is_serialized
from synalinks.trainers.compile.feedback import Feedback
from synalinks.trainers.compile.outputs import by_output, is_by_output, names_of

_Schemas = Sequence[Mapping[str, Any]]


@dataclass
class Compiled:
    """Rewards (one, or one per output with its weight) and metrics.

    Attributes:
        rewards, weights: of the outputs at `places`.
        metrics: of the outputs at `measured`, each beside its own; None there: of every output that its masks fit.
        per_output: whether there is a reward for each output, or for some, rather than one for all.
        places, measured: see above.
        outputs: how many outputs rewards were given for; None where one reward serves all.
        output_names: None where they are not known.
        added: whether modules have added rewards of their own.
        tracker: the mean of the rewards of the last pass over data.
        feedback: words of rewards, the newest.
    """

    rewards: list[Reward]
    weights: list[float]
    metrics: list[Metric]
    per_output: bool
    places: list[int]
    measured: list[int | None]
    outputs: int | None = None
    output_names: list[str] | None = None
    _seen: bool = False
    added: bool = False
    tracker: Mean = field(default_factory=lambda: Mean(name="reward"))
    feedback: Feedback = field(default_factory=Feedback)

    @classmethod
    def of(cls, reward: Any, weights: Any, metrics: Any, outputs: Any = None) -> Compiled:
        """From what `compile` takes.

        Args:
            reward, weights, metrics: see `Trainer.compile`.
            outputs: of the program, symbolic, or None.

        Raises:
            ConfigurationError: identifiers that mean nothing, weights that don't fit, a name that no output has.
        """
        names = names_of(outputs)
        several = isinstance(reward, (list, tuple, dict)) and not is_serialized(reward)
        given = by_output(reward, names, "reward") if several else [reward]
        places = [place for place, one in enumerate(given) if one is not None]
        rewards = [reward_namespace.get(given[place]) for place in places]
        chosen = _weights(weights, names, rewards, places, len(given))
        listed = _by_place(metrics, names)
        # As in the reference: the user's instances are not those updated, so two programs may be given one.
        twins = [metric_namespace.get(metric).twin() for _, metric in listed]
        measured = [place for place, _ in listed]
        return cls(rewards, chosen, twins, several, places, measured, len(given) if several else None, names)

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

    @property
    def rewarded(self) -> bool:
        """Whether samples have rewards: a compiled one, or those that modules add."""
        return bool(self.rewards) or self.added

    def number_of(self, reward: Reward) -> int:
        """The place of a reward among those that were given."""
        return next(number for number, one in enumerate(self.rewards) if one is reward)

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
        if self.outputs is None:
            rewards, weights = rewards * len(pairs), weights * len(pairs)
        elif len(pairs) != self.outputs:
            raise ConfigurationError(f"{self.outputs} rewards for a program of {len(pairs)} outputs")
        else:
            pairs = [pairs[place] for place in self.places]
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
            for place, reward in zip(self.places, self.rewards, strict=True):
                measured = flat[place : place + 1] if self.per_output else flat
                for value in measured:
                    _check_reward(reward, schema_of_fields(value), whose, len(measured))
        for of_place, metric in zip(self.measured, self.metrics, strict=True):
            only = slice(None) if of_place is None else slice(of_place, of_place + 1)
            _check_metric(metric, *(_schemas(side)[only] for side in (outputs, target)))

    def names(self) -> list[str]:
        """Names of the metrics for logs; a name that comes again gets `_1`, `_2`, ..."""
        seen: dict[str, int] = {}
        names = []
        for place, metric in zip(self.measured, self.metrics, strict=True):
            name = metric.name if place is None else f"{self._output_name(place)}_{metric.name}"
            count = seen.get(name, 0)
            seen[name] = count + 1
            names.append(name if not count else f"{name}_{count}")
        return names

    @property
    def metrics_as_given(self) -> list[Any]:
        """The metrics; in a list for each output, where they were given so."""
        if not self.metrics or self.measured[0] is None:
            return list(self.metrics)
        outputs = len(self.output_names or ()) or 1 + max(place for place in self.measured if place is not None)
        pairs = list(zip(self.measured, self.metrics, strict=True))
        return [[metric for place, metric in pairs if place == output] for output in range(outputs)]

    def reset_metrics(self) -> None:
        """Let all metrics begin to count anew."""
        for metric in (self.tracker, *self.metrics):
            metric.reset_state()

    def in_order(self, logs: Mapping[str, Any]) -> Any:
        """The values of logs without their names: the reward, then the metrics in the order of `compile`.

        A single value is given as it is, several as a list.
        """
        names = ["reward", *self.names()]

        def rank(log: str) -> int:
            matches = (at for at, name in enumerate(names) if log == name or log.startswith(f"{name}_"))
            return next(matches, len(names))

        values = [logs[name] for name in sorted(logs, key=rank)]
        return values[0] if len(values) == 1 else values

    def _output_name(self, place: int) -> str:
        return f"output_{place}" if self.output_names is None else self.output_names[place]

    def measures(self, number: int, output: int, targets: Sequence[Any], predictions: Sequence[Any]) -> bool:
        """Whether a metric measures an output: the one it was given for, or any that its masks fit.

        Args:
            number: of the metric.
            output: which one.
        """
        place = self.measured[number]
        return measures(self.metrics[number], targets, predictions) if place is None else place == output


def measures(metric: Metric, targets: Sequence[object], predictions: Sequence[object]) -> bool:
    """Whether a metric measures this one of several outputs: its masks, if it has any, name fields of it."""
    shown = next((one for one in (*predictions, *targets) if isinstance(one, Operand)), None)
    return shown is None or _fits(metric, schema_of(shown))


def _weights(
    given: object, names: Sequence[str] | None, rewards: Sequence[Reward], places: Sequence[int], outputs: int
) -> list[float]:
    """A weight for each reward: of as many as there are rewards, or outputs.

    Raises:
        ConfigurationError: weights that don't fit.
    """
    if given is None:
        return [1.0] * len(rewards)
    listed = by_output(given, names, "reward_weights")
    if len(listed) == outputs > len(rewards):
        listed = [listed[place] for place in places]
    weights = [1.0 if one is None else one for one in listed]
    if len(weights) != len(rewards) or not all(0 <= w < math.inf for w in weights) or (weights and not sum(weights)):
        raise ConfigurationError(f"reward_weights={given!r}: one weight, 0 or above, for each of {list(rewards)}")
    return weights


def _by_place(metrics: object, names: Sequence[str] | None) -> list[tuple[int | None, Any]]:
    """Metrics with the place of the output that each was given for; None for no output in particular.

    Raises:
        ConfigurationError: something else than a list or dict, or more lists than outputs.
    """
    if metrics is not None and not isinstance(metrics, (list, tuple, dict)):
        raise ConfigurationError(f"compile(metrics={metrics!r}): a list of metrics is needed; write metrics=[...]")
    if not is_by_output(metrics):
        return [(None, metric) for metric in metrics or () if metric is not None]
    given = by_output(metrics, names, "metrics")
    if names is not None and len(given) != len(names):
        raise ConfigurationError(f"compile(metrics=...) has {len(given)} lists for the outputs {list(names)}")
    several = [one if isinstance(one, (list, tuple)) else [one] for one in given]
    return [(place, metric) for place, of_output in enumerate(several) for metric in of_output if metric is not None]


def _check_reward(reward: Reward, schema: Mapping[str, object], whose: str, serves: int) -> None:
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


def _schemas(values: object) -> _Schemas:
    return [] if values is None else [schema_of_fields(value) for value in tree.flatten(values)]


def _fits(metric: Metric, schema: Mapping[str, object]) -> bool:
    try:
        metric.check_schema(schema, "prediction")
    except ConfigurationError:
        return False
    return True
