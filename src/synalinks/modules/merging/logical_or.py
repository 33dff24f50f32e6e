"""Or: the inputs that are there side by side, as a module."""

from __future__ import annotations

from typing import ClassVar

from synalinks.data import Operator
from synalinks.data import Or as OrOperator
from synalinks.modules.merging.merging import Merging


class Or(Merging):
    """The inputs that are there side by side, or None if there are none, as `a | b | ...`.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     question: str
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        >>> question, answer = Question(question="2 + 2?"), Answer(answer=4)
        >>> asyncio.run(synalinks.Or()([None, answer, None])).get_json()
        {'answer': 4}

    Args:
        name, description, trainable: as for any module.
    """

    operator: ClassVar[type[Operator]] = OrOperator
