"""The data algebra on JSON values: plain functions from dicts to a new dict.

Nothing is validated, nothing of the arguments is changed, and nested values are shared, not copied. The same
functions on schemas are in `schema.py`; where a value leaves out fields that were None, the `names` arguments
carry the names in its schema, so that value and schema come out alike.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence

from synalinks._json import Json, JsonObject
from synalinks.data.algebra import keys


def copy_json(value: Json) -> Json:
    """A deep copy of a JSON value, several times faster than `copy.deepcopy`."""
    kind = type(value)
    if kind is dict:
        return {key: copy_json(item) for key, item in value.items()}
    if kind is list:
        return [copy_json(item) for item in value]
    if kind in _ATOMS:
        return value
    return copy.deepcopy(value)


_ATOMS = frozenset((str, int, float, bool, type(None)))


def concat(
    first: JsonObject,
    second: JsonObject,
    first_names: Iterable[str] | None = None,
    second_names: Iterable[str] | None = None,
) -> JsonObject:
    """The fields of `first`, then those of `second`; a clash is numbered, nothing is overwritten."""
    here = first if first_names is None else [*first_names, *first]
    there = second if second_names is None else dict.fromkeys([*second_names, *second])
    names = keys.renames(here, there)
    result = dict(first)
    for key, value in second.items():
        result[names[key]] = value
    return result


def factorize(value: JsonObject, names: Iterable[str] | None = None) -> JsonObject:
    """Fields of one base name gathered in a list: `{answer, answer_1}` becomes `{answers: [.., ..]}`.

    Scalars are appended and lists extended, in order.
    """
    known = value if names is None else dict.fromkeys([*names, *value])
    result: JsonObject = {}
    for group in keys.groups(known):
        present = [value[member] for member in group.members if member in value]
        if not present:
            continue
        result[group.name] = _gather(present) if group.many else present[0]
    return result


def _gather(values: list[Json]) -> list[Json]:
    gathered: list[Json] = []
    for value in values:
        if isinstance(value, list):
            gathered.extend(value)
        else:
            gathered.append(value)
    return gathered


def in_mask(
    value: JsonObject, mask: Sequence[str] | None = None, pattern: str | None = None, recursive: bool = True
) -> JsonObject:
    """Only the fields that match; `{}` with neither mask nor pattern.

    With `recursive`, nested objects are masked too, and kept only if their own name matches.
    """
    test = keys.mask_of(mask, pattern)
    return _select(value, test, recursive)


def out_mask(
    value: JsonObject, mask: Sequence[str] | None = None, pattern: str | None = None, recursive: bool = True
) -> JsonObject:
    """All but the fields that match; with `recursive`, in nested objects too."""
    test = keys.mask_of(mask, pattern)
    return _select(value, lambda name: not test(name), recursive)


def _select(value: JsonObject, keep: Callable[[str], bool], recursive: bool) -> JsonObject:
    if not recursive:
        return {key: item for key, item in value.items() if keep(key)}
    return {key: _descend(item, keep) for key, item in value.items() if keep(key)}


def _descend(value: Json, keep: Callable[[str], bool]) -> Json:
    if isinstance(value, dict):
        return _select(value, keep, True)
    if isinstance(value, list):
        return [_descend(item, keep) for item in value]
    return value


def prefix(value: JsonObject, prefix: str) -> JsonObject:
    """Every top-level field renamed to `prefix_name`."""
    return {f"{prefix}_{key}": item for key, item in value.items()}


def suffix(value: JsonObject, suffix: str) -> JsonObject:
    """Every top-level field renamed to `name_suffix`."""
    return {f"{key}_{suffix}": item for key, item in value.items()}
