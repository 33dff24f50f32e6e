"""The leaves of a target and a prediction, paired by what they are, not by where they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

#: A leaf's place: names of fields and indices in lists, outermost first.
Path = tuple[object, ...]


def leaves_of(value: Any, keep: Callable[[Any], bool] = lambda leaf: True) -> dict[Path, Any]:
    """The leaves of a data model by place, those that are None left out, in the order of the sorted fields."""
    return {path: leaf for path, leaf in _walk(value.get_json(), ()) if leaf is not None and keep(leaf)}


def paired(
    y_true: object, y_pred: object, keep: Callable[[Any], bool] = lambda leaf: True
) -> Iterator[tuple[Path, Any, Any]]:
    """Place, target and prediction of every leaf; None on the side that lacks it.

    A leaf goes with the one at the same place. What is left over on both sides, because fields are called otherwise,
    is paired in order; the place is then the target's.
    """
    wanted, found = leaves_of(y_true, keep), leaves_of(y_pred, keep)
    theirs = [path for path in wanted if path not in found]
    ours = [path for path in found if path not in wanted]
    partner = dict(zip(theirs, ours, strict=False))
    for path, leaf in wanted.items():
        yield path, leaf, found.get(partner.get(path, path))
    for path in ours[len(theirs) :]:
        yield path, None, found[path]


def _walk(value: object, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        for name in sorted(value, key=str):
            yield from _walk(value[name], (*path, name))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _walk(item, (*path, index))
    else:
        yield path, value
