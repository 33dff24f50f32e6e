"""Nested structures of lists, tuples and dicts: taking them apart and putting them together.

Everything else is a leaf, None and data models included. Dicts are walked in the order of their sorted keys,
so two dicts with the same keys give their leaves in the same order; a rebuilt one keeps its own.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from synalinks.errors import ConfigurationError

_NESTS = (list, tuple, dict)


class MAP_TO_NONE:  # noqa: N801  used like a function
    """What a function given to `traverse` returns to put None in a place (None itself means: go on).

    Example:
        >>> synalinks.tree.traverse(lambda leaf: synalinks.tree.MAP_TO_NONE if leaf == "?" else None, ["yes", "?"])
        ['yes', None]
    """


def is_nested(structure: object) -> bool:
    """Whether this is a list, tuple or dict."""
    return isinstance(structure, _NESTS)


def flatten(structure: object) -> list[Any]:
    """The leaves, in order."""
    if not isinstance(structure, _NESTS):
        return [structure]
    return list(_leaves(structure))


def _leaves(structure: object) -> Iterator[Any]:
    for item in _children(structure):
        if isinstance(item, _NESTS):
            yield from _leaves(item)
        else:
            yield item


def _sorted_keys(structure: dict[Any, Any]) -> list[object]:
    try:
        return sorted(structure)
    except TypeError:  # keys of several types have no order of their own
        return sorted(structure, key=lambda key: (type(key).__name__, str(key)))


def _children(structure: Any) -> Sequence[Any]:
    if isinstance(structure, dict):
        return [structure[key] for key in _sorted_keys(structure)]
    return structure  # type: ignore[no-any-return]


def _rebuild(structure: object, children: Sequence[object]) -> Any:
    """A structure like the given one, with other children."""
    if isinstance(structure, dict):
        by_key = dict(zip(_sorted_keys(structure), children, strict=True))
        rebuilt = {key: by_key[key] for key in structure}
        if isinstance(structure, defaultdict):
            return defaultdict(structure.default_factory, rebuilt)
        return OrderedDict(rebuilt) if isinstance(structure, OrderedDict) else rebuilt
    if hasattr(structure, "_fields"):  # a named tuple takes its items one by one
        return type(structure)(*children)
    return tuple(children) if isinstance(structure, tuple) else list(children)


def map_structure(func: Callable[..., Any], *structures: Any) -> Any:
    """`func` of the leaves that stand in the same place, in a structure like the first.

    Raises:
        ConfigurationError: no structure was given, or they differ.
    """
    if not structures:
        raise ConfigurationError("map_structure needs at least one structure after the function")
    for other in structures[1:]:
        assert_same_structure(structures[0], other)
    return _map(func, structures)


def _map(func: Callable[..., Any], structures: Sequence[object]) -> Any:
    first = structures[0]
    if not isinstance(first, _NESTS):
        return func(*structures)
    rows = zip(*(_children(structure) for structure in structures), strict=True)
    return _rebuild(first, [_map(func, row) for row in rows])


def assert_same_structure(a: object, b: object, check_types: bool | None = None) -> None:
    """Refuse two structures of different shape.

    Args:
        a: a structure.
        b: another.
        check_types: accepted for old programs; lists, tuples and dicts are always told apart.

    Raises:
        ConfigurationError: saying where they differ.
    """
    _assert_same(a, b, "")


def _assert_same(a: Any, b: Any, path: str) -> None:
    here = f"at {path!r}" if path else "at the top"
    kind_a, kind_b = _kind(a), _kind(b)
    if kind_a != kind_b:
        raise ConfigurationError(f"the structures differ {here}: {kind_a} and {kind_b}. Got {a!r} and {b!r}")
    if kind_a == "a leaf":
        return
    if kind_a == "a dict":
        if set(a) != set(b):
            raise ConfigurationError(f"the dicts differ {here}: keys {list(a)} and {list(b)}")
        for key in a:
            _assert_same(a[key], b[key], f"{path}/{key}")
        return
    if len(a) != len(b):
        raise ConfigurationError(f"the structures differ {here}: {len(a)} items and {len(b)}")
    for place, (one, two) in enumerate(zip(a, b, strict=True)):
        _assert_same(one, two, f"{path}/{place}")


def _kind(structure: object) -> str:
    for kind in _NESTS:
        if isinstance(structure, kind):
            return f"a {kind.__name__}"
    return "a leaf"


def assert_same_paths(a: object, b: object) -> None:
    """Refuse two structures whose leaves are not in the same places; lists and tuples count as the same.

    Raises:
        ConfigurationError: naming the places that only one has.
    """
    paths_a, paths_b = set(_paths(a, ())), set(_paths(b, ()))
    if paths_a != paths_b:
        only_a, only_b = (sorted(map(str, one)) for one in (paths_a - paths_b, paths_b - paths_a))
        raise ConfigurationError(
            f"the structures have leaves in different places: only in the first {only_a}, only in the second {only_b}"
        )


def _paths(structure: object, path: tuple[object, ...]) -> Iterator[tuple[object, ...]]:
    if isinstance(structure, dict):
        for key in structure:
            yield from _paths(structure[key], (*path, key))
    elif isinstance(structure, _NESTS):
        for place, item in enumerate(structure):
            yield from _paths(item, (*path, place))
    else:
        yield path


def pack_sequence_as(structure: object, flat_sequence: Sequence[object]) -> Any:
    """A structure like the given one with the leaves of `flat_sequence`, in the order of `flatten`.

    Raises:
        ConfigurationError: too few leaves, or too many.
    """
    wanted = len(flatten(structure))
    if wanted != len(flat_sequence):
        raise ConfigurationError(f"the structure has {wanted} leaves, got {len(flat_sequence)} to put there")
    leaves = iter(flat_sequence)
    return _map(lambda _: next(leaves), (structure,))


def lists_to_tuples(structure: object) -> Any:
    """The same structure with every list made a tuple."""

    def as_tuple(node: object) -> Any:
        return tuple(node) if isinstance(node, list) else None

    return traverse(as_tuple, structure, top_down=False)


def traverse(func: Callable[[Any], Any], structure: object, top_down: bool = True) -> Any:
    """The structure with each node, or leaf, replaced by what `func` makes of it.

    `func` returns None to leave a node as it is (top down: and go on below it), `MAP_TO_NONE` to put None.
    """
    if top_down:
        made = func(structure)
        if made is not None:
            return None if made is MAP_TO_NONE else made
        if not isinstance(structure, _NESTS):
            return structure
        return _rebuild(structure, [traverse(func, child) for child in _children(structure)])
    if isinstance(structure, _NESTS):
        children = [traverse(func, child, top_down=False) for child in _children(structure)]
        structure = _rebuild(structure, children)
    made = func(structure)
    if made is None:
        return structure
    return None if made is MAP_TO_NONE else made


def as_json(structure: object) -> Any:
    """A structure with the data models in it as JSON; a leaf that is None stays so."""
    return map_structure(lambda leaf: None if leaf is None else leaf.get_json(), structure)
