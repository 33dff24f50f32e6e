"""SearchLog: what a search was given besides the answers of its program, for going on after a crash.

A search that goes on runs from its beginning; what the log holds is given again, at no cost but counted as it was. So
the search comes to where it was cut off in the state that it had there, and nothing of its own has to be saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from synalinks._json import Json, JsonObject

T = TypeVar("T")


class Log(Generic[T]):
    """Values in the order in which a search took them, those of a run that was cut off first."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._next = 0

    @property
    def following(self) -> T | None:
        """What `again` will give."""
        return self.values[self._next] if self._next < len(self.values) else None

    def again(self) -> T | None:
        """The next value of the run that was cut off, or None where it came no further."""
        if self._next == len(self.values):
            return None
        self._next += 1
        return self.values[self._next - 1]

    def add(self, value: T) -> T:
        """A new value, behind all others."""
        self.values.append(value)
        self._next = len(self.values)
        return value

    def begin(self, values: Sequence[T]) -> None:
        """Start again with the values of a run that was cut off."""
        self.values, self._next = list(values), 0


class SearchLog:
    """What a search was given besides answers of its program.

    Attributes:
        asked: answers to `ask`, JSON of the answer with its schema, or None where a call failed.
        calls_left: what a budget left room for, each time the search looked.
        turns: of each epoch its number, the calls made by its end, and those with its validation.
    """

    def __init__(self) -> None:
        self.asked: Log[list[JsonObject | None]] = Log()
        self.calls_left: Log[int] = Log()
        self.turns: Log[list[int]] = Log()

    def get_state(self) -> JsonObject:
        """The log, as JSON."""
        return {"asked": self.asked.values, "calls_left": self.calls_left.values, "turns": self.turns.values}

    def set_state(self, state: Mapping[str, Json]) -> None:
        """Start again with the log that `get_state` gave."""
        self.asked.begin(state["asked"])
        self.calls_left.begin(state["calls_left"])
        self.turns.begin(state["turns"])
