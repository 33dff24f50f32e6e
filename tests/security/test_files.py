"""A saved program is data: what a file may name, and what it may not."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, solver
from synalinks import saving
from synalinks.errors import ConfigurationError, SynalinksError


def plain(y_true: Any, y_pred: Any) -> float:
    """An ordinary function of an imported module."""
    raise AssertionError("a file ran it")


class Ordinary:
    """An ordinary class of an imported module, with all that loading needs."""

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: Any) -> Any:
        raise AssertionError("a file made it")


def function(module: str, name: str, registered: str | None = None) -> dict[str, Any]:
    config = {"module": module, "name": name}
    return {"class_name": "function", "config": config, "registered_name": registered or name}


def instance(module: str, name: str) -> dict[str, Any]:
    return {"class_name": name, "module": module, "config": {}, "registered_name": name}


def a_class(module: str, name: str) -> dict[str, Any]:
    return {"class_name": "__class__", "config": {"module": module, "name": name}, "registered_name": name}


REFUSED = [
    function("click.termui", "edit"),
    function("os", "system"),
    function("subprocess", "getoutput"),
    function(__name__, "plain"),
    function("synalinks.datasets", "load_data"),
    function("synalinks.rewards", "get"),
    function("synalinks.rewards", "deserialize"),
    function("synalinks.saving", "enable_unsafe_deserialization"),
    function("synalinks.saving.registry", "importlib.import_module"),
    function("synalinks", "set_price"),
    function("__main__", "sys.exit"),
    function("__main__", "__builtins__.exec"),
    function("", "exec"),
    instance(__name__, "Ordinary"),
    instance("subprocess", "Popen"),
    instance("synalinks.callbacks", "CSVLogger"),
    instance("synalinks.datasets", "JSONLDataset"),
    instance("synalinks.lm", "Client"),
    instance("synalinks.rewards", "ConfigurationError"),
    instance("synalinks.modules", "Module.__class__"),
    a_class("subprocess", "Popen"),
    a_class(__name__, "Ordinary"),
]


@pytest.mark.parametrize("wrong", [3, ["a"], {"a": 1}, True, None], ids=repr)
@pytest.mark.parametrize("place", ["module", "class_name", "registered_name", "config"])
@pytest.mark.parametrize("kind", ["ExactMatch", "function", "__class__", "__json_data_model__", "__shared__"])
def test_a_saved_object_of_another_shape_is_an_error_of_this_library(kind: str, place: str, wrong: object) -> None:
    saved: dict[str, Any] = {"module": "synalinks.rewards", "class_name": kind, "config": {}}
    try:
        saving.deserialize_synalinks_object({**saved, place: wrong})
    except SynalinksError:
        return
    assert kind == "ExactMatch" and wrong is None, "a name may be left out, and nothing else"


@pytest.mark.parametrize("place", ["module", "name"])
@pytest.mark.parametrize("kind", ["function", "__class__"])
@pytest.mark.parametrize("wrong", [3, ["a"], {"a": 1}, None], ids=repr)
def test_a_name_that_is_no_text_is_an_error_of_this_library(kind: str, place: str, wrong: object) -> None:
    config = {"module": "synalinks.rewards", "name": "get", place: wrong}
    with pytest.raises(SynalinksError):
        saving.deserialize_synalinks_object({"class_name": kind, "config": config})


@pytest.mark.parametrize("saved", REFUSED, ids=lambda saved: json.dumps(saved)[:80])
def test_what_a_file_may_not_name(saved: dict[str, Any]) -> None:
    for wrapped in (saved, [saved], {"x": saved}):
        with pytest.raises(ConfigurationError):
            saving.deserialize_synalinks_object(wrapped)
    for home in (synalinks.rewards, synalinks.metrics, synalinks.optimizers, synalinks.initializers):
        with pytest.raises(ConfigurationError):
            home.get(saved)
    with pytest.raises(ConfigurationError):
        synalinks.LanguageModel.get(saved)


@pytest.fixture
def main() -> Iterator[types.ModuleType]:
    """A `__main__` that defines a class and a function, and has imported others."""
    before, module = sys.modules["__main__"], types.ModuleType("__main__")
    exec(
        "import os\nfrom subprocess import getoutput\nimport synalinks\n"
        "class Own(synalinks.rewards.Reward):\n    async def call(self, y_true, y_pred): return 1.0\n"
        "async def own(y_true, y_pred): return 1.0\n",
        module.__dict__,
    )
    sys.modules["__main__"] = module
    yield module
    sys.modules["__main__"] = before


def test_what_is_defined_in_main_may_be_named_and_what_is_imported_there_may_not(main: types.ModuleType) -> None:
    assert saving.deserialize_synalinks_object(function("__main__", "own")) is main.own
    assert isinstance(synalinks.rewards.get(instance("__main__", "Own")), main.Own)
    for name in ("getoutput", "os.system", "os.popen", "Own.call.__globals__"):
        with pytest.raises(ConfigurationError, match="A file may name"):
            saving.deserialize_synalinks_object(function("__main__", name))


def test_custom_objects_and_registered_ones_may_be_named() -> None:
    saved = function("anywhere", "plain")
    assert saving.deserialize_synalinks_object(saved, {"plain": plain}) is plain
    with saving.custom_object_scope({"plain": plain}):
        assert synalinks.rewards.get(saved).fn is plain


def test_whoever_insists_can_have_all_of_it() -> None:
    saving.enable_unsafe_deserialization()
    try:
        assert saving.deserialize_synalinks_object(function("click.termui", "edit")).__name__ == "edit"
        model = synalinks.LanguageModel("openai/m", api_base="https://theirs.example", api_key_env="MY_KEY")
        again = synalinks.LanguageModel.from_config(model.get_config())
        assert not again._credentials.from_file
    finally:
        saving.enable_unsafe_deserialization(False)
    with pytest.raises(ConfigurationError):
        saving.deserialize_synalinks_object(function("click.termui", "edit"))


def test_a_saved_program_with_a_planted_reward_runs_nothing(tmp_path: Path) -> None:
    """The reward that ran a shell command: `click.termui.edit`, with an editor of the file's choice."""
    program = solver()
    program.compile(reward="exact_match")
    program.save(tmp_path / "p.json")
    value = json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))
    marker = tmp_path / "ran"
    planted = {**function("click.termui", "edit")}
    wrapper = {
        "class_name": "RewardFunctionWrapper",
        "module": "synalinks.rewards",
        "registered_name": "RewardFunctionWrapper",
        "config": {"fn": planted, "text": "x", "editor": f"touch {marker};", "name": "r"},
    }
    for reward in (planted, wrapper):
        value["compile_config"]["reward"] = reward
        (tmp_path / "q.json").write_text(json.dumps(value), encoding="utf-8")
        with pytest.raises(ConfigurationError, match="A file may name"):
            synalinks.Program.load(tmp_path / "q.json")
    assert not marker.exists()


