"""Frozen dataclasses whose objects are made quickly, for those that each call makes some of."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, TypeVar

T = TypeVar("T")


def quickly_made(cls: type[T]) -> type[T]:
    """A dataclass with `frozen=True, slots=True` whose fields are set as plain attributes while an object is made.

    A frozen dataclass sets each of its fields by `object.__setattr__`, which takes most of the time of making an object
    with twenty of them. Here an object is of an unfrozen class with the same slots until all are set; one of a subclass
    is made as before.

    Example:
        >>> from dataclasses import dataclass
        >>> from synalinks._base.records import quickly_made
        >>> @quickly_made
        ... @dataclass(frozen=True, slots=True)
        ... class Point:
        ...     x: int
        ...     y: int = 0
        >>> Point(1)
        Point(x=1, y=0)
    """
    slots: Any = cls.__slots__  # type: ignore[attr-defined]
    names: dict[str, Any] = {"_cls": cls, "_open": type(cls.__name__, (), {"__slots__": slots}), "_absent": object()}
    names["_set"] = object.__setattr__
    parameters, values = ["self"], {}
    for one in fields(cls):  # type: ignore[arg-type]
        name = values[one.name] = one.name
        if one.default_factory is not MISSING:
            names[f"_{name}"] = one.default_factory
            parameters.append(f"{name}=_absent")
            values[name] = f"_{name}() if {name} is _absent else {name}"
        elif one.default is not MISSING:
            names[f"_{name}"] = one.default
            if one.init:
                parameters.append(f"{name}=_{name}")
            else:
                values[name] = f"_{name}"
        else:
            parameters.append(name)
    lines = [
        f"def __init__({', '.join(parameters)}):",
        " if self.__class__ is not _cls:",
        *(f"  _set(self, {name!r}, {value})" for name, value in values.items()),
        "  return",
        " _set(self, '__class__', _open)",
        *(f" self.{name} = {value}" for name, value in values.items()),
        " self.__class__ = _cls",
    ]
    exec("\n".join(lines), names)
    names["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
    type.__setattr__(cls, "__init__", names["__init__"])
    return cls
