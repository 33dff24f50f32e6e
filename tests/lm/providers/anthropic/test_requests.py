"""What Anthropic's dialect says for requests that no recording holds, after the API's reference."""

from __future__ import annotations

import json
from typing import Any

import pytest

from synalinks import errors
from synalinks.lm.core.call import NO_USAGE, Request, Schema
from synalinks.lm.providers.anthropic.requests import BUDGETS, DEFAULT_MAX_TOKENS, chat_payload, facts_of
from synalinks.lm.providers.anthropic.responses import chat_reply, error_of, usage

NEW, OLD = "anthropic/claude-opus-4-6", "anthropic/claude-sonnet-4-20250514"
PNG = "data:image/png;base64,iVBORw0KGgo="
SEVEN = Schema({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})


def said(model: str = NEW, messages: Any = None, cap: int | None = None, **rest: Any) -> dict[str, Any]:
    messages = messages or [{"role": "user", "content": "Hi"}]
    schema, tools = rest.pop("schema", None), rest.pop("tools", ())
    return chat_payload(Request("chat", model, messages=messages, schema=schema, tools=tools, options=rest), False, cap)


@pytest.mark.parametrize(
    ("name", "schemas", "adaptive", "effort", "thinking"),
    [
        ("claude-3-opus-20240229", False, False, False, False),
        ("claude-3-5-sonnet-20241022", False, False, False, False),
        ("claude-sonnet-4-20250514", False, False, False, False),
        ("claude-opus-4-1-20250805", True, False, False, False),
        ("claude-haiku-4-5-20251001", True, False, False, False),
        ("claude-opus-4-5", True, False, True, False),
        ("claude-opus-4-6", True, True, True, False),
        ("claude-sonnet-5", True, True, True, True),
        ("claude-opus-5-5", True, True, True, True),
        ("claude-mythos-preview", True, True, True, True),
    ],
)
def test_generations(name: str, schemas: bool, adaptive: bool, effort: bool, thinking: bool) -> None:
    facts = facts_of(name)
    assert (facts.schemas, facts.adaptive, facts.effort, facts.thinking) == (schemas, adaptive, effort, thinking)


@pytest.mark.parametrize(
    ("given", "cap", "sent"),
    [
        (None, None, DEFAULT_MAX_TOKENS),
        (None, 100, 100),
        (None, 10**6, DEFAULT_MAX_TOKENS),
        (200, None, 200),
        (200, 100, 100),
        (100, 200, 100),
    ],
)
def test_max_tokens(given: int | None, cap: int | None, sent: int) -> None:
    assert said(max_tokens=given, cap=cap)["max_tokens"] == sent


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "level"),
    [
        ("claude-haiku-4-5", "low", {"type": "enabled", "budget_tokens": 1024}, None),
        ("claude-haiku-4-5", "high", {"type": "enabled", "budget_tokens": 24_576}, None),
        ("claude-haiku-4-5", "none", None, None),
        ("claude-opus-4-5", "max", {"type": "enabled", "budget_tokens": 24_576}, "high"),
        ("claude-opus-4-6", "medium", {"type": "adaptive"}, "medium"),
        ("claude-opus-4-6", "minimal", {"type": "adaptive"}, "low"),
        ("claude-opus-4-6", "xhigh", {"type": "adaptive"}, "max"),
        ("claude-opus-4-6", True, {"type": "adaptive"}, None),
        ("claude-opus-4-6", "disable", None, None),
        ("claude-opus-4-7", "xhigh", {"type": "adaptive", "display": "summarized"}, "xhigh"),
        ("claude-sonnet-5", "none", {"type": "disabled"}, None),
        ("claude-sonnet-5", None, None, None),
    ],
)
def test_reasoning_effort(model: str, effort: Any, thinking: Any, level: str | None) -> None:
    payload = said(f"anthropic/{model}", reasoning_effort=effort)
    assert payload.get("thinking") == thinking
    assert payload.get("output_config", {}).get("effort") == level
    assert "reasoning_effort" not in payload


def test_room_to_think_comes_on_top_of_the_answer() -> None:
    assert said("anthropic/claude-haiku-4-5", reasoning_effort="low")["max_tokens"] == DEFAULT_MAX_TOKENS + 1024
    assert said("anthropic/claude-sonnet-5")["max_tokens"] == DEFAULT_MAX_TOKENS + BUDGETS["high"]
    payload = said("anthropic/claude-haiku-4-5", reasoning_effort="high", max_tokens=2000)
    assert payload["thinking"]["budget_tokens"] == 1999  # the API wants it below max_tokens
    with pytest.raises(errors.RequestError, match="max_tokens=500 leaves no room to think"):
        said("anthropic/claude-haiku-4-5", reasoning_effort="low", max_tokens=500)
    # what is left of a budget is no mistake of the program's
    assert "thinking" not in said("anthropic/claude-haiku-4-5", reasoning_effort="low", cap=500)


