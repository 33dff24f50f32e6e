"""HardExamples: a buffer of inputs that keep scoring badly; and the best and worst predictions of a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from synalinks import _json
from synalinks._json import Json
from synalinks.optimizers.scored_predictions import Record

#: Distinct inputs whose scores are kept; the ones seen longest ago go first.
REMEMBERED = 512


@dataclass
class _Seen:
    count: int
    total: float
    record: Record


class HardExamples:
    """Inputs that keep scoring badly, by mean reward over repeated observations.

    Args:
        min_observations: how often an input must have been seen to count.
    """

    def __init__(self, min_observations: int) -> None:
        self._min_observations = min_observations
        self._seen: dict[bytes, _Seen] = {}
        self._hard: dict[bytes, _Seen] = {}  # those seen often enough that did not always score fully

    def observe(self, records: Sequence[Record]) -> None:
        """Take in scored predictions."""
        for record in records:
            name = _json.canonical(record["inputs"])
            known = self._seen.pop(name, None)
            count, total = (known.count, known.total) if known else (0, 0.0)
            self._keep(name, _Seen(count + 1, total + float(record["reward"]), record))
        while len(self._seen) > REMEMBERED:
            oldest = next(iter(self._seen))
            del self._seen[oldest]
            self._hard.pop(oldest, None)

    def _keep(self, name: bytes, seen: _Seen) -> None:
        self._seen[name] = seen
        self._hard.pop(name, None)
        if seen.count >= self._min_observations and seen.total < seen.count:
            self._hard[name] = seen

    def get_state(self) -> list[Json]:
        """What was observed, as JSON, in the order in which it would be dropped."""
        return [[seen.count, seen.total, seen.record] for seen in self._seen.values()]

    def set_state(self, state: Sequence[Any]) -> None:
        """Restore what `get_state` gave."""
        self._seen, self._hard = {}, {}
        for count, total, record in state:
            self._keep(_json.canonical(record["inputs"]), _Seen(count, total, record))

    def hardest(self, count: int) -> list[Record]:
        """Up to `count` last predictions of the inputs with the lowest mean reward, below 1."""
        ordered = sorted(self._hard.values(), key=lambda seen: seen.total / seen.count)
        return [seen.record for seen in ordered[:count]]


def best(records: Sequence[Record], count: int) -> list[Record]:
    """The best predictions that scored at all."""
    ordered = sorted(records, key=lambda record: -record["reward"])
    return [record for record in ordered if record["reward"] > 0.0][:count]


def worst(records: Sequence[Record], count: int) -> list[Record]:
    """The worst predictions that did not score fully."""
    ordered: list[Json] = sorted(records, key=lambda record: record["reward"])
    return [record for record in ordered if record["reward"] < 1.0][:count]
