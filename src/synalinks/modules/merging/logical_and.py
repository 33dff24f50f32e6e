"""And: inputs side by side if all are there, as a module."""

from __future__ import annotations

from typing import ClassVar

from synalinks.data import And as AndOperator
from synalinks.data import Operator
from synalinks.modules.merging.merging import Merging


class And(Merging):
    """All inputs side by side, or None if one is missing, as `a & b & ...`.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     question: str
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        >>> question, answer = Question(question="2 + 2?"), Answer(answer=4)
        >>> asyncio.run(synalinks.And()([question, None, answer])) is None
        True

    Args:
        name, description, trainable: as for any module.
    """

    operator: ClassVar[type[Operator]] = AndOperator
