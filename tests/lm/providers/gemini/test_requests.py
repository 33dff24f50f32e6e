"""What Gemini's dialect says for requests that no recording holds, after the API's reference."""

from __future__ import annotations

import json
from typing import Any

import pytest

from synalinks import errors
from synalinks.lm.core.call import NO_USAGE, Request, Schema
from synalinks.lm.providers.gemini.requests import chat_payload, embed_payloads
from synalinks.lm.providers.gemini.responses import chat_reply, embed_reply, error_of, usage

NEW, OLD = "gemini/gemini-3-pro-preview", "gemini/gemini-2.5-flash"
SEVEN = Schema({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
LOOK = {"name": "look", "description": "Looks.", "parameters": SEVEN.value}


def said(model: str = OLD, messages: Any = None, **rest: Any) -> dict[str, Any]:
    messages = messages or [{"role": "user", "content": "Hi"}]
    schema, tools = rest.pop("schema", None), rest.pop("tools", ())
    return chat_payload(Request("chat", model, messages=messages, schema=schema, tools=tools, options=rest))


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-pro", "disable", {"thinkingBudget": 128}),
        ("gemini-2.5-flash", "minimal", {"includeThoughts": True, "thinkingBudget": 1024}),
        ("gemini-2.5-flash", "medium", {"includeThoughts": True, "thinkingBudget": 8192}),
        ("gemini-2.5-flash", "max", {"includeThoughts": True, "thinkingBudget": 24_576}),
        ("gemini-2.5-flash", True, {"includeThoughts": True}),
        ("gemini-2.0-flash", "none", None),
        ("gemini-3-flash-preview", "none", {"thinkingLevel": "minimal"}),
        ("gemini-3.1-pro", "none", {"thinkingLevel": "low"}),
        ("gemini-3.1-pro", "minimal", {"includeThoughts": True, "thinkingLevel": "low"}),
        ("gemini-3-flash-preview", "high", {"includeThoughts": True, "thinkingLevel": "high"}),
        ("gemini-4-hydrogen", "medium", {"includeThoughts": True, "thinkingLevel": "medium"}),
        ("gemini-3-flash-preview", None, None),
    ],
)
def test_reasoning_effort(model: str, effort: Any, thinking: Any) -> None:
    assert said(f"gemini/{model}", reasoning_effort=effort)["generationConfig"].get("thinkingConfig") == thinking


def test_an_unknown_effort() -> None:
    with pytest.raises(errors.RequestError, match="'enormous' is not known; Gemini takes 'none'"):
        said(reasoning_effort="enormous")


def test_options() -> None:
    safety = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    payload = said(
        temperature=0,
        top_p=0.5,
        top_k=None,
        max_tokens=9,
        seed=1,
        stop="END",
        presence_penalty=0.1,
        safety_settings=safety,
        thinking_config={"thinkingBudget": 7},
        reasoning_effort="low",
    )
    assert payload["generationConfig"] == {
        "temperature": 0,
        "topP": 0.5,
        "maxOutputTokens": 9,
        "seed": 1,
        "stopSequences": ["END"],
        "presencePenalty": 0.1,
        "thinkingConfig": {"thinkingBudget": 7},
    }
    assert payload["safetySettings"] == safety


