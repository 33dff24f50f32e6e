"""Scales that a judge scores on, and their way to [0, 1]."""

from __future__ import annotations

from enum import Enum, IntEnum

from synalinks.errors import ConfigurationError
from synalinks.session import to_snake_case


class Score(float, Enum):
    """Eleven steps from 0 to 1."""

    VERY_BAD = 0.0
    POOR = 0.1
    BELOW_AVERAGE = 0.2
    LOW_AVERAGE = 0.3
    MEDIUM_LOW = 0.4
    MEDIUM = 0.5
    MEDIUM_HIGH = 0.6
    ABOVE_AVERAGE = 0.7
    HIGH_AVERAGE = 0.8
    GOOD = 0.9
    VERY_GOOD = 1.0


class FineScore(float, Enum):
    """Twenty-one steps from 0 to 1."""

    VERY_BAD = 0.0
    BAD = 0.05
    POOR = 0.1
    VERY_LOW = 0.15
    BELOW_AVERAGE = 0.2
    LOW = 0.25
    LOW_AVERAGE = 0.3
    SLIGHTLY_LOW = 0.35
    MEDIUM_LOW = 0.4
    SLIGHTLY_BELOW_MEDIUM = 0.45
    MEDIUM = 0.5
    SLIGHTLY_ABOVE_MEDIUM = 0.55
    MEDIUM_HIGH = 0.6
    SLIGHTLY_HIGH = 0.65
    ABOVE_AVERAGE = 0.7
    HIGH = 0.75
    HIGH_AVERAGE = 0.8
    VERY_HIGH = 0.85
    GOOD = 0.9
    EXCELLENT = 0.95
    VERY_GOOD = 1.0


class Rating(IntEnum):
    """One to five."""

    ONE = 1
    TWO = 2
    THREE = 3
    FOUR = 4
    FIVE = 5


class Rating10(IntEnum):
    """One to ten."""

    ONE = 1
    TWO = 2
    THREE = 3
    FOUR = 4
    FIVE = 5
    SIX = 6
    SEVEN = 7
    EIGHT = 8
    NINE = 9
    TEN = 10


class Rating20(IntEnum):
    """One to twenty."""

    ONE = 1
    TWO = 2
    THREE = 3
    FOUR = 4
    FIVE = 5
    SIX = 6
    SEVEN = 7
    EIGHT = 8
    NINE = 9
    TEN = 10
    ELEVEN = 11
    TWELVE = 12
    THIRTEEN = 13
    FOURTEEN = 14
    FIFTEEN = 15
    SIXTEEN = 16
    SEVENTEEN = 17
    EIGHTEEN = 18
    NINETEEN = 19
    TWENTY = 20


_SCALES: dict[str, type[Enum]] = {
    to_snake_case(scale.__name__): scale for scale in (Score, FineScore, Rating, Rating10, Rating20)
}


def get_score_type(identifier: object) -> type[Enum]:
    """The scale for a name (`"score"`, `"FineScore"`, `"rating10"`), an enum of numbers, or None (`Score`).

    Raises:
        ConfigurationError: no such scale.
    """
    if identifier is None:
        return Score
    if isinstance(identifier, str):
        found = _SCALES.get(to_snake_case(identifier)) or _SCALES.get(to_snake_case(identifier).replace("_", ""))
        if found is not None:
            return found
    elif isinstance(identifier, type) and issubclass(identifier, Enum) and _numbers(identifier):
        return identifier
    raise ConfigurationError(
        f"no score scale {identifier!r}; give one of {list(_SCALES)}, or an Enum of at least two numbers"
    )


def _numbers(scale: type[Enum]) -> list[float]:
    """The values of a scale, or none if it is no scale of numbers."""
    values = [member.value for member in scale]
    if len(set(values)) < 2 or not all(isinstance(value, int | float) for value in values):
        return []
    return sorted(float(value) for value in values)


def normalize_score(value: object, score_type: object) -> float:
    """A value on a scale, as a number in [0, 1]: the lowest step is 0, the highest 1.

    Raises:
        ConfigurationError: the value is no number on this scale.
    """
    steps = _numbers(get_score_type(score_type))
    number = value.value if isinstance(value, Enum) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not steps[0] <= number <= steps[-1]:
        raise ConfigurationError(f"a score is a number from {steps[0]:g} to {steps[-1]:g}, got {value!r}")
    return (float(number) - steps[0]) / (steps[-1] - steps[0])