def test_an_unknown_effort() -> None:
    with pytest.raises(errors.RequestError, match=r"'enormous' is not known; Anthropic takes 'none'.*'max'"):
        said(reasoning_effort="enormous")


def test_thinking_written_out_wins() -> None:
    given = {"type": "enabled", "budget_tokens": 5000}
    payload = said("anthropic/claude-haiku-4-5", thinking=given, reasoning_effort="low")
    assert payload["thinking"] == given
    assert payload["max_tokens"] == DEFAULT_MAX_TOKENS + 5000


def test_other_options() -> None:
    payload = said(stop="END", temperature=0, top_k=None, service_tier="auto", output_config={"x": 1}, schema=SEVEN)
    assert payload["stop_sequences"] == ["END"]
    assert (payload["temperature"], payload["service_tier"]) == (0, "auto")
    assert "top_k" not in payload
    assert payload["output_config"]["x"] == 1
    assert said(stop=("a", "b"))["stop_sequences"] == ["a", "b"]


def test_schema_is_as_subset_and_the_one_that_is_checked_is_not() -> None:
    schema = Schema(
        {
            "type": "object",
            "properties": {
                "why": {"type": "string", "minLength": 3, "description": "Reasons"},
                "n": {"type": "integer", "minimum": 1, "maximum": 9},
                "tags": {"type": "array", "items": {"$ref": "#/$defs/Tag"}, "minItems": 2, "maxItems": 3},
                "some": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                "when": {"type": "string", "format": "date"},
                "path": {"type": "string", "format": "path"},
                "either": {"oneOf": [{"type": "string"}, {"type": "null"}], "default": None},
                "minimum": {"type": "number"},
            },
            "required": ["why"],
            "$defs": {"Tag": {"type": "object", "properties": {"t": {"const": "x"}}, "additionalProperties": True}},
        }
    )
    before = json.dumps(schema.value)
    sent = said(schema=schema)["output_config"]["format"]
    assert sent["type"] == "json_schema"
    properties = sent["schema"]["properties"]
    assert list(properties) == ["why", "n", "tags", "some", "when", "path", "either", "minimum"]
    assert properties["why"] == {"type": "string", "description": "Reasons (minLength: 3)"}
    assert properties["n"] == {"type": "integer", "description": "(minimum: 1; maximum: 9)"}
    assert properties["tags"]["description"] == "(minItems: 2; maxItems: 3)"
    assert properties["some"]["minItems"] == 1
    assert properties["when"]["format"] == "date"
    assert properties["path"] == {"type": "string", "description": "(format: path)"}
    assert properties["either"] == {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
    assert sent["schema"]["additionalProperties"] is False
    assert sent["schema"]["$defs"]["Tag"] == {
        "type": "object",
        "properties": {"t": {"const": "x"}},
        "additionalProperties": False,
    }
    assert json.dumps(schema.value) == before
    assert schema.problem({"why": "x"}) is not None


OPEN = Schema({"type": "object", "properties": {"m": {"type": "object", "additionalProperties": {"type": "integer"}}}})
TREE = Schema(
    {
        "$ref": "#/$defs/T",
        "$defs": {"T": {"type": "object", "properties": {"c": {"type": "array", "items": {"$ref": "#/$defs/T"}}}}},
    }
)


@pytest.mark.parametrize(("model", "schema"), [(OLD, SEVEN), (NEW, OPEN), (NEW, TREE)])
def test_answer_by_a_forced_tool(model: str, schema: Schema) -> None:
    payload = said(model, schema=schema)
    assert "output_config" not in payload
    assert payload["tools"][0]["input_schema"] == schema.value
    assert payload["tool_choice"] == {"type": "tool", "name": payload["tools"][0]["name"]}


def test_answer_by_a_tool_beside_others_and_while_thinking() -> None:
    tool = {"name": "look", "description": "Looks.", "parameters": SEVEN.value}
    payload = said(OLD, schema=SEVEN, tools=[tool])
    assert [one["name"] for one in payload["tools"]] == ["look", "give_answer"]
    assert payload["tool_choice"] == {"type": "any"}
    # the API refuses to force a tool on a model that thinks
    assert said(OLD, schema=SEVEN, reasoning_effort="low")["tool_choice"] == {"type": "auto"}
    assert said("anthropic/claude-sonnet-5", schema=OPEN)["tool_choice"] == {"type": "auto"}


def test_answer_by_tool_is_read_as_text() -> None:
    request = Request("chat", OLD, messages=[{"role": "user", "content": "Hi"}], schema=SEVEN)
    block = {"type": "tool_use", "id": "a", "name": "give_answer", "input": {"n": 7}}
    reply = chat_reply({"content": [block], "stop_reason": "tool_use"}, request)
    assert (json.loads(reply.text), reply.tool_calls, reply.finish) == ({"n": 7}, (), "stop")


def test_tools_and_their_choice() -> None:
    look = {"name": "look", "description": "Looks.", "parameters": SEVEN.value}
    wrapped = {"type": "function", "function": look, "cache_control": {"type": "ephemeral"}}
    native = {"type": "web_search_20250305", "name": "web_search"}
    tools = said(tools=[look, wrapped, native, {"name": "bare"}])["tools"]
    assert tools[0] == {"name": "look", "description": "Looks.", "input_schema": SEVEN.value}
    assert tools[1] == {**tools[0], "cache_control": {"type": "ephemeral"}}
    assert tools[2] == native
    assert tools[3] == {"name": "bare", "input_schema": {"type": "object", "properties": {}}}
    for given, sent in [
        ("auto", {"type": "auto"}),
        ("required", {"type": "any"}),
        ("none", {"type": "none"}),
        ({"type": "function", "function": {"name": "look"}}, {"type": "tool", "name": "look"}),
    ]:
        assert said(tools=[look], tool_choice=given)["tool_choice"] == sent
    one = said(tools=[look], parallel_tool_calls=False)["tool_choice"]
    assert one == {"type": "auto", "disable_parallel_tool_use": True}
    with pytest.raises(errors.RequestError, match="tool_choice='maybe'"):
        said(tools=[look], tool_choice="maybe")


def test_a_conversation_with_tools() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "abc="}
    calls = [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
        {"id": "b", "name": "g", "arguments": {}},
    ]
    payload = said(
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": "Do it."},
            {"role": "assistant", "content": "Yes.", "tool_calls": calls, "thinking_blocks": [thought]},
            {"role": "tool", "tool_call_id": "a", "content": "1"},
            {"role": "tool", "tool_call_id": "b", "content": {"ok": False}, "is_error": True},
            {"role": "assistant", "content": "", "reasoning_content": "unsigned"},
            {"role": "user", "content": "Thanks."},
        ]
    )
    assert [block["text"] for block in payload["system"]] == ["Be brief.", "Be kind."]
    assert [message["role"] for message in payload["messages"]] == ["user", "assistant", "user", "user"]
    assert payload["messages"][1]["content"] == [
        thought,
        {"type": "text", "text": "Yes."},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {}},
    ]
    assert payload["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "1"}]},
        {
            "type": "tool_result",
            "tool_use_id": "b",
            "content": [{"type": "text", "text": '{"ok":false}'}],
            "is_error": True,
        },
    ]