def test_schema_is_as_subset_and_the_one_that_is_checked_is_not() -> None:
    schema = Schema(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "why": {"type": "string", "minLength": 3, "examples": ["x"], "default": "y"},
                "n": {"type": "integer", "minimum": 1, "exclusiveMaximum": 9},
                "tag": {"$ref": "#/$defs/Tag", "description": "not allowed beside a reference"},
                "kind": {"const": "a"},
                "one": {"allOf": [{"$ref": "#/$defs/Tag"}], "description": "d"},
                "either": {"oneOf": [{"type": "string"}, {"type": "null"}]},
                "when": {"type": "string", "format": "uuid"},
                "map": {"type": "object", "additionalProperties": {"type": "integer", "multipleOf": 2}},
            },
            "$defs": {"Tag": {"type": "string", "enum": ["x", "y"]}},
            "additionalProperties": False,
        }
    )
    before = json.dumps(schema.value)
    config = said(schema=schema)["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    sent = config["responseJsonSchema"]
    assert "$schema" not in sent
    assert sent["additionalProperties"] is False
    assert sent["$defs"] == schema.value["$defs"]
    assert list(sent["properties"]) == list(schema.value["properties"])
    properties = sent["properties"]
    assert properties["why"] == {"type": "string", "description": "(minLength: 3)"}
    assert properties["n"] == {"type": "integer", "minimum": 1, "description": "(exclusiveMaximum: 9)"}
    assert properties["tag"] == {"$ref": "#/$defs/Tag"}
    assert properties["kind"] == {"enum": ["a"], "type": "string"}
    assert properties["one"] == {"$ref": "#/$defs/Tag"}
    assert properties["either"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert properties["when"] == {"type": "string", "description": "(format: uuid)"}
    assert properties["map"]["additionalProperties"] == {"type": "integer", "description": "(multipleOf: 2)"}
    assert json.dumps(schema.value) == before


def test_tools_and_their_choice() -> None:
    wrapped = {"type": "function", "function": {"name": "bare"}}
    payload = said(tools=[LOOK, wrapped, {"googleSearch": {}}], tool_choice="required")
    assert payload["tools"] == [
        {"googleSearch": {}},
        {
            "functionDeclarations": [
                {"name": "look", "description": "Looks.", "parametersJsonSchema": SEVEN.value},
                {"name": "bare"},
            ]
        },
    ]
    assert payload["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    forced = said(tools=[LOOK], tool_choice={"type": "function", "function": {"name": "look"}})["toolConfig"]
    assert forced == {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}}
    with pytest.raises(errors.RequestError, match="tool_choice='maybe'"):
        said(tools=[LOOK], tool_choice="maybe")


def test_schema_beside_tools() -> None:
    new = said(NEW, schema=SEVEN, tools=[LOOK])
    assert new["generationConfig"]["responseJsonSchema"] == SEVEN.value
    old = said(OLD, schema=SEVEN, tools=[LOOK])  # before Gemini 3 the API refuses both together
    assert "responseJsonSchema" not in old["generationConfig"]
    answer = old["tools"][0]["functionDeclarations"][1]
    assert answer["parametersJsonSchema"] == SEVEN.value
    assert old["toolConfig"]["functionCallingConfig"] == {"mode": "ANY"}
    part = {"functionCall": {"name": answer["name"], "args": {"n": 7}}}
    body = {"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}
    reply = chat_reply(body, Request("chat", OLD, schema=SEVEN, tools=[LOOK]))
    assert (json.loads(reply.text), reply.tool_calls, reply.finish) == ({"n": 7}, (), "stop")


CALLS = [
    {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
    {"id": "b", "name": "g", "arguments": {}},
]


def test_a_conversation_with_tools() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": "Do it."},
        {"role": "assistant", "content": "Yes.", "tool_calls": CALLS},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": {"ok": True}},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "Thanks."},
    ]
    payload = said(messages=messages)
    assert payload["systemInstruction"] == {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]}
    assert payload["contents"] == [
        {"role": "user", "parts": [{"text": "Do it."}]},
        {
            "role": "model",
            "parts": [
                {"text": "Yes."},
                {"functionCall": {"name": "f", "args": {"x": 1}, "id": "a"}},
                {"functionCall": {"name": "g", "args": {}, "id": "b"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "f", "response": {"output": "1"}, "id": "a"}},
                {"functionResponse": {"name": "g", "response": {"ok": True}, "id": "b"}},
            ],
        },
        {"role": "user", "parts": [{"text": "Thanks."}]},
    ]


def test_signatures_of_calls_go_back() -> None:
    request = Request("chat", NEW, messages=[{"role": "user", "content": "Do it."}])
    parts = [
        {"functionCall": {"name": "f", "args": {"x": 1}, "id": "own"}, "thoughtSignature": "sig"},
        {"functionCall": {"name": "g", "args": {}}},
    ]
    reply = chat_reply({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]}, request)
    assert reply.finish == "tool_calls"
    assert [call["id"] for call in reply.tool_calls] == ["own", "call_1_1"]
    assert reply.extra is not None
    told = {"role": "assistant", "content": "", "tool_calls": reply.tool_calls, **reply.extra}
    back = said(NEW, messages=[*request.messages, told])["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in back] == ["sig", None]
    # calls that another model made have none, and Gemini 3 refuses a first call without one
    foreign = said(NEW, messages=[*request.messages, {"role": "assistant", "tool_calls": CALLS}])
    signatures = [part.get("thoughtSignature") for part in foreign["contents"][1]["parts"]]
    assert signatures == ["skip_thought_signature_validator", None]


def test_parts() -> None:
    parts = [
        {"type": "text", "text": "See:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.jpg?size=2"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        {"type": "audio", "data": "AAAA", "media_type": "audio/ogg"},
        {"type": "file", "file": {"file_data": "JVBERi0="}},
        {"videoMetadata": {"fps": 1}},
    ]
    assert said(messages=[{"role": "user", "content": parts}])["contents"][0]["parts"] == [
        {"text": "See:"},
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
        {"fileData": {"fileUri": "https://example.org/a.jpg?size=2", "mimeType": "image/jpeg"}},
        {"inlineData": {"mimeType": "audio/mp3", "data": "AAAA"}},
        {"inlineData": {"mimeType": "audio/ogg", "data": "AAAA"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0="}},
        {"videoMetadata": {"fps": 1}},
    ]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"role": "user", "content": [{"type": "image", "data": "????"}]}, "unknown type"),
        ({"role": "user", "content": [{"type": "smell"}]}, "'smell'; known are"),
        ({"role": "tool", "tool_call_id": "z", "content": "1"}, "the call 'z', which no earlier message made"),
        ({"role": "system", "content": "alone"}, "at least one message"),
        ({"role": "assistant", "tool_calls": [{"name": "f", "arguments": "[1]"}]}, "must be an object"),
    ],
)
def test_conversations_it_cannot_take(message: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.RequestError, match=words):
        said(messages=[message])


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "malformed_function_call"),
        ("OTHER", "other"),
    ],
)
def test_finish(reason: str, finish: str) -> None:
    body = {"candidates": [{"finishReason": reason, "finishMessage": "why"}]}
    reply = chat_reply(body, Request("chat", OLD))
    assert (reply.finish, reply.text, reply.extra) == (finish, "", {"finish_message": "why"})


