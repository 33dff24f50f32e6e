"""SymbolicScope: a block in which modules compute schemas and no values."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token

_open: ContextVar[bool] = ContextVar("synalinks_symbolic_scope", default=False)


class SymbolicScope:
    """A block in which modules take values for their schemas: they give symbolic outputs, and no model is called.

    The output of a module is found in such a block, so that a value that is made inside `call` starts no call either.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     text: str
        ...
        >>> class Same(synalinks.Module):
        ...     async def call(self, inputs):
        ...         return inputs
        ...
        >>> with synalinks.SymbolicScope():
        ...     output = asyncio.run(Same()(Question(text="hello")))
        >>> type(output).__name__
        'SymbolicDataModel'
    """

    def __init__(self) -> None:
        self._tokens: list[Token[bool]] = []

    def __enter__(self) -> SymbolicScope:
        self._tokens.append(_open.set(True))
        return self

    def __exit__(self, *exception: object) -> None:
        _open.reset(self._tokens.pop())


#: Gives whether a block is open.
in_symbolic_scope: Callable[[], bool] = _open.get
