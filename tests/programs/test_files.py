"""Tests of saving and loading programs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import (
    MODEL,
    Add,
    Answer,
    Mixed,
    Pipeline,
    Question,
    Speaker,
    compiled,
    data,
    fit,
    learner,
    lm,
    make,
    provider_of,
    right,
    solver,
)
from synalinks import ops
from synalinks.errors import ConfigurationError
from synalinks.programs import program_from_json
from synalinks.testing import ScriptedProvider


def trained(name: str = "solver") -> Any:
    program = compiled(solver(name=name), metrics=[synalinks.metrics.MeanMetricWrapper(fn="exact_match")])
    x, y = data(8)
    fit(program, provider_of(learner), x, y)
    return program


def test_two_saves_of_one_state_are_the_same_bytes(tmp_path: Path) -> None:
    program = trained()
    program.save(tmp_path / "one.json")
    program.save(tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.json", "two.json"]
    assert (tmp_path / "one.json").read_text().startswith('{\n  "synalinks_program": 2')


@pytest.mark.parametrize("fresh", [True, False])
def test_program_load_builds_the_same_program(tmp_path: Path, fresh: bool) -> None:
    program = trained()
    program.save(tmp_path / "p.json")
    if fresh:
        synalinks.clear_session()
    again = synalinks.Program.load(tmp_path / "p.json")
    assert (again.name, again.description) == ("solver", "Solves.")
    assert again.get_state_tree() == program.get_state_tree()
    assert isinstance(again.optimizer, synalinks.RandomFewShot)
    assert isinstance(again.reward, synalinks.ExactMatch)
    assert [metric.name for metric in again.metrics] == ["reward", "mean_metric_wrapper"]
    again.save(tmp_path / "again.json")
    assert (tmp_path / "p.json").read_bytes() == (tmp_path / "again.json").read_bytes()
    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(again(Question(question="number 3"))).get("answer") == 3


def test_program_load_on_an_instance_loads_the_variables_and_returns_it(tmp_path: Path) -> None:
    program, other = trained(), solver()
    program.save(tmp_path / "p.json")
    assert other.load(tmp_path / "p.json") is other
    assert other.trainable_variables[0].get_json() == program.trainable_variables[0].get_json()
    assert other.trainable_variables[0].get("examples")


def other_architectures() -> dict[str, Any]:
    async def wired() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question, name="solver_input")
        generator = synalinks.Generator(data_model=Answer, language_model=lm(), name="solver_generator")
        return synalinks.Program(
            inputs=inputs, outputs=[await generator(inputs), await generator(inputs)], name="solver"
        )

    async def of_another_schema() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question, name="solver_input")
        generator = synalinks.Generator(data_model=Question, language_model=lm(), name="solver_generator")
        return synalinks.Program(inputs=inputs, outputs=await generator(inputs), name="solver")

    return {"names": solver(name="elsewhere"), "schema": make(of_another_schema), "wiring": make(wired)}


@pytest.mark.parametrize("kind", ["names", "schema", "wiring"])
def test_another_architecture_is_refused_and_nothing_is_changed(tmp_path: Path, kind: str) -> None:
    trained().save(tmp_path / "p.json")
    other = other_architectures()[kind]
    before = json.dumps(other.get_state_tree())
    with pytest.raises(ConfigurationError, match=r"p\.json does not fit .*another architecture"):
        other.load(tmp_path / "p.json")
    assert json.dumps(other.get_state_tree()) == before


def test_a_field_of_the_file_that_the_program_lacks_is_refused_before_anything_changes(tmp_path: Path) -> None:
    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        one, two = await Speaker(name="one")(inputs), await Speaker(name="two")(inputs)
        return synalinks.Program(inputs=inputs, outputs=[one, two], name="p")

    program = make(build)
    program.save_variables(tmp_path / "p.variables.json")
    value = json.loads((tmp_path / "p.variables.json").read_text())
    value["variables"]["trainable_variables"]["one"]["persona_one"]["persona"] = "changed"
    value["variables"]["trainable_variables"]["two"]["persona_two"]["alien"] = 1
    (tmp_path / "p.variables.json").write_text(json.dumps(value))
    with pytest.raises(ConfigurationError, match=r"two/persona_two has no fields \['alien'\]"):
        program.load_variables(tmp_path / "p.variables.json")
    assert program.get_variable("persona_one").get("persona") == "friendly"


def test_variables_alone(tmp_path: Path) -> None:
    program, other = trained(), solver()
    program.save_variables(tmp_path / "p.variables.json")
    other.load_variables(tmp_path / "p.variables.json")
    assert other.get_state_tree()["trainable_variables"] == program.get_state_tree()["trainable_variables"]
    with pytest.raises(ConfigurationError, match="holds variables only"):
        synalinks.Program.load(tmp_path / "p.variables.json")
    with pytest.raises(ConfigurationError, match=r"\.variables\.json file"):
        program.save_variables(tmp_path / "p.json")


def test_a_field_that_is_empty_in_the_program_and_set_in_the_file(tmp_path: Path) -> None:
    class Notes(synalinks.Trainable):
        """Notes."""

        note: str | None = synalinks.Field(default=None)
        table: dict[str, Any] = synalinks.Field(default={})

    class Noting(synalinks.Module):
        def __init__(self, name: str | None = None) -> None:
            super().__init__(name=name)
            self.state = self.add_variable(data_model=Notes, name="notes")

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return inputs

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question, name="i")
        return synalinks.Program(inputs=inputs, outputs=await Noting(name="n")(inputs), name="p")

    one, two = make(build), make(build)
    one.variables[0].update({"note": "x", "table": {"a": {"b": [1]}, "c": {}}})
    one.save(tmp_path / "p.json")
    two.load(tmp_path / "p.json")
    assert two.variables[0].get("note") == "x"
    assert two.variables[0].get("table") == {"a": {"b": [1]}, "c": {}}


def test_a_shared_model_is_saved_once_and_loaded_as_one_object(tmp_path: Path) -> None:
    model = synalinks.LanguageModel(model=MODEL, timeout=17.0)

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        one = await synalinks.Generator(data_model=Answer, language_model=model, name="one")(inputs)
        two = await synalinks.Generator(data_model=Answer, language_model=model, name="two")(inputs)
        return synalinks.Program(inputs=inputs, outputs=[one, two])

    make(build).save(tmp_path / "p.json")
    assert (tmp_path / "p.json").read_text().count(MODEL) == 1
    again = synalinks.Program.load(tmp_path / "p.json")
    one, two = again.get_module("one").language_model, again.get_module("two").language_model
    assert one is two
    assert one.get_config()["timeout"] == 17.0


def test_no_key_reaches_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "sk-very-secret")
    solver().save(tmp_path / "p.json")
    assert "sk-very-secret" not in (tmp_path / "p.json").read_text()


def test_operators_inside_a_graph_round_trip(tmp_path: Path) -> None:
    async def build() -> synalinks.Program:
        a = synalinks.Input(data_model=Question, name="a")
        b = synalinks.Input(data_model=Answer, name="b")
        outputs = {
            "sum": a + b,
            "and": a & b,
            "or": a | b,
            "xor": a ^ b,
            "masked": (a + b).in_mask(mask=["answer"]),
            "prefixed": await ops.prefix(a, prefix="old"),
            "added": await Add(1, name="add")(b),
        }
        return synalinks.Program(inputs=[a, b], outputs=outputs, name="algebra")

    program = make(build)
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")
    for given in ([Question(question="hi"), Answer(answer=1)], [None, Answer(answer=1)]):
        if given[0] is None:
            del program.functional_graph.outputs["sum"], again.functional_graph.outputs["sum"]
            continue
        one, two = asyncio.run(program(given)), asyncio.run(again(given))
        assert {k: v and v.get_json() for k, v in one.items()} == {k: v and v.get_json() for k, v in two.items()}
        assert two["sum"].get_json() == {"question": "hi", "answer": 1}
        assert two["prefixed"].get_json() == {"old_question": "hi"}
        assert two["xor"] is None
    again.save(tmp_path / "again.json")


def test_nested_programs_round_trip(tmp_path: Path) -> None:
    inner = solver(name="inner")

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        return synalinks.Program(inputs=inputs, outputs=await Add(1, name="add")(await inner(inputs)), name="outer")

    program = make(build)
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")
    assert again.get_module("inner").description == "Solves."
    assert [v.path for v in again.variables] == [v.path for v in program.variables]
    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(again(Question(question="number 4"))).get("answer") == 5


def test_a_subclassed_program_round_trips_in_the_same_session_and_in_another(tmp_path: Path) -> None:
    Pipeline(lm())  # takes the first names
    program = compiled(Pipeline(lm(), number=3))
    x, y = data(4, start=3)
    fit(program, provider_of(learner, shift=-3), x, y)
    program.save(tmp_path / "p.json")
    for clear in (False, True):
        if clear:
            synalinks.clear_session()
        again = synalinks.Program.load(tmp_path / "p.json")
        assert isinstance(again, Pipeline) and again.number == 3 and again.name == "pipeline_1"
        assert again.get_state_tree() == program.get_state_tree()
        assert again.answer.state.get("examples")
        if again.built:
            again.save(tmp_path / "again.json")
            assert (tmp_path / "again.json").read_bytes() == (tmp_path / "p.json").read_bytes()


def test_the_mixed_style_round_trips(tmp_path: Path) -> None:
    program = Mixed(lm())
    with synalinks.use_provider(provider_of(right)):
        asyncio.run(program(Question(question="number 1")))
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")
    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(again(Question(question="number 3"))).get("answer") == 3


def test_a_module_without_get_config_keeps_its_arguments(tmp_path: Path) -> None:
    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Answer)
        return synalinks.Program(inputs=inputs, outputs=await Add(number=41)(inputs), name="p")

    make(build).save(tmp_path / "p.json")
    assert asyncio.run(synalinks.Program.load(tmp_path / "p.json")(Answer(answer=1))).get("answer") == 42


def test_custom_objects_are_taken_by_name(tmp_path: Path) -> None:
    class Hidden(Add):
        """Local to this test, so not to be found by import."""

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Answer)
        return synalinks.Program(inputs=inputs, outputs=await Hidden(2, name="h")(inputs), name="p")

    make(build).save(tmp_path / "p.json")
    with pytest.raises(ConfigurationError, match="custom_objects"):
        synalinks.Program.load(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json", custom_objects={"Hidden": Hidden})
    assert asyncio.run(again(Answer(answer=1))).get("answer") == 3


def test_what_cannot_be_saved_leaves_no_file_and_the_old_one_in_place(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    program = solver()
    program.save(path)
    before = path.read_bytes()
    program.compile(reward=lambda y_true, y_pred: 1.0)
    with pytest.raises(ConfigurationError, match="lambda"):
        program.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    program = solver()
    program.save(tmp_path / "p.json")
    program.save_variables(tmp_path / "p.variables.json")
    for path in tmp_path.iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert synalinks.Program.load(tmp_path / "p.json").name == program.name
    program.load_variables(tmp_path / "p.variables.json")


def test_files_that_are_no_programs(tmp_path: Path) -> None:
    program = solver()
    cases = {
        "text.json": "no",
        "list.json": "[]",
        "other.json": '{"a": 1}',
        "new.json": '{"synalinks_program": 99, "variables": {}}',
        "old.json": '{"synalinks_program": 1, "variables": {}}',
    }
    for name, text in cases.items():
        (tmp_path / name).write_text(text)
    for name, message in {
        "missing.json": "no file",
        "text.json": "is not JSON",
        "list.json": "not a program saved by",
        "other.json": "not a program saved by",
        "new.json": "layout 99.*newer synalinks-replay",
        "old.json": "layout 1, .*never released",
    }.items():
        with pytest.raises(ConfigurationError, match=message):
            synalinks.Program.load(tmp_path / name)
        with pytest.raises(ConfigurationError, match=message):
            program.load(tmp_path / name)
    with pytest.raises(ConfigurationError, match=r"\.json file"):
        program.save(tmp_path / "p.txt")
    program.save(tmp_path / "p.json")
    with pytest.raises(ConfigurationError, match="overwrite=True"):
        program.save(tmp_path / "p.json", overwrite=False)


def test_saving_before_the_first_call_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="call it once"):
        Pipeline(lm()).save(tmp_path / "p.json")


def test_numbers_of_numpy_as_settings(tmp_path: Path) -> None:
    options = {"max_tokens": np.int64(5), "temperature": np.float32(0.5)}
    inputs = synalinks.Input(data_model=Question)
    model = synalinks.LanguageModel("ollama/any", seed=np.int32(7))
    outputs = asyncio.run(synalinks.Generator(data_model=Answer, language_model=model, **options)(inputs))
    program = synalinks.Program(inputs=inputs, outputs=outputs)
    optimizer = synalinks.RandomFewShot(nb_max_examples=np.int64(2), sampling_temperature=np.float32(0.5))
    program.compile(optimizer=optimizer, reward="exact_match")
    program.save(tmp_path / "p.json")
    loaded = synalinks.Program.load(tmp_path / "p.json")
    generator = loaded.get_module("generator")
    assert (generator.max_tokens, generator.temperature, generator.language_model.default_kwargs) == (
        5,
        0.5,
        {"seed": 7},
    )
    assert (loaded.optimizer.nb_max_examples, loaded.optimizer.sampling_temperature) == (2, 0.5)
    provider = ScriptedProvider([{"answer": 4}])
    with synalinks.use_provider(provider):
        assert asyncio.run(program(Question(question="2 + 2?")))["answer"] == 4
    assert provider.calls[0].request.options == {"seed": 7, "max_tokens": 5, "temperature": 0.5}


def test_to_json_holds_the_architecture_and_no_variables() -> None:
    program = trained()
    again = program_from_json(program.to_json())
    assert "variables" not in json.loads(program.to_json())
    assert again.name == "solver" and again.trainable_variables[0].get("examples") == []
    for bad in ("no", "{}"):
        with pytest.raises(ConfigurationError):
            program_from_json(bad)


def test_paths_are_unique() -> None:
    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        one = await Speaker(name="same")(inputs)
        nested = synalinks.Program(
            inputs=(i := synalinks.Input(data_model=Question)), outputs=await Speaker(name="same")(i)
        )
        return synalinks.Program(inputs=inputs, outputs=[one, await nested(inputs)], name="p")

    with pytest.raises(ConfigurationError, match=r"two variables have the path 'same/persona_same'"):
        make(build).get_state_tree()