def test_blocked_prompt_and_no_answer_at_all() -> None:
    request = Request("chat", OLD)
    assert chat_reply({"promptFeedback": {"blockReason": "OTHER"}}, request).finish == "content_filter"
    nothing = chat_reply({}, request)
    assert (nothing.finish, nothing.text, nothing.usage) == (None, "", NO_USAGE)


def test_usage_of_audio_and_tools() -> None:
    counts = usage(
        {
            "promptTokenCount": 100,
            "cachedContentTokenCount": 40,
            "toolUsePromptTokenCount": 5,
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 70},
                {"modality": "AUDIO", "tokenCount": 30},
            ],
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
            "candidatesTokenCount": 20,
            "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 15}],
        }
    )
    assert (counts.input_fresh, counts.input_cache_read, counts.input_audio) == (45, 40, 20)
    assert (counts.output_text, counts.output_audio, counts.output_reasoning) == (5, 15, None)
    assert counts.input_tokens == 105


def test_absent_counts_are_unknown() -> None:
    counts = usage({"promptTokenCount": 3})
    assert (counts.input_fresh, counts.output_text, counts.output_reasoning) == (3, None, None)
    assert (counts.input_cache_read, counts.input_audio, counts.output_audio) == (None, None, None)
    assert counts.output_tokens is None


def test_embeddings() -> None:
    request = Request("embed", "gemini/e", texts=["a"], options={"dimensions": 4, "task_type": "RETRIEVAL_QUERY"})
    assert embed_payloads(request) == [
        {
            "requests": [
                {
                    "model": "models/e",
                    "content": {"parts": [{"text": "a"}]},
                    "outputDimensionality": 4,
                    "taskType": "RETRIEVAL_QUERY",
                }
            ]
        }
    ]
    counted = {"embeddings": [{"values": [1.0]}], "usageMetadata": {"promptTokenCount": 2}}
    uncounted = {"embeddings": [{"values": [1.0]}]}
    assert embed_reply([counted], "e").usage.input_tokens == 2
    assert embed_reply([counted, counted], "e").usage.input_tokens == 4
    assert embed_reply([counted, uncounted], "e").usage.input_tokens is None