def test_parts_and_marks() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    parts = [
        {"type": "text", "text": "See:", "cache_control": mark},
        {"type": "image_url", "image_url": {"url": PNG}},
        {"type": "image_url", "image_url": "https://example.org/a.jpg"},
        {"type": "image", "data": "/9j/4AAQ"},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0="}},
        {"type": "document", "source": {"type": "file", "file_id": "f"}},
    ]
    sent = said(messages=[{"role": "user", "content": parts, "cache_control": mark}])["messages"][0]["content"]
    assert sent[0] == {"type": "text", "text": "See:", "cache_control": mark}
    assert sent[1]["source"] == {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    assert sent[2] == {"type": "image", "source": {"type": "url", "url": "https://example.org/a.jpg"}}
    assert sent[3]["source"]["media_type"] == "image/jpeg"
    assert (sent[4]["type"], sent[4]["source"]["media_type"]) == ("document", "application/pdf")
    assert sent[5] == {**parts[5], "cache_control": mark}


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, "got a part of audio"),
        ({"type": "image_url", "image_url": {}}, "without data or address"),
        ({"type": "image", "data": "????"}, "unknown type"),
        ({"type": "image_url", "image_url": "data:image/png,raw"}, "not base64"),
        ({"type": "smell"}, "'smell'; known are 'text', 'image_url'"),
    ],
)
def test_parts_it_cannot_take(part: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.RequestError, match=words):
        said(messages=[{"role": "user", "content": [part]}])


