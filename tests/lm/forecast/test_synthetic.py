"""The synthetic provider: answers of the right form and length to anything."""

from __future__ import annotations

import asyncio
import json
from array import array
from typing import Any

import jsonschema_rs
import pytest

from synalinks.errors import ConfigurationError, SampleRefused
from synalinks.lm.core.call import Call, Delta, Reply, Request, schema_of
from synalinks.lm.forecast.synthetic import SyntheticProvider
from synalinks.lm.forecast.token_count import count_prompt, count_tokens
from synalinks.scope import Scope

ASKED = ({"role": "system", "content": "Be exact."}, {"role": "user", "content": "What is 2 + 3?"})
ANSWER = {
    "type": "object",
    "properties": {"thinking": {"type": "string"}, "answer": {"type": "string"}, "sure": {"type": "boolean"}},
    "required": ["thinking", "answer", "sure"],
    "additionalProperties": False,
}
#: A schema with everything that answers are asked for with.
RICH = {
    "$defs": {
        "Step": {"type": "object", "properties": {"kind": {"const": "step"}, "text": {"type": "string"}}},
        "Stop": {"type": "object", "properties": {"kind": {"const": "stop"}, "why": {"enum": ["done", "lost"]}}},
    },
    "type": "object",
    "properties": {
        "next": {"anyOf": [{"$ref": "#/$defs/Step"}, {"$ref": "#/$defs/Stop"}]},
        "all": {"type": "array", "items": {"$ref": "#/$defs/Step"}, "minItems": 2, "maxItems": 3},
        "share": {"type": "number", "minimum": 0, "maximum": 1},
        "count": {"type": "integer", "exclusiveMinimum": 2, "maximum": 9, "multipleOf": 2},
        "when": {"type": "string", "format": "date-time"},
        "code": {"type": "string", "pattern": "^[A-Z]{2}-\\d{4}$"},
        "short": {"type": "string", "maxLength": 5},
        "perhaps": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "unlike": {"not": {"const": ""}, "type": "string", "minLength": 1},
    },
    "required": ["next", "all", "share", "count", "when", "code", "short", "perhaps", "unlike"],
}


def chat(schema: Any = None, model: str = "openai/gpt-4o-mini", **rest: Any) -> Request:
    return Request("chat", model, **{"messages": ASKED, "schema": schema and schema_of(schema), **rest})


def ask(request: Request, provider: SyntheticProvider | None = None, **place: Any) -> Reply:
    return asyncio.run((provider or SyntheticProvider())(Call(request, **place)))


@pytest.mark.parametrize("wanted", [None, 30, 400])
@pytest.mark.parametrize("schema", [ANSWER, RICH], ids=["plain", "rich"])
def test_answers_obey_their_schema(schema: Any, wanted: int | None) -> None:
    provider = SyntheticProvider(output_tokens=wanted)
    replies = [ask(chat(schema), provider, draw=draw) for draw in range(15)]
    for reply in replies:
        jsonschema_rs.validate(schema, json.loads(reply.text))
        assert reply.finish == "stop"
    assert len({reply.text for reply in replies}) > 5
    if schema is RICH:
        assert {json.loads(reply.text)["next"]["kind"] for reply in replies} == {"step", "stop"}


def test_seed_request_and_draw_decide_and_nothing_else() -> None:
    first = SyntheticProvider()
    calls = [Call(chat(ANSWER), draw=draw, scope=Scope(epoch=0, sample=draw)) for draw in range(6)]
    there = [asyncio.run(first(call)).text for call in calls]
    back = [asyncio.run(SyntheticProvider()(call)).text for call in reversed(calls)]
    assert there == back[::-1]
    assert len(set(there)) == 6
    assert ask(chat(ANSWER), SyntheticProvider(1)).text != there[0]
    cold = chat(ANSWER, options={"temperature": 0})
    assert ask(cold).text == ask(cold, draw=5).text


