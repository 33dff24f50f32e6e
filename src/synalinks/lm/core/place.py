"""A place in a run: labels in order, such as `epoch=3 phase=train sample=5`.

Every call carries the place it was made at, and so does every entry of a ledger and every row of a cassette. Which
labels there are is up to the code above: `declare` fixes their names and their order, outermost first. `enter` changes
labels for a block; the LM layer reads the place with `current()`.

Numbers are counted from 0. Where people read them, those of some labels are counted from 1: `counted`, `shown`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any

Label = int | str

_positions: dict[str, int] = {}
_counted: set[str] = set()
_lock = threading.Lock()


def declare(*names: str, counted_from_1: Iterable[str] = ()) -> None:
    """Fix the order of labels, outermost first; names that are known keep their position, others follow them.

    Args:
        counted_from_1: those whose numbers people read counted from 1.
    """
    with _lock:
        for name in names:
            _positions.setdefault(name, len(_positions))
        _counted.update(counted_from_1)


def labels() -> tuple[str, ...]:
    """The names of the labels, outermost first."""
    return tuple(_positions)


def counted(name: str, value: int) -> int:
    """The number of a label as people count it.

    Example:
        >>> from synalinks.lm.core.place import counted
        >>> counted("epoch", 0), counted("sample", 0)
        (1, 0)
    """
    return value + 1 if name in _counted else value


def shown(name: str, value: object) -> str:
    """The value of a label as people read it; `-` where it is not set."""
    return "-" if value is None else str(counted(name, value) if isinstance(value, int) else value)


class Scope:
    """A place in a run: the values of labels; a label that is not set is None.

    Labels are attributes, too. A name that was not declared takes the position after those that were.

    Example:
        >>> from synalinks.lm.core.place import Scope
        >>> place = Scope(epoch=3, phase="train")
        >>> print(place)  # as people count
        epoch=4 phase=train
        >>> place.get("epoch"), place.get("phase")
        (3, 'train')
    """

    __slots__ = ("_values", "outermost")
    _values: tuple[Label | None, ...]
    #: The value of the first label, or None.
    outermost: Label | None

    def __init__(self, **values: Label | None) -> None:
        made, put = _made((), values), object.__setattr__
        put(self, "_values", made._values)
        put(self, "outermost", made.outermost)

    def get(self, name: str) -> Label | None:
        """The value of a label, or None."""
        position = _positions.get(name, len(self._values))
        return self._values[position] if position < len(self._values) else None

    def text(self, name: str) -> str | None:
        """The value of a label that is text; None where it is not set, or a number."""
        value = self.get(name)
        return value if isinstance(value, str) else None

    def replace(self, changes: Mapping[str, Label | None]) -> Scope:
        """The place that differs from this one in some labels."""
        return _made(self._values, changes)

    def is_before(self, first: int) -> bool:
        """Whether the first label is set, to a number less than `first`."""
        return isinstance(self.outermost, int) and self.outermost < first

    def to_dict(self) -> dict[str, Label]:
        """The labels that are set, in order."""
        return {name: value for name, value in zip(_positions, self._values, strict=False) if value is not None}

    @property
    def sort_key(self) -> tuple[tuple[int, int, str], ...]:
        """An order for places: label by label; None first, then by value."""
        return tuple(
            (0, 0, "") if value is None else (2, 0, value) if isinstance(value, str) else (1, value, "")
            for value in self._values
        )

    def __getattr__(self, name: str) -> Any:  # the types of labels are those of the code above
        if name not in _positions:
            raise AttributeError(f"a place has no label {name!r}; it has {', '.join(_positions)}")
        return self.get(name)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a place can't be changed; enter({name}=...) makes another one")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scope) and self._values == other._values

    def __hash__(self) -> int:
        return hash(self._values)

    def __reduce__(self) -> tuple[object, ...]:
        return place_of, (self.to_dict(),)

    def __str__(self) -> str:
        return " ".join(f"{name}={shown(name, value)}" for name, value in self.to_dict().items()) or "outside any run"

    def __repr__(self) -> str:
        return f"Scope({', '.join(f'{name}={value!r}' for name, value in self.to_dict().items())})"


def _made(values: tuple[Label | None, ...], changes: Mapping[str, Label | None]) -> Scope:
    """A place by values in the order of the labels, with some changed; without None at the end, so that places stay
    equal when labels are declared later."""
    changed = list(values)
    for name, value in changes.items():
        if name not in _positions:
            declare(name)
        position = _positions[name]
        if position >= len(changed):
            changed += [None] * (position + 1 - len(changed))
        changed[position] = value
    while changed and changed[-1] is None:
        changed.pop()
    place, put = Scope.__new__(Scope), object.__setattr__
    put(place, "_values", tuple(changed))
    put(place, "outermost", changed[0] if changed else None)
    return place


def place_of(values: Mapping[str, Label]) -> Scope:
    """The place that `Scope.to_dict` wrote."""
    return _made((), values)


NOWHERE = Scope()
_current: ContextVar[Scope] = ContextVar("synalinks_scope", default=NOWHERE)


#: Gives the current place.
current: Callable[[], Scope] = _current.get
#: Makes a place the current one, without a block; its token is for `leave`.
move: Callable[[Scope], Token[Scope]] = _current.set
#: Makes the place current again that a token was taken at.
leave: Callable[[Token[Scope]], None] = _current.reset


def move_into(name: str, part: str) -> Token[Scope]:
    """Make the current place one that is a part deeper in a label of parts with `/` between them, as in a path."""
    place = _current.get()
    values, position = place._values, _positions[name]
    outer = values[position] if position < len(values) else None
    deeper = part if outer is None else f"{outer}/{part}"
    unset = (None,) * (position - len(values))
    place, put = Scope.__new__(Scope), object.__setattr__  # as `_made`, in fewer steps: each module comes here
    values = (*values[:position], *unset, deeper, *values[position + 1 :])
    put(place, "_values", values)
    put(place, "outermost", values[0])
    return _current.set(place)


class enter:  # noqa: N801  used like a function
    """A `with` block at a place that differs from the current one in the labels given.

    Example:
        >>> from synalinks.lm.core.place import current, enter
        >>> with enter(epoch=3), enter(phase="train"):
        ...     print(current())
        epoch=4 phase=train

    """

    __slots__ = ("_changes", "_token")

    def __init__(self, **changes: Label | None) -> None:
        self._changes = changes
        self._token: Token[Scope] | None = None

    def __enter__(self) -> Scope:
        there = _made(_current.get()._values, self._changes)
        self._token = _current.set(there)
        return there

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)
