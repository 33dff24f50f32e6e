"""ProgressBar: a bar on a terminal, redrawn in place, drawn by rich."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, ConsoleRenderable, Group
from rich.control import Control
from rich.live import Live
from rich.progress_bar import ProgressBar as Bar
from rich.segment import ControlType, Segment
from rich.table import Table
from rich.text import Text

#: Columns of the bar where the terminal is wide enough, and at the least.
BAR_WIDTH, LEAST_BAR_WIDTH = 20, 4
SEPARATOR = " - "


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        done, total: steps; the total is None where it is unknown.
        time: what is shown beside the bar, e.g. `12s left 4s/step`.
        details: shown behind it, on lines of their own where the terminal is too narrow.
        width: columns of the bar where the terminal is wide enough.
    """

    done: int
    total: int | None
    time: str
    details: Sequence[str] = ()
    width: int = BAR_WIDTH

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Group]:
        width = options.max_width
        count = f"{self.done}/{'?' if self.total is None else self.total}"
        needed = len(count) + len(self.time) + (2 if self.total is None else self.width + 2)
        behind = "".join(SEPARATOR + detail for detail in self.details)
        if needed + len(behind) <= width:
            yield Group(self._line(count, width, behind))
        else:
            yield Group(self._line(count, width, ""), *(_cropped(line) for line in wrapped(self.details, width)))

    def _line(self, count: str, width: int, behind: str) -> Table:
        line = Table.grid(padding=(0, 1, 0, 0))
        cells: list[Text | Bar] = [Text(count, "bold", no_wrap=True)]
        if self.total is not None:
            room = width - len(count) - len(self.time) - 2
            bar = max(LEAST_BAR_WIDTH, min(self.width, room))
            cells.append(Bar(max(1, self.total), self.done, width=bar, complete_style="green", finished_style="green"))
        cells.append(_cropped(self.time + behind))
        line.add_row(*cells)
        return line


class _Live(Live):
    """A live display that also erases the rows into which a terminal made narrower has broken its lines."""

    _lengths: Sequence[int] = ()

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """What is written to show the display anew below the renderables: in front, the way up to its first row."""
        width = self.console.width
        broken = sum(max(0, length - 1) // width for length in self._lengths) if _breaks_lines_anew() else 0
        self._lengths = [
            Segment.get_line_length(line) for line in self.console.render_lines(self.get_renderable(), pad=False)
        ]
        up = ((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)) * broken
        way = [Control(ControlType.CARRIAGE_RETURN, *up)] if broken else []
        return [*way, *super().process_renderables(renderables)]


def _breaks_lines_anew() -> bool:
    """Whether the terminal breaks its lines anew when its width changes, as all of today do; xterm cuts them."""
    return "XTERM_VERSION" not in os.environ or "TMUX" in os.environ


class ProgressBar:
    """A bar at the end of the terminal's output; what is printed meanwhile appears above it.

    It adapts to the terminal's width at each drawing, and to `NO_COLOR`.
    """

    def __init__(self) -> None:
        self._live = _Live(console=Console(highlight=False), auto_refresh=False, vertical_overflow="crop")

    def draw(self, progress: Progress) -> None:
        """Draw it anew."""
        self._live.start()
        self._live.update(progress, refresh=True)

    def finish(self, details: Sequence[str]) -> None:
        """Write details in its place, on as many lines as they take."""
        self._live.transient = True
        self._live.stop()
        print("\n".join(wrapped(details, self._live.console.width)), flush=True)

    def close(self) -> None:
        """Draw no more; the bar stays as it was drawn last."""
        self._live.stop()


def wrapped(details: Sequence[str], width: int) -> list[str]:
    """Details on lines of at most `width` columns, as many on each as fit; one that is longer has its own."""
    lines: list[str] = []
    for detail in details:
        if lines and len(lines[-1]) + len(SEPARATOR) + len(detail) <= width:
            lines[-1] += SEPARATOR + detail
        else:
            lines.append(detail)
    return lines


def _cropped(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")
