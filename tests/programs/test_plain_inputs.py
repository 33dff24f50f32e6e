"""Programs that get dicts, keywords and pydantic models: in calls, in training, with one input and with several."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel, field_validator

import synalinks
from synalinks.errors import DataError
from synalinks.testing import ScriptedProvider


class Query(BaseModel):
    query: str
    words: int = 3

    @field_validator("query")
    @classmethod
    def not_empty(cls, value: str) -> str:
        if not value:
            raise ValueError("ask something")
        return value.strip()


class Answer(BaseModel):
    answer: int
    note: str | None = None


class Echo(synalinks.Module):
    """Gives back what it gets."""

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs


class Pair(synalinks.Module):
    """Puts two values side by side."""

    async def call(self, one: Any, two: Any) -> Any:
        return one + two


def program_of(data_model: Any = Query) -> synalinks.Program:
    inputs = synalinks.Input(data_model=data_model, name="asked")
    return synalinks.Program(inputs=inputs, outputs=asyncio.run(Echo()(inputs)))


def solver() -> synalinks.Program:
    async def make() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Query)
        outputs = await synalinks.Generator(data_model=Answer, language_model="ollama/m")(inputs)
        return synalinks.Program(inputs=inputs, outputs=outputs)

    return asyncio.run(make())


GIVEN = [Query(query=" a "), {"query": " a "}, {"asked": Query(query="a")}, {"asked": {"query": "a"}}]


@pytest.mark.parametrize("given", GIVEN)
def test_one_input(given: Any) -> None:
    assert asyncio.run(program_of()(given)).get_json() == {"query": "a", "words": 3}


def test_keywords_are_the_fields_of_the_input() -> None:
    program = program_of()
    assert asyncio.run(program(query="a", words=5)).get_json() == {"query": "a", "words": 5}
    assert asyncio.run(program(query="a", training=True)).get_json() == {"query": "a", "words": 3}
    assert asyncio.run(program(asked=Query(query="a"))).query == "a"
    assert asyncio.run(program(None)) is None


class Wish(BaseModel):
    wish: str | None = None


def test_a_dict_of_nothing_is_an_input_all_the_same() -> None:
    program = program_of(Wish)
    for given in ({}, {"wish": None}, Wish()):
        assert asyncio.run(program(given)).get_json() == {}
    assert asyncio.run(program(wish=None)).wish is None
    assert asyncio.run(program({"asked": None})) is None, "the input by its name, which is None"


def test_an_input_by_schema_reads_dicts_too() -> None:
    inputs = synalinks.Input(schema=Query.model_json_schema())
    program = synalinks.Program(inputs=inputs, outputs=asyncio.run(Echo()(inputs)))
    assert asyncio.run(program({"query": "a"})).get_json() == {"query": "a", "words": 3}
    with pytest.raises(DataError, match='3 is not of type "string"'):
        asyncio.run(program({"query": 3}))


@pytest.mark.parametrize("two", [["a", "b"], ("a", "b"), {"left": "a", "right": "b"}])
def test_several_inputs(two: Any) -> None:
    left, right = synalinks.Input(data_model=Query, name="left"), synalinks.Input(data_model=Query, name="right")
    inputs = {"left": left, "right": right} if isinstance(two, dict) else [left, right]
    program = synalinks.Program(inputs=inputs, outputs=asyncio.run(Pair()(left, right)))
    for wrap in (lambda text: {"query": text}, lambda text: Query(query=text)):
        given = synalinks.tree.map_structure(wrap, two)
        assert asyncio.run(program(given)).query_1 == "b"
    assert asyncio.run(program({"left": {"query": "a"}, "right": {"query": "b"}})).query == "a"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"qury": "a"}, "'qury' may be 'query'"),
        ({"query": 3}, "query: Input should be a valid string"),
        ({"query": ""}, "ask something"),
        ({}, "query: Field required"),
        ("a", "takes data models, got str"),
        ([], "takes 1 inputs, got 0"),
    ],
)
def test_what_is_wrong_is_named(given: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        asyncio.run(program_of()(given))


def test_modules_and_subclassed_programs_take_dicts() -> None:
    class Own(synalinks.Program):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Echo()

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return await self.inner(inputs)

    for module in (Echo(), Own()):
        assert asyncio.run(module({"query": "a", "n": np.int64(2), "none": None})).get_json() == {"query": "a", "n": 2}
        assert asyncio.run(module(query="a")).query == "a"


def frames() -> list[tuple[Any, Any]]:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"query": ["a", "b"], "answer": [1, 2], "note": [None, float("nan")]})
    return [(frame[["query"]], frame[["answer", "note"]]), (frame["query"], frame["answer"])]


class Table:
    """As libraries of tables have it: rows by a method of its own name."""

    def __init__(self, method: str, rows: list[dict[str, Any]]) -> None:
        self.column_names = list(rows[0])
        setattr(self, method, lambda: rows)


def tables() -> list[tuple[Any, Any]]:
    x, y = [{"query": "a"}, {"query": "b"}], [{"answer": 1}, {"answer": 2}]
    return [(Table(method, x), Table(method, y)) for method in ("to_dicts", "to_pylist", "to_list")]


def arrays() -> list[tuple[Any, Any]]:
    x, y = [{"query": "a"}, {"query": "b"}], [{"answer": 1}, {"answer": 2}]
    models = [Query(**one) for one in x], [Answer(**one) for one in y]  # type: ignore[arg-type]
    return [
        (x, y),
        models,
        (np.array(x, dtype=object), np.array(models[1], dtype=object)),
        ({"query": ["a", "b"]}, {"answer": [1, 2]}),
        (tuple(models[0]), y),
    ]


@pytest.mark.parametrize("which", ["arrays", "frames", "tables"])
def test_training_data_in_every_form(which: str) -> None:
    for x, y in {"arrays": arrays, "frames": frames, "tables": tables}[which]():
        program = solver()
        program.compile(reward="exact_match", optimizer="random_few_shot")
        with synalinks.use_provider(ScriptedProvider(lambda call: {"answer": 1, "note": None})):
            assert asyncio.run(program.evaluate(x, y, verbose=0))["reward"] == 0.5
            history = asyncio.run(program.fit(x, y, epochs=1, validation_split=0.0, verbose=0, shuffle=False))
            assert history.history["reward"] == [0.5]
            assert [one.answer for one in asyncio.run(program.predict(x, verbose=0))] == [1, 1]


def test_a_target_may_name_some_of_the_fields() -> None:
    program = solver()
    program.compile(reward=synalinks.ExactMatch(in_mask=["answer"]))
    with synalinks.use_provider(ScriptedProvider(lambda call: {"answer": 1, "note": "sure"})):
        assert asyncio.run(program.evaluate([{"query": "a"}], [{"answer": 1.0}], verbose=0)) == {"reward": 1.0}


def test_a_stream_of_dicts() -> None:
    program = solver()
    program.compile(reward="exact_match")
    with synalinks.use_provider(ScriptedProvider(lambda call: {"answer": 1})):
        batches = [([{"query": "a"}], [{"answer": 1}]), ([Query(query="b")], [Answer(answer=2)])]
        assert asyncio.run(program.evaluate(lambda: iter(batches), verbose=0)) == {"reward": 0.5}


def test_a_wrong_row_is_named() -> None:
    program = solver()
    program.compile(reward="exact_match")
    with pytest.raises(DataError, match=r"x\[1\].*'qury' may be 'query'"):
        asyncio.run(program.evaluate([{"query": "a"}, {"qury": "b"}], [{"answer": 1}] * 2, verbose=0))


def test_examples_and_answers_of_pydantic_models(tmp_path: Any) -> None:
    async def main() -> None:
        inputs = synalinks.Input(data_model=Query)
        generator = synalinks.Generator(
            data_model=Answer, language_model="ollama/m", examples=[(Query(query="a"), Answer(answer=4))]
        )
        program = synalinks.Program(inputs=inputs, outputs=await generator(inputs))
        assert generator.state.get("examples")[0]["outputs"] == {"answer": 4}
        program.save(tmp_path / "p.json")
        with synalinks.use_provider(ScriptedProvider(lambda call: {"answer": 1})):
            loaded = synalinks.Program.load(tmp_path / "p.json")
            assert (await loaded({"query": "a"})).answer == 1

    asyncio.run(main())


TRAINED = ["fit", "evaluate", "train_on_batch", "test_on_batch"]


@pytest.mark.parametrize("method", [*TRAINED, "predict", "predict_on_batch"])
def test_every_method_reads_inputs_by_their_schemas(method: str) -> None:
    refuse(method, [{"qury": "a"}], [{"answer": 1}], "'qury' may be 'query'")


@pytest.mark.parametrize("method", TRAINED)
def test_every_method_reads_targets_by_their_schemas(method: str) -> None:
    refuse(method, [{"query": "a"}], [{"answer": "four"}], "not a target for Answer")


def refuse(method: str, x: Any, y: Any, words: str) -> None:
    program = solver()
    program.compile(reward=synalinks.ExactMatch(), optimizer=synalinks.optimizers.RandomFewShot())
    given = [x] if "predict" in method else [x, y]
    with pytest.raises(DataError, match=words):
        asyncio.run(getattr(program, method)(*([0] if method == "train_on_batch" else []), *given))
