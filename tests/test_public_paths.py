"""Every path on which existing programs import a name: it is there, or says in one line that it is not here yet."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from pending_paths import PENDING
from synalinks._not_here_yet import PART_OF


def paths(shared: Path) -> list[tuple[str, str]]:
    """Namespace and name of each path of the list."""
    text = (shared / "reference" / "public_paths.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (synalinks[\w.]*) \((\d+)\)\n\n(.+)$", text, flags=re.M)
    found = [(namespace, name) for namespace, _, names in sections for name in names.split(", ")]
    assert len(found) == sum(int(count) for _, count, _ in sections)
    return found


def is_not_here_yet(namespace: str, name: str) -> bool:
    return any(part in PART_OF for part in (*namespace.split("."), name))


def is_there(namespace: str, name: str) -> bool:
    try:
        module = importlib.import_module(namespace)
    except ModuleNotFoundError:
        return False
    return hasattr(module, name)


def test_every_path_is_there_or_pending(shared: Path) -> None:
    listed = [one for one in paths(shared) if not is_not_here_yet(*one)]
    assert len(listed) > 800
    pending = {(namespace, name) for namespace, names in PENDING.items() for name in names.split()}
    missing = {one for one in listed if not is_there(*one)}
    assert sorted(missing - pending) == []
    assert sorted(pending - missing) == [], "these are there by now: delete them from tests/pending_paths.py"


def test_names_of_the_table_are_of_the_list_and_not_here(shared: Path) -> None:
    listed = paths(shared)
    assert set(PART_OF) <= {part for namespace, name in listed for part in (*namespace.split("."), name)}
    assert [one for one in listed if is_not_here_yet(*one) and is_there(*one)] == []


def test_a_name_that_is_not_here_yet_says_so_as_an_attribute_and_in_an_import(shared: Path) -> None:
    for namespace, name in paths(shared):
        if not is_not_here_yet(namespace, name):
            continue
        with pytest.raises(
            ImportError, match=r"^synalinks[\w.]+ is a name of Synalinks that is not here yet \(part: .*\)$"
        ):
            exec(f"from {namespace} import {name}")
        if not any(part in PART_OF for part in namespace.split(".")):
            with pytest.raises(
                AttributeError, match=f"^{namespace}.{name} is a name of Synalinks that is not here yet"
            ):
                getattr(importlib.import_module(namespace), name)


@pytest.mark.parametrize("statement", ["import synalinks.tuners", "from synalinks.sandboxes import Git"])
def test_namespaces_that_are_not_here_yet_are_modules_not_found(statement: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"is a name of Synalinks that is not here yet"):
        exec(statement)


def test_other_names_are_errors_of_python() -> None:
    with pytest.raises(ImportError, match="cannot import name 'Genertor' from 'synalinks'"):
        exec("from synalinks import Genertor")
    with pytest.raises(AttributeError, match="module 'synalinks.modules' has no attribute 'Genertor'"):
        exec("import synalinks; synalinks.modules.Genertor")
    with pytest.raises(ModuleNotFoundError, match="No module named 'synalinks.nothing'"):
        importlib.import_module("synalinks.nothing")
