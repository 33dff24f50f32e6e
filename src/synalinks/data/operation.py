"""Applicable: what a node applies; Application: one use of it, as the value that it makes refers to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Applicable(Protocol):
    """Anything that a node can apply: a module, or an operator of the data algebra.

    Example:
        >>> class Twice:
        ...     name = "twice"
        ...
        ...     async def run_node(self, value):
        ...         return value + value
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> asyncio.run(Twice().run_node(Answer(answer=4))).get_json()
        {'answer': 4, 'answer_1': 4}
    """

    @property
    def name(self) -> str:
        """What the operation is called, for plots, cassettes and messages."""

    async def run_node(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the operation to real values, given in the structure of the node's arguments."""


class Application(Protocol):
    """One application of an operation to arguments; `Node` is its implementation."""

    @property
    def operation(self) -> Applicable:
        """What is applied."""

    @property
    def args(self) -> tuple[Any, ...]:
        """Positional arguments, nested."""

    @property
    def kwargs(self) -> Mapping[str, Any]:
        """Keyword arguments, nested."""

    @property
    def parents(self) -> tuple[Any, ...]:
        """The symbolic leaves of the arguments, in order."""

    @property
    def outputs(self) -> Any:
        """What came out, nested; every leaf is symbolic."""
