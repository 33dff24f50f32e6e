"""The bill as a table for people: plain text that reads the same in a terminal and in a log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synalinks.lm.ledger.entries import Money, Totals

_COLUMNS = ("calls", "hits", "failed", "tokens in", "tokens out", "billed", "as if")
_PLACES = {"cassette": "from the cassette", "cache": "from the cache", "shared": "shared with a call in flight"}
#: From here on cents are enough; below, four places; what even those hide is shown with two digits.
_WHOLE, _LEAST = Decimal(1), Decimal("0.0001")


def dollars_text(amount: Decimal) -> str:
    """`$1.84`, `$0.0420`, `$0.0000`, and `$0.000012` where four places would hide it."""
    size = abs(amount)
    sign = "-" if amount < 0 else ""
    if size >= _WHOLE:
        return f"{sign}${size:,.2f}"
    if size >= _LEAST or not size:
        return f"{sign}${size:.4f}"
    return f"{sign}${size:.{1 - size.adjusted()}f}"


def money_text(total: Totals, live: str = "as if") -> str:
    """Both columns in words: `$0.0000 billed, $1.84 as if`; where a price is unknown, `billed at least ...; as if at
    least ...`."""
    if total.billed.unknown or total.as_if.unknown:
        return f"billed {total.billed}; {live} {total.as_if}"
    return f"{total.billed} billed, {total.as_if} {live}"


def render(
    names: Sequence[str],
    rows: Iterable[tuple[Sequence[Any], Totals]],
    total: Totals,
    sources: Mapping[str, int],
) -> str:
    """The table.

    Args:
        names: of the label columns.
        rows: labels and totals, sorted by label.
        total: of all rows.
        sources: how many calls were answered from where, the live ones left out.
    """
    lines, above = [], None
    for key, totals in rows:
        lines.append(_labels(key, above) + _figures(totals))
        above = key
    last = ["total", *[""] * (len(names) - 1), *_figures(total)]
    header = [*names, *_COLUMNS]
    widths = [max(map(len, column)) for column in zip(header, last, *lines, strict=True)]

    def line(cells: Sequence[str]) -> str:
        fitted = [
            cell.ljust(width) if i < len(names) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(fitted).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(header), rule, *map(line, lines), rule, line(last), "", *_words(total, sources)])


def _labels(key: Sequence[Any], above: Sequence[Any] | None) -> list[str]:
    """The labels of a row, without those at its left that repeat the row above."""
    cells, same = [], above is not None
    for i, part in enumerate(key):
        same = same and i < len(key) - 1 and above is not None and above[i] == part
        cells.append("" if same else "-" if part is None else str(part))
    return cells


def _figures(totals: Totals) -> list[str]:
    counts = (totals.calls, totals.hits, totals.failed, totals.input_tokens, totals.output_tokens)
    return [f"{count:,}" if count else "-" for count in counts] + [_cell(totals.billed), _cell(totals.as_if)]


def _cell(money: Money) -> str:
    if not money.unknown:
        return dollars_text(money.known)
    return f"{dollars_text(money.known)} + ?" if money.known else "?"


def _words(total: Totals, sources: Mapping[str, int]) -> list[str]:
    calls = "1 call" if total.calls == 1 else f"{total.calls:,} calls"
    places = ", ".join(f"{sources[name]:,} {where}" for name, where in _PLACES.items() if sources.get(name))
    parts = [calls + (f" ({places})" if places else "")]
    if total.failed:
        parts.append(f"{total.failed:,} failed")
    if total.uncounted:
        parts.append(f"{total.uncounted:,} without a count of tokens")
    if total.uncertain:
        parts.append(f"{total.uncertain:,} {'answer' if total.uncertain == 1 else 'answers'} perhaps given unseen")
    if total.wasted_tokens or total.wasted.known or total.wasted.unknown:
        parts.append(f"failed attempts: {total.wasted_tokens:,} tokens, {total.wasted}")
    return ["; ".join(parts), money_text(total, "as if live")]
