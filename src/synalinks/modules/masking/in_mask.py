"""InMask: fields that a mask names, as a module."""

from __future__ import annotations

from typing import ClassVar

from synalinks.modules.masking.masking import Masking


class InMask(Masking):
    """Only the fields that a mask names. Arguments: see `Masking`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     thinking: str
        ...     answer: int
        >>> module = synalinks.InMask(mask=["answer"])
        >>> asyncio.run(module(Answer(thinking="2 and 2", answer=4))).get_json()
        {'answer': 4}
    """

    keeps: ClassVar[bool] = True
