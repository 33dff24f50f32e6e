"""Xor: the one input that is there, as a module."""

from __future__ import annotations

from typing import Any, ClassVar

from synalinks.data import Operator, SymbolicDataModel
from synalinks.data import Xor as XorOperator
from synalinks.modules.merging.merging import Merging


class Xor(Merging):
    """The one input that is there, or None if there are none or several; of two, `a ^ b`.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     question: str
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        >>> question, answer = Question(question="2 + 2?"), Answer(answer=4)
        >>> asyncio.run(synalinks.Xor()([None, answer, None])).get_json()
        {'answer': 4}
        >>> asyncio.run(synalinks.Xor()([question, answer, question])) is None
        True

    Args:
        name, description, trainable: as for any module.
    """

    operator: ClassVar[type[Operator]] = XorOperator

    def merge(self, values: list[Any]) -> Any:
        """The one value that is there; the operator alone would make `a ^ b ^ c` of three values `c`."""
        if any(isinstance(value, SymbolicDataModel) for value in values):
            return super().merge(values)
        there = [value for value in values if value is not None]
        return there[0] if len(there) == 1 else None
