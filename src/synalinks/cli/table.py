"""Plain tables for terminals, files and pipes: aligned columns, a rule under the header."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

#: Columns that are read as numbers and stand to the right.
NUMBERS = (
    frozenset({"answers", "rows", "calls", "failed", "tokens in", "tokens out", "cost", "size", "line", "draw"})
    | {"input", "output", "cache read", "cache write", "cache write 1h", "audio in"}
    | {f"{what} {cassette}" for what in ("calls", "only", "tokens", "cost") for cassette in ("A", "B", "B - A")}
    | {"same", "other answer", "other request"}
)


def render(header: Sequence[str], rows: Sequence[Sequence[str]], footer: Sequence[str] | None = None) -> str:
    """A table; columns that are empty in every row are left out."""
    kept = [i for i in range(len(header)) if any(row[i] for row in rows)] or list(range(len(header)))
    lines = [header, *rows, *([footer] if footer is not None else [])]
    widths = {i: max(len(line[i]) for line in lines) for i in kept}

    def aligned(cells: Sequence[str]) -> str:
        right = (cells[i].rjust(widths[i]) if header[i] in NUMBERS else cells[i].ljust(widths[i]) for i in kept)
        return "  ".join(right).rstrip()

    rule = "  ".join("-" * widths[i] for i in kept)
    body = [aligned(header), rule, *map(aligned, rows)]
    return "\n".join(body if footer is None else [*body, rule, aligned(footer)])


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 row`, `2 rows`, `1,234 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def price(amount: Decimal | None) -> str:
    """Dollars of one call, or `?` if they are not known."""
    return "?" if amount is None else f"${amount:.4f}"


def size(number: int) -> str:
    """Bytes for people, in powers of 1000."""
    if number < 1000:
        return f"{number} B"
    value = float(number)
    for unit in ("kB", "MB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} GB"
