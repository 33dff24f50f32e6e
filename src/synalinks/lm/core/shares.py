"""Shares of the bill of several texts that were embedded together, by their length in UTF-8; they sum to it exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal, getcontext

from synalinks.lm.core.amount import ZERO, AttemptCosts
from synalinks.lm.core.reply import NO_USAGE, USAGE_BUCKETS, Reply, Usage

#: Decimal places, beyond those of the whole, to which a cost is divided.
SHARE_DIGITS = 6


def weights_of(texts: Sequence[str]) -> list[int]:
    """The weight of each text: its bytes, and no less than 1."""
    return [max(1, len(text.encode("utf-8", "surrogatepass"))) for text in texts]


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """`total` split in proportion to `weights`, in whole numbers that sum to it exactly.

    Largest remainder (Hamilton's method); of equal remainders the first in order wins.
    """
    if not sum(weights):
        weights = [1] * len(weights)
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return shares


def apportion_money(total: Decimal | None, weights: Sequence[int]) -> list[Decimal | None]:
    """Dollars split in proportion to `weights`, summing exactly; of an unknown sum all shares are unknown."""
    if total is None:
        return [None] * len(weights)
    _, digits, exponent = total.as_tuple()
    assert isinstance(exponent, int), "a cost is a number"
    # Decimal arithmetic has 28 digits; a cost that uses most of them is divided as finely as it is given.
    places = max(0, -exponent) + (SHARE_DIGITS if len(digits) + SHARE_DIGITS <= getcontext().prec else 0)
    units = int("".join(map(str, digits))) * 10 ** (exponent + places)
    return [Decimal(f"{share}E-{places}") for share in apportion(units, weights)]


def apportion_costs(costs: AttemptCosts, weights: Sequence[int]) -> list[AttemptCosts]:
    """Dollars and tokens of failed attempts split in proportion to `weights`; how many are uncertain is not split."""
    money, tokens = apportion_money(costs.known_cost, weights), apportion(costs.tokens, weights)
    return [AttemptCosts(m or ZERO, t, priced=costs.priced) for m, t in zip(money, tokens, strict=True)]


def apportion_usage(usage: Usage, weights: Sequence[int]) -> list[Usage]:
    """Tokens of every known bucket split in proportion to `weights`."""
    counts: list[dict[str, int]] = [{} for _ in weights]
    for bucket in USAGE_BUCKETS:
        if (total := getattr(usage, bucket)) is not None:
            for count, share in zip(counts, apportion(total, weights), strict=True):
                count[bucket] = share
    return [Usage(**count, raw=None) for count in counts]


def sum_money(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum; unknown if a part is."""
    total = ZERO
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def sum_usage(parts: Iterable[Usage]) -> Usage:
    """The sum of each bucket, as far as known."""
    sums: dict[str, int] = {}
    for part in parts:
        for bucket in USAGE_BUCKETS:
            if (count := getattr(part, bucket)) is not None:
                sums[bucket] = sums.get(bucket, 0) + count
    return Usage(**sums, raw=None) if sums else NO_USAGE


def joined(stored: Reply, live: Reply, missing: Sequence[str], texts: Sequence[str]) -> Reply:
    """One reply of stored and fetched vectors; source, bill and time are those of the batch that was fetched."""
    fetched = dict(zip(missing, live.vectors, strict=True))
    unknown = any(part.usage.total_tokens is None for part in (stored, live))
    return replace(
        live,
        vectors=tuple(vector or fetched[text] for text, vector in zip(texts, stored.vectors, strict=True)),
        usage=NO_USAGE if unknown else sum_usage([stored.usage, live.usage]),
        cost=sum_money([stored.cost, live.cost]),
        failed=stored.failed + live.failed,
        attempts=stored.attempts + live.attempts,
    )
