"""Score: a reward with words: what was good or wrong of a prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: Characters of feedback that are kept; more would only lengthen prompts.
LONGEST = 2000


class Score(float):
    """A reward with words, wherever a reward is returned; a number like any other.

    The words reach the proposers of optimizers, `synalinks report` and `history.feedback`. A row of the last has
    the place of its sample as the ledger has it, so `history.ledger.filter` finds the calls.

    Args:
        value: the reward, in [0, 1].
        feedback: what was good or wrong, for a reader; None for nothing.

    Example:
        >>> async def short(y_true, y_pred):
        ...     length = len(y_pred.get("answer"))
        ...     return synalinks.rewards.Score(length <= 3, f"{length} letters; at most three are allowed")
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> score = asyncio.run(synalinks.rewards.get(short)(None, Answer(answer="green")))
        >>> score, score.feedback
        (0.0, '5 letters; at most three are allowed')
    """

    __slots__ = ("feedback",)

    feedback: str | None

    def __new__(cls, value: float, feedback: str | None = None) -> Score:
        made = super().__new__(cls, value)
        made.feedback = None if feedback is None else str(feedback)[:LONGEST]
        return made

    def __reduce__(self) -> tuple[type[Score], tuple[float, str | None]]:
        return Score, (float(self), self.feedback)


def feedback_of(value: float) -> str | None:
    """The words of a reward, or None."""
    return value.feedback if isinstance(value, Score) else None


def weighted(values: Sequence[float], weights: Sequence[float]) -> float:
    """The weighted mean, with the words of all; of one value that value itself, of none 0."""
    if len(values) < 2:
        return values[0] if values else 0.0
    whole = math.fsum(value * weight for value, weight in zip(values, weights, strict=True)) / math.fsum(weights)
    words = [text for value in values if (text := feedback_of(value))]
    return Score(min(1.0, whole), "\n".join(words)) if words else min(1.0, whole)
