"""Tests of the public face: what it names, and how little importing it does."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import synalinks

SOURCE = Path(synalinks.__file__)


def test_every_public_name_resolves_and_is_listed_once_in_order() -> None:
    assert synalinks.__all__ == sorted(set(synalinks.__all__))
    for name in synalinks.__all__:
        assert getattr(synalinks, name) is not None, name
    assert set(synalinks.__all__) <= set(dir(synalinks))


def test_a_name_has_one_home_and_is_of_that_home() -> None:
    named = [name for names in synalinks._HOMES.values() for name in names.split()]
    assert len(named) == len(set(named))
    for home, names in synalinks._HOMES.items():
        for name in names.split():
            assert getattr(importlib.import_module(f"synalinks.{home}"), name) is getattr(synalinks, name)


def test_the_version_is_a_function_whatever_was_imported_before() -> None:
    importlib.import_module("synalinks.version")
    assert synalinks.version() == synalinks.__version__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        synalinks.nothing  # noqa: B018


@pytest.mark.parametrize("namespace", synalinks._NAMESPACES)
def test_the_names_of_every_namespace_resolve(namespace: str) -> None:
    module = getattr(synalinks, namespace)
    for name in getattr(module, "__all__", ()):
        assert hasattr(module, name), f"synalinks.{namespace}.{name}"


PROBE = """
import json, socket, sys, random
opened, written = [], []
def audit(event, args):
    if event.startswith("socket."):
        opened.append(event)
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        written.append(str(args[0]))
    if event in ("os.mkdir", "os.rename", "os.remove"):
        written.append(event)
sys.addaudithook(audit)
state = random.getstate()
import synalinks
{more}
print(json.dumps({"opened": opened, "written": written, "modules": sorted(sys.modules),
                  "seeded": state != random.getstate()}))
"""
HEAVY = ("numpy", "matplotlib", "rich", "httpx", "ollama", "jinja2", "diskcache", "jsonschema_rs", "tenacity")


def probe(folder: Path, more: str = "") -> dict[str, list[str]]:
    env = {**os.environ, "PYTHONPATH": str(SOURCE.parent.parent), "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", PROBE.replace("{more}", more)],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, list[str]] = json.loads(ran.stdout)
    return found


def test_importing_opens_no_socket_writes_no_file_and_loads_nothing_heavy(tmp_path: Path) -> None:
    found = probe(tmp_path)
    assert (found["opened"], found["written"], found["seeded"]) == ([], [], False)
    assert [name for name in HEAVY if name in found["modules"]] == []
    assert list(tmp_path.iterdir()) == []


def test_naming_the_engine_does_not_load_what_only_a_call_needs(tmp_path: Path) -> None:
    more = (
        "synalinks.Program, synalinks.Generator, synalinks.RandomFewShot, synalinks.ExactMatch, synalinks.use_cassette"
    )
    found = probe(tmp_path, more)
    assert (found["opened"], found["written"], found["seeded"]) == ([], [], False)
    assert [n for n in ("matplotlib", "rich", "httpx", "ollama", "numpy", "diskcache") if n in found["modules"]] == []
