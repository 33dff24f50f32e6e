"""NotebookDisplay: lines of progress in one output of a notebook's cell, redrawn in place."""

from __future__ import annotations

import html
import sys
from typing import Protocol

#: Lines kept above the one that changes; of a long training the first ones are left out.
MOST_LINES = 200


class Handle(Protocol):
    """What IPython gives for a display that can be changed."""

    def update(self, obj: object, **kwargs: object) -> None: ...


class NotebookDisplay:
    """An output of a cell: lines that stay, and one that changes.

    Example:
        >>> from synalinks._support.notebook_display import NotebookDisplay
        >>> display = NotebookDisplay()
        >>> display.lines, display.current
        ([], '')
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.current = ""
        self.share: float | None = None
        self._handle: Handle | None = None

    def add(self, line: str) -> None:
        """A line that stays, in place of the one that changes."""
        self.lines.append(line)
        self.draw("", None)

    def draw(self, line: str, share: float | None) -> None:
        """Show a line in place of the one shown before.

        Args:
            share: of what is done, from 0 to 1, for a bar; None without one.
        """
        from IPython.display import display  # type: ignore[import-not-found,unused-ignore]  # in notebooks only

        self.current, self.share = line, share
        if self._handle is None:
            self._handle = display(self, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(self)

    def __repr__(self) -> str:
        return "\n".join(self._shown())

    def _repr_html_(self) -> str:
        bar = "" if self.share is None else f'<progress max="1" value="{self.share:.4f}"></progress> '
        *above, last = [*map(html.escape, self._shown()), ""] if not self.current else map(html.escape, self._shown())
        return f'<pre style="white-space: pre-wrap">{"".join(line + chr(10) for line in above)}{bar}{last}</pre>'

    def _shown(self) -> list[str]:
        left_out = len(self.lines) - MOST_LINES
        lines = [f"... {left_out:,} lines", *self.lines[-MOST_LINES:]] if left_out > 0 else self.lines
        return [*lines, *([self.current] if self.current else [])]


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, which shows HTML."""
    if "ipykernel" not in sys.modules or "IPython" not in sys.modules:
        return False
    from IPython import get_ipython  # type: ignore[import-not-found,unused-ignore]  # it is loaded

    return getattr(get_ipython(), "kernel", None) is not None
