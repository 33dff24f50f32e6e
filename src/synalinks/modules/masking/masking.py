"""Masking: the base of the modules that choose fields by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from synalinks.data import check_mask, tree
from synalinks.data.algebra.keys import mask_of
from synalinks.errors import ConfigurationError
from synalinks.hooks import Hook
from synalinks.modules.core.module import Module
from synalinks.modules.masking.possible import possible_schema


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
        name, description, trainable, hooks: as for any module.

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
        hooks: Sequence[Hook] | None = None,
    ) -> None:
        super().__init__(name=name, description=description, trainable=trainable, hooks=hooks)
        if not mask and pattern is None:
            raise ConfigurationError(f"{self.name} ({type(self).__name__}): give mask=['field', ...] or pattern='...'")
        mask_of(mask, pattern)
        self.mask = None if mask is None else list(mask)
        self.pattern = pattern

    async def build(self, inputs: Any) -> None:
        """Check the mask against the fields that the inputs may have."""
        symbols = [symbol for symbol in tree.flatten(inputs) if symbol is not None]
        if symbols:
            where = f"{self.name} ({type(self).__name__})"
            check_mask(self.mask, possible_schema(*symbols), self.pattern, where, self.keeps)

    async def call(self, inputs: Any, training: bool = False) -> Any:
        """The masked value of one input, or of each input of a list, tuple or dict; None stays None."""
        return tree.map_structure(self._masked, inputs)

    def _masked(self, value: Any) -> Any:
        if value is None:
            return None
        apply = value.in_mask if self.keeps else value.out_mask
        return apply(mask=self.mask, pattern=self.pattern)
