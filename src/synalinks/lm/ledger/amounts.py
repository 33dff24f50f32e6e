"""What entries of the ledger add to the sums that metrics and counters are made of.

Amounts are numbers, or None where the provider did not say; None is unknown and is not 0.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter

from synalinks.lm.core.call import USAGE_BUCKETS
from synalinks.lm.core.place import labels
from synalinks.lm.ledger.entries import Entry

EntryAmount = int | float | Decimal | None


def _answered(count: Callable[[Entry], EntryAmount]) -> Callable[[Entry], EntryAmount]:
    """An amount that only answers have: a call that failed adds nothing, and is not unknown."""
    return lambda entry: count(entry) if entry.error is None else 0


def _timed(count: Callable[[Entry], EntryAmount]) -> Callable[[Entry], EntryAmount]:
    """An amount of those calls whose time is known."""
    return lambda entry: 0 if entry.latency is None else count(entry)


def _streamed(count: Callable[[Entry], EntryAmount]) -> Callable[[Entry], EntryAmount]:
    """An amount of those calls whose answer was streamed."""
    return lambda entry: 0 if entry.first_token is None else count(entry)


def _written(entry: Entry) -> int | None:
    counts = (entry.usage.input_cache_write_5m, entry.usage.input_cache_write_1h)
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _all_tokens(entry: Entry) -> int | None:
    """Tokens of the answer and of failed attempts, as far as known, as dollars are of both."""
    total = entry.usage.total_tokens if entry.error is None else 0
    return None if total is None else total + entry.failed.tokens


def _of_usage(bucket: str) -> Callable[[Entry], EntryAmount]:
    count = attrgetter(f"usage.{bucket}")
    return _answered(lambda entry: count(entry))


#: Names of the sums of single buckets of usage, by bucket.
USAGE_AMOUNTS = {bucket: f"usage.{bucket}" for bucket in USAGE_BUCKETS}
#: What an entry of the ledger adds to a sum, by the name of the sum.
ENTRY_AMOUNTS: dict[str, Callable[[Entry], EntryAmount]] = {
    "calls": lambda entry: 1,
    "answers": _answered(lambda entry: 1),
    "failed": lambda entry: int(entry.error is not None),
    "stand_ins": lambda entry: int(entry.is_fallback),
    "cache_hits": lambda entry: int(entry.source == "cache"),
    "usd": lambda entry: entry.as_if,
    "input": _answered(lambda entry: entry.usage.input_tokens),
    "output": _answered(lambda entry: entry.usage.output_tokens),
    "total": _all_tokens,
    "cached": _answered(lambda entry: entry.usage.input_cache_read),
    "written": _answered(_written),
    "reasoning": _answered(lambda entry: entry.usage.output_reasoning),
    "vectors": _answered(lambda entry: entry.vectors),
    "seconds": _timed(lambda entry: entry.latency),
    "timed": _timed(lambda entry: 1),
    "timed_input": _timed(lambda entry: entry.usage.input_tokens),
    "timed_output": _timed(lambda entry: entry.usage.output_tokens),
    "timed_vectors": _timed(lambda entry: entry.vectors),
    "streamed": _streamed(lambda entry: 1),
    "first_token": _streamed(lambda entry: entry.first_token),
    "last_token": _streamed(lambda entry: entry.latency),
    **{name: _of_usage(bucket) for bucket, name in USAGE_AMOUNTS.items()},
}


class FirstPieces:
    """For each place, its innermost label aside: when its first call was made, and when its first streamed piece came.

    In a program a place is a sample, and what is measured is the wait until the answer to it begins.

    Example:
        >>> from synalinks.lm import FirstPieces, Ledger
        >>> firsts = FirstPieces()
        >>> for entry in Ledger():
        ...     firsts.add(entry)
        >>> len(firsts), firsts.seconds
        (0, 0)
    """

    def __init__(self) -> None:
        self._begun: dict[tuple[object, ...], float] = {}
        self._heard: dict[tuple[object, ...], float] = {}

    def add(self, entry: Entry) -> None:
        """Take in a call."""
        place = tuple(entry.scope.get(label) for label in labels()[:-1])
        self._begun[place] = min(entry.begun, self._begun.get(place, entry.begun))
        if entry.first_token is not None:
            # What the call waited for comes before the provider's own time.
            heard = entry.begun + max(0.0, entry.seconds - (entry.latency or 0.0)) + entry.first_token
            self._heard[place] = min(heard, self._heard.get(place, heard))

    def __len__(self) -> int:
        return len(self._heard)

    @property
    def seconds(self) -> float:
        """The waits, added up."""
        return sum(heard - self._begun[place] for place, heard in self._heard.items())
