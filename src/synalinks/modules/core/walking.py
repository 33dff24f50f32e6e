"""Finding variables and sub-modules by walking attributes, lists and dicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

from synalinks.data import Variable


class Stateful(Protocol):
    """A module as it is walked."""

    own_variables: list[Variable]
    trainable: bool

    def walk_state(self) -> Iterator[Any]: ...


M = TypeVar("M", bound=Stateful)


def walk(value: object, seen: set[int]) -> Iterator[Any]:
    """Every `Variable` and every object with a `walk_state` method inside a nested structure, each once."""
    if id(value) in seen:
        return
    if isinstance(value, Variable) or hasattr(type(value), "walk_state"):
        seen.add(id(value))
        yield value
    elif isinstance(value, dict):
        seen.add(id(value))
        for item in value.values():
            yield from walk(item, seen)
    elif isinstance(value, (list, tuple)):
        seen.add(id(value))
        for item in value:
            yield from walk(item, seen)


def direct_state(module: Stateful) -> Iterator[Any]:
    """The variables and modules that `module` holds itself, in the order they were created or set."""
    seen: set[int] = {id(module)}
    for variable in module.own_variables:
        yield from walk(variable, seen)
    for name, value in vars(module).items():
        if name not in _NOT_STATE:
            yield from walk(value, seen)


#: Attributes of a module that hold references to modules without owning their state.
_NOT_STATE = frozenset({"own_variables", "hooks", "constructor_arguments"})


def modules_below(module: M) -> list[M]:
    """All modules that `module` is made of, each once, itself not among them, in the order its variables are found."""
    found: dict[int, M] = {}
    todo = [module]
    while todo:
        inner = [item for item in todo.pop().walk_state() if not isinstance(item, Variable) and id(item) not in found]
        found.update((id(item), item) for item in inner if item is not module)
        todo.extend(item for item in reversed(inner) if item is not module)
    return list(found.values())


def variables_of(module: Stateful, trainable: bool | None) -> list[Variable]:
    """Variables of a module and its sub-modules, trainable or not, or all (None); each once.

    A variable counts as trainable if it is itself and no module above it is frozen.
    """
    found: list[tuple[Variable, bool]] = []
    _collect(module, True, set(), found)
    return [variable for variable, free in found if trainable is None or free is trainable]


def _collect(module: Stateful, free: bool, seen: set[int], found: list[tuple[Variable, bool]]) -> None:
    if id(module) in seen:
        return
    seen.add(id(module))
    free = free and module.trainable
    below: list[Stateful] = []
    for item in module.walk_state():
        if not isinstance(item, Variable):
            below.append(item)
        elif id(item) not in seen:
            seen.add(id(item))
            found.append((item, free and item.trainable))
    for inner in below:
        _collect(inner, free, seen, found)
