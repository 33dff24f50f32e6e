"""Tables as text: plain and stable in files, pipes and tests; fitted to the width of a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.measure import Measurement
    from rich.segment import Segment
    from rich.table import Table

#: Columns between two cells.
GAP = 2
#: Columns that a label is cut to at the most; where that is not enough, each row becomes a block of lines.
LEAST_LABEL = 8
#: Columns of a table that is not for a terminal.
UNBOUNDED = 10_000


def terminal_width() -> int | None:
    """Columns of the terminal that standard output goes to; None if it goes to a file, a pipe or a notebook."""
    return shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None


def text_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    footer: Sequence[Sequence[str]] = (),
    *,
    numbers: Iterable[int],
    width: int | None = None,
) -> str:
    """A table with a rule under its header and one above its footer.

    Args:
        header: names of the columns.
        rows, footer: cells, as many in each row as there are columns. An empty label repeats the one above.
        numbers: the columns that stand to the right and are never cut; the others are labels.
        width: the most columns of text; those of the terminal where None, and any number where there is no terminal.

    Example:
        >>> from synalinks.lm.tables import text_table
        >>> print(text_table(["model", "calls"], [["ollama/m", "7"]], [["total", "7"]], numbers=[1]))
        model     calls
        --------  -----
        ollama/m      7
        --------  -----
        total         7
    """
    right = set(numbers)
    width = terminal_width() if width is None else width
    lines = [header, *rows, *footer]
    widths = [max(map(_cells, column)) for column in zip(*lines, strict=True)]
    if width is not None and sum(widths) + GAP * (len(widths) - 1) > width:
        fitted = _fitted(widths, right, width)
        if fitted is None:
            return "\n".join(_blocks(header, rows, footer, right, width))
        widths = fitted
    return _rendered(header, rows, footer, right, widths)


def _cells(text: str) -> int:
    from rich.cells import cell_len  # rich takes 30 ms, which only a table is worth

    return cell_len(text)


def _fitted(widths: Sequence[int], right: set[int], width: int) -> list[int] | None:
    """The widths with the longest labels cut, so that the sum fits; None if it would not."""
    fitted = list(widths)
    labels = [i for i in range(len(fitted)) if i not in right]
    excess = sum(fitted) + GAP * (len(fitted) - 1) - width
    for _ in range(excess):
        longest = max(labels, key=lambda i: fitted[i], default=None)
        if longest is None or fitted[longest] <= LEAST_LABEL:
            return None
        fitted[longest] -= 1
    return fitted


class _Rule:
    """A cell full of dashes."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        from rich.segment import Segment  # as above

        yield Segment("-" * options.max_width)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        from rich.measure import Measurement  # as above

        return Measurement(1, 1)


def _rendered(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    footer: Sequence[Sequence[str]],
    right: set[int],
    widths: Sequence[int],
) -> str:
    from rich.table import Table  # as above
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, GAP, 0, 0), pad_edge=False)
    for i, size in enumerate(widths):
        table.add_column(justify="right" if i in right else "left", width=size, no_wrap=True, overflow="ellipsis")
    rule = [_Rule() for _ in widths]
    table.add_row(*map(Text, header))
    table.add_row(*rule)
    for row in rows:
        table.add_row(*map(Text, row))
    if footer:
        table.add_row(*rule)
    for row in footer:
        table.add_row(*map(Text, row))
    return _text(table)


def _text(table: Table) -> str:
    from io import StringIO

    from rich.console import Console  # as above

    console = Console(file=StringIO(), width=UNBOUNDED, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _blocks(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    footer: Sequence[Sequence[str]],
    right: set[int],
    width: int,
) -> Iterator[str]:
    """Each row as its labels and lines of its numbers, each behind its name, for terminals too narrow for a table."""
    from rich.cells import set_cell_size  # as above

    labels = [i for i in range(len(header)) if i not in right]
    above = [""] * len(header)
    for number, row in enumerate((*rows, *footer)):
        if number < len(rows):  # a footer repeats nothing
            row = above = [cell or above[i] for i, cell in enumerate(row)]
        title = "  ".join(row[i] for i in labels if row[i])
        yield title if _cells(title) <= width else set_cell_size(title, width - 1) + "…"
        line = ""
        for i in sorted(right):
            if row[i] and row[i] != "-":
                pair = f"  {header[i]} {row[i]}"
                if line and _cells(line + pair) > width:
                    yield line
                    line = ""
                line += pair
        if line:
            yield line
