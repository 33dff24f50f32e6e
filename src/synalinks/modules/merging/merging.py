"""Merging: the base of the modules that fold their inputs with an operator of the data algebra."""

from __future__ import annotations

from typing import Any, ClassVar

from synalinks.data import Operator, tree
from synalinks.errors import ConfigurationError
from synalinks.modules.core.module import Module


class Merging(Module):
    """A module that folds its inputs, from the left, with one operator of the data algebra.

    Inputs are a list, tuple or dict of data models, some of which may be None, or separate arguments; a subclass has
    the operator.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        >>> asyncio.run(synalinks.Or()([None, Answer(answer=4)])).get_json()
        {'answer': 4}

    Args:
        name, description, trainable: as for any module.
    """

    #: What two values are merged with.
    operator: ClassVar[type[Operator]]

    async def call(self, inputs: Any = None, *others: Any) -> Any:
        """The merged value; None where the inputs are None.

        Raises:
            ConfigurationError: no inputs at all.
        """
        return None if inputs is None and not others else self.merge(self.values_of((inputs, *others)))

    def values_of(self, inputs: Any) -> list[Any]:
        """The inputs as a flat list."""
        values = tree.flatten(inputs)
        if not values:
            raise ConfigurationError(f"{self.name} ({type(self).__name__}) merges data models; got an empty list")
        return values

    def merge(self, values: list[Any]) -> Any:
        """One value made of a list that is not empty."""
        merged, *others = values
        for value in others:
            merged = self.operator(name=self.name).apply(merged, value)
        return merged
