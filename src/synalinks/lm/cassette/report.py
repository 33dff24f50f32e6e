"""How a run fitted its cassette: what played at its own place, what moved, what is missing and would cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from synalinks.lm.cassette.rows import Row
from synalinks.lm.core.call import ZERO, Reply, Request
from synalinks.lm.core.dollars import dollars_text

#: The most a live answer to a request can cost in dollars, or None if that is unknown.
Bound = Callable[[Request], Decimal | None]


@dataclass(frozen=True, slots=True)
class Report:
    """Counts of a run's calls under a cassette, and the price of those that the cassette lacks.

    Attributes:
        exact: calls that got the answer recorded at their own place; where there is one answer only
            (temperature 0, embeddings) that one belongs to every place.
        moved: calls that got an answer recorded at another place.
        near: calls that are not on the cassette, but a request like theirs is: the miss shows how they differ.
        missing: calls that are not on the cassette, and nothing like them.
        recorded: calls that were asked and recorded.
        unplayed: rows that no call has taken yet.
        expected: dollars that near and missing calls would cost, by the mean of the rows of the same model.
        rows: how many rows that mean is taken of.
        bounded: dollars, at most, of those whose model has no row on the cassette.
        unpriced: those of which not even that is known.
    """

    exact: int = 0
    moved: int = 0
    near: int = 0
    missing: int = 0
    recorded: int = 0
    unplayed: int = 0
    expected: Decimal = ZERO
    rows: int = 0
    bounded: Decimal = ZERO
    unpriced: int = 0

    @property
    def price(self) -> Decimal | None:
        """Dollars to ask for what is near or missing: expected, or at most; None if part of it is unknown."""
        return None if self.unpriced else self.expected + self.bounded

    @property
    def price_text(self) -> str:
        """What asking for what is missing costs, and how that is known."""
        parts = []
        if self.rows:
            parts.append(f"about {dollars_text(self.expected)} (mean of {_count(self.rows, 'row')} of the same model)")
        if self.bounded:
            parts.append(f"at most {dollars_text(self.bounded)} (no row of that model)")
        if self.unpriced:
            parts.append(f"an unknown price for {_count(self.unpriced, 'call')}")
        return " and ".join(parts) or "$0.0000"

    def __str__(self) -> str:
        text = f"{self.exact:,} exact, {self.moved:,} moved, {self.near:,} near, {self.missing:,} missing"
        if self.recorded:
            text += f", {self.recorded:,} recorded"
        if self.near or self.missing:
            text += f"; asking for what is missing costs {self.price_text}"
        return text


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


class Tally:
    """The counts in the making: of calls that the cassette answered, `exact` and `moved`. Calls that it lacks are kept
    until they are priced."""

    def __init__(self) -> None:
        self.exact = self.moved = self.near = self.missing = 0
        self._missed: list[Request] = []

    def missed(self, request: Request, *, near: bool) -> None:
        """Count a call that it could not answer."""
        if near:
            self.near += 1
        else:
            self.missing += 1
        self._missed.append(request)

    def report(self, rows: Iterable[Row], bound: Bound, *, recorded: int, unplayed: int) -> Report:
        """The counts now, with prices from the rows of the cassette, else from `bound`."""
        expected, used, bounded, unpriced = ZERO, 0, ZERO, 0
        costs = _costs(rows, {(request.kind, request.model) for request in self._missed})
        for known in costs.values():
            used += len(known)
        for request in self._missed:
            known = costs.get((request.kind, request.model), ())
            if known:
                expected += sum(known, ZERO) / len(known)
            elif (most := bound(request)) is not None:
                bounded += most
            else:
                unpriced += 1
        return Report(
            exact=self.exact,
            moved=self.moved,
            near=self.near,
            missing=self.missing,
            recorded=recorded,
            unplayed=unplayed,
            expected=expected,
            rows=used,
            bounded=bounded,
            unpriced=unpriced,
        )


def _costs(rows: Iterable[Row], wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Sequence[Decimal]]:
    """What the answers of each kind and model cost, failed attempts included, where that is known."""
    costs: dict[tuple[str, str], list[Decimal]] = {}
    if not wanted:
        return {}
    for row in rows:
        key = (row.value["request"]["kind"], row.value["request"]["model"])
        if key not in wanted or "reply" not in row.value:
            continue
        if (cost := Reply.from_dict(row.value["reply"], "cassette").as_if) is not None:
            costs.setdefault(key, []).append(cost)
    return dict(costs)
