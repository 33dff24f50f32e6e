"""The rule that does sums."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synalinks.testing import ArithmeticModel, ChatRequest, Law, ModelReply
from synalinks.testing.fake_models.arithmetic import expressions, slips

ANSWER = {
    "type": "object",
    "properties": {"thinking": {"type": "string"}, "answer": {"type": "string"}},
    "required": ["thinking", "answer"],
}
CERTAIN = ArithmeticModel(Law(base=1.0, ceiling=1.0, spread=0.0))
NEVER = ArithmeticModel(Law(base=0.0, ceiling=0.0, floor=0.0, spread=0.0))


def ask(problem: str, schema: Any = ANSWER, model: ArithmeticModel = CERTAIN, **options: Any) -> Any:
    content = "<input>\n" + json.dumps({"problem": problem}) + "\n</input>\n<output>\n"
    reply = model.reply(ChatRequest(messages=[{"role": "user", "content": content}], format=schema, options=options))
    assert isinstance(reply, str)
    return json.loads(reply) if schema is not None else reply


@pytest.mark.parametrize(
    ("text", "form", "value"),
    [
        ("9 + 1", "9 + 1", 10),
        ("What is 3+3+3?", "3 + 3 + 3", 9),
        ("(2 + 3) * 4", "(2 + 3) * 4", 20),
        ("2 + 3 * 4 - 1", "2 + 3 * 4 - 1", 13),
        ("100 / 8", "100 / 8", Fraction(25, 2)),
        ("-3 * -2", "-3 * -2", 6),
        ("6 x 7", "6 * 7", 42),
        ("8 \u00f7 2 \u2212 1", "8 / 2 - 1", 3),
        ("1,200 + 0.5", "1,200 + 0.5", Fraction(2401, 2)),
        ("first 1 + 1, then 2 + 2", "2 + 2", 4),
        ("(1 + 2", "1 + 2", 3),
    ],
)
def test_the_last_sum_is_found_and_exact(text: str, form: str, value: Fraction) -> None:
    assert expressions(text)[-1] == (form, value)


@pytest.mark.parametrize(
    "text", ["", "no sum", "7", "5 / 0", "2 ** 3", "(" * 500 + "1 + 1", "9" * 5000, "9*" * 300 + "9"]
)
def test_what_is_no_sum_is_none_and_costs_nothing(text: str) -> None:
    assert expressions(text) in ([], [("1 + 1", Fraction(2))])


@given(st.text(alphabet="0123456789+-*/()., x\u00f7", max_size=80))
def test_any_text_is_read_without_an_error(text: str) -> None:
    for form, value in expressions(text):
        assert expressions(form)[-1] == (form, value)


def test_answers_fill_the_schema_by_name_and_type() -> None:
    assert ask("9 + 1") == {"thinking": "9 + 1 = 10", "answer": "10"}
    assert ask("5 / 2", {"properties": {"result": {"type": "number"}}}) == {"result": 2.5}
    assert ask("5 * 2", {"properties": {"final_answer": {"type": "integer"}}}) == {"final_answer": 10}
    assert ask("1 + 1", "json") == {"answer": "2"}
    assert ask("1 + 1", None) == "1 + 1 = 2"
    nested = {
        "properties": {
            "steps": {"type": "array", "items": {"type": "string"}},
            "answer": {"enum": ["2", "3"]},
        }
    }
    assert ask("1 + 1", nested) == {"steps": ["1 + 1 = 2"], "answer": "2"}


def test_wrong_answers_are_slips() -> None:
    said = {ask("7 * 2", model=NEVER, seed=seed)["answer"] for seed in range(60)}
    assert said == {"15", "13", "-14", "9", "14 units"}
    assert all(one != 14 for one in slips("7 * 2", Fraction(14)))
    numbers = {
        ask("7 * 2", {"properties": {"answer": {"type": "number"}}}, NEVER, seed=seed)["answer"] for seed in range(60)
    }
    assert numbers == {15, 13, -14, 9}  # a number can't hold units: still wrong


def test_no_question_is_said_so() -> None:
    assert ask("hello") == {"thinking": "There is no question here that I can work out.", "answer": "unknown"}


CALCULATOR = {
    "type": "function",
    "function": {
        "name": "calculator",
        "parameters": {"type": "object", "properties": {"expression": {"type": "string"}}},
    },
}


def test_a_calculator_is_called_and_its_result_used() -> None:
    user = {"role": "user", "content": "What is 6 * 7?"}
    call = CERTAIN.reply(ChatRequest(messages=[user], tools=[CALCULATOR]))
    assert isinstance(call, ModelReply)
    assert call.tool_calls == (("calculator", {"expression": "6 * 7"}),)
    after = [user, {"role": "assistant", "content": ""}, {"role": "tool", "content": '{"result": 42}'}]
    assert NEVER.reply(ChatRequest(messages=after, tools=[CALCULATOR])) == "The tool says 42."


def test_a_tool_of_another_kind_is_left_alone() -> None:
    search = {"function": {"name": "search", "parameters": {"properties": {"query": {"type": "string"}}}}}
    messages = [{"role": "user", "content": "What is 6 * 7?"}]
    assert CERTAIN.reply(ChatRequest(messages=messages, tools=[search])) == "6 * 7 = 42"
