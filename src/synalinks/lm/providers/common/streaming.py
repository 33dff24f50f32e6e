"""A streamed answer: put together of its records, its pieces passed on as they come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from synalinks.lm.core.call import Delta
from synalinks.lm.providers.common.thinking import Untagger


class Assembly(Protocol):
    """A streamed answer, put together record by record.

    Attributes:
        whole: whether the answer's end has come.
    """

    whole: bool

    def add(self, record: Mapping[str, Any], /) -> Delta | None:
        """Take in a record; the text or reasoning it brings, if any."""

    def body(self) -> dict[str, Any]:
        """The body that the same answer would have had in one piece."""


class Pieces:
    """The pieces of a streamed answer: each goes to the sink as it comes, thinking in tags as reasoning.

    Attributes:
        chunks: what the sink got so far.
    """

    def __init__(self, sink: Callable[[Delta], None]) -> None:
        self.chunks: list[Delta] = []
        self._sink = sink
        self._tags = Untagger()

    def add(self, piece: Delta | None) -> None:
        """Pass on a piece; what may be a part of a tag is held back."""
        if piece is not None:
            text, thought = self._tags.feed(piece.text)
            self._emit(text, piece.reasoning + thought)

    def end(self) -> None:
        """Pass on what was held back."""
        self._emit(*self._tags.flush())

    def _emit(self, text: str, thought: str) -> None:
        if text or thought:
            piece = Delta(text, thought)
            self.chunks.append(piece)
            self._sink(piece)
