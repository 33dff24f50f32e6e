"""Answers of OpenAI's chat completions API; nothing here touches the network.

Source: OpenAI's API reference and recordings of the providers with an API like it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from synalinks import _json
from synalinks.lm.core.call import NO_USAGE, Delta, Reply, Request, Usage
from synalinks.lm.core.errors import ServerError
from synalinks.lm.providers.common.shape import Shape, check, count, counts, dollars
from synalinks.lm.providers.common.shape import text as text_of
from synalinks.lm.providers.common.thinking import untagged
from synalinks.lm.providers.common.tool_calls import ToolCalls
from synalinks.lm.providers.common.vectors import float32_bytes
from synalinks.lm.providers.openai.requests import STRUCTURED_OUTPUT
from synalinks.lm.providers.openai.variants import Variant

#: Reasons to finish, in our words where they differ; "the sum of prompt and answer reached the model's window" is
#: a length too.
FINISHES = {"function_call": "tool_calls", "model_length": "length", "max_tokens": "length", "eos": "stop"}
#: Reasons that mean the provider broke down (OpenRouter, Mistral; DeepSeek; vLLM).
BREAKDOWNS = frozenset({"error", "insufficient_system_resource", "abort"})
#: Counts inside the prompt's, beside cached tokens.
WRITTEN_AND_HEARD = ("cache_write_tokens", "audio_tokens")
_MESSAGE: Shape = {
    "content": (str, list),
    "reasoning_content": (str, dict, list),
    "reasoning": (str, dict, list),
    "refusal": str,
    "tool_calls": [{"function": {"name": str}}],
}
_CHOICE: Shape = {"message": _MESSAGE, "delta": _MESSAGE, "finish_reason": str}
_CHAT: Shape = {"choices": [_CHOICE], "model": str}
_EMBED: Shape = {"data": [{"index": int, "embedding": (str, list)}]}


def chat_reply(
    body: Mapping[str, Any], request: Request, variant: Variant, chunks: tuple[Delta, ...] | None = None
) -> Reply:
    """The reply that the body of an answer holds.

    Raises:
        BadReply, SampleRefused: arguments of a tool call that are no JSON object, the second where the answer was cut.
        ServerError: the provider broke down in the middle, by its own account.
        ShapeError: the body is not such an answer.
    """
    check(body, _CHAT)
    choice: Mapping[str, Any] = (body.get("choices") or ({},))[0]
    message = choice.get("message") or {}
    text, reasoning = text_and_reasoning(message)
    text, reasoning = untagged(text, reasoning)
    finish = choice.get("finish_reason") or None
    finish = FINISHES.get(finish or "", finish)
    calls = ToolCalls(request, STRUCTURED_OUTPUT)
    calls.add_functions(message.get("tool_calls") or ())
    if calls.answer is not None:
        text = calls.answer
        finish = "stop" if finish == "tool_calls" and not calls.calls else finish
    elif calls.calls and finish == "stop":  # Groq and others, on occasion
        finish = "tool_calls"
    reply = Reply(
        text=text,
        reasoning=reasoning or None,
        tool_calls=tuple(calls.calls),
        finish=finish,
        refusal=message.get("refusal") or None,
        usage=usage(usage_of_body(body)),
        cost=cost(body, variant),
        model=body.get("model") or None,
        chunks=chunks,
        extra=_extra(body, choice, message, variant),
    )
    if reply.finish in BREAKDOWNS:
        raise ServerError(f"{request.model}: the provider broke off its answer ({reply.finish})", reply=reply)
    return calls.checked(reply)


def check_chunk(chunk: Mapping[str, object]) -> None:
    """Raise a ShapeError if a record of a stream is not one."""
    check(chunk, _CHAT)


def embed_reply(body: Mapping[str, Any], variant: Variant) -> Reply:
    """The reply that the body of an answer to `/embeddings` holds; vectors in the order of the texts."""
    check(body, _EMBED)
    rows = sorted(body.get("data") or (), key=lambda row: row.get("index") or 0)
    said = usage_of_body(body)
    return Reply(
        vectors=tuple(float32_bytes(row["embedding"]) for row in rows),
        usage=usage({name: count for name, count in said.items() if not name.startswith("completion")}),
        cost=cost(body, variant),
        model=text_of(body.get("model")),
        extra=_route(body, variant) or None,
    )


def usage_of_body(body: Mapping[str, object]) -> Mapping[str, Any]:
    """What a body says of tokens; Groq's streams say it in `x_groq`."""
    return counts(body.get("usage")) or counts(counts(body.get("x_groq")).get("usage"))


