"""OpenAI's Responses API: what is sent, what answers become, whole and streamed, and which models are called so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.lm.providers import recordings
from tests.lm.providers.openai.test_provider import HI, SCHEMA, TOOL, ask

from synalinks import errors
from synalinks.lm.core.call import Delta, Request
from synalinks.lm.pricing.pricing import price_of
from synalinks.lm.providers.openai import variants
from synalinks.lm.providers.openai.responses_api import is_responses_model, responses_payload, responses_reply

USAGE = {
    "input_tokens": 40,
    "input_tokens_details": {"cached_tokens": 32},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 15},
    "total_tokens": 60,
}


def sent(**more: Any) -> dict[str, Any]:
    return responses_payload(Request("chat", "openai/responses/m", **{"messages": HI, **more}), variants.OPENAI)


def response(*output: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"object": "response", "status": "completed", "model": "m-1", "output": list(output), "usage": USAGE, **more}


def message(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text, **more}]}


def stream(*events: dict[str, Any]) -> str:
    return ": begun\n\n" + "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)


@pytest.mark.parametrize(
    "name",
    [
        "o1-pro",
        "o3-pro-2025-06-10",
        "gpt-5-pro",
        "gpt-5.1-codex-mini",
        "codex-mini-latest",
        "o4-mini-deep-research",
        "gpt-5.5-pro",
        "computer-use-preview",
    ],
)
def test_models_without_another_api_are_called_so_at_openai(name: str) -> None:
    assert is_responses_model(name, own_server=True) and not is_responses_model(name, own_server=False)


@pytest.mark.parametrize("name", ["gpt-4o", "gpt-5", "gpt-5.2", "o3", "gpt-5-mini", "o4-mini", "gpt-4-turbo"])
def test_others_are_called_so_where_their_name_says_it(name: str) -> None:
    assert not is_responses_model(name, own_server=True)
    assert is_responses_model(f"responses/{name}", own_server=False)


def test_the_address_and_the_name() -> None:
    seen: list[Any] = []
    for model, base in (
        ("openai/responses/gpt-4o", None),
        ("openai/gpt-5-pro", None),
        ("openai/responses/local", "http://127.0.0.1:9/v1"),
    ):
        assert ask(model, response(message("hi")), seen=seen, base=base).text == "hi"
    ask("azure/responses/d", response(message("hi")), seen=seen, base="https://r.openai.azure.com")
    assert [str(each.url) for each in seen] == [
        "https://api.openai.com/v1/responses",
        "https://api.openai.com/v1/responses",
        "http://127.0.0.1:9/v1/responses",
        "https://r.openai.azure.com/openai/v1/responses",
    ]
    assert [json.loads(each.content)["model"] for each in seen] == ["gpt-4o", "gpt-5-pro", "local", "d"]


def test_the_price_is_that_of_the_model() -> None:
    assert price_of("openai/responses/gpt-4o") == price_of("openai/gpt-4o") is not None


def test_a_conversation() -> None:
    history = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                "look",
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
            ],
        },
        {
            "role": "assistant",
            "content": "Let me see.",
            "thinking_blocks": [{"type": "reasoning", "encrypted_content": "e"}],
            "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": {"x": 1}}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": {"found": 2}},
        {"role": "assistant", "content": "Two."},
    ]
    assert sent(messages=history)["input"] == [
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be brief."}]},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
            ],
        },
        {"type": "reasoning", "encrypted_content": "e"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see."}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"x":1}'},
        {"type": "function_call_output", "call_id": "c1", "output": '{"found":2}'},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Two."}]},
    ]
    with pytest.raises(errors.RequestError, match="no messages"):
        sent(messages=[])
    with pytest.raises(errors.RequestError, match="audio"):
        sent(
            messages=[
                {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}]}
            ]
        )


def test_options_schema_and_tools() -> None:
    options = {
        "max_tokens": 50,
        "reasoning_effort": "low",
        "verbosity": "high",
        "temperature": 0.5,
        "store": True,
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "extra_body": {"truncation": "auto"},
    }
    body = sent(options=options, schema=SCHEMA, tools=[TOOL, {"type": "web_search"}])
    assert body["max_output_tokens"] == 50 and "max_tokens" not in body and body["store"] is True
    assert body["reasoning"] == {"effort": "low"} and body["text"]["verbosity"] == "high"
    assert body["tool_choice"] == {"type": "function", "name": "f"} and body["truncation"] == "auto"
    assert body["tools"][0] == {"type": "function", "strict": False, **TOOL} and body["tools"][1] == {
        "type": "web_search"
    }
    form = body["text"]["format"]
    assert form["type"] == "json_schema" and form["strict"] is True and form["schema"]["additionalProperties"] is False
    assert sent()["store"] is False and "text" not in sent()
    assert sent(options={"reasoning_effort": "disable"})["reasoning"] == {"effort": "none"}
    capped = responses_payload(Request("chat", "openai/responses/m", messages=HI), variants.OPENAI, output_cap=9)
    assert capped["max_output_tokens"] == 9


def test_a_whole_answer() -> None:
    thought = {
        "type": "reasoning",
        "id": "rs_1",
        "status": None,
        "encrypted_content": "abc",
        "summary": [{"type": "summary_text", "text": "First"}, {"type": "summary_text", "text": "then"}],
    }
    call = {"type": "function_call", "id": "fc_1", "call_id": "c9", "name": "f", "arguments": '{"x": 2}'}
    reply = ask("openai/responses/m", response(thought, message("Well"), call))
    assert (reply.text, reply.reasoning, reply.finish, reply.model) == ("Well", "First\n\nthen", "tool_calls", "m-1")
    assert reply.tool_calls == ({"id": "c9", "name": "f", "arguments": {"x": 2}},)
    used = reply.usage
    assert (used.input_fresh, used.input_cache_read, used.output_text, used.output_reasoning) == (8, 32, 5, 15)
    assert reply.extra == {
        "thinking_blocks": [
            {"type": "reasoning", "id": "rs_1", "encrypted_content": "abc", "summary": thought["summary"]}
        ]
    }


def test_answers_that_are_cut_declined_or_broken() -> None:
    cut = response(message("Once upon"), status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    assert ask("openai/responses/m", cut).finish == "length"
    stopped = response(status="incomplete", incomplete_details={"reason": "content_filter"})
    assert ask("openai/responses/m", stopped).finish == "content_filter"
    declined = {"type": "message", "content": [{"type": "refusal", "refusal": "I can't."}]}
    assert ask("openai/responses/m", response(declined)).refusal == "I can't."
    torn = {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"x": '}
    with pytest.raises(errors.BadReply, match="no JSON object"):
        ask("openai/responses/m", response(torn))
    failed = response(status="failed", error={"code": "server_error", "message": "The model broke down"})
    with pytest.raises(errors.ServerError, match="broke down") as caught:
        ask("openai/responses/m", failed)
    assert caught.value.reply is not None and caught.value.reply.usage.total_tokens == 60, "it is billed"
    with pytest.raises(errors.ServerError, match=r"output\[0\].content must be a list"):
        ask("openai/responses/m", response({"type": "message", "content": 7}))


def test_a_streamed_answer() -> None:
    pieces: list[Delta] = []
    whole = response(message('{"answer": 5}'))
    events = stream(
        {"type": "response.created", "response": {"status": "in_progress"}},
        {"type": "response.reasoning_summary_text.delta", "delta": "Hm"},
        {"type": "response.output_text.delta", "delta": '{"answer":'},
        {"type": "response.output_text.delta", "delta": " 5}"},
        {"type": "response.function_call_arguments.delta", "delta": "not text"},
        {"type": "response.completed", "response": whole},
    )
    reply = ask("openai/responses/m", events, sink=pieces.append, schema=SCHEMA)
    assert reply.text == '{"answer": 5}' == "".join(piece.text for piece in pieces)
    assert "".join(piece.reasoning for piece in pieces) == "Hm"
    assert reply.usage.total_tokens == 60 and reply.chunks == tuple(pieces)


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "Slow down"}, errors.LMError),
        (
            {"type": "response.failed", "response": response(status="failed", error={"code": "x", "message": "down"})},
            errors.ServerError,
        ),
        ({"type": "response.output_text.delta", "delta": "..."}, errors.ConnectionFailed),
    ],
)
def test_streams_that_break_off(last: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        ask(
            "openai/responses/m",
            stream({"type": "response.output_text.delta", "delta": "On"}, last),
            sink=lambda piece: None,
        )


@pytest.mark.parametrize("name", ["rubyllm__chat_prompt_cache", "rubyllm__chat_real_error"])
def test_recorded_answers(name: str) -> None:
    for each in recordings.read("openai", name):
        if each.status == 200:
            reply = responses_reply(each.json, Request("chat", "openai/responses/m", messages=HI))
            assert reply.text and reply.finish == "stop"
            assert reply.usage.total_tokens == each.json["usage"]["total_tokens"]
        else:
            with pytest.raises(errors.SampleRefused) as caught:
                ask("openai/responses/m", each.text, each.status)
            assert caught.value.kind == "context_length"
