"""with_block: functions that make blocks of `with`, and warn where the `with` is forgotten."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import _GeneratorContextManager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class _WithBlock(_GeneratorContextManager[T]):
    _entered = True

    def __init__(self, func: Callable[..., Iterator[T]], args: tuple[Any, ...], kwds: dict[str, Any]) -> None:
        super().__init__(func, args, kwds)  # type: ignore[arg-type,unused-ignore]  # typed as a generator's function
        self._entered = False

    def __enter__(self) -> T:
        self._entered = True
        return super().__enter__()

    def __call__(self, func: Any) -> Any:
        self._entered = True  # at each call of what it decorates
        return super().__call__(func)

    def __del__(self, warn: Callable[..., None] = warnings.warn) -> None:
        if not self._entered:
            name = self.func.__name__
            warn(f"{name}(...) had no effect: write `with synalinks.{name}(...):`", RuntimeWarning, stacklevel=2)


def with_block(function: Callable[P, Iterator[T]]) -> Callable[P, _GeneratorContextManager[T]]:
    """A generator function with one `yield` as a function that makes a block of `with`.

    Example:
        >>> from synalinks._base.with_block import with_block
        >>> @with_block
        ... def use_number(number):
        ...     yield number
        >>> with use_number(1) as number:
        ...     print(number)
        1
    """

    @wraps(function)
    def make(*args: P.args, **kwargs: P.kwargs) -> _GeneratorContextManager[T]:
        return _WithBlock(function, args, kwargs)

    return make
