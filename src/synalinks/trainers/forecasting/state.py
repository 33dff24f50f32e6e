"""The state of a program and of all that trains it, kept to be put back in place.

What is reachable is walked: attributes, lists, dicts, sets, arrays and random generators, of this library's objects
and of the user's own, also behind the functions that they hold. Objects keep their identity; their contents are put
back. Objects of other libraries are left alone, and so is what is neither reachable nor in memory.
"""

from __future__ import annotations

import copy
import itertools
import random
import sys
import types
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any

from synalinks.lm.client import Client
from synalinks.lm.core.call import Schema
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.process import Process
from synalinks.lm.runtime import Runtime

#: Objects that are shared with the rest of the process, or never change.
_LEFT_ALONE = (Client, Process, Runtime, Ledger, Schema)
_PLAIN = (str, bytes, int, float, complex, bool, type(None), type, types.ModuleType, types.BuiltinFunctionType)


class Kept:
    """What was reachable from `roots`, as it was."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self._restorers: list[Callable[[], None]] = []
        self._seen: dict[int, Any] = {}  # also keeps the objects alive, so that an id stays theirs
        todo = list(roots)
        while todo:
            item = todo.pop()
            if isinstance(item, (*_PLAIN, *_LEFT_ALONE)) or id(item) in self._seen:
                continue
            self._seen[id(item)] = item
            todo.extend(self._keep(item))

    def put_back(self) -> None:
        """Make everything what it was."""
        for restore in self._restorers:
            restore()

    def _keep(self, item: Any) -> Iterator[Any]:
        """Remember one object; gives what it holds."""
        if isinstance(item, dict):
            content = dict(item)
            self._restorers.append(partial(_refill_dict, item, _steady(content)))
            yield from content.values()
        elif isinstance(item, (list, deque)):
            parts = list(item)
            self._restorers.append(partial(_refill_list, item, parts))
            yield from parts
        elif isinstance(item, set):
            self._restorers.append(partial(_refill_set, item, set(item)))
            yield from list(item)
        elif isinstance(item, (tuple, frozenset)):
            yield from list(item)
        elif isinstance(item, random.Random):
            self._restorers.append(partial(item.setstate, item.getstate()))
        elif type(item).__module__.partition(".")[0] == "numpy":
            yield from self._keep_numpy(item)
        elif isinstance(item, types.MethodType):
            yield item.__self__
        elif isinstance(item, partial):
            yield from (item.func, *item.args, *item.keywords.values())
        elif isinstance(item, types.FunctionType):
            yield from self._keep_function(item)
        kind: Any = type(item)
        if _is_ours(kind):
            yield from self._keep_attributes(item)

    def _keep_numpy(self, item: Any) -> Iterator[Any]:
        import numpy as np  # something of its is here, so it is loaded

        if isinstance(item, np.ndarray):
            self._restorers.append(partial(_refill_array, item, item.copy()))
            if item.dtype == object:
                yield from item.ravel().tolist()
        elif isinstance(item, np.random.Generator):
            generator = item.bit_generator
            self._restorers.append(partial(setattr, generator, "state", copy.deepcopy(generator.state)))

    def _keep_function(self, item: types.FunctionType) -> Iterator[Any]:
        for cell in item.__closure__ or ():
            try:
                value = cell.cell_contents
            except ValueError:  # not filled yet
                continue
            self._restorers.append(partial(setattr, cell, "cell_contents", value))
            yield value
        yield from item.__defaults__ or ()

    def _keep_attributes(self, item: Any) -> Iterator[Any]:
        own = getattr(item, "__dict__", None)
        if isinstance(own, dict):
            content = dict(own)
            self._restorers.append(partial(_refill_dict, own, _steady(content)))
            yield from content.values()
        kind: Any = type(item)
        for slot in _slots(kind):
            try:
                value = slot.__get__(item, kind)
            except AttributeError:  # never set
                continue
            self._restorers.append(partial(_reset_slot, slot, item, value))
            yield value


def _steady(content: dict[Any, Any]) -> dict[Any, Any]:
    """A dict whose counters are copies, for a counter can't be set back."""
    return {k: copy.copy(value) if isinstance(value, itertools.count) else value for k, value in content.items()}


def _refill_dict(target: dict[Any, Any], content: dict[Any, Any]) -> None:
    if len(target) == len(content) and all(
        ours is theirs
        for pair in zip(target.items(), content.items(), strict=True)
        for ours, theirs in zip(*pair, strict=True)
    ):
        return
    if isinstance(target, OrderedDict):
        target.clear()
        target.update(content)
        return
    dict.clear(target)
    dict.update(target, content)


def _refill_list(target: Any, parts: list[Any]) -> None:
    if isinstance(target, list):
        list.__setitem__(target, slice(None), parts)
        return
    deque.clear(target)
    deque.extend(target, parts)


def _refill_set(target: set[Any], members: set[Any]) -> None:
    set.clear(target)
    set.update(target, members)


def _refill_array(target: Any, values: Any) -> None:
    if target.flags.writeable:
        target[...] = values


def _reset_slot(slot: Any, item: Any, value: Any) -> None:
    if slot.__get__(item, type(item)) is not value:
        slot.__set__(item, value)


@lru_cache(maxsize=1024)
def _slots(cls: Any) -> tuple[Any, ...]:
    return tuple(
        member for kind in cls.__mro__ if _is_ours(kind) or kind.__module__.startswith("pydantic")
        for member in vars(kind).values() if isinstance(member, types.MemberDescriptorType)
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _is_ours(cls: Any) -> bool:
    """Whether a class is this library's or the user's, rather than Python's or another library's."""
    name = cls.__module__
    top = name.partition(".")[0]
    if top == "synalinks" or top == "__main__":
        return True
    if top in sys.stdlib_module_names or top in ("numpy", "pydantic", "pydantic_core"):
        return False
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    return not any(part in file.replace("\\", "/").split("/") for part in ("site-packages", "dist-packages"))
