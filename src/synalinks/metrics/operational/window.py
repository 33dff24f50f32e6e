"""Window: the sums of one operational metric over calls, added up as the calls come in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from synalinks.lm import ENTRY_AMOUNTS, Entry, FirstPieces
from synalinks.metrics.exact import ExactSum
from synalinks.metrics.operational.table import OF_PROGRAM, Row


class Window:
    """The sums that a row of the table is made of. Time and memory do not grow with the calls already taken in."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self._calls = 0
        self._sums = {name: ExactSum() for name in row.sums if name in ENTRY_AMOUNTS}
        self._busy = _BusyTime() if "busy" in row.sums else None
        self._firsts = FirstPieces() if "trajectories" in row.sums else None

    def take(self, entries: Iterable[Entry]) -> None:
        """Take in calls that ended after those before."""
        for entry in sorted(entries, key=_ended):
            self._calls += 1
            for name, total in self._sums.items():
                total.add(ENTRY_AMOUNTS[name](entry))
            if self._busy is not None:
                self._busy.add(entry.begun, _ended(entry))
            if self._firsts is not None:
                self._firsts.add(entry)

    def figure(self, of_program: Mapping[str, float]) -> float | None:
        """The sum, or the ratio of sums; None if a part is unknown, or if no call says; 0 where nothing was called.

        Args:
            of_program: what the table's sums over invocations come to.
        """
        above = self._amount(self.row.numerator, of_program)
        if self.row.denominator is None or above is None:
            return above
        below = self._amount(self.row.denominator, of_program)
        if below:
            return above / below
        return 0.0 if below == 0 and not self._calls else None

    def _amount(self, name: str, of_program: Mapping[str, float]) -> float | None:
        if name in OF_PROGRAM:
            return of_program[name]
        if name == "busy" and self._busy is not None:
            return self._busy.seconds
        if self._firsts is not None:
            return float(len(self._firsts)) if name == "trajectories" else self._firsts.seconds
        return self._sums[name].exact


def _ended(entry: Entry) -> float:
    return entry.begun + entry.seconds


class _BusyTime:
    """Seconds in which at least one call was under way: the length of a union of intervals.

    They come in the order of their ends, so those that a new one touches are the last ones.
    """

    def __init__(self) -> None:
        self._spans: list[tuple[float, float]] = []

    def add(self, begun: float, ended: float) -> None:
        while self._spans and self._spans[-1][1] >= begun:
            first, last = self._spans.pop()
            begun, ended = min(begun, first), max(ended, last)
        self._spans.append((begun, ended))

    @property
    def seconds(self) -> float:
        return sum(ended - begun for begun, ended in self._spans)
