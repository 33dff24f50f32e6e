"""OpenAI's messages, requests and answers, and conversation from and to them without loss."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.media import png, text_of

import synalinks
from synalinks import backend
from synalinks.data import ChatMessage, ChatMessages, ChatRole, Image, ToolCall, ToolCallFunction
from synalinks.data.models import chat_completion as cc
from synalinks.errors import DataError

words = st.text(min_size=1, max_size=9)
objects = st.dictionaries(words, st.one_of(st.integers(-9, 9), words, st.booleans()), max_size=3)
parts = st.lists(
    st.one_of(
        words.map(lambda text: {"type": "text", "text": text}),
        words.map(lambda text: {"type": "image_url", "image_url": {"url": text}}),
    ),
    min_size=1,
    max_size=3,
)
calls = st.lists(
    st.builds(
        lambda key, name, given: {"id": key, "type": "function", "function": {"name": name, "arguments": given}},
        words,
        words,
        words,
    ),
    min_size=1,
    max_size=2,
)
optional = {
    "content": st.one_of(words, parts, st.just("")),
    "name": words,
    "tool_calls": calls,
    "tool_call_id": words,
    "refusal": words,
    "audio": objects,
    "reasoning_content": words,
    "thinking_blocks": st.lists(objects, max_size=2),
}
wire = st.fixed_dictionaries({"role": st.sampled_from([str(role) for role in ChatRole])}, optional=optional)


@given(wire)
def test_a_message_of_theirs_comes_back_as_it_was(value: dict[str, Any]) -> None:
    message = cc.ChatCompletionMessage(**value)
    ours = cc.from_chat_completion_message(message)
    assert cc.to_chat_completion_message(ours).get_json() == message.get_json() == value
    assert cc.to_chat_completion_message(ours.to_json_data_model()).get_json() == value


@given(wire, st.one_of(st.none(), objects))
def test_a_message_of_ours_comes_back_as_it_was(value: dict[str, Any], result: dict[str, Any] | None) -> None:
    ours = ChatMessage(**value)
    there = cc.to_chat_completion_message(ours)
    assert cc.from_chat_completion_message(there) == ours
    if result is not None:  # a tool's result as an object is its JSON there, and stays that
        there = cc.to_chat_completion_message(ChatMessage(role=ChatRole.TOOL, content=result))
        assert cc.to_chat_completion_message(cc.from_chat_completion_message(there)) == there


@given(st.lists(wire, max_size=3))
def test_conversations(values: list[dict[str, Any]]) -> None:
    ours = cc.from_chat_completion_messages(values)
    assert isinstance(ours, ChatMessages)
    for form in (ours, ours.to_json_data_model(), list(ours.messages), {"messages": values}, tuple(values)):
        assert [one.get_json() for one in cc.to_chat_completion_messages(form)] == values


def test_arguments_and_results_are_json_text() -> None:
    call = ToolCall(id="1", function=ToolCallFunction(name="look", arguments={"city": "Rom"}))
    message = ChatMessage(role=ChatRole.ASSISTANT, tool_calls=[call])
    assert cc.to_chat_completion_message(message).tool_calls[0].function.arguments == '{"city":"Rom"}'  # type: ignore
    assert call.function.arguments == {"city": "Rom"}, "what was given stays as it is"


def test_pictures_are_parts() -> None:
    message = ChatMessage(role="user", content=["What?", Image(data=text_of(png()))])  # type: ignore
    assert cc.to_chat_completion_message(message).content[1]["type"] == "image_url"  # type: ignore


BODY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "hi", "refusal": None, "annotations": []},
            "finish_reason": "stop",
            "logprobs": None,
        }
    ],
    "usage": {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "total_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0, "image_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 0},
    },
    "system_fingerprint": "fp",
}


def test_an_answer_keeps_what_is_not_known_here() -> None:
    response = synalinks.ChatCompletionResponse(**BODY)
    assert response.usage.prompt_tokens_details.model_extra == {"image_tokens": 4}  # type: ignore[union-attr]
    message = response.choices[0].message
    assert message.get_json()["annotations"] == []
    assert synalinks.from_chat_completion_message(message) == ChatMessage(role=ChatRole.ASSISTANT, content="hi")
    assert synalinks.ChatCompletionResponse(**response.get_json()) == response


class Answer(synalinks.DataModel):
    answer: int


async def look(city: str) -> str:
    """Look out of the window.

    Args:
        city: where.
    """
    return city


def test_requests() -> None:
    bare = {"name": "look", "description": "Look.", "parameters": {"type": "object", "properties": {}}}
    chat = ChatMessages(messages=[ChatMessage(role=ChatRole.USER, content="Hello")])
    request = synalinks.to_chat_completion_request(
        chat, "gpt-4o-mini", tools=[bare, {"type": "function", "function": bare}, synalinks.Tool(look)], temperature=0.5
    )
    assert [tool.function.name for tool in request.tools or ()] == ["look"] * 3
    assert request.get_json()["messages"] == [{"role": "user", "content": "Hello"}] and request.temperature == 0.5
    assert cc.ChatCompletionRequest(**request.get_json()) == request
    form = synalinks.to_chat_completion_request(chat, "m", response_format=Answer).get_json()["response_format"]
    assert form["json_schema"]["schema"] == Answer.get_schema() and form["json_schema"]["strict"] is True


def test_a_schema_by_either_name() -> None:
    for name in ("schema", "schema_"):
        found = cc.ChatCompletionJsonSchema(name="a", **{name: {"type": "object"}})  # type: ignore[arg-type]
        assert found.get_json() == {"name": "a", "schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (lambda: cc.to_chat_completion_message({"content": "x"}), "not a ChatMessage: role: Field required"),
        (lambda: cc.from_chat_completion_message({"role": "robot"}), "not a ChatCompletionMessage: role: Input should"),
        (lambda: cc.to_chat_completion_messages("hello"), "messages were expected, got str"),
        (lambda: cc.to_chat_completion_request([], "m", temprature=1), "temprature: Extra inputs are not permitted"),
        (lambda: cc.to_chat_completion_request([], "m", tools=[{"description": "x"}]), "function.name: Field required"),
    ],
)
def test_what_is_wrong_is_named(job: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        job()


def test_all_are_names_of_the_backend() -> None:
    made = [name for name in vars(cc) if name.startswith("ChatCompletion")]
    assert len(made) == 13 and all(getattr(backend, name) is getattr(synalinks, name) for name in made)
    calls = backend.ToolCalling(tool_calls=[ToolCall(id="1", function=ToolCallFunction(name="f", arguments="{}"))])
    assert calls.get_json()["tool_calls"][0]["function"]["name"] == "f" and backend.ToolCalling().tool_calls == []
