"""Tests of files that Synalinks saved: they are written here as its layout is described, and loaded."""

from __future__ import annotations

import asyncio
import copy
import json
import warnings
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Question, compiled, data, fit, learner, provider_of, right, solver
from synalinks.errors import ConfigurationError
from synalinks.programs import NotUnderstood, program_from_json

MODEL = {
    "module": "synalinks.language_models",
    "class_name": "LanguageModel",
    "config": {
        "model": "ollama_chat/test",
        "api_base": "http://localhost:11434",
        "timeout": 600,
        "retry": 1,
        "fallback": None,
        "caching": False,
        "name": "language_model",
        "description": None,
    },
    "registered_name": "LanguageModel",
}
EXAMPLE = {"inputs": {"question": "number 1"}, "outputs": {"answer": 1}, "reward": 1.0}


def symbol(schema: Any, *place: Any) -> dict[str, Any]:
    return {
        "class_name": "__symbolic_data_model__",
        "config": {"schema": schema.get_schema(), "synalinks_history": list(place)},
    }


def module(class_name: str, name: str, config: dict[str, Any], *nodes: Any, home: str = "synalinks.modules") -> Any:
    inbound = [{"args": list(args), "kwargs": kwargs} for args, kwargs in nodes]
    own = {"module": home, "class_name": class_name, "config": {"name": name, **config}, "registered_name": class_name}
    return {**own, "name": name, "inbound_nodes": inbound}


def state(**fields: Any) -> dict[str, Any]:
    empty = {
        name: []
        for name in ("examples", "current_predictions", "predictions", "seed_candidates", "candidates", "history")
    }
    return {
        **empty,
        "best_candidates": [],
        "nb_visit": 0,
        "cumulative_reward": 0.0,
        "instructions": "Answer.",
        **fields,
    }


def generator(name: str, *nodes: Any, **config: Any) -> Any:
    settings = {
        "schema": Answer.get_schema(),
        "language_model": MODEL,
        "prompt_template": None,
        "examples": [],
        "instructions": "Answer.",
        "temperature": 0.0,
        "return_inputs": False,
        "trainable": True,
        "description": None,
    }
    return module("Generator", name, {**settings, **config}, *nodes)


def saved_program() -> dict[str, Any]:
    question = symbol(Question, "question", 0, 0)
    return {
        "synalinks_version": "0.9.014",
        "module": "synalinks.src.programs.functional",
        "class_name": "Functional",
        "config": {
            "name": "saved",
            "trainable": True,
            "modules": [
                module("InputModule", "question", {"schema": Question.get_schema(), "optional": False}),
                module(
                    "Concat",
                    "concat",
                    {"description": "Both."},
                    ([question, symbol(Answer, "solver", 0, 0)], {}),
                    home="synalinks.src.ops.json",
                ),
                generator("solver", ([question], {})),
            ],
            "input_modules": ["question", 0, 0],
            "output_modules": [["solver", 0, 0], ["concat", 0, 0]],
        },
        "registered_name": "Functional",
        "build_config": {"input_schema": None},
        "compile_config": {
            "optimizer": {
                "module": "synalinks.optimizers",
                "class_name": "RandomFewShot",
                "config": {"nb_min_examples": 1, "nb_max_examples": 2, "name": "random_few_shot", "momentum": 3},
                "registered_name": "RandomFewShot",
            },
            "reward": {
                "module": "synalinks.rewards",
                "class_name": "ExactMatch",
                "config": {"name": "exact_match", "in_mask": ["answer"], "out_mask": None},
                "registered_name": "ExactMatch",
            },
            "reward_weights": None,
            "metrics": None,
            "run_eagerly": False,
            "steps_per_execution": 1,
        },
        "variables": {
            "trainable_variables": {"solver": {"state_solver": state(examples=[EXAMPLE])}},
            "non_trainable_variables": {},
            "optimizer_non_trainable_variables": {
                "random_few_shot": {"iterations_random_few_shot": {"iterations": 4, "epochs": 2}}
            },
            "metrics_variables": {"mean": {"total": {"value": 1.0}}},
        },
    }


def load(value: Any, tmp_path: Path) -> tuple[Any, str]:
    (tmp_path / "p.json").write_text(json.dumps(value))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        program = synalinks.Program.load(tmp_path / "p.json")
    assert all(issubclass(one.category, NotUnderstood) for one in caught) and len(caught) <= 1
    return program, "".join(str(one.message) for one in caught)


