"""Scored predictions: predictions recorded under their samples, and the rewards assigned to them.

Rewards are paired with predictions by sample, never by the order in which calls finished.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self, SupportsIndex

from synalinks import _json, scope
from synalinks._base.warning import warn
from synalinks._json import JsonObject
from synalinks.data import Variable
from synalinks.rewards.score import feedback_of

#: Scored predictions a variable keeps, one per distinct input. Bounds the saved file whatever the data set.
PREDICTIONS_KEPT = 64

Record = JsonObject


class Predictions(list[Record]):
    """`current_predictions` of one step: whatever a module adds is stamped with the sample it is for."""

    def append(self, record: Record) -> None:
        """Add a record, under the sample of the task that adds it."""
        super().append(_stamped(record))

    def extend(self, records: Iterable[Record]) -> None:
        """Add records, under the sample of the task that adds them."""
        super().extend(map(_stamped, records))

    def __iadd__(self, records: Iterable[Record]) -> Self:  # type: ignore[override, misc]  # as a list, it takes any
        self.extend(records)
        return self

    def insert(self, index: SupportsIndex, record: Record) -> None:
        """Add a record before another one; their order means nothing."""
        super().insert(index, _stamped(record))


def _stamped(record: Record) -> Record:
    return record if record.get("sample") is not None else {**record, "sample": scope.current().sample}


def begin_step(variable: Variable) -> None:
    """Clear the predictions of the step before."""
    value = variable.get_json()
    value["current_predictions"] = Predictions()
    value["nb_visit"] = 0
    value["cumulative_reward"] = 0.0


def assign_rewards(variable: Variable, rewards: Mapping[int, float]) -> list[Record]:
    """Give each recorded prediction the reward of its sample; returns the scored records in order of samples.

    Args:
        rewards: by sample. A prediction of a sample without a reward is dropped; so is, with a warning, one that was
            put there in another way than by adding it to the list, so that its sample is unknown.
    """
    value = variable.get_json()
    if lost := sum(record.get("sample") is None for record in value["current_predictions"]):
        warn(
            f"{lost} predictions of {variable.path} belong to no sample, so they get no reward: add records to the "
            'list that `state.get("current_predictions")` gives, do not replace it',
        )
    scored = [
        _scored(record, rewards[record["sample"]])
        for record in value["current_predictions"]
        if record.get("sample") in rewards
    ]
    scored.sort(key=lambda record: (record["sample"], _json.canonical(record["inputs"])))
    value["nb_visit"] = len(scored)
    value["cumulative_reward"] = float(sum(record["reward"] for record in scored))
    value["current_predictions"] = Predictions()
    value["predictions"] = keep(value["predictions"], ({k: r[k] for k in _KEPT} for r in scored))
    return scored


def _scored(record: Record, reward: float) -> Record:
    """A record with its reward and, where the reward has words, those."""
    words = feedback_of(reward)
    return {**record, "reward": float(reward), **({} if words is None else {"feedback": words})}


_KEPT = ("inputs", "outputs", "reward")


def keep(known: Iterable[Record], new: Iterable[Record]) -> list[Record]:
    """The best prediction of each distinct input; beyond `PREDICTIONS_KEPT`, the worst and then the oldest go."""
    best: dict[bytes, Record] = {}
    for record in (*known, *new):
        name = _json.canonical(record["inputs"])
        other = best.get(name)
        if other is None or (record["reward"] or 0.0) > (other["reward"] or 0.0):
            best.pop(name, None)
            best[name] = record
    records = list(best.values())
    if len(records) > PREDICTIONS_KEPT:
        newest_first = sorted(range(len(records)), key=lambda i: (-(records[i]["reward"] or 0.0), -i))
        kept = sorted(newest_first[:PREDICTIONS_KEPT])
        records = [records[i] for i in kept]
    return records


def eligible(variable: Variable) -> list[Record]:
    """Scored predictions worth showing as examples: a positive reward, one per distinct input."""
    return [record for record in variable.get_json()["predictions"] if (record["reward"] or 0.0) > 0.0]
