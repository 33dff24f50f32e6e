"""Copies of a program and an optimizer, for a fit that must leave both as they are."""

from __future__ import annotations

import copy
from types import CellType, FunctionType
from typing import Any

from synalinks.modules.core.walking import modules_below


def copied(program: Any, optimizer: Any) -> tuple[Any, Any]:
    """A program and an optimizer, copied together: an object of both is one object of the copies.

    `copy.deepcopy` shares functions. Here functions of modules, rewards and metrics are copied too, with the variables
    of their closures; only what can't be copied there, such as a lock, is shared.

    Raises:
        CopyError: naming the attribute that can't be copied.
    """
    memo: dict[int, Any] = {id(program.history): None}  # a record of the past, of any length
    twin, its_optimizer = copy.deepcopy((program, optimizer), memo)
    for holder in (twin, *modules_below(twin), *twin.compilation.rewards, *twin.compilation.metrics):
        functions = {name: value for name, value in vars(holder).items() if isinstance(value, FunctionType)}
        for name, function in functions.items():
            setattr(holder, name, _function(function, memo))
    return twin, its_optimizer


def _function(function: FunctionType, memo: dict[int, Any]) -> FunctionType:
    """A function of the same code whose closure and defaults are copies."""
    if id(function) in memo:
        return memo[id(function)]  # type: ignore[no-any-return]
    closure = function.__closure__ or ()
    cells = tuple(memo.setdefault(id(cell), CellType()) for cell in closure)
    name, defaults = function.__name__, _content(function.__defaults__, memo)
    made = memo[id(function)] = FunctionType(function.__code__, function.__globals__, name, defaults, cells)
    made.__kwdefaults__ = _content(function.__kwdefaults__, memo)
    for cell, original in zip(cells, closure, strict=True):
        try:
            cell.cell_contents = _content(original.cell_contents, memo)
        except ValueError:  # an empty cell: the variable has no value yet
            continue
    return made


def _content(value: object, memo: dict[int, Any]) -> Any:
    if isinstance(value, FunctionType):
        return _function(value, memo)
    attempt = dict(memo)
    try:
        made = copy.deepcopy(value, attempt)
    except (TypeError, ValueError, RuntimeError, copy.Error):
        return value
    memo.update(attempt)
    return made
