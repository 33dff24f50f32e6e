"""OutMask: all but the fields that a mask names, as a module."""

from __future__ import annotations

from typing import ClassVar

from synalinks.modules.masking.masking import Masking


class OutMask(Masking):
    """All but the fields that a mask names. Arguments: see `Masking`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     thinking: str
        ...     answer: int
        >>> module = synalinks.OutMask(mask=["thinking"])
        >>> asyncio.run(module(Answer(thinking="2 and 2", answer=4))).get_json()
        {'answer': 4}
    """

    keeps: ClassVar[bool] = False