PER_DAY = {"quotaMetric": "x/generate_content_free_tier_requests", "quotaId": "GenerateRequestsPerDayPerProject"}
PER_MINUTE = {"quotaMetric": "x/requests", "quotaId": "GenerateRequestsPerMinutePerProject"}
WAIT = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "20.5s"}
QUOTA = "You exceeded your current quota, please check your plan and billing details."


@pytest.mark.parametrize(
    ("status", "words", "items", "headers", "kind", "wait"),
    [
        (429, QUOTA, [{"violations": [PER_MINUTE]}, WAIT], {}, errors.RateLimited, 20.5),
        (429, QUOTA, [{"violations": [PER_MINUTE]}], {"retry-after": "4"}, errors.RateLimited, 4.0),
        (429, QUOTA, [{"violations": [PER_MINUTE]}], {}, errors.RateLimited, None),
        (429, QUOTA, [WAIT], {}, errors.RateLimited, 20.5),
        (429, QUOTA, [{"violations": [PER_MINUTE, PER_DAY]}, WAIT], {}, errors.QuotaExhausted, None),
        (
            429,
            QUOTA,
            [{"violations": [{"quotaMetric": "x/generate_requests_per_model_per_day"}]}],
            {},
            errors.QuotaExhausted,
            None,
        ),
        (429, QUOTA, [{"violations": [{**PER_MINUTE, "quotaValue": "0"}]}], {}, errors.QuotaExhausted, None),
        (429, QUOTA, [], {}, errors.QuotaExhausted, None),
        (429, "Resource has been exhausted (e.g. check quota).", [], {}, errors.RateLimited, None),
        (503, "The model is overloaded.", [WAIT], {}, errors.ServerError, 20.5),
        (500, "Internal error.", [], {}, errors.ServerError, None),
        (504, "Deadline expired.", [], {}, errors.ServerError, None),
        (
            400,
            "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).",
            [],
            {},
            errors.SampleRefused,
            None,
        ),
        (400, "API key expired. Please renew the API key.", [], {}, errors.AuthenticationError, None),
        (400, "bad", [{"reason": "API_KEY_INVALID"}], {}, errors.AuthenticationError, None),
        (400, "Unknown name 'x'", [], {}, errors.RequestError, None),
        (403, "Permission denied", [], {}, errors.AuthenticationError, None),
        (404, "models/gemini-9 is not found for API version v1beta", [], {}, errors.ModelNotFound, None),
    ],
)
def test_errors(
    status: int, words: str, items: list[Any], headers: dict[str, str], kind: type, wait: float | None
) -> None:
    body = {"error": {"code": status, "message": words, "status": "S", "details": items}}
    for said_body in (body, [body]):
        found = error_of(status, said_body, headers, "it said")
        assert type(found) is kind
        assert (found.status, found.retry_after) == (status, wait)
        assert str(found) == f"it said: {words} (S)"


def test_an_error_that_is_no_json() -> None:
    found = error_of(502, "<html>", {}, "it said")
    assert type(found) is errors.ServerError
    assert str(found) == "it said: <html>"


def test_thoughts_of_a_history_are_handed_back() -> None:
    history = [
        {"role": "user", "content": "2 + 2?"},
        {"role": "assistant", "content": "4", "reasoning_content": "It is a sum."},
        {"role": "user", "content": "Sure?"},
    ]
    contents = chat_payload(Request("chat", "gemini/gemini-2.5-flash", messages=history))["contents"]
    assert contents[1] == {"role": "model", "parts": [{"text": "It is a sum.", "thought": True}, {"text": "4"}]}


@pytest.mark.parametrize("name", ["cached_content", "cachedContent"])
def test_explicit_cached_content_is_named_and_admits_no_system_instruction(name: str) -> None:
    history = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}]
    options = {name: "cachedContents/abc"}
    body = chat_payload(Request("chat", "gemini/gemini-2.5-flash", messages=history, options=options))
    assert body["cachedContent"] == "cachedContents/abc" and "systemInstruction" not in body
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "Be brief."}]},
        {"role": "user", "parts": [{"text": "2 + 2?"}]},
    ]
