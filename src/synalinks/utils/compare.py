"""Paired comparison of trainings: on the same samples, and over several seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synalinks._base.warning import warn
from synalinks.callbacks import History
from synalinks.errors import ConfigurationError

#: Draws of the bootstrap, and its seed: two comparisons of the same histories are the same.
DRAWS, SEED = 4000, 20
#: What is compared, the surest first.
FIGURES = ("test_reward", "val_reward")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much better the second training is than the first.

    Attributes:
        figure: `test_reward` or `val_reward`.
        first, second: mean rewards.
        difference: second less first.
        low, high: the 95 % confidence interval of the difference.
        samples, seeds: that it was measured on.

    Example:
        >>> print(synalinks.utils.Comparison("test_reward", 0.5, 0.75, 0.25, 0.1, 0.4, samples=60, seeds=3))
        test_reward: 0.500 -> 0.750, +0.250 [+0.100, +0.400] on 60 samples and 3 seeds: a difference
    """

    figure: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    samples: int
    seeds: int

    @property
    def certain(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0.0 or self.high < 0.0

    def __str__(self) -> str:
        return (
            f"{self.figure}: {self.first:.3f} -> {self.second:.3f}, {self.difference:+.3f} "
            f"[{self.low:+.3f}, {self.high:+.3f}] on {self.samples} samples and {self.seeds} "
            f"{'seed' if self.seeds == 1 else 'seeds'}: {'a difference' if self.certain else 'no certain difference'}"
        )


def compare(
    first: History | Sequence[History], second: History | Sequence[History], figure: str | None = None
) -> Comparison:
    """Compare two trainings, or two ways of training with several seeds each, paired by sample and seed.

    The interval is a bootstrap's over seeds and samples (Efron & Tibshirani 1993). One seed says nothing of others:
    a search has luck, and the interval of one seed is that of these two programs alone. Give `fit` a `seed=`: without
    one it is always the same, and with the cache on a second run with it only replays the first.

    Args:
        first, second: histories of `fit`; of several seeds, lists of one length in the order of their seeds.
        figure: `test_reward` or `val_reward`; the test's where None and both have one. A validation set that a training
            has chosen by flatters it.

    Raises:
        ConfigurationError: no such figure, lists of unequal length, or histories without shared samples.

    Warns:
        UserWarning: two histories of one list have one seed.

    Example:
        >>> a, b = synalinks.callbacks.History(), synalinks.callbacks.History()
        >>> a.measured.add("val_reward", [0.0, 0.0, 1.0, 1.0], samples=[0, 1, 2, 3])
        >>> b.measured.add("val_reward", [1.0, 1.0, 1.0, 1.0], samples=[0, 1, 2, 3])
        >>> synalinks.utils.compare(a, b).difference
        0.5
    """
    import numpy as np  # plots and comparisons alone need it

    pairs = _paired(first, second)
    figure = _figure(pairs, figure)
    rows = []
    for one, other in pairs:
        before, after = one.measured.samples[figure], other.measured.samples[figure]
        shared = [index for index in before if index in after]
        if not shared:
            raise ConfigurationError(f"compare: the histories have no sample of {figure} in common")
        rows.append(([before[index] for index in shared], [after[index] for index in shared]))
    means = [(float(np.mean(before)), float(np.mean(after))) for before, after in rows]
    differences = [np.subtract(after, before) for before, after in rows]
    rng = np.random.default_rng(SEED)
    drawn = []
    for _ in range(DRAWS):
        chosen = rng.integers(len(rows), size=len(rows))
        drawn.append(np.mean([rng.choice(differences[i], size=len(differences[i])).mean() for i in chosen]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    mean, other_mean = (float(np.mean([pair[side] for pair in means])) for side in (0, 1))
    samples = min(len(one) for one in differences)
    return Comparison(figure, mean, other_mean, other_mean - mean, float(low), float(high), samples, len(rows))


def _paired(first: History | Sequence[History], second: History | Sequence[History]) -> list[tuple[History, History]]:
    sides = [[side] if isinstance(side, History) else list(side) for side in (first, second)]
    if len(sides[0]) != len(sides[1]) or not sides[0]:
        raise ConfigurationError(
            f"compare: {len(sides[0])} histories against {len(sides[1])}; they are paired by seed, so give as many of "
            "each"
        )
    for side in sides:
        seeds = [history.seed for history in side if history.seed is not None]
        if len(set(seeds)) < len(seeds):
            warn(
                f"compare: histories of one list have the same seed ({seeds}); with the cache on they are one run "
                "played twice. Give each fit a seed= of its own",
            )
    return list(zip(*sides, strict=True))


def _figure(pairs: Sequence[tuple[History, History]], wanted: str | None) -> str:
    everyone = [history for pair in pairs for history in pair]
    if wanted is not None and wanted not in FIGURES:
        raise ConfigurationError(f"compare(figure={wanted!r}): write one of {FIGURES}")
    for name in FIGURES if wanted is None else (wanted,):
        if all(name in history.measured.samples for history in everyone):
            return name
    raise ConfigurationError(
        f"compare: not every history has {wanted or 'rewards by sample'}; train with validation data, or with "
        "fit(test_data=(x, y)) for figures that no choice was made by"
    )