@pytest.mark.parametrize("wanted", [20, 150, 1000])
@pytest.mark.parametrize("schema", [None, ANSWER], ids=["text", "JSON"])
def test_answers_have_the_length_that_was_stated(schema: Any, wanted: int) -> None:
    reply = ask(chat(schema), SyntheticProvider(output_tokens=wanted))
    assert reply.usage.output_tokens == wanted
    assert count_tokens(reply.text) == pytest.approx(wanted, rel=0.1, abs=3)


def test_lengths_are_stated_in_many_ways() -> None:
    request = chat()
    drawn = {ask(request, SyntheticProvider(output_tokens=(5, 8)), draw=n).usage.output_tokens for n in range(60)}
    assert drawn == {5, 6, 7, 8}
    by_model = SyntheticProvider(output_tokens={request.model: 12})
    assert ask(request, by_model).usage.output_tokens == 12
    assert ask(chat(model="ollama/other"), by_model).usage.output_tokens == 150
    by_call = SyntheticProvider(output_tokens=lambda call: 3 + call.draw)
    assert ask(request, by_call, draw=4).usage.output_tokens == 7


@pytest.mark.parametrize("wrong", [0, -1, (5, 2), (1, 2, 3), "many", {"m": 0}])
def test_lengths_that_are_none_are_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="output_tokens"):
        SyntheticProvider(output_tokens=wrong)


def test_usage_counts_the_prompt_and_says_that_it_is_invented() -> None:
    short, long = chat(), chat(messages=({"role": "user", "content": "word " * 500},))
    for request in (short, long):
        reply = ask(request)
        assert reply.usage.input_tokens == count_prompt(request)
        assert reply.usage.raw is not None
        assert reply.usage.raw["synthetic"] is True
        assert reply.cost is None  # the layers above know the price
    assert 500 < count_prompt(long) < 520


def test_a_limit_of_tokens_is_kept() -> None:
    cut = ask(chat(options={"max_tokens": 7}))
    assert (cut.finish, cut.usage.output_tokens) == ("length", 7)
    whole = ask(chat(ANSWER, options={"max_tokens": 30}))
    jsonschema_rs.validate(ANSWER, json.loads(whole.text))
    assert whole.usage.output_tokens == 30
    assert count_tokens(whole.text) <= 30
    assert ask(chat(ANSWER, options={"max_tokens": 2})).finish == "length"
    assert ask(chat(), output_cap=9).usage.output_tokens == 9


def test_reasoning_is_counted_where_it_is_asked_for() -> None:
    usage = ask(chat(options={"reasoning_effort": "low"})).usage
    assert (usage.output_text, usage.output_reasoning) == (150, 400)


def test_a_tool_is_called_once_and_then_there_is_text() -> None:
    tool = {"name": "add", "description": "Adds.", "parameters": {**ANSWER}}
    called = ask(chat(tools=(tool,)))
    assert called.finish == "tool_calls"
    (one,) = called.tool_calls
    assert one["name"] == "add"
    jsonschema_rs.validate(ANSWER, one["arguments"])
    result = {"role": "tool", "tool_call_id": one["id"], "content": "5"}
    assert ask(chat(tools=(tool,), messages=(*ASKED, result))).tool_calls == ()


def test_embeddings_are_unit_vectors_of_their_text() -> None:
    request = Request("embed", "openai/text-embedding-3-small", texts=("one", "two", "one"))
    reply = ask(request)
    vectors = [array("f", data) for data in reply.vectors]
    assert vectors[0] == vectors[2] != vectors[1]
    assert sum(number * number for number in vectors[0]) == pytest.approx(1)
    assert reply.usage.output_tokens is None
    sized = Request("embed", "openai/x", texts=("one",), options={"dimensions": 8})
    assert len(ask(sized).vectors[0]) == 32


def test_a_sink_is_fed() -> None:
    seen: list[Delta] = []
    reply = ask(chat(), sink=seen.append)
    assert "".join(delta.text for delta in seen) == reply.text


def test_a_schema_that_nothing_is_found_for_is_a_refused_sample() -> None:
    with pytest.raises(SampleRefused, match="obeys its schema") as met:
        ask(chat({"type": "object", "properties": {"a": {"type": "string", "pattern": "^(?=x)y$"}}, "required": ["a"]}))
    assert met.value.kind == "synthetic"
