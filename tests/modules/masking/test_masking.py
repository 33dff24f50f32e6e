"""Tests of the masking modules: fields by name and pattern, nested inputs, masks that name nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import Question
from synalinks.errors import ConfigurationError


class Reasoned(synalinks.DataModel):
    """An answer with its thinking."""

    thinking: str
    answer: int


VALUE = Reasoned(thinking="two and two", answer=4)


def masked(module: synalinks.Module, inputs: Any = VALUE) -> Any:
    result = asyncio.run(module(inputs))
    return result.get_json() if hasattr(result, "get_json") else result


def test_fields_are_kept_or_left_out_by_name_and_pattern() -> None:
    assert masked(synalinks.InMask(mask=["answers"])) == {"answer": 4}
    assert masked(synalinks.OutMask(mask=["thinking"])) == {"answer": 4}
    assert masked(synalinks.InMask(pattern="^ans")) == {"answer": 4}
    assert masked(synalinks.OutMask(pattern="^ans")) == {"thinking": "two and two"}
    assert masked(synalinks.OutMask(mask=["answer"], pattern="thin")) == {}
    assert masked(synalinks.InMask(mask=["answer"]), None) is None


def test_nested_inputs_are_masked_one_by_one() -> None:
    one, (two, none) = asyncio.run(
        synalinks.InMask(mask=["answer", "question"])([VALUE, (Question(question="q"), None)])
    )
    assert (one.get_json(), two.get_json(), none) == ({"answer": 4}, {"question": "q"}, None)


@pytest.mark.parametrize("kind", [synalinks.InMask, synalinks.OutMask])
def test_a_mask_of_nothing_is_refused_where_it_is_made(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"give mask=\['field', ...\] or pattern="):
        kind()
    with pytest.raises(ConfigurationError, match="got the string 'answer'"):
        kind(mask="answer")
    with pytest.raises(ConfigurationError, match="the mask pattern"):
        kind(pattern="(")


@pytest.mark.parametrize("kind", [synalinks.InMask, synalinks.OutMask])
def test_an_unknown_field_is_refused_when_the_graph_is_built_and_at_a_first_call(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"names 'anwser', .* did you mean 'answer'\?"):
        asyncio.run(kind(mask=["anwser"])(synalinks.Input(data_model=Reasoned)))
    with pytest.raises(ConfigurationError, match="did you mean 'answer'"):
        asyncio.run(kind(mask=["anwser"])(VALUE))


def test_a_field_of_the_other_side_of_an_or_may_be_named() -> None:
    async def build() -> Any:
        a, b = synalinks.Input(data_model=Question, name="a"), synalinks.Input(data_model=Reasoned, name="b")
        merged = await synalinks.OutMask(mask=["thinking"])(a | b)
        again = await synalinks.OutMask(mask=["thinking"])(await synalinks.Or()([a, b]))
        return synalinks.Program(inputs=[a, b], outputs=[merged, again])

    one, two = asyncio.run(asyncio.run(build())([None, VALUE]))
    assert one.get_json() == two.get_json() == {"answer": 4}


def test_an_unknown_field_is_refused_behind_an_or_too() -> None:
    symbol = synalinks.Input(data_model=Question) | synalinks.Input(data_model=Reasoned)
    with pytest.raises(ConfigurationError, match=r"names 'thinkin'.*did you mean 'thinking'"):
        asyncio.run(synalinks.InMask(mask=["thinkin"])(symbol))


def test_a_program_with_a_mask_is_saved_and_loaded(tmp_path: Path) -> None:
    start = synalinks.Input(data_model=Reasoned)
    end = asyncio.run(synalinks.OutMask(mask=["thinking"], name="hide")(start))
    assert list(end.keys()) == ["answer"]
    synalinks.Program(inputs=start, outputs=end).save(tmp_path / "p.json")
    loaded = synalinks.Program.load(tmp_path / "p.json")
    assert masked(loaded) == {"answer": 4}
    assert loaded.get_module("hide").trainable is False
