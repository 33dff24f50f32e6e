"""What the tests of plots share: the figure that was saved, and whether a file is a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synalinks._support import figures

#: First bytes of a PNG: W3C, "Portable Network Graphics", section 5.2.
PNG = b"\x89PNG\r\n\x1a\n"


def catch(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A list that gets each figure as it is saved."""
    caught: list[Any] = []
    save = figures.save_figure

    def saving(figure: Any, to_file: str | Path, to_folder: str | Path | None, dpi: int = 50) -> Path:
        caught.append(figure)
        return save(figure, to_file, to_folder, 50)  # few dots: the tests look at the figure

    monkeypatch.setattr(figures, "save_figure", saving)
    return caught


def words(axes: Any) -> list[str]:
    """All that is written inside an axes."""
    return [text.get_text() for text in axes.texts if text.get_text()]


def legend(axes: Any) -> list[str]:
    """The entries of its legend."""
    found = axes.get_legend()
    return [] if found is None else [text.get_text() for text in found.get_texts()]


def colliding(axes: Any) -> list[tuple[str, str]]:
    """Pairs of texts inside an axes that lie on one another."""
    figure = axes.get_figure()
    figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in axes.texts if text.get_text()]
    return [(one, two) for i, (one, a) in enumerate(boxes) for two, b in boxes[i + 1 :] if a.overlaps(b)]
