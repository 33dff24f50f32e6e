"""Tests of objects as JSON and back, and of what a file may not do."""

from __future__ import annotations

import enum
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import MODEL, Add, Answer, solver
from synalinks import saving
from synalinks.errors import ConfigurationError


class Tone(enum.StrEnum):
    """A tone."""

    KIND = "kind"


@saving.register_synalinks_serializable("TestsOfSaving")
async def half(y_true: Any, y_pred: Any) -> float:
    """Half a point."""
    return 0.5


def there_and_back(value: Any, **options: Any) -> Any:
    text = json.dumps(saving.serialize_synalinks_object(value))
    return saving.deserialize_synalinks_object(json.loads(text), **options)


def test_plain_data_round_trips() -> None:
    value = {"a": [1, 2.5, None, True, "x"], "b": {"c": []}}
    assert there_and_back(value) == value
    assert there_and_back((1, 2)) == [1, 2]
    assert there_and_back(Tone.KIND) == "kind"


def test_json_data_models_round_trip() -> None:
    value = Answer(answer=3).to_json_data_model(name="a")
    again = there_and_back(value)
    assert (again.get_json(), again.get_schema(), again.name) == (value.get_json(), value.get_schema(), "a")


def test_symbolic_models_and_instances_and_classes_round_trip() -> None:
    assert there_and_back(Answer.to_symbolic_data_model(name="s")).get_schema() == Answer.get_schema()
    assert there_and_back(Answer(answer=3)) == Answer(answer=3)
    assert there_and_back(Answer) is Answer


def test_a_class_the_process_lacks_comes_back_as_its_schema() -> None:
    saved = saving.serialize_synalinks_object(Answer)
    saved["config"]["module"], saved["registered_name"] = "gone", "Gone"
    saved["config"]["name"] = "Gone"
    assert saving.deserialize_synalinks_object(saved).get_schema() == Answer.get_schema()


def test_functions_are_found_by_name() -> None:
    assert there_and_back(half) is half
    reward = there_and_back(synalinks.rewards.RewardFunctionWrapper(half))
    assert reward.fn is half and reward.name == "half"


def test_a_lambda_is_refused_and_a_local_function_is_loaded_as_a_local_class_is() -> None:
    with pytest.raises(ConfigurationError, match="no name to be found by"):
        saving.serialize_synalinks_object(lambda x: x)

    async def local(y_true: Any, y_pred: Any) -> float:
        return 1.0

    class Local(synalinks.rewards.ExactMatch):
        pass

    for name, one in (("local", synalinks.rewards.RewardFunctionWrapper(local)), ("Local", Local())):
        saved = json.loads(json.dumps(saving.serialize_synalinks_object(one)))
        with pytest.raises(ConfigurationError, match=f"custom_objects=.'{name}': ..."):
            saving.deserialize_synalinks_object(saved)
        known = {"local": local, "Local": Local}
        assert type(saving.deserialize_synalinks_object(saved, custom_objects=known)) is type(one)


def test_numbers_of_numpy_are_numbers() -> None:
    saved = saving.serialize_synalinks_object({"k": np.int64(3), "weights": [np.float32(0.5), np.float64(0.25)]})
    assert json.dumps(saved) == '{"k": 3, "weights": [0.5, 0.25]}'


def test_what_is_no_data_is_refused_by_kind() -> None:
    with pytest.raises(ConfigurationError, match="can't be saved as JSON: object"):
        saving.serialize_synalinks_object(object())


def test_custom_objects_and_registered_ones() -> None:
    class Hidden(Add):
        """Not to be found by import."""

    saved = saving.serialize_synalinks_object(Hidden(4))
    with pytest.raises(ConfigurationError, match=r"Register it before loading, or pass custom_objects="):
        saving.deserialize_synalinks_object(saved)
    assert saving.deserialize_synalinks_object(saved, {"Hidden": Hidden}).number == 4
    with saving.custom_object_scope({"Hidden": Hidden}):
        assert saving.deserialize_synalinks_object(saved).number == 4

    @saving.register_synalinks_serializable(package="Tests")
    class Known(Add):
        """Registered."""

    assert saving.get_registered_name(Known) == "Tests>Known"
    assert saving.get_registered_object("Tests>Known") is Known
    assert saving.get_custom_objects()["Tests>Known"] is Known
    assert isinstance(there_and_back(Known(4)), Known)
    with pytest.raises(ConfigurationError, match="no get_config"):
        saving.register_synalinks_serializable()(int)


