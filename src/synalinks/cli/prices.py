"""`synalinks prices`: what models cost, and who says so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import click

from synalinks.cli.table import render
from synalinks.lm.pricing.pricing import Price, price_from
from synalinks.lm.pricing.table import Row, price_table
from synalinks.lm.providers.registry import is_local

_COLUMNS = (
    ("input", "input"),
    ("output", "output"),
    ("cache_read", "cache read"),
    ("cache_write", "cache write"),
    ("cache_write_1h", "cache write 1h"),
    ("input_audio", "audio in"),
)
_HEADER = ("model", "of prompts", *(title for _, title in _COLUMNS))


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.pass_context
def prices(ctx: click.Context, models: tuple[str, ...]) -> None:
    """Show what models cost, in dollars per million tokens.

    The prices are those of the table in the package, which was made from published data on the day it names;
    nothing is fetched. A program states other prices with `synalinks.set_price`. The command fails if the price
    of a MODEL is unknown.
    """
    table, today = price_table(), datetime.now(UTC).date()
    lines: list[tuple[str, ...]] = []
    notes: list[str] = []
    unknown = False
    for model in dict.fromkeys(models):
        row = table.find(model)
        price = None if row is None else price_from(row.rates(today))
        if is_local(model):
            notes.append(
                f"{model} runs on the user's own machine and costs nothing, unless the program says "
                f"synalinks.set_price({model!r}, per_hour=...)"
            )
        elif row is None or price is None:
            unknown = True
            notes.append(_unknown(model, table.near(model)))
        else:
            lines += _lines(model, price)
            notes += _notes(model, row, today)
    if lines:
        click.echo("Dollars per million tokens:\n\n" + render(_HEADER, lines) + "\n")
        click.echo(f"Table of {table.checked}, made from {table.source} ({table.licence}).")
    click.echo("\n".join(notes))
    if unknown:
        ctx.exit(1)


def _lines(model: str, price: Price) -> Iterator[tuple[str, ...]]:
    steps = "" if price.long_from is None else f"up to {price.long_from:,} tokens"
    yield (model, steps, *_cells(price))
    if price.long is not None and price.long_from is not None:
        yield ("", f"over {price.long_from:,} tokens", *_cells(price.long))


def _cells(price: Price) -> Iterator[str]:
    for name, _ in _COLUMNS:
        amount: Decimal | None = getattr(price, name)
        yield "" if amount is None else _dollars(amount)


def _dollars(amount: Decimal) -> str:
    """All digits of a price, and cents at least."""
    exact = f"{amount.normalize():f}"
    return f"${exact}" if len(exact.partition(".")[2]) > 2 else f"${amount:.2f}"


def _notes(model: str, row: Row, today: date) -> Iterator[str]:
    row_of = "" if row.model == model else f"; the row of {row.model}"
    yield f"{model}: {row.source}, by the data of {row.checked}{row_of}"
    if row.note:
        yield f"{model}: {row.note}"
    if (change := row.change(today)) is not None:
        start, rates = change
        known = [f"{title} {_dollars(rates[name])}" for name, title in _COLUMNS if name in rates] if rates else []
        yield f"{model}: from {start} on: {', '.join(known) or 'unknown'}"


def _unknown(model: str, near: list[str]) -> str:
    like = f" Names like it: {', '.join(near)}." if near else ""
    if model.startswith("openrouter/"):
        reported = " OpenRouter reports the cost of every answer itself, and that is what the bill shows."
    else:
        reported = ""
    return (
        f"{model}: the price is unknown.{reported}{like} State it in the program, in dollars per million tokens:\n"
        f"  synalinks.set_price({model!r}, input=..., output=...)"
    )
