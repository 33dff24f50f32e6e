"""The examples in docstrings: each public class has one, and all of them run, offline, and print what they show.

    PYTHONPATH=tests python tests/test_docstring_examples.py    # the classes without an example

An example may use `synalinks` and `asyncio` without importing them; where a model is needed, it brings a provider:
`synalinks.use_provider(ScriptedProvider(...))` from `synalinks.testing`.
"""

from __future__ import annotations

import asyncio
import contextlib
import doctest
import enum
import importlib
import inspect
import pkgutil
import socket
import types
from collections.abc import Iterator
from typing import Any

import pytest

import synalinks
from playing import own_prices
from synalinks.metrics import OperationalMetric
from synalinks.rewards import RubricAsJudge

#: Modules of extras without which an example does not run.
NEEDED = {
    "callbacks.Monitor": "mlflow",
    "callbacks.SynalinksProgramModel": "mlflow",
    "datasets.HuggingFaceDataset": "datasets.config",
    "datasets.MLflowDataset": "mlflow",
    "datasets.ParquetDataset": "pyarrow",
    "hooks.Monitor": "mlflow",
    "hooks.OpenTelemetry": "opentelemetry.sdk",
}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def namespaces() -> Iterator[types.ModuleType]:
    """The package and its public folders and files: those with an `__all__`."""
    yield synalinks
    for found in pkgutil.iter_modules(synalinks.__path__, "synalinks."):
        if not found.name.rpartition(".")[2].startswith("_"):
            module = importlib.import_module(found.name)
            if hasattr(module, "__all__"):
                yield module


def public() -> dict[str, Any]:
    """Public classes and functions of the package, by the name of their folder and their own."""
    found = {}
    for module in namespaces():
        for name in module.__all__:
            thing = getattr(module, name)
            home = getattr(thing, "__module__", "") or ""
            if (inspect.isclass(thing) or inspect.isfunction(thing)) and home.startswith("synalinks"):
                found[f"{home.split('.')[1]}.{thing.__qualname__}"] = thing
    return dict(sorted(found.items()))


def needs_an_example(thing: Any) -> bool:
    """Whether it is a class that a program makes instances of.

    Errors are raised and not made by programs; a row of the table of metrics, or a rubric, has its base's example; the
    docstring of a data model or an enum is the description in the schema that a language model is shown, so the
    built-in ones have that of `DataModel`.
    """
    if not inspect.isclass(thing) or issubclass(thing, (BaseException, enum.Enum)):
        return False
    if issubclass(thing, synalinks.DataModel) and thing is not synalinks.DataModel:
        return False
    generated = (issubclass(thing, OperationalMetric) and thing.row is not None) or (
        issubclass(thing, RubricAsJudge) and thing is not RubricAsJudge
    )
    return not generated


def examples(name: str, thing: Any) -> list[doctest.DocTest]:
    """The examples in its docstring and, of a class, in those of its methods."""
    globs = {"synalinks": synalinks, "asyncio": asyncio, "__name__": "__main__"}
    found = doctest.DocTestFinder(recurse=True).find(thing, name, globs=globs)
    return [one for one in found if one.examples]


@contextlib.contextmanager
def only_loopback() -> Iterator[None]:
    """An attempt to look up another machine is an error; test servers of the library are on this one."""
    look_up = socket.getaddrinfo

    def local(host: Any, *args: Any, **options: Any) -> Any:
        assert host in ("127.0.0.1", "localhost", "::1", None), f"an example tried to reach {host}"
        return look_up(host, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", local)
        yield


def without() -> set[str]:
    """Classes that need an example and whose docstring has none."""
    return {
        name
        for name, thing in public().items()
        if needs_an_example(thing) and ">>> " not in (thing.__dict__.get("__doc__") or "")
    }


PUBLIC = public()


def test_every_public_class_has_an_example() -> None:
    assert without() == set(), "give each an example in its docstring"


@pytest.mark.parametrize("name", [name for name, thing in PUBLIC.items() if examples(name, thing)])
def test_examples_run_and_print_what_they_show(name: str) -> None:
    if (needed := NEEDED.get(name)) is not None:
        pytest.importorskip(needed, reason=f"{needed} is of an extra that is not installed")
    printed: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    with only_loopback(), own_prices():
        for one in examples(name, PUBLIC[name]):
            runner.run(one, out=printed.append)
    assert runner.failures == 0, "".join(printed)


if __name__ == "__main__":
    print("\n".join(sorted(without())))
