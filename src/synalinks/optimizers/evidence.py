"""Evidence: predictions recorded under their samples, and the rewards assigned to them.

Rewards are paired with predictions by sample, never by the order in which things happened to finish.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from synalinks import _json, scope
from synalinks.data import Variable

#: Scored predictions a variable keeps, one per distinct input. Bounds the saved file whatever the data set.
PREDICTIONS_KEPT = 64

Record = dict[str, Any]


class Predictions(list[Record]):
    """`current_predictions` of one step: whatever a module appends is stamped with the sample it is for."""

    def append(self, record: Record) -> None:
        """Add a record, under the sample of the task that adds it."""
        if record.get("sample") is None:
            record = {**record, "sample": scope.current().sample}
        super().append(record)


def begin_step(variable: Variable) -> None:
    """Empty the variable's evidence of the step before."""
    value = variable.get_json()
    value["current_predictions"] = Predictions()
    value["nb_visit"] = 0
    value["cumulative_reward"] = 0.0


def assign_rewards(variable: Variable, rewards: Mapping[int, float]) -> list[Record]:
    """Give each recorded prediction the reward of its sample; returns the scored records in order of samples.

    Args:
        rewards: by sample. A prediction of a sample without a reward is dropped.
    """
    value = variable.get_json()
    scored = [
        {**record, "reward": rewards[record["sample"]]}
        for record in value["current_predictions"]
        if record.get("sample") in rewards
    ]
    scored.sort(key=lambda record: (record["sample"], _json.canonical(record["inputs"])))
    value["nb_visit"] = len(scored)
    value["cumulative_reward"] = float(sum(record["reward"] for record in scored))
    value["current_predictions"] = Predictions()
    value["predictions"] = keep(value["predictions"], ({k: r[k] for k in _KEPT} for r in scored))
    return scored


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
