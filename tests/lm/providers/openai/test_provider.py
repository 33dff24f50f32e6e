"""The OpenAI dialect and its variants: what is sent, and what failures and odd answers become."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
from tests.lm.providers import wire

from synalinks import errors
from synalinks.lm.core.call import Call, Delta, Reply, Request, Schema
from synalinks.lm.providers import SPECS, make, resolve
from synalinks.lm.providers.openai import variants as variants
from synalinks.lm.providers.openai.provider import OpenAIProvider
from synalinks.lm.providers.openai.requests import STRUCTURED_OUTPUT, chat_payload
from synalinks.lm.providers.openai.responses import usage
from synalinks.lm.providers.openai.variants import Variant

KEY = "sk-very-secret"
HI = [{"role": "user", "content": "hi"}]
SCHEMA = Schema({"type": "object", "properties": {"answer": {"type": "number"}}, "required": ["answer"]})
TOOL = {"name": "f", "description": "does", "parameters": {"type": "object", "properties": {}}}


def payload(variant: Variant = variants.OPENAI, cap: int | None = None, stream: bool = False, **more: Any) -> dict:
    request = Request("chat", f"{variant.name}/m", **{"messages": HI, **more})
    return chat_payload(request, variant, stream=stream, output_cap=cap)


def ask(model: str, body: Any, status: int = 200, *, headers: dict[str, str] | None = None, base: str | None = None,
        sink: Any = None, key: str | None = KEY, seen: list | None = None, **more: Any) -> Reply:  # fmt: skip
    text = body if isinstance(body, str) else json.dumps(body)
    kind = {"content-type": "text/event-stream" if text.startswith(("data:", ":")) else "application/json"}
    exchange = wire.Exchange("", None, status, {**kind, **(headers or {})}, (text,) if text else ())
    handler = make(resolve(model)[0], base, api_key=key, transport=wire.transport(exchange, seen))
    return asyncio.run(handler(Call(Request("chat", model, **{"messages": HI, **more}), sink=sink)))


def answer(message: dict, finish: str = "stop", **more: Any) -> dict:
    return {"choices": [{"message": message, "finish_reason": finish}], "model": "m", **more}


def chunks(*deltas: dict, finish: str | None = "stop", done: bool = True) -> str:
    events = [{"choices": [{"delta": delta}]} for delta in deltas]
    if finish:
        events.append({"choices": [{"delta": {}, "finish_reason": finish}]})
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""])


# --- what is sent


def test_pictures_sounds_and_parts_of_other_kinds() -> None:
    content = [
        "look",
        {"type": "image", "mime_type": "image/webp", "data": "AAAA"},
        {"type": "image", "data": "/9j/AAAA"},
        {"type": "image_url", "image_url": "https://x/y.png"},
        {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
        {"type": "audio", "mime_type": "audio/mpeg", "data": "BBBB"},
        {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "wav"}},
        {"type": "file", "file": {"file_id": "7"}},
    ]
    sent = payload(messages=[{"role": "user", "content": content}])["messages"][0]["content"]
    assert sent == [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/webp;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9j/AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
        {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "mp3"}},
        {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "wav"}},
        {"type": "file", "file": {"file_id": "7"}},
    ]


@pytest.mark.parametrize("part", [{"type": "image", "path": "x.png"}, {"type": "audio", "url": "https://x"}])
def test_a_part_without_data(part: dict) -> None:
    with pytest.raises(errors.RequestError, match="needs 'data'"):
        payload(messages=[{"role": "user", "content": [part]}])


def test_no_messages() -> None:
    with pytest.raises(errors.RequestError, match="no messages"):
        payload(messages=[])


def test_roles_names_and_reasoning_by_provider() -> None:
    history = [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": "hi", "name": "Ann"},
        {"role": "assistant", "content": "", "refusal": "no", "reasoning_content": "hmm", "thinking_blocks": [{}]},
    ]
    assert payload(messages=history)["messages"] == [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": "hi", "name": "Ann"},
        {"role": "assistant", "content": "no"},
    ]
    sent = payload(variants.DEEPSEEK, messages=history)["messages"]
    assert sent[0]["role"] == "system"
    assert sent[2] == {"role": "assistant", "content": "no", "reasoning_content": "hmm"}


def test_how_an_answer_is_made_to_obey_a_schema() -> None:
    native = payload(schema=SCHEMA)["response_format"]
    assert native["type"] == "json_schema" and native["json_schema"]["strict"] is True
    assert native["json_schema"]["schema"]["additionalProperties"] is False
    assert "additionalProperties" not in SCHEMA.value
    free = Schema({"type": "object", "additionalProperties": {"type": "string"}})
    assert payload(schema=free)["response_format"]["json_schema"]["strict"] is False

    forced = payload(variants.GROQ, schema=SCHEMA)
    assert forced["tool_choice"] == {"type": "function", "function": {"name": STRUCTURED_OUTPUT}}
    assert forced["tools"][0]["function"]["parameters"] == SCHEMA.value
    among = payload(variants.GROQ, schema=SCHEMA, tools=[TOOL])
    assert among["tool_choice"] == "required" and len(among["tools"]) == 2

    told = payload(variants.DEEPSEEK, schema=SCHEMA, messages=[{"role": "system", "content": "Sum."}, *HI])
    assert told["response_format"] == {"type": "json_object"}
    assert told["messages"][0]["content"].startswith("Sum.\n\n") and '"answer"' in told["messages"][0]["content"]
    assert payload(variants.DEEPSEEK, schema=SCHEMA)["messages"][0]["role"] == "system"


def test_options_in_each_ones_words() -> None:
    options = {"temperature": 0, "seed": 3, "max_tokens": 50, "top_p": None, "provider": {"order": ["x"]}}
    assert payload(options=options) == {
        "model": "m", "messages": HI, "temperature": 0, "seed": 3, "max_completion_tokens": 50,
        "provider": {"order": ["x"]},
    }  # fmt: skip
    assert payload(variants.MISTRAL, options=options)["random_seed"] == 3
    assert payload(variants.MISTRAL, options=options)["max_tokens"] == 50
    assert payload(variants.TOGETHER, options={"max_completion_tokens": 5})["max_completion_tokens"] == 5
    assert payload(options={"extra_body": {"service_tier": "flex"}})["service_tier"] == "flex"


@pytest.mark.parametrize(("asked", "cap", "sent"), [(50, 7, 7), (5, 70, 5), (None, 7, 7), (5, None, 5)])
def test_the_smaller_limit_is_sent(asked: int | None, cap: int | None, sent: int) -> None:
    options = {} if asked is None else {"max_tokens": asked}
    assert payload(variants.LLAMA_CPP, cap, options=options)["max_tokens"] == sent


@pytest.mark.parametrize(
    ("variant", "effort", "said"),
    [
        (variants.OPENAI, "none", {}),
        (variants.OPENAI, "low", {"reasoning_effort": "low"}),
        (variants.OPENAI, "disable", {"reasoning_effort": "none"}),
        (variants.OPENROUTER, "high", {"reasoning": {"effort": "high"}}),
        (variants.OPENROUTER, "disable", {"reasoning": {"enabled": False}}),
        (variants.DEEPSEEK, "disable", {"thinking": {"type": "disabled"}}),
        (variants.VLLM, "disable", {"chat_template_kwargs": {"enable_thinking": False}}),
    ],
)
def test_effort(variant: Variant, effort: str, said: dict) -> None:
    body = payload(variant, options={"reasoning_effort": effort})
    assert {name: value for name, value in body.items() if name not in ("model", "messages")} == said


def test_usage_is_asked_for_when_streaming_where_it_must_be() -> None:
    assert payload(stream=True)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in payload(variants.MISTRAL, stream=True)


@pytest.mark.parametrize(
    ("base", "options", "url"),
    [
        ("https://r.openai.azure.com", {}, "/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21"),
        ("https://r.openai.azure.com/", {"api_version": "v9"},
         "/openai/deployments/my%20gpt/chat/completions?api-version=v9"),
        ("https://r.openai.azure.com/openai/v1", {}, "/openai/v1/chat/completions"),
        ("https://r.services.ai.azure.com/models", {}, "/models/chat/completions?api-version=2024-05-01-preview"),
    ],
)  # fmt: skip
def test_azure(base: str, options: dict, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_API_VERSION", "OPENAI_API_VERSION"):
        monkeypatch.delenv(name, raising=False)
    seen: list[httpx.Request] = []
    ask("azure/my gpt", answer({"content": "x"}), base=base, seen=seen, options=options)
    assert seen[0].url.raw_path.decode() == url
    assert seen[0].headers["api-key"] == KEY and "authorization" not in seen[0].headers
    assert "api_version" not in json.loads(seen[0].content)


def test_azure_without_an_address() -> None:
    with pytest.raises(errors.ConfigurationError, match="AZURE_API_BASE"):
        ask("azure/m", answer({"content": "x"}))


def test_the_root_of_the_api_is_added_where_an_address_has_no_path() -> None:
    seen: list[httpx.Request] = []
    ask("vllm/org/m", answer({"content": "x"}), base="http://127.0.0.1:8000", seen=seen, key=None)
    assert str(seen[0].url) == "http://127.0.0.1:8000/v1/chat/completions"
    assert json.loads(seen[0].content)["model"] == "org/m"


@pytest.mark.parametrize("spec", [spec for spec in SPECS if ".openai." in spec.target], ids=lambda spec: spec.prefix)
def test_every_provider_is_built_and_says_which_key_it_wants(spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in spec.key_env:
        monkeypatch.delenv(name, raising=False)
    base = None if spec.endpoint else "https://r.openai.azure.com"
    if spec.local:
        assert ask(f"{spec.prefix}/m", answer({"content": "x"}), key=None).text == "x"
        return
    with pytest.raises(errors.AuthenticationError, match=spec.key_env[0]):
        ask(f"{spec.prefix}/m", answer({"content": "x"}), base=base, key=None)
    assert ask(f"{spec.prefix}/m", answer({"content": "x"}), base=base).text == "x"


# --- what comes back


def called(name: str, arguments: str, **more: Any) -> dict:
    return {"function": {"name": name, "arguments": arguments}, **more}


def test_a_forced_tools_arguments_are_the_answer() -> None:
    call = called(STRUCTURED_OUTPUT, '{"answer": 7}', id="c")
    reply = ask("groq/m", answer({"content": None, "tool_calls": [call]}, "tool_calls"), schema=SCHEMA)
    assert (reply.text, reply.tool_calls, reply.finish) == ('{"answer": 7}', (), "stop")
    pieces: list[Delta] = []
    parts = [
        {"tool_calls": [called(STRUCTURED_OUTPUT, '{"ans', id="c", index=0)]},
        {"tool_calls": [{"index": 0, "function": {"arguments": 'wer": 7}'}}]},
    ]
    streamed = ask("groq/m", chunks(*parts, finish="tool_calls"), schema=SCHEMA, sink=pieces.append)
    assert [piece.text for piece in pieces] == ['{"ans', 'wer": 7}']
    assert (streamed.text, streamed.tool_calls, streamed.finish) == (reply.text, (), "stop")


def test_parallel_tool_calls_whole_and_in_pieces() -> None:
    whole = answer({"content": "", "tool_calls": [called("f", '{"a":1}', id="x"), called("g", "", id="y")]}, "stop")
    reply = ask("openai/m", whole, tools=[TOOL])
    assert [(call["id"], call["name"], call["arguments"]) for call in reply.tool_calls] == [
        ("x", "f", {"a": 1}),
        ("y", "g", {}),
    ]
    assert reply.finish == "tool_calls"
    woven = [
        {"tool_calls": [called("f", "", id="x", index=0), called("g", "", id="y", index=1)]},
        {
            "tool_calls": [
                {"index": 1, "function": {"arguments": "{}"}},
                {"index": 0, "function": {"arguments": '{"a"'}},
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]},
    ]
    same_index = [
        {"tool_calls": [called("f", '{"a":1}', id="x", index=0)]},
        {"tool_calls": [called("g", "{}", id="y", index=0)]},
    ]
    no_index = [{"tool_calls": [called("f", '{"a":1}', id="x")]}, {"tool_calls": [called("g", "{}", id="y")]}]
    for parts in (woven, same_index, no_index):
        streamed = ask("openai/m", chunks(*parts, finish="tool_calls"), tools=[TOOL], sink=lambda piece: None)
        assert streamed.tool_calls == reply.tool_calls


def test_torn_arguments() -> None:
    body = answer({"tool_calls": [called("f", '{"a":', id="x")]}, "tool_calls", usage={"prompt_tokens": 3})
    with pytest.raises(errors.BadReply, match="no JSON object") as caught:
        ask("openai/m", body, tools=[TOOL])
    assert caught.value.reply is not None and caught.value.reply.usage.input_fresh == 3
    body["choices"][0]["finish_reason"] = "length"
    with pytest.raises(errors.SampleRefused):
        ask("openai/m", body, tools=[TOOL])


@pytest.mark.parametrize("step", [1, 3, 100])
def test_tags_of_thinking_are_taken_out_of_a_stream(step: int) -> None:
    text = " <think>a < b</th</think>\n\nyes <think>"
    deltas = [{"content": text[at : at + step]} for at in range(0, len(text), step)]
    reply = ask("vllm/m", chunks(*deltas), sink=lambda piece: None, key=None)
    assert (reply.text, reply.reasoning) == ("yes <think>", "a < b</th")
    assert ask("vllm/m", answer({"content": text}), key=None).text == reply.text
    cut = ask("vllm/m", chunks({"content": "<think>so"}, finish="length"), sink=lambda piece: None, key=None)
    assert (cut.text, cut.reasoning, cut.finish) == ("", "so", "length")
    assert ask("vllm/m", chunks({"content": "<th"}), sink=lambda piece: None, key=None).text == "<th"


@pytest.mark.parametrize(
    ("said", "buckets"),
    [
        ({}, {}),
        ({"prompt_tokens": 5}, {"input_fresh": 5}),
        ({"prompt_tokens": 10, "completion_tokens": 0, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 6},
         {"input_fresh": 6, "input_cache_read": 4, "output_text": 0}),
        ({"prompt_tokens": 10, "completion_tokens": 9, "total_tokens": 113,
          "completion_tokens_details": {"reasoning_tokens": 94}},
         {"input_fresh": 10, "output_text": 9, "output_reasoning": 94}),
        ({"prompt_tokens": 10, "completion_tokens": 9, "prompt_tokens_details": {"audio_tokens": 9, "cached_tokens": 8},
          "completion_tokens_details": {"audio_tokens": 4}},
         {"input_fresh": 0, "input_cache_read": 8, "input_audio": 2, "output_text": 5, "output_audio": 4}),
    ],
)  # fmt: skip
def test_usage(said: dict, buckets: dict) -> None:
    found = usage(said).to_dict()
    found.pop("raw", None)
    assert found == buckets


def test_what_openrouter_charged_and_who_answered() -> None:
    counts = {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.01}
    own_key = {**counts, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}
    body = answer({"content": "x"}, usage=counts, provider="Bedrock", id="gen-1")
    reply = ask("openrouter/a/b", body)
    assert (reply.cost, reply.extra) == (Decimal("0.01"), {"provider": "Bedrock", "id": "gen-1"})
    assert ask("openrouter/a/b", {**body, "usage": own_key}).cost == Decimal("0.21")
    own_key["cost_details"] = {}
    assert ask("openrouter/a/b", {**body, "usage": own_key}).cost is None
    assert ask("openai/m", body).cost is None


# --- failures

MONEY = {
    "error": {"message": "You exceeded your current quota", "type": "insufficient_quota", "code": "insufficient_quota"}
}


@pytest.mark.parametrize(
    ("status", "body", "kind", "wait"),
    [
        (429, MONEY, errors.QuotaExhausted, None),
        (402, {"error": {"message": "Insufficient Balance"}}, errors.QuotaExhausted, None),
        (403, {"error": "Your team has used all available credits"}, errors.QuotaExhausted, None),
        (429, {"error": {"message": "Rate limit reached. Please try again in 1m26.4s."}}, errors.RateLimited, 86.4),
        (429, {"error": {"message": "Please try again in 20ms."}}, errors.RateLimited, 0.02),
        (429, {"error": {"message": "Please retry after 6 seconds."}}, errors.RateLimited, 6.0),
        (429, {"error": {"message": "slow down"}}, errors.RateLimited, None),
        (400, {"error": {"code": "content_filter", "message": "filtered"}}, errors.SampleRefused, None),
        (403, {"error": {"message": "input was flagged", "code": 403}}, errors.SampleRefused, None),
        (400, {"error": {"message": "Model Not Exist"}}, errors.ModelNotFound, None),
        (400, {"message": "Invalid model: x", "type": "invalid_model"}, errors.ModelNotFound, None),
        (422, {"detail": [{"msg": "extra fields"}]}, errors.RequestError, None),
        (400, {"error": {"code": "json_validate_failed", "message": "bad JSON"}}, errors.BadReply, None),
        (503, "<html>busy</html>", errors.ServerError, None),
        (500, "", errors.ServerError, None),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_refusals(status: int, body: Any, kind: type, wait: float | None, streamed: bool) -> None:
    with pytest.raises(kind) as caught:
        ask("openai/m", body, status, sink=(lambda piece: None) if streamed else None)
    assert type(caught.value) is kind
    assert caught.value.retry_after == (None if wait is None else pytest.approx(wait))
    assert KEY not in str(caught.value)


def test_a_header_that_says_how_long_comes_before_the_words() -> None:
    body = {"error": {"message": "Please try again in 9s."}}
    with pytest.raises(errors.RateLimited) as caught:
        ask("openai/m", body, 429, headers={"retry-after": "2"})
    assert caught.value.retry_after == 2.0


def test_the_moment_in_openrouters_body() -> None:
    headers = {"X-RateLimit-Reset": "99999999999000"}
    with pytest.raises(errors.RateLimited) as caught:
        ask("openrouter/a/b", {"error": {"message": "free-models-per-min", "metadata": {"headers": headers}}}, 429)
    assert caught.value.retry_after is not None and caught.value.retry_after > 1e9


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("error", "kind", "uncertain"),
    [
        ({"code": 502, "message": "upstream"}, errors.ServerError, True),
        ({"code": 429, "message": "slow"}, errors.RateLimited, False),
        ({"code": 402, "message": "credits"}, errors.QuotaExhausted, False),
        ({"message": "what"}, errors.ServerError, True),
    ],
)
@pytest.mark.parametrize("in_choice", [False, True])
def test_an_error_under_status_200(error: dict, kind: type, uncertain: bool, in_choice: bool, streamed: bool) -> None:
    body = {"choices": [{"error": error, "finish_reason": "error"}]} if in_choice else {"error": error}
    text = f": OPENROUTER PROCESSING\n\ndata: {json.dumps(body)}\n\n" if streamed else json.dumps(body)
    with pytest.raises(kind) as caught:
        ask("openrouter/a/b", text, sink=(lambda piece: None) if streamed else None)
    assert type(caught.value) is kind and caught.value.uncertain is uncertain


def test_a_server_that_answers_a_stream_in_one_piece() -> None:
    pieces: list[Delta] = []
    body = answer({"content": "x"}, usage={"prompt_tokens": 1, "completion_tokens": 1})
    reply = ask("openai/m", body, sink=pieces.append)
    assert pieces == [Delta("x")] and reply.text == "x" and reply.usage.total_tokens == 2
    with pytest.raises(errors.ServerError):
        ask("openai/m", {"error": {"code": 502, "message": "bad gateway"}}, sink=pieces.append)


def test_a_stream_that_ends_early() -> None:
    with pytest.raises(errors.ConnectionFailed) as caught:
        ask("openai/m", chunks({"content": "x"}, finish=None, done=False), sink=lambda piece: None)
    assert caught.value.uncertain
    assert ask("openai/m", chunks({"content": "x"}, done=False), sink=lambda piece: None).text == "x"


@pytest.mark.parametrize("finish", ["error", "insufficient_system_resource"])
def test_a_provider_that_breaks_down(finish: str) -> None:
    with pytest.raises(errors.ServerError) as caught:
        ask("deepseek/m", answer({"content": "x"}, finish, usage={"prompt_tokens": 1}))
    assert caught.value.reply is not None


@pytest.mark.parametrize("body", ["nothing", "[]", '{"choices": [7]}', '{"choices": [{"message": {"tool_calls": 3}}]}'])
@pytest.mark.parametrize("streamed", [False, True])
def test_bodies_that_are_none(body: str, streamed: bool) -> None:
    text = f"data: {body}\n\n" if streamed else body
    with pytest.raises(errors.ServerError, match="not OpenAI's"):
        ask("openai/m", text, sink=(lambda piece: None) if streamed else None)


@pytest.mark.parametrize(
    ("fault", "kind", "uncertain"),
    [
        (httpx.ConnectError("refused"), errors.ConnectionFailed, False),
        (httpx.ReadTimeout("slow"), errors.CallTimeout, True),
        (httpx.RemoteProtocolError("gone"), errors.ConnectionFailed, True),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_the_network(fault: Exception, kind: type, uncertain: bool, streamed: bool) -> None:
    handler = OpenAIProvider(
        variants.LLAMA_CPP, "http://127.0.0.1:8080/v1", transport=wire.failing(lambda: fault), timeout=1
    )
    call = Call(Request("chat", "llama_cpp/m", messages=HI), sink=(lambda piece: None) if streamed else None)
    with pytest.raises(kind) as caught:
        asyncio.run(handler(call))
    assert caught.value.uncertain is uncertain
    assert "127.0.0.1:8080" in str(caught.value)


def test_a_key_that_a_server_repeats_is_not_shown() -> None:
    with pytest.raises(errors.AuthenticationError) as caught:
        ask("openai/m", {"error": {"message": f"Incorrect API key provided: {KEY}"}}, 401)
    assert KEY not in str(caught.value) and "OPENAI_API_KEY" in str(caught.value)


@pytest.mark.parametrize("model", ["openai/m", "azure/m"])
def test_a_redirect_is_told_and_does_not_carry_the_key_away(model: str) -> None:
    seen: list[httpx.Request] = []
    exchange = wire.Exchange("", None, 307, {"location": "https://elsewhere.example/v1"}, ())
    handler = make(resolve(model)[0], "https://here.example/v1", api_key=KEY, transport=wire.transport(exchange, seen))
    with pytest.raises(errors.LMError, match=r"redirects to https://elsewhere\.example/v1") as caught:
        asyncio.run(handler(Call(Request("chat", model, messages=HI))))
    assert not caught.value.retryable
    assert [request.url.host for request in seen] == ["here.example"]


def test_a_key_that_no_header_can_hold_is_an_error_that_does_not_show_it() -> None:
    with pytest.raises(errors.AuthenticationError, match="characters that no key has") as caught:
        ask("openai/m", answer({"content": "x"}), key="sk-ключ")
    assert "ключ" not in str(caught.value)


# --- Groq's two ways to a schema


def test_groq_has_json_schema_mode_for_some_models_without_tools_and_streaming() -> None:
    def sent(model: str, stream: bool = False, **more: Any) -> dict:
        request = Request("chat", f"groq/{model}", messages=HI, schema=SCHEMA, **more)
        return chat_payload(request, variants.GROQ, stream=stream)

    newer = sent("openai/gpt-oss-20b")
    assert newer["response_format"]["type"] == "json_schema" and newer["response_format"]["json_schema"]["strict"]
    assert "tools" not in newer
    for other in (sent("llama-3.3-70b"), sent("openai/gpt-oss-20b", True), sent("openai/gpt-oss-20b", tools=[TOOL])):
        assert "response_format" not in other and other["tools"][-1]["function"]["name"] == STRUCTURED_OUTPUT
