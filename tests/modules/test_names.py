"""The names of `synalinks.modules`: the table they are loaded by, and the imports that type checkers read."""

from __future__ import annotations

import ast
import inspect

import synalinks.modules
from synalinks.modules import _HOMES  # type: ignore[attr-defined]  # not for type checkers


def test_type_checkers_read_what_is_loaded() -> None:
    loaded = {(home, name) for home, names in _HOMES.items() for name in names.split()}
    tree = ast.parse(inspect.getsource(synalinks.modules))
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name)]
    read = {
        (str(node.module).removeprefix("synalinks.modules."), alias.asname)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert read == loaded
    assert {name for _, name in loaded} == set(synalinks.modules.__all__)


def test_each_name_is_there() -> None:
    for name in synalinks.modules.__all__:
        assert getattr(synalinks.modules, name) is not None
