from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple

import pytest

import synalinks
from synalinks.data import tree
from synalinks.errors import ConfigurationError

Point = namedtuple("Point", "x y")


def test_flatten_sorts_dicts_and_keeps_none() -> None:
    assert tree.flatten({"b": [1, (2, None)], "a": 3}) == [3, 1, 2, None]
    assert tree.flatten(5) == [5]
    assert tree.flatten({1: "a", "x": "b"}) == ["a", "b"]


def test_map_structure_keeps_types_and_key_order() -> None:
    made = tree.map_structure(lambda x, y: x + y, {"b": [1], "a": Point(2, 3)}, {"a": Point(4, 5), "b": [6]})
    assert made == {"b": [7], "a": Point(6, 8)}
    assert list(made) == ["b", "a"] and isinstance(made["a"], Point)


def test_pack_is_the_inverse_of_flatten() -> None:
    structure = {"b": [1, (2,)], "a": 3}
    assert tree.pack_sequence_as(structure, tree.flatten(structure)) == structure
    with pytest.raises(ConfigurationError, match="has 3 leaves, got 1"):
        tree.pack_sequence_as(structure, [1])


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1], (1,), "a list and a tuple"),
        ([1], [1, 2], "1 items and 2"),
        ({"a": 1}, {"b": 1}, "keys"),
        ({"a": [1]}, {"a": 1}, "at '/a'"),
    ],
)
def test_different_structures_are_refused(a: object, b: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        tree.assert_same_structure(a, b)


def test_assert_same_paths() -> None:
    tree.assert_same_paths([1, 2], (3, 4))
    with pytest.raises(ConfigurationError, match="only in the first"):
        tree.assert_same_paths([1, 2], [3])


def test_traverse_and_lists_to_tuples() -> None:
    assert tree.lists_to_tuples([1, {"a": [2]}]) == (1, {"a": (2,)})
    assert tree.traverse(lambda x: tree.MAP_TO_NONE if x == 1 else None, [1, [2]]) == [None, [2]]
    assert tree.traverse(lambda x: 0 if isinstance(x, list) and len(x) == 1 else None, [[1], 2]) == [0, 2]


def test_map_structure_needs_a_structure() -> None:
    with pytest.raises(ConfigurationError):
        tree.map_structure(len)


def test_kinds_of_dicts_are_kept() -> None:
    ordered = tree.map_structure(str, OrderedDict(b=1, a=2))
    assert isinstance(ordered, OrderedDict)
    assert list(ordered.items()) == [("b", "1"), ("a", "2")]
    defaults = tree.map_structure(str, defaultdict(list, a=1))
    assert isinstance(defaults, defaultdict)
    assert defaults["b"] == []


def test_namespace_has_the_same_functions() -> None:
    for name in synalinks.tree.__all__:
        assert getattr(synalinks.tree, name) is getattr(tree, name)
    assert synalinks.tree.traverse(lambda leaf: synalinks.tree.MAP_TO_NONE if leaf == 1 else None, [1, 2]) == [None, 2]