def test_conversations_it_cannot_take() -> None:
    with pytest.raises(errors.RequestError, match="at least one message"):
        said(messages=[{"role": "system", "content": "Hi"}])
    with pytest.raises(errors.RequestError, match="tool_call_id"):
        said(messages=[{"role": "tool", "content": "1"}])
    broken = {"role": "assistant", "tool_calls": [{"id": "a", "name": "f", "arguments": "{"}]}
    with pytest.raises(errors.RequestError, match="'f' in the history are not JSON"):
        said(messages=[broken])


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("something_new", "something_new"),
        (None, None),
    ],
)
def test_finish(reason: str | None, finish: str | None) -> None:
    body = {"content": [{"type": "text", "text": "x"}], "stop_reason": reason}
    reply = chat_reply(body, Request("chat", NEW))
    assert (reply.finish, reply.refusal) == (finish, None)


def test_refusal() -> None:
    body: dict[str, Any] = {"content": [{"type": "text", "text": "I"}], "stop_reason": "refusal"}
    reply = chat_reply({**body, "stop_details": {"type": "refusal", "explanation": "No."}}, Request("chat", NEW))
    assert (reply.finish, reply.refusal) == ("content_filter", "No.")
    assert chat_reply(body, Request("chat", NEW)).refusal == "I"
    assert chat_reply({"stop_reason": "refusal"}, Request("chat", NEW)).refusal == "the model gave no reason"


def test_redacted_thinking_is_kept_to_be_handed_back() -> None:
    block = {"type": "redacted_thinking", "data": "xyz"}
    reply = chat_reply({"content": [block, {"type": "text", "text": "x"}]}, Request("chat", NEW))
    assert (reply.reasoning, reply.extra) == (None, {"thinking_blocks": [block]})


def test_usage() -> None:
    assert usage(None) is NO_USAGE
    counts = usage({"input_tokens": 5, "output_tokens": 7})
    assert counts.to_dict() == {"input_fresh": 5, "output_text": 7, "raw": {"input_tokens": 5, "output_tokens": 7}}
    split = {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2}
    counts = usage({"cache_creation_input_tokens": 3, "cache_creation": split})
    assert (counts.input_cache_write_5m, counts.input_cache_write_1h, counts.input_tokens) == (1, 2, 3)
    assert usage({"cache_creation_input_tokens": 3}).input_cache_write_5m == 3


@pytest.mark.parametrize(
    ("status", "error", "headers", "kind", "wait"),
    [
        (529, {"type": "overloaded_error", "message": "Overloaded"}, {}, errors.ServerError, None),
        (529, {"type": "overloaded_error", "message": "Overloaded"}, {"retry-after": "3"}, errors.ServerError, 3.0),
        (500, {"type": "api_error", "message": "Internal server error"}, {}, errors.ServerError, None),
        (429, {"type": "rate_limit_error", "message": "slow down"}, {"retry-after": "17"}, errors.RateLimited, 17.0),
        (
            429,
            {
                "type": "rate_limit_error",
                "message": "limit reached",
                "details": {"error_code": "enforced_spend_limit_reached"},
            },
            {},
            errors.QuotaExhausted,
            None,
        ),
        (402, {"type": "billing_error", "message": "pay"}, {}, errors.QuotaExhausted, None),
        (
            400,
            {"type": "invalid_request_error", "message": "Your credit balance is too low to access the API."},
            {},
            errors.QuotaExhausted,
            None,
        ),
        (
            400,
            {"type": "invalid_request_error", "message": "You have reached your specified API usage limits."},
            {},
            errors.QuotaExhausted,
            None,
        ),
        (
            400,
            {
                "type": "invalid_request_error",
                "message": "input length and `max_tokens` exceed context limit: 199000 + 4096 > 200000",
            },
            {},
            errors.SampleRefused,
            None,
        ),
        (400, {"type": "invalid_request_error", "message": "seed: Extra inputs"}, {}, errors.RequestError, None),
        (403, {"type": "permission_error", "message": "no"}, {}, errors.AuthenticationError, None),
        (404, {"type": "not_found_error", "message": "model: claude-nine"}, {}, errors.ModelNotFound, None),
        (413, {"type": "request_too_large", "message": "too large"}, {}, errors.RequestError, None),
    ],
)
def test_errors(status: int, error: dict[str, Any], headers: dict[str, str], kind: type, wait: float | None) -> None:
    found = error_of(status, {"type": "error", "error": error}, headers, "it said")
    assert type(found) is kind
    assert (found.status, found.retry_after) == (status, wait)
    assert str(found).startswith("it said: ")
    assert error["message"] in str(found)
