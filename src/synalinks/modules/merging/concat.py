"""Concat: inputs side by side, as a module."""

from __future__ import annotations

from typing import ClassVar

from synalinks.data import Concat as ConcatOperator
from synalinks.data import Operator
from synalinks.modules.merging.merging import Merging


class Concat(Merging):
    """All inputs side by side, as `a + b + ...`; an input that is None is an error.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     question: str
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        >>> question, answer = Question(question="2 + 2?"), Answer(answer=4)
        >>> asyncio.run(synalinks.Concat()([question, answer])).get_json()
        {'question': '2 + 2?', 'answer': 4}

    Args:
        name, description, trainable: as for any module.
    """

    operator: ClassVar[type[Operator]] = ConcatOperator


Concatenate = Concat
