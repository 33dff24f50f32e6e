"""The names of metrics and rewards with their parameters and defaults, against the list of those that users know."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from synalinks import metrics

#: Of `synalinks.rewards`: they judge with an agent, and there are no agents yet.
NEED_AGENTS = {"AgentAsJudge", "DeepAgentAsJudge", "RLMAsJudge"}


def known(shared: Path, namespace: str) -> dict[str, str]:
    """Name -> parameters as the list writes them."""
    text = (shared / "reference" / "public_names.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {namespace}  ")[2].partition("\n## ")[0]
    return dict(re.findall(r"^- \[\w+\] \*\*(\w+)\*\*\((.*)\)(?: \[async\])?$", section, flags=re.M))


def parameters(thing: Any) -> str:
    """What a call may be given, as the list writes it."""
    found = inspect.signature(thing).parameters.values()
    stars = {inspect.Parameter.VAR_KEYWORD: "**", inspect.Parameter.VAR_POSITIONAL: "*"}
    written = []
    for one in found:
        default = "" if one.default is one.empty else f"={getattr(one.default, '__name__', None) or repr(one.default)}"
        written.append(f"{stars.get(one.kind, '')}{one.name}{default}")
    return ", ".join(written)


@pytest.mark.parametrize("namespace", ["synalinks.metrics", "synalinks.rewards"])
def test_every_name_takes_what_users_give_it(shared: Path, namespace: str) -> None:
    module = importlib.import_module(namespace)
    names = known(shared, namespace)
    assert len(names) > 40
    missing = [name for name in names if name not in module.__all__ and name not in NEED_AGENTS]
    assert missing == []
    other = {}
    for name, wanted in names.items():
        if name in NEED_AGENTS or name in ("serialize", "deserialize"):
            continue
        if (got := parameters(getattr(module, name))) != wanted:
            other[name] = (got, wanted)
    assert other == {}


def test_all_names_are_there_and_in_order() -> None:
    assert metrics.__all__ == sorted(metrics.__all__, key=lambda name: (name[0].islower(), name))
    assert all(hasattr(metrics, name) for name in metrics.__all__)