def test_a_saved_program_is_loaded_with_its_state_and_a_note(tmp_path: Path) -> None:
    program, note = load(saved_program(), tmp_path)
    assert (program.name, [one.name for one in program.operations]) == ("saved", ["question", "solver", "concat"])
    assert [v.path for v in program.trainable_variables] == ["solver/state_solver"]
    assert program.variables[0].get("examples") == [EXAMPLE]
    assert isinstance(program.optimizer, synalinks.RandomFewShot) and program.optimizer.nb_max_examples == 2
    assert isinstance(program.reward, synalinks.ExactMatch)
    assert "p.json was saved by Synalinks, and this was not understood: 'momentum' of RandomFewShot" in note
    with synalinks.use_provider(provider_of(right)):
        answer, both = asyncio.run(program(Question(question="number 4")))
    assert answer.get_json() == {"answer": 4} and both.get_json() == {"question": "number 4", "answer": 4}


def test_it_is_trained_further_and_saved_as_ours(tmp_path: Path) -> None:
    value = saved_program()
    value["config"]["output_modules"] = ["solver", 0, 0]
    value["config"]["modules"].pop(1)
    program, _ = load(value, tmp_path)
    x, y = data(6, start=1)
    fit(program, provider_of(learner), x, y, epochs=2)
    program.save(tmp_path / "ours.json")
    again = synalinks.Program.load(tmp_path / "ours.json")
    assert again.get_state_tree() == program.get_state_tree() and again.variables[0].get("examples")


def test_what_is_understood_gives_no_note(tmp_path: Path) -> None:
    value = saved_program()
    del (
        value["compile_config"]["optimizer"]["config"]["momentum"],
        value["variables"]["optimizer_non_trainable_variables"],
    )
    value["compile_config"]["optimizer"] = None
    assert load(value, tmp_path)[1] == ""


def test_notes_name_what_was_left_out(tmp_path: Path) -> None:
    value = saved_program()
    value["telemetry"] = {"on": True}
    value["config"]["modules"][2]["config"]["beam_width"] = 4
    value["config"]["modules"][2]["config"]["nothing"] = None
    model = copy.deepcopy(MODEL)
    model["config"] |= {"warmth": 3, "temperature": 0.5}
    value["config"]["modules"][2]["config"]["language_model"] = model
    value["compile_config"]["reward"]["class_name"] = "Unheard"
    value["variables"]["trainable_variables"]["solver"]["state_solver"]["entropy"] = 1.0
    value["variables"]["trainable_variables"]["other"] = {"state_other": state()}
    program, note = load(value, tmp_path)
    for part in (
        "telemetry of the file",
        "'beam_width' of Generator 'solver'",
        "'warmth' of LanguageModel 'language_model'",
        "the field 'entropy' of the variable solver/state_solver",
        "the variable other/state_other",
        "compile_config (the file names 'Unheard'",
    ):
        assert part in note
    assert "nothing" not in note and program.optimizer is None
    assert program.get_module("solver").language_model.default_kwargs == {"temperature": 0.5}


def test_variables_under_another_path_are_found_by_their_name(tmp_path: Path) -> None:
    value = saved_program()
    tree = value["variables"]["trainable_variables"]
    value["variables"]["trainable_variables"] = {"agent": tree}
    program, note = load(value, tmp_path)
    assert program.variables[0].get("examples") == [EXAMPLE] and "solver/state_solver" not in note


def test_structures_shared_modules_and_keywords(tmp_path: Path) -> None:
    value = saved_program()
    config = value["config"]
    config["modules"].insert(0, module("InputModule", "other", {"schema": Question.get_schema()}))
    solver_module = config["modules"][3]
    solver_module["inbound_nodes"].append({"args": [symbol(Question, "other", 0, 0)], "kwargs": {"training": False}})
    config["input_modules"] = {"b": ["question", 0, 0], "a": ["other", 0, 0]}
    config["output_modules"] = {"first": ["solver", 0, 0], "rest": [["solver", 1, 0], ["concat", 0, 0]]}
    program, _ = load(value, tmp_path)
    assert len(program.variables) == 1
    with synalinks.use_provider(provider_of(right)):
        out = asyncio.run(program({"a": Question(question="number 1"), "b": Question(question="number 2")}))
    assert out["first"].get("answer") == 2
    assert [one.get("answer") for one in out["rest"]] == [1, 2]


