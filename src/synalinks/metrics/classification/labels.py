"""What a prediction decides: yes or no by field, or a set of labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from synalinks.rewards.leaves import Path, leaves_of, paired


def decisions(y_true: object, y_pred: object, threshold: float) -> Iterator[tuple[Path, bool, bool]]:
    """Field, prediction and target of each decision: a bool as it is, a number as yes (above `threshold`) or no.

    One that the prediction lacks is a wrong one; one that the target lacks does not count.
    """
    for path, wanted, found in paired(y_true, y_pred, lambda leaf: isinstance(leaf, (bool, int, float))):
        if wanted is not None:
            theirs = _decided(wanted, threshold)
            yield path, not theirs if found is None else _decided(found, threshold), theirs


def _decided(leaf: Any, threshold: float) -> bool:
    return leaf if isinstance(leaf, bool) else bool(leaf > threshold)


def labels_of(value: object) -> set[str]:
    """The labels a value holds: its leaves as text."""
    return {str(leaf) for leaf in leaves_of(value).values()}
