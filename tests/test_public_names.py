"""Names with their parameters, their order and their defaults, against the list of those that users know."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import synalinks

#: In the list, and not here: judges with a sandbox.
NOT_YET = {
    "DeepAgentAsJudge",
    "RLMAsJudge",
}
#: Where the optimizers' guide states another default, it wins over the list.
BY_THE_GUIDE = {"merging_rate=0.05": "merging_rate=0.02"}


def known(shared: Path, namespace: str) -> dict[str, str]:
    """Name -> parameters as the list writes them."""
    text = (shared / "reference" / "public_names.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {namespace}  ")[2].partition("\n## ")[0]
    found = dict(re.findall(r"^- \[\w+\] \*\*(\w+)\*\*\((.*)\)(?: \[async\])?$", section, flags=re.M))
    return {name: wanted for name, wanted in found.items() if name not in NOT_YET}


def parameters(thing: Any) -> list[str]:
    """What a call may be given, as the list writes it."""
    stars = {inspect.Parameter.VAR_KEYWORD: "**", inspect.Parameter.VAR_POSITIONAL: "*"}
    written = []
    for one in inspect.signature(thing).parameters.values():
        default = "" if one.default is one.empty else f"={getattr(one.default, '__name__', None) or repr(one.default)}"
        written.append(f"{stars.get(one.kind, '')}{one.name}{default}")
    return written


def differences(shared: Path, namespace: str, more: bool, absent: bool = False) -> dict[str, Any]:
    """Names whose parameters are others; with `more`, those of ours alone may follow the known ones.

    Args:
        absent: whether names may be missing.
    """
    module = importlib.import_module(namespace)
    found = {}
    for name, written in known(shared, namespace).items():
        if absent and not hasattr(module, name):
            continue
        pieces = re.split(r", (?![^(]*\))", written)  # a comma inside a tuple is none between parameters
        wanted = [BY_THE_GUIDE.get(one, one) for one in pieces if one and not (more and one[0] == "*")]
        got = parameters(getattr(module, name))
        if (got[: len(wanted)] if more else got) != wanted:
            found[name] = (got, wanted)
    return found


@pytest.mark.parametrize("namespace", ["synalinks.metrics", "synalinks.rewards"])
def test_metrics_and_rewards_take_what_users_give_them(shared: Path, namespace: str) -> None:
    names = known(shared, namespace)
    assert len(names) > 40
    assert [name for name in names if name not in importlib.import_module(namespace).__all__] == []
    assert differences(shared, namespace, more=False) == {}


@pytest.mark.parametrize(("namespace", "count"), [("synalinks.optimizers", 7), ("synalinks.callbacks", 11)])
def test_optimizers_and_callbacks_take_what_users_give_them_and_then_more(
    shared: Path, namespace: str, count: int
) -> None:
    names = known(shared, namespace)
    assert len(names) == count
    assert [name for name in names if name not in importlib.import_module(namespace).__all__] == []
    extra = {"RandomFewShot", "GreedyOptimizer"}  # the list's GreedyOptimizer lacks what RandomFewShot has
    other = differences(shared, namespace, more=True)
    assert {name: pair for name, pair in other.items() if name not in extra} == {}


@pytest.mark.parametrize(
    ("namespace", "names"),
    [
        ("synalinks.modules", "Action FunctionCallingAgent Tool"),
        ("synalinks.utils", "Tool"),
        ("synalinks", "MultiServerMCPClient default_agent_prompt_template"),
        (
            "synalinks.language_models",
            "LanguageModel OAuthLanguageModel model_info provider_info supported_models supported_providers",
        ),
        ("synalinks.decision_models", "model_info provider_info score_schema supported_models supported_providers"),
        ("synalinks.embedding_models", "EmbeddingModel model_info provider_info supported_models supported_providers"),
    ],
)
def test_models_tools_and_agents_take_what_users_give_them_and_then_more(
    shared: Path, namespace: str, names: str
) -> None:
    module, wanted = importlib.import_module(namespace), known(shared, namespace)
    for name in names.split():
        parts = [one for one in wanted[name].split(", ") if one and one not in ("*", "caching=False", "caching=True")]
        got = [one for one in parameters(getattr(module, name)) if not one.startswith("caching=")]  # on by default here
        assert set(parts) <= set(got), name
        if "*" not in wanted[name].split(", "):
            assert [one for one in got if one in parts] == parts, name


#: Modules of control flow, of merging and masking, and those around a generator.
MODULES = (
    *("And", "Branch", "ChainOfThought", "Concat", "Decision", "Generator", "Identity", "InMask", "Lambda"),
    *("MultiDecision", "Not", "Or", "OutMask", "SelfCritique", "Xor"),
)


@pytest.mark.parametrize("name", [*MODULES, "DecisionModel"])
def test_modules_take_what_users_give_them_and_then_more(shared: Path, name: str) -> None:
    namespace = "synalinks" if name == "DecisionModel" else "synalinks.modules"
    wanted = [one for one in known(shared, namespace)[name].split(", ") if one not in ("*", "**kwargs")]
    assert parameters(getattr(synalinks, name))[: len(wanted)] == wanted


BENCHMARKS = (
    *(
        "arc_challenge",
        "arcagi",
        "bbh",
        "bbq",
        "boolq",
        "drop",
        "gsm8k",
        "hellaswag",
        "hotpotqa",
        "humaneval",
        "ifeval",
    ),
    *("lambada", "logiqa", "mmlu", "squad", "truthfulqa", "winogrande"),
)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark_sets_take_what_users_give_them(shared: Path, name: str) -> None:
    namespace = f"synalinks.datasets.{name}"
    assert len(known(shared, namespace)) >= 4
    assert differences(shared, namespace, more=False) == {}


def test_datasets_take_what_users_give_them(shared: Path) -> None:
    stars = {"*", "**kwargs"}
    for name, written in known(shared, "synalinks.datasets").items():
        thing = getattr(synalinks.datasets, name)
        wanted = [one for one in re.split(r", (?!')", re.sub(r"(?<='), (?=')", ",", written)) if one not in stars]
        got = [one.replace(", '", ",'") for one in parameters(thing) if one not in stars]
        assert [one for one in got if one in wanted] == wanted, name


#: Defaults that are meant to differ: without names, two modules of a class can't be told apart.
OTHER_DEFAULTS = {("plot_program", "show_module_names=False"): "show_module_names=True"}


@pytest.mark.parametrize("namespace", ["synalinks.utils"])
def test_plots_take_what_users_give_them(shared: Path, namespace: str) -> None:
    module = importlib.import_module(namespace)
    names = {
        name: [one for one in written.split(", ") if one and one != "**kwargs"]
        for name, written in known(shared, namespace).items()
        if hasattr(module, name)
    }
    assert len(names) >= 4
    for name, wanted in names.items():
        wanted = [OTHER_DEFAULTS.get((name, one), one) for one in wanted]
        got = parameters(getattr(module, name))
        assert [one for one in got if one in wanted] == wanted, name


@pytest.mark.parametrize(
    ("namespace", "count"),
    [
        ("synalinks.backend", 40),
        ("synalinks.config", 9),
        ("synalinks.tree", 9),
        ("synalinks.ops", 10),
        ("synalinks.initializers", 3),
    ],
)
def test_functions_of_the_small_namespaces_take_what_users_give_them(shared: Path, namespace: str, count: int) -> None:
    """Names that are not there are the matter of test_public_paths.py."""
    assert differences(shared, namespace, more=True, absent=True) == {}
    module = importlib.import_module(namespace)
    assert len([name for name in known(shared, namespace) if hasattr(module, name)]) >= count


def test_help_shows_what_a_module_takes() -> None:
    taken = parameters(synalinks.Generator)
    assert taken[:3] == ["schema=None", "data_model=None", "language_model=None"]
    assert parameters(synalinks.LanguageModel)[0] == "model=None"


@pytest.mark.parametrize(
    ("namespace", "names"),
    [
        ("synalinks", "Function StatelessScope SymbolicScope name_scope SymbolicDataModel JsonDataModel"),
        ("synalinks.programs", "program_from_json"),
        (
            "synalinks.saving",
            "custom_object_scope deserialize_synalinks_object get_custom_objects get_registered_name "
            "get_registered_object register_synalinks_serializable serialize_synalinks_object",
        ),
    ],
)
def test_programs_scopes_and_saving_take_what_users_give_them(shared: Path, namespace: str, names: str) -> None:
    listed = known(shared, namespace)
    for name in names.split():
        wanted = [one for one in listed[name].split(", ") if one and one != "*"]
        assert parameters(getattr(importlib.import_module(namespace), name)) == wanted, name
    for name in ("serialize", "deserialize"):
        assert callable(getattr(synalinks.modules, name))
