"""Identity: a module that passes its inputs on as copies."""

from __future__ import annotations

from typing import Any

from synalinks.data import tree
from synalinks.modules.core.module import Module


class Identity(Module):
    """A module that does nothing: each input comes out as a copy, in the structure it came in; None stays None.

    Example:
        >>> class Query(synalinks.DataModel):
        ...     query: str
        >>> asyncio.run(synalinks.Identity()(Query(query="hello"))).get_json()
        {'query': 'hello'}

    Args:
        name, description, trainable: as for any module.
    """

    async def call(self, inputs: Any, training: bool = False) -> Any:
        """A copy of one value, or of each value of a list, tuple or dict."""
        return tree.map_structure(lambda value: None if value is None else value.clone(), inputs)
