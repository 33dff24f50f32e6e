"""Names with their parameters, their order and their defaults, against the list of those that users know.

A call that the list allows has to mean the same here: every parameter of the list is there, in its place where it may
be given by position, with its default. More parameters with defaults may follow. What differs on purpose is in
`DIFFERENT`.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

import synalinks
from synalinks._not_here_yet import PART_OF

#: What differs from the list, as `namespace.name: parameter`, with the reason.
DIFFERENT = {
    "the optimizers' guide of the seeds has 0.02": {
        "synalinks.optimizers.EvolutionaryOptimizer: merging_rate",
        "synalinks.optimizers.OMEGA: merging_rate",
    },
    "the cache is on by default, so that nothing is paid twice": {"synalinks.language_models.LanguageModel: caching"},
    "without names, two modules of a class can't be told apart": {"synalinks.utils.plot_program: show_module_names"},
    "it is RandomFewShot, which has reward_uncertainty before them": {
        "synalinks.optimizers.GreedyOptimizer: name",
        "synalinks.optimizers.GreedyOptimizer: description",
    },
    "instructions may be left out, as every field of a Trainable": {"synalinks.backend.Instructions: instructions"},
}
#: `*args` and `**kwargs`: where the list has them, all parameters have names here, so that a misspelt one is an error.
NAMED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Known(NamedTuple):
    """A line of the list: where the name is, what stands behind it, and whether it is awaited."""

    namespace: str
    name: str
    written: str
    is_async: bool

    @property
    def path(self) -> str:
        return f"{self.namespace}.{self.name}"

    @property
    def thing(self) -> Any:
        return getattr(importlib.import_module(self.namespace), self.name)


def listed(shared: Path) -> Iterator[Known]:
    """Every line of the list but those of parts that are not here yet."""
    namespace = ""
    for line in (shared / "reference" / "public_names.md").read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"## (synalinks[\w.]*)", line):
            namespace = heading[1]
            continue
        row = re.fullmatch(r"- \[\w+\] \*\*(\w+)\*\*(.*?)( \[async\])?", line)
        if row and not any(part in PART_OF for part in (*namespace.split("."), row[1])):
            yield Known(namespace, row[1], row[2].strip(), bool(row[3]))


def pieces(text: str) -> list[str]:
    """What stands between commas, those inside of quotes and brackets aside."""
    found, depth, quoted = [""], 0, ""
    for letter in text:
        if quoted:
            quoted = "" if letter == quoted else quoted
        elif letter in "'\"":
            quoted = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == "," and depth == 0:
            found.append("")
            continue
        found[-1] += letter
    return [one.strip() for one in found if one.strip()]


def shown(default: Any) -> str:
    """A default as the list writes it."""
    return getattr(default, "__name__", None) or repr(default)


def default_of(parameter: inspect.Parameter) -> str | None:
    """The default of a parameter likewise; None without one."""
    return None if parameter.default is parameter.empty else shown(parameter.default)


def differences_of_a_call(known: Known) -> set[str]:
    """The parameters by which a call that the list allows would mean something else here."""
    wanted, stars = pieces(known.written[1:-1]), 0
    ours = inspect.signature(known.thing).parameters
    by_position = [one.name for one in ours.values() if one.kind is one.POSITIONAL_OR_KEYWORD]
    found = set()
    for place, one in enumerate(wanted):
        if one.startswith("*"):
            stars = stars or place + 1
            continue
        name, written, default = one.partition("=")
        mine = ours.get(name)
        in_place = stars or by_position[place : place + 1] == [name]
        if mine is None or mine.kind in NAMED or not in_place or default_of(mine) != (default if written else None):
            found.add(name)
    known_names = {one.partition("=")[0] for one in wanted}
    return found | {
        one.name
        for one in ours.values()
        if one.name not in known_names and one.kind not in NAMED and one.default is one.empty
    }


def differences_of_fields(known: Known) -> set[str]:
    """The fields of a data model that are not those of the list, in their order and with their defaults."""
    fields: type[BaseModel] = known.thing
    wanted = {}
    for one in pieces(known.written[1:-1]):
        name, _, annotation = one.partition(": ")
        default = re.fullmatch(r".*?(?<![=!<>])=(.*)", annotation)
        wanted[name] = default[1] if default else None
    ours = {
        name: None if field.is_required() else repr(field.get_default(call_default_factory=True))
        for name, field in fields.model_fields.items()
    }
    if list(wanted) != list(ours):
        return set(wanted) ^ set(ours) or {"order"}
    return {name for name, default in wanted.items() if ours[name] != default}


def differences_of_members(known: Known) -> set[str]:
    """The members of an enumeration that are not those of the list."""
    kind: type[enum.Enum] = known.thing
    wanted = [tuple(one.split("=", 1)) for one in pieces(known.written.removeprefix("enum")[1:-1])]
    return {name for name, _ in {*wanted} ^ {(one.name, repr(one.value)) for one in kind}}


def test_every_call_that_users_know_means_the_same(shared: Path) -> None:
    expected = {one for differing in DIFFERENT.values() for one in differing}
    found, kinds = set(), {"call": 0, "fields": 0, "enum": 0}
    for known in listed(shared):
        if known.written == "(?)":
            continue
        kind = "fields" if known.written[0] == "{" else "enum" if known.written.startswith("enum") else "call"
        kinds[kind] += 1
        compare = {"call": differences_of_a_call, "fields": differences_of_fields, "enum": differences_of_members}
        found |= {f"{known.path}: {one}" for one in compare[kind](known)}
        if kind == "call" and not inspect.isclass(known.thing):
            assert inspect.iscoroutinefunction(known.thing) is known.is_async, known.path
    assert found == expected
    assert kinds["call"] > 490 and kinds["fields"] > 40 and kinds["enum"] == 6


def parameters(thing: Any) -> list[str]:
    """What a call may be given, as the list writes it."""
    found = inspect.signature(thing).parameters.values()
    return [one.name if (default := default_of(one)) is None else f"{one.name}={default}" for one in found]


def test_help_shows_what_a_module_takes() -> None:
    assert parameters(synalinks.Generator)[:3] == ["schema=None", "data_model=None", "language_model=None"]
    assert parameters(synalinks.LanguageModel)[0] == "model=None"


@pytest.mark.parametrize(
    ("namespace", "count"), [("metrics", 150), ("rewards", 45), ("optimizers", 7), ("callbacks", 11)]
)
def test_names_of_a_namespace_are_exported(shared: Path, namespace: str, count: int) -> None:
    names = [known.name for known in listed(shared) if known.namespace == f"synalinks.{namespace}"]
    assert len(names) >= count
    assert [name for name in names if name not in importlib.import_module(f"synalinks.{namespace}").__all__] == []
