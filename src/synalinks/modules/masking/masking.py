"""Masking: the base of the modules that choose fields by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, ClassVar

from synalinks.data import Operator, Or, SymbolicDataModel, Xor, check_mask, tree
from synalinks.data import schema as schemas
from synalinks.data.algebra.keys import mask_of
from synalinks.errors import ConfigurationError
from synalinks.modules.core.module import Module


class Masking(Module):
    """A module that applies one mask to each of its inputs; a subclass keeps the fields or leaves them out.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     thinking: str
        ...     answer: int
        >>> mask = synalinks.OutMask(mask=["thinking"])
        >>> asyncio.run(mask(Answer(thinking="2 and 2", answer=4))).get_json()
        {'answer': 4}

    Args:
        mask: names of fields, compared by base name: `answer` is also `answer_1` and `answers`.
        pattern: a regular expression searched for in the names; a field is chosen by either.
        name, description, trainable: as for any module.

    Raises:
        ConfigurationError: neither is given, no list of names, or no regular expression; at the first input, a mask
            that names none of its fields.
    """

    #: Whether the chosen fields are what is left.
    keeps: ClassVar[bool]

    def __init__(
        self,
        *,
        mask: Sequence[str] | None = None,
        pattern: str | None = None,
        name: str | None = None,
        description: str | None = None,
        trainable: bool = False,
    ) -> None:
        super().__init__(name=name, description=description, trainable=trainable)
        if not mask and pattern is None:
            raise ConfigurationError(f"{self.name} ({type(self).__name__}): give mask=['field', ...] or pattern='...'")
        mask_of(mask, pattern)
        self.mask = None if mask is None else list(mask)
        self.pattern = pattern

    async def build(self, inputs: Any) -> None:
        """Check the mask against the fields of the inputs.

        Behind `a | b`, whose schema is that of `a` alone, a field of `b` is unknown, so nothing is checked there.
        """
        symbols = [symbol for symbol in tree.flatten(inputs) if symbol is not None]
        if not symbols or any(_is_union(symbol) for symbol in symbols):
            return
        schema = reduce(schemas.concat, (symbol.get_schema() for symbol in symbols))
        check_mask(self.mask, schema, self.pattern, f"{self.name} ({type(self).__name__})", self.keeps)

    async def call(self, inputs: Any, training: bool = False) -> Any:
        """The masked value of one input, or of each input of a list, tuple or dict; None stays None."""
        return tree.map_structure(self._masked, inputs)

    def _masked(self, value: Any) -> Any:
        if value is None:
            return None
        apply = value.in_mask if self.keeps else value.out_mask
        return apply(mask=self.mask, pattern=self.pattern)


def _is_union(symbol: SymbolicDataModel) -> bool:
    """Whether a value may have other fields than its symbol: it is what an Or or a Xor, or algebra on one, gives."""
    node = symbol.node
    if node is None:
        return False
    operator = getattr(node.operation, "operator", type(node.operation))
    if operator in (Or, Xor):
        return True
    return isinstance(node.operation, Operator) and any(map(_is_union, node.parents))