def test_nested_programs_and_rows(tmp_path: Path) -> None:
    inner = {key: saved_program()[key] for key in ("module", "class_name", "config", "registered_name")}
    inner = copy.deepcopy(inner)
    inner["config"]["name"], inner["config"]["output_modules"] = "inner", ["solver", 0, 0]
    inner["config"]["modules"].pop(1)
    nodes = [{"args": [symbol(Question, "q", 0, 0)], "kwargs": {}}]
    row = {
        "module": "synalinks.programs",
        "class_name": "Sequential",
        "config": {
            "name": "row",
            "description": "A row.",
            "trainable": True,
            "modules": [
                module("InputModule", "i", {"schema": Answer.get_schema()}),
                module("InMask", "keep", {"mask": ["answer"], "pattern": None}),
            ],
        },
        "registered_name": "Sequential",
    }
    value = {
        "synalinks_version": "0.10.14",
        "module": "synalinks.programs",
        "class_name": "Functional",
        "config": {
            "name": "outer",
            "modules": [
                module("InputModule", "q", {"schema": Question.get_schema()}),
                {**inner, "name": "inner", "inbound_nodes": nodes},
                {**row, "name": "row", "inbound_nodes": [{"args": [symbol(Answer, "inner", 0, 0)], "kwargs": {}}]},
            ],
            "input_modules": [["q", 0, 0]],
            "output_modules": [["row", 0, 0]],
        },
        "registered_name": "Functional",
        "variables": {"trainable_variables": {"solver": {"state_solver": state(examples=[EXAMPLE])}}},
    }
    program, note = load(value, tmp_path)
    assert note == "" and program.variables[0].get("examples") == [EXAMPLE]
    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(program([Question(question="number 4")])).get("answer") == 4


def test_variables_of_a_file_are_loaded_into_a_program(tmp_path: Path) -> None:
    value = saved_program()
    tree = value["variables"]
    tree["trainable_variables"] = {"solver_generator": {"state_solver_generator": state(examples=[EXAMPLE])}}
    (tmp_path / "p.variables.json").write_text(json.dumps(tree))
    (tmp_path / "p.json").write_text(json.dumps(value))
    for name in ("p.variables.json", "p.json"):
        program = solver()
        program.load(tmp_path / name)
        assert program.variables[0].get("examples") == [EXAMPLE]
        program = compiled(solver())
        program.load_variables(tmp_path / name)
        assert program.variables[0].get("examples") == [EXAMPLE] and program.optimizer.epochs == 2
    with pytest.raises(ConfigurationError, match="holds variables only"):
        synalinks.Program.load(tmp_path / "p.variables.json")


def test_the_architecture_as_text() -> None:
    value = saved_program()
    del value["variables"], value["compile_config"], value["build_config"]
    program = program_from_json(json.dumps(value))
    assert program.name == "saved" and not program.variables[0].get("examples")


@pytest.mark.parametrize("change", ["class", "lambda", "cycle", "shape", "output"])
def test_files_that_can_not_be_loaded_say_why(change: str, tmp_path: Path) -> None:
    value = saved_program()
    modules = value["config"]["modules"]
    if change == "class":
        modules[2]["class_name"], modules[2]["module"] = "system", "os"
    elif change == "lambda":
        modules[2]["config"]["prompt_template"] = {"class_name": "__lambda__", "config": {"value": "abc"}}
    elif change == "cycle":
        modules[2]["inbound_nodes"][0]["args"] = [symbol(Answer, "concat", 0, 0)]
    elif change == "shape":
        del modules[2]["name"]
    else:
        value["config"]["output_modules"] = ["solver", 5, 0]
    (tmp_path / "p.json").write_text(json.dumps(value))
    message = {
        "class": "the file names 'system' of module 'os'",
        "lambda": "code in a file is not run",
        "cycle": r"is not connected: \['concat', 'solver'\]",
        "shape": "holds what no class of the program takes",
        "output": "no output 0 of node 5 of 'solver'",
    }[change]
    with pytest.raises(ConfigurationError, match=message):
        synalinks.Program.load(tmp_path / "p.json")


def test_options_of_a_model_may_be_saved_under_the_name_of_all_of_them(tmp_path: Path) -> None:
    saved = saved_program()
    model = saved["config"]["modules"][2]["config"]["language_model"] = copy.deepcopy(MODEL)
    model["config"] |= {"default_kwargs": {"temperature": 0.5, "odd_option": 1}, "odd_setting": {"x": 1}}
    (tmp_path / "p.json").write_text(json.dumps(saved))
    with pytest.warns(NotUnderstood) as notes:
        loaded = synalinks.Program.load(tmp_path / "p.json")
    assert loaded.get_module("solver").language_model.default_kwargs == {"temperature": 0.5}
    words = str(notes[0].message)
    assert "'odd_option' of LanguageModel" in words and "'odd_setting' of LanguageModel" in words