def test_a_file_has_each_kind_where_it_belongs(tmp_path: Path) -> None:
    program = solver()
    program.compile(reward="exact_match", optimizer="random_few_shot")
    program.save(tmp_path / "p.json")
    value = json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))
    for place, other in (("reward", "optimizer"), ("optimizer", "reward")):
        changed = json.loads(json.dumps(value))
        changed["compile_config"][place] = value["compile_config"][other]
        (tmp_path / "q.json").write_text(json.dumps(changed), encoding="utf-8")
        with pytest.raises(ConfigurationError, match="belongs"):
            synalinks.Program.load(tmp_path / "q.json")
    changed = {
        **value,
        **{
            name: value["compile_config"]["reward"][name]
            for name in ("module", "class_name", "config", "registered_name")
        },
    }
    (tmp_path / "q.json").write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="belongs"):
        synalinks.Program.load(tmp_path / "q.json")


def test_a_class_of_data_is_its_schema_where_the_program_lacks_it() -> None:
    saved = saving.serialize_synalinks_object(Answer)
    saved["config"] |= {"module": "theirs", "name": "Theirs"}
    saved["registered_name"] = "Theirs"
    assert saving.deserialize_synalinks_object(saved).get_schema() == Answer.get_schema()


@pytest.mark.parametrize("index", [-1, 7, "x", None, [0], 1.5])
def test_a_reference_to_no_object_is_refused(index: Any) -> None:
    saved = [{"class_name": "LanguageModel", "module": "synalinks.modules", "config": {}}]
    with saving.sharing(saved), pytest.raises(ConfigurationError, match="shared object"):
        saving.deserialize_synalinks_object({"class_name": "__shared__", "config": index})