def test_a_shared_object_is_written_once_and_loaded_as_one() -> None:
    model = synalinks.LanguageModel(model=MODEL)
    with saving.sharing() as shared:
        described = [saving.serialize_synalinks_object(model) for _ in range(2)]
    assert len(shared.saved) == 1 and described[0] == described[1]
    with saving.sharing(shared.saved):
        one, two = (saving.deserialize_synalinks_object(part) for part in described)
    assert one is two and one.model == MODEL
    with pytest.raises(ConfigurationError, match="shared object"):
        saving.deserialize_synalinks_object(described[0])


MALICIOUS = [
    ("function", "subprocess", "getoutput"),
    ("function", "os", "popen"),
    ("function", "shutil", "rmtree"),
    ("function", "synalinks.saving.registry", "importlib.import_module"),
    ("function", "synalinks.programs.files", "os.popen"),
    ("function", "saving_evil", "popen"),
    ("function", "saving_evil", "os.popen"),
    ("__class__", "subprocess", "Popen"),
]


@pytest.fixture
def evil() -> Any:
    """A module of the user's that has imported things from the standard library."""
    import os

    module = types.ModuleType("saving_evil")
    module.os, module.popen = os, os.popen  # type: ignore[attr-defined]
    sys.modules["saving_evil"] = module
    yield module
    del sys.modules["saving_evil"]


@pytest.mark.parametrize(("kind", "module", "name"), MALICIOUS)
@pytest.mark.usefixtures("evil")
def test_no_function_of_the_standard_library_is_reached(kind: str, module: str, name: str) -> None:
    saved = {"class_name": kind, "config": {"module": module, "name": name}, "registered_name": name}
    with pytest.raises(ConfigurationError, match="A file may name"):
        saving.deserialize_synalinks_object(saved)
    as_class = {"class_name": name, "module": module, "config": {}, "registered_name": name}
    with pytest.raises(ConfigurationError, match="A file may name"):
        saving.deserialize_synalinks_object(as_class)


def test_nothing_is_imported_for_a_file() -> None:
    saved = {"class_name": "function", "config": {"module": "this_is_not_imported", "name": "f"}}
    with pytest.raises(ConfigurationError, match="A file may name"):
        saving.deserialize_synalinks_object(saved)
    assert "this_is_not_imported" not in sys.modules


def test_a_saved_program_with_a_planted_reward_runs_nothing(tmp_path: Path) -> None:
    program = solver()
    program.compile(reward=half)
    path = tmp_path / "p.json"
    program.save(path)
    text = path.read_text(encoding="utf-8").replace('"name": "half"', '"name": "system"')
    marker = tmp_path / "ran"
    for module in ("os", "posix", "subprocess"):
        value = json.loads(text)
        value["compile_config"]["reward"]["config"]["fn"]["config"]["module"] = module
        value["compile_config"]["reward"]["config"]["fn"]["registered_name"] = "system"
        value["compile_config"]["reward"]["config"]["cmd"] = f"touch {marker}"
        path.write_text(json.dumps(value), encoding="utf-8")
        with pytest.raises(ConfigurationError, match="A file may name"):
            synalinks.Program.load(path)
    assert not marker.exists()


def test_a_planted_template_reaches_nothing() -> None:
    program = solver(prompt_template="{{ ''.__class__.__mro__[1].__subclasses__() }}")
    with pytest.raises(ConfigurationError, match="unsafe"):
        program.get_module("solver_generator").messages(Answer(answer=1).to_json_data_model())  # type: ignore[attr-defined]


def test_a_file_with_a_module_that_is_not_here_yet_says_so() -> None:
    saved = {"module": "synalinks.modules", "class_name": "SQLAgent", "config": {}, "registered_name": None}
    with pytest.raises(ConfigurationError, match=r"can't be loaded: synalinks.modules.SQLAgent is a name of Syn"):
        synalinks.saving.deserialize_synalinks_object(saved)


