"""What a prediction decides: yes or no by field, or a set of labels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from synalinks.data import tree


def decisions(y_true: Any, y_pred: Any, threshold: float) -> Iterator[tuple[bool, bool]]:
    """The decisions of prediction and target, field by field: bools, and numbers as yes (above `threshold`) or no.

    One that the prediction lacks is a wrong one.
    """
    found, wanted = (
        [leaf > threshold for leaf in tree.flatten(side.get_json()) if isinstance(leaf, (bool, int, float))]
        for side in (y_pred, y_true)
    )
    for ours, theirs in zip_longest(found[: len(wanted)], wanted):
        yield (not theirs if ours is None else ours), theirs


def labels_of(value: Any) -> set[str]:
    """The labels a value holds: its leaves as text."""
    return {str(leaf) for leaf in tree.flatten(value.get_json()) if leaf is not None}
