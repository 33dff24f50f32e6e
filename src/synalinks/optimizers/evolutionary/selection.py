"""Ways to choose: softmax, best, random. A temperature of 0 means the greedy limit."""

from __future__ import annotations

import bisect
import itertools
import numbers
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synalinks.errors import ConfigurationError

if TYPE_CHECKING:
    import numpy as np

    Scores = Sequence[float] | np.ndarray[tuple[int], np.dtype[np.float64]]

STRATEGIES = ("softmax", "best", "random")
#: Sum of weights below which they are worked out anew, before they have no digits left.
LEAST = 1e-200


def check_temperature(value: float, what: str) -> float:
    """A temperature as given.

    Raises:
        ConfigurationError: below 0, or not a number.
    """
    if not isinstance(value, numbers.Real) or not value >= 0:
        raise ConfigurationError(f"{what}={value!r}: a temperature is 0 (greedy) or above")
    return value


def check_count(value: int, least: int, what: str) -> int:
    """A number of things as given.

    Raises:
        ConfigurationError: not a whole number, or below the least.
    """
    try:
        whole = operator.index(value)
    except TypeError:
        whole = least - 1
    if whole < least:
        raise ConfigurationError(f"{what}={value!r}: a whole number is needed, {least} or above")
    return value


def check_strategy(value: str, what: str) -> str:
    """A way to choose, as given.

    Raises:
        ConfigurationError: an unknown one.
    """
    if value not in STRATEGIES:
        raise ConfigurationError(f"{what}={value!r}: write one of {STRATEGIES}")
    return value


def softmax(scores: Scores, temperature: float) -> Any:
    """Probabilities proportional to exp(score / temperature), float64; the best share it all at temperature 0.

    Shapes: scores `(n,)`, result `(n,)`.
    """
    import numpy as np  # only training needs it

    values = np.asarray(scores, dtype=np.float64)
    best = values.max()
    if temperature == 0:
        weights = (values == best).astype(np.float64)
    else:
        weights = np.exp((values - best) / temperature)
    return weights / weights.sum()


def choose(scores: Scores, count: int, strategy: str, temperature: float, rng: np.random.Generator) -> list[int]:
    """Indices of `count` different items.

    Args:
        scores: one per item, higher is better; a list or an array, `(n,)`.
        count: at most as many as there are scores.
        strategy: `softmax` draws without replacement by temperature, `best` takes the highest, `random` draws
            uniformly.
    """
    if strategy == "random":
        return [int(i) for i in rng.permutation(len(scores))[:count]]
    if strategy == "best":
        return sorted(range(len(scores)), key=lambda i: -scores[i])[:count]
    left, chosen = list(range(len(scores))), list[int]()
    weights = softmax(scores, temperature).tolist()
    while len(chosen) < count:
        reached = list(itertools.accumulate(weights))
        if reached[-1] < LEAST:  # of what is left, nothing is near to the best there was
            weights = softmax([scores[i] for i in left], temperature).tolist()
            continue
        place = min(bisect.bisect_right(reached, float(rng.random()) * reached[-1]), len(left) - 1)
        chosen.append(left.pop(place))
        del weights[place]
    return chosen