def usage(said: Mapping[str, object]) -> Usage:
    """Counts as disjoint buckets; what is not said is None, never 0.

    Cached, written and audio tokens are counted inside `prompt_tokens`, and reasoning inside `completion_tokens`.
    xAI counts reasoning beside them, which the total gives away. DeepSeek also says cached tokens in a field of
    its own. The Responses API's names for the same are understood too.
    """
    raw = {name: value for name, value in said.items() if value is not None and not name.endswith("_time")}
    prompt, completion = _first(raw, "prompt_tokens", "input_tokens"), _first(raw, "completion_tokens", "output_tokens")
    if prompt is None and completion is None:
        return NO_USAGE
    inner = counts(raw.get("prompt_tokens_details")) or counts(raw.get("input_tokens_details"))
    outer = counts(raw.get("completion_tokens_details")) or counts(raw.get("output_tokens_details"))
    cached = _first(inner, "cached_tokens")
    if cached is None:
        cached = _first(raw, "prompt_cache_hit_tokens", "cached_tokens")
    reasoning, total = count(outer.get("reasoning_tokens")), count(raw.get("total_tokens"))
    if reasoning and completion is not None and total == (prompt or 0) + completion + reasoning:
        completion += reasoning
    fresh, (cached, written, heard) = _split(prompt, cached, *(_first(inner, name) for name in WRITTEN_AND_HEARD))
    text, (reasoning, spoken) = _split(completion, reasoning, count(outer.get("audio_tokens")))
    return Usage(
        input_fresh=fresh,
        input_cache_read=cached,
        input_cache_write_5m=written,
        input_audio=heard,
        output_text=text,
        output_reasoning=reasoning,
        output_audio=spoken,
        raw=raw,
    )


def _split(whole: int | None, *parts: int | None) -> tuple[int | None, list[int | None]]:
    """A whole less its parts, and the parts. Parts that overlap or exceed it are cut, so that the sum is the whole."""
    if whole is None:
        return None, list(parts)
    rest, kept = whole, []
    for part in parts:
        part = None if part is None else min(part, rest)
        rest -= part or 0
        kept.append(part)
    return rest, kept


def _first(said: Mapping[str, object], *names: str) -> int | None:
    return next((number for name in names if (number := count(said.get(name))) is not None), None)


def cost(body: Mapping[str, object], variant: Variant) -> Decimal | None:
    """Dollars that the provider says it charged, or None where it does not say.

    With a key of one's own behind OpenRouter, `cost` is its fee and the rest is billed by the provider upstream.
    """
    if not variant.reports_cost:
        return None
    said = usage_of_body(body)
    fee = dollars(said.get("cost"))
    if fee is None or not said.get("is_byok"):
        return fee
    upstream = dollars(counts(said.get("cost_details")).get("upstream_inference_cost"))
    return None if upstream is None else fee + upstream


def _route(body: Mapping[str, object], variant: Variant) -> dict[str, Any]:
    """Who really answered, and the number under which OpenRouter keeps the bill."""
    names = ("provider", "id") if variant.reports_cost else ()
    return {name: body[name] for name in names if body.get(name)}


def _extra(
    body: Mapping[str, object], choice: Mapping[str, object], message: Mapping[str, object], variant: Variant
) -> dict[str, Any] | None:
    extra = _route(body, variant)
    for holder, name in ((choice, "logprobs"), (message, "annotations"), (message, "audio"), (message, "images")):
        if holder.get(name):
            extra[name] = holder[name]
    if message.get("tool_calls") and message.get("reasoning_details"):  # must be sent back with the tools' results
        extra["reasoning_details"] = message["reasoning_details"]
    return extra or None


def text_and_reasoning(message: Mapping[str, Any]) -> tuple[str, str]:
    """Text and reasoning of a message, or of a piece of one. Mistral's content is a list where there is thinking."""
    content = message.get("content")
    text, thought = content or "", message.get("reasoning_content") or message.get("reasoning") or ""
    if isinstance(content, list):
        text = _texts(part for part in content if _kind(part) != "thinking")
        thought += _texts(
            inner for part in content if _kind(part) == "thinking" for inner in part.get("thinking") or ()
        )
    return text, thought if isinstance(thought, str) else _json.dumps(thought)


def _kind(part: object) -> Any:
    return part.get("type") if isinstance(part, Mapping) else "text"


def _texts(parts: Iterable[Any]) -> str:
    return "".join([part if isinstance(part, str) else part.get("text") or "" for part in parts])
