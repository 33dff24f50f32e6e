"""Tests of functions as modules: what they may return, symbolic inputs, what can be saved."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Question
from synalinks.errors import ConfigurationError

QUESTION = Question(question="2 + 2?")


@synalinks.saving.register_synalinks_serializable("Tests")
def length(inputs: Any) -> dict[str, Any]:
    return {"answer": len(inputs["question"])}


@synalinks.saving.register_synalinks_serializable("Tests")
async def length_later(inputs: Any, training: bool = False) -> Any:
    await asyncio.sleep(0)
    return Answer(answer=-1 if training else len(inputs.get("question")))


def result(module: synalinks.Lambda, value: Any = QUESTION, **kwargs: Any) -> Any:
    found = asyncio.run(module(value, **kwargs))
    return None if found is None else found.get_json()


def test_functions_sync_and_async_return_dicts_data_models_or_none() -> None:
    assert result(synalinks.Lambda(length, data_model=Answer)) == {"answer": 6}
    assert result(synalinks.Lambda(length, schema=Answer.get_schema())) == {"answer": 6}
    assert result(synalinks.Lambda(length_later)) == {"answer": 6}
    assert result(synalinks.Lambda(lambda inputs: inputs + inputs)) == {"question": "2 + 2?", "question_1": "2 + 2?"}
    assert result(synalinks.Lambda(lambda inputs: None, data_model=Answer)) is None


def test_training_reaches_a_function_that_takes_it() -> None:
    assert result(synalinks.Lambda(length_later), training=True) == {"answer": -1}


def test_none_in_is_none_out_without_a_call() -> None:
    called: list[Any] = []
    assert result(synalinks.Lambda(called.append, data_model=Answer), None) is None
    assert called == []


def test_a_result_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"shout: the function returned dict .*data_model="):
        result(synalinks.Lambda(length, name="shout"))
    with pytest.raises(ConfigurationError, match="the function returned int 4; return a data model"):
        result(synalinks.Lambda(lambda inputs: 4, data_model=Answer))
    with pytest.raises(ConfigurationError, match=r'breaks the schema given: "four" is not of type "integer"'):
        result(synalinks.Lambda(lambda inputs: {"answer": "four"}, data_model=Answer))
    with pytest.raises(ConfigurationError, match="give a function"):
        synalinks.Lambda(4)  # type: ignore[arg-type]


def test_a_list_of_inputs_is_one_argument() -> None:
    module = synalinks.Lambda(lambda inputs: inputs[0] + inputs[1])
    assert result(module, [QUESTION, Answer(answer=4)]) == {"question": "2 + 2?", "answer": 4}


def test_symbolic_inputs_give_the_schema_or_what_the_function_makes_of_them() -> None:
    start = synalinks.Input(data_model=Question)
    with_schema = asyncio.run(synalinks.Lambda(length, data_model=Answer)(start))
    assert with_schema.get_schema() == Answer.get_schema()
    doubled = asyncio.run(synalinks.Lambda(lambda inputs: inputs + inputs)(start))
    assert list(doubled.keys()) == ["question", "question_1"]
    with pytest.raises(ConfigurationError, match=r"say what it returns: Lambda\(function, data_model=...\)"):
        asyncio.run(synalinks.Lambda(length)(start))


@pytest.mark.parametrize("function", [length, length_later])
def test_a_registered_function_is_saved_by_name(function: Any, tmp_path: Path) -> None:
    start = synalinks.Input(data_model=Question)
    end = asyncio.run(synalinks.Lambda(function, data_model=Answer, name="length")(start))
    synalinks.Program(inputs=start, outputs=end).save(tmp_path / "p.json")
    loaded = synalinks.Program.load(tmp_path / "p.json")
    assert asyncio.run(loaded(QUESTION)).get_json() == {"answer": 6}
    assert asyncio.run(loaded(None)) is None


def test_a_lambda_cannot_be_saved_and_can_be_cloned(tmp_path: Path) -> None:
    module = synalinks.Lambda(lambda inputs: inputs, data_model=Question, name="shout")
    start = synalinks.Input(data_model=Question)
    program = synalinks.Program(inputs=start, outputs=asyncio.run(module(start)))
    with pytest.raises(ConfigurationError, match=r"shout \(Lambda\) can't be saved: .*a lambda"):
        program.save(tmp_path / "p.json")
    assert result(module.clone()) == {"question": "2 + 2?"}
