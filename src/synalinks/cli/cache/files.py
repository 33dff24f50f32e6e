"""What the commands on the cache share: where it is, and sums of what is in it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from synalinks.cli.table import price, render, size
from synalinks.lm.cache.entry import Entry
from synalinks.lm.cache.location import Location, default_location
from synalinks.lm.ledger.ledger import Money


class CachePath(click.Path):
    """A folder, or the URL of a Redis server."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and "://" in value:
            return value
        return super().convert(value, param, ctx)


LOCATION = click.argument("location", required=False, type=CachePath(file_okay=False, path_type=Path))


class Sums:
    """What answers add up to."""

    def __init__(self) -> None:

        self.answers = self.tokens_in = self.tokens_out = self.bytes = 0
        self.cost: Money = Money()

    def count(self, entry: Entry, stored: int) -> None:
        """Take in an answer that takes so many bytes."""

        self.answers += 1
        self.tokens_in += entry.reply.usage.input_tokens or 0
        self.tokens_out += entry.reply.usage.output_tokens or 0
        self.bytes += stored
        self.cost += Money.of(entry.reply.as_if)

    def add(self, other: Sums) -> None:
        """Take in other sums."""
        self.answers += other.answers
        self.tokens_in += other.tokens_in
        self.tokens_out += other.tokens_out
        self.bytes += other.bytes
        self.cost += other.cost

    def row(self) -> tuple[str, ...]:
        """The cells of a table, the model's name apart."""
        counts = (self.answers, self.tokens_in, self.tokens_out)
        unknown = f" + {self.cost.unknown:,} unknown" if self.cost.unknown else ""
        return (*(f"{number:,}" for number in counts), f"{price(self.cost.known)}{unknown}", size(self.bytes))


def total_of(sums: Iterable[Sums]) -> Sums:
    """All sums as one."""
    total = Sums()
    for part in sums:
        total.add(part)
    return total


def table(sums: dict[str, Sums]) -> str:
    """A row for each model, and the total."""
    header = ("model", "answers", "tokens in", "tokens out", "cost", "size")
    rows = [(model, *sums[model].row()) for model in sorted(sums)]
    return render(header, rows, ("total", *total_of(sums.values()).row()))


def location_of(location: Location | None) -> Location:
    """The cache that was named, or that of all runs."""

    return default_location() if location is None else location


def day(seconds: float) -> str:
    """A time of storing, for people."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
