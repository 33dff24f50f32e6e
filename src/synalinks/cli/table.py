"""Tables, counts, prices and sizes as the commands print them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from synalinks.lm.core.dollars import dollars_text
from synalinks.lm.tables import text_table

#: Columns of numbers, which stand to the right.
NUMBERS = (
    frozenset({"answers", "rows", "calls", "failed", "tokens in", "tokens out", "cost", "size", "line", "draw"})
    | {"input", "output", "cache read", "cache write", "cache write 1h", "audio in"}
    | {f"{what} {cassette}" for what in ("calls", "only", "tokens", "cost") for cassette in ("A", "B", "B - A")}
    | {"same", "other answer", "other request"}
)


def render(header: Sequence[str], rows: Sequence[Sequence[str]], footer: Sequence[str] | None = None) -> str:
    """A table that fits the terminal; columns that are empty in every row are left out."""

    kept = [i for i in range(len(header)) if any(row[i] for row in rows)] or list(range(len(header)))
    names, *cells = [[line[i] for i in kept] for line in (header, *rows)]
    last = [] if footer is None else [[footer[i] for i in kept]]
    return text_table(names, cells, last, numbers=[i for i, name in enumerate(names) if name in NUMBERS])


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 row`, `2 rows`, `1,234 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def price(amount: Decimal | None) -> str:
    """Dollars of one call, or `?` if they are not known."""

    return "?" if amount is None else dollars_text(amount)


def size(number: int) -> str:
    """Bytes in powers of 1000, such as `1.5 kB`."""
    if number < 1000:
        return f"{number} B"
    value = float(number)
    for unit in ("kB", "MB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} GB"
