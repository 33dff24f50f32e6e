"""Not: nothing in place of a value, as a module."""

from __future__ import annotations

from typing import Any

from synalinks.data import tree
from synalinks.modules.core.module import Module


class Not(Module):
    """None in place of each input, as `~a`; a symbolic input keeps its schema.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        >>> asyncio.run(synalinks.Not()(Answer(answer=4))) is None
        True

    Args:
        name, description, trainable: as for any module.
    """

    async def call(self, inputs: Any, training: bool = False) -> Any:
        """None, or a structure of None like that of the inputs."""
        return tree.map_structure(lambda value: None if value is None else ~value, inputs)