def test_blocks_of_custom_objects_reach_what_is_inside_and_end() -> None:
    class Inner(synalinks.Module):
        """Does nothing."""

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return inputs

    class Outer(synalinks.Module):
        """Holds another."""

        def __init__(self, inner: Any, name: str | None = None) -> None:
            super().__init__(name=name)
            self.inner = inner

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return await self.inner(inputs)

    saved = json.loads(json.dumps(synalinks.modules.serialize(Outer(Inner(name="i"), name="o"))))
    with pytest.raises(ConfigurationError, match="register_synalinks_serializable"):
        synalinks.modules.deserialize(saved)
    names = {"Outer": Outer, "Inner": Inner}
    with pytest.raises(ConfigurationError, match="'.*Inner' of module"):
        synalinks.modules.deserialize(saved, custom_objects={saved["class_name"]: Outer})
    with saving.CustomObjectScope({saved["class_name"]: Outer}) as scope, saving.custom_object_scope(names):
        assert isinstance(synalinks.modules.deserialize(saved).inner, Inner)
        assert scope.custom_objects == {saved["class_name"]: Outer}
    every = {**names, saved["class_name"]: Outer}
    assert isinstance(synalinks.modules.deserialize(saved, custom_objects=every).inner, Inner)
    assert isinstance(saving.deserialize_synalinks_object(saved, custom_objects=every, safe_mode=False), Outer)
    assert saving.get_registered_object("Inner") is None


def test_a_module_is_not_any_object() -> None:
    saved = saving.serialize_synalinks_object(synalinks.ExactMatch())
    with pytest.raises(ConfigurationError, match="has a ExactMatch where a Operation belongs"):
        synalinks.modules.deserialize(saved)


def test_names_of_objects_and_objects_of_names() -> None:
    @saving.register_synalinks_serializable(package="Names", name="Other")
    class Named(synalinks.Module):
        """Has another name."""

    assert saving.get_registered_name(Named) == "Names>Other"
    assert saving.get_registered_name("Names>Other") == "Names>Other"
    assert saving.get_registered_name(synalinks.Generator) == "Generator"
    assert saving.get_registered_object("Names>Other") is Named
    assert saving.get_registered_object("X", custom_objects={"X": Named}) is Named
    assert saving.get_registered_object("X", module_objects={"X": Named}) is Named
    assert saving.get_registered_object("X") is None
    registry = saving.get_custom_objects()
    registry["Mine"] = Named
    try:
        assert saving.get_registered_object("Mine") is Named
    finally:
        del registry["Mine"]
    assert saving.get_registered_object("Mine") is None


@synalinks.saving.register_synalinks_serializable("Tests")
class Near(synalinks.rewards.Reward):
    """A reward that takes less than its base, whose settings are in its config."""

    def __init__(self, far: float = 1.0) -> None:
        super().__init__(name="near", in_mask=["answer"])
        self.far = far

    async def call(self, y_true: Any, y_pred: Any) -> float:
        return 1.0

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "far": self.far}


@synalinks.saving.register_synalinks_serializable("Tests")
class NearOptimizer(synalinks.optimizers.Optimizer):
    """An optimizer likewise."""

    def __init__(self, far: float = 1.0) -> None:
        super().__init__(population_size=3)
        self.far = far

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "far": self.far}


@synalinks.saving.register_synalinks_serializable("Tests")
class NearMetric(synalinks.metrics.Metric):
    """A metric likewise."""

    def __init__(self, far: float = 1.0) -> None:
        super().__init__(name="near")
        self.far = far

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "far": self.far}


@pytest.mark.parametrize("kind", [Near, NearOptimizer, NearMetric])
def test_settings_that_a_class_sets_by_itself_may_be_in_its_config(kind: Any) -> None:
    made = kind(far=3.0)
    saved = saving.serialize_synalinks_object(made)
    again = saving.deserialize_synalinks_object(saved)
    assert type(again) is kind and again.far == 3.0 and again.get_config() == made.get_config()
    other = next(name for name in ("population_size", "out_mask") if name in saved["config"])
    saved["config"][other] = 7
    with pytest.raises(ConfigurationError, match=f"{kind.__name__} takes no '{other}', and the saved one has {other}="):
        saving.deserialize_synalinks_object(saved)
