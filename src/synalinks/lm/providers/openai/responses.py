"""How OpenAI's chat completions say answers, whole or in pieces; nothing here touches the network.

Source: OpenAI's API reference and recordings of the providers that speak it.
"""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from synalinks import _json
from synalinks.errors import BadReply, LMError, SampleRefused, ServerError
from synalinks.lm.core.call import NO_USAGE, Delta, Reply, Request, Usage
from synalinks.lm.providers.openai.requests import STRUCTURED_OUTPUT
from synalinks.lm.providers.openai.variants import Variant

#: Reasons to finish, in our words where they differ; "the sum of prompt and answer reached the model's window" is
#: a length too.
FINISHES = {"function_call": "tool_calls", "model_length": "length", "max_tokens": "length", "eos": "stop"}
#: Reasons that mean the provider broke down (OpenRouter, Mistral; DeepSeek; vLLM).
BREAKDOWNS = frozenset({"error", "insufficient_system_resource", "abort"})
#: Tags in which open models think where the server does not take it apart.
THINK, END_THINK = "<think>", "</think>"
_NO_DETAILS: Mapping[str, Any] = {}


def chat_reply(
    body: Mapping[str, Any], request: Request, variant: Variant, chunks: tuple[Delta, ...] | None = None
) -> Reply:
    """The reply that the body of an answer holds.

    Raises:
        BadReply: arguments of a tool call that are no JSON object; the answer it carries is still billed.
        SampleRefused: the same, because the answer was cut at the limit of tokens.
        ServerError: the provider broke down in the middle, by its own account.
    """
    choice: Mapping[str, Any] = (body.get("choices") or ({},))[0]
    message = choice.get("message") or {}
    text, reasoning = said_in(message)
    if chunks is None:  # streams are taken apart as they come
        text, reasoning = untagged(text, reasoning)
    finish = choice.get("finish_reason") or None
    finish = FINISHES.get(finish or "", finish)
    calls, output, fault = _calls(message.get("tool_calls") or (), request)
    if output is not None:
        text = output
        finish = "stop" if finish == "tool_calls" and not calls else finish
    elif calls and finish == "stop":  # Groq and others, on occasion
        finish = "tool_calls"
    reply = Reply(
        text=text,
        reasoning=reasoning or None,
        tool_calls=tuple(calls),
        finish=finish,
        refusal=message.get("refusal") or None,
        usage=usage(said_usage(body)),
        cost=cost(body, variant),
        model=body.get("model"),
        chunks=chunks,
        extra=_extra(body, choice, message, variant),
    )
    if (error := _fault(reply, fault, request)) is not None:
        raise error
    return reply


def embed_reply(body: Mapping[str, Any], variant: Variant) -> Reply:
    """The reply that the body of an answer to `/embeddings` holds; vectors in the order of the texts."""
    rows = sorted(body.get("data") or (), key=lambda row: row.get("index") or 0)
    said = said_usage(body)
    return Reply(
        vectors=tuple(float32(row["embedding"]) for row in rows),
        usage=usage({name: count for name, count in said.items() if not name.startswith("completion")}),
        cost=cost(body, variant),
        model=body.get("model"),
        extra=_route(body, variant) or None,
    )


def float32(vector: str | Iterable[float]) -> bytes:
    """A vector as little-endian float32, from numbers or from base64 of just that."""
    if isinstance(vector, str):
        return base64.b64decode(vector)
    packed = array("f", vector)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def said_usage(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a body says of tokens; Groq's streams say it in `x_groq`."""
    return body.get("usage") or (body.get("x_groq") or _NO_DETAILS).get("usage") or _NO_DETAILS


def usage(said: Mapping[str, Any]) -> Usage:
    """Counts as disjoint buckets; what is not said is None, never 0.

    Cached, written and audio tokens are counted inside `prompt_tokens`, and reasoning inside `completion_tokens`.
    xAI counts reasoning beside them, which the total gives away. DeepSeek also says cached tokens in a field of
    its own. The Responses API's names for the same are understood too.
    """
    raw = {name: value for name, value in said.items() if value is not None and not name.endswith("_time")}
    prompt, completion = _first(raw, "prompt_tokens", "input_tokens"), _first(raw, "completion_tokens", "output_tokens")
    if prompt is None and completion is None:
        return NO_USAGE
    inner = raw.get("prompt_tokens_details") or raw.get("input_tokens_details") or _NO_DETAILS
    outer = raw.get("completion_tokens_details") or raw.get("output_tokens_details") or _NO_DETAILS
    cached = _first(inner, "cached_tokens")
    if cached is None:
        cached = _first(raw, "prompt_cache_hit_tokens", "cached_tokens")
    reasoning, total = outer.get("reasoning_tokens"), raw.get("total_tokens")
    if reasoning and completion is not None and total == (prompt or 0) + completion + reasoning:
        completion += reasoning
    fresh, (cached, written, heard) = _split(prompt, cached, inner.get("cache_write_tokens"), inner.get("audio_tokens"))
    text, (reasoning, spoken) = _split(completion, reasoning, outer.get("audio_tokens"))
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


def _first(said: Mapping[str, Any], *names: str) -> Any:
    return next((said[name] for name in names if said.get(name) is not None), None)


def cost(body: Mapping[str, Any], variant: Variant) -> Decimal | None:
    """Dollars that the provider says it charged, or None where it does not say.

    With a key of one's own behind OpenRouter, `cost` is its fee and the rest is billed by the provider upstream.
    """
    if not variant.reports_cost:
        return None
    said = said_usage(body)
    fee = said.get("cost")
    if fee is None:
        return None
    bill = Decimal(str(fee))
    if said.get("is_byok"):
        upstream = (said.get("cost_details") or _NO_DETAILS).get("upstream_inference_cost")
        if upstream is None:
            return None
        bill += Decimal(str(upstream))
    return bill


def _route(body: Mapping[str, Any], variant: Variant) -> dict[str, Any]:
    """Who really answered, and the number under which OpenRouter keeps the bill."""
    names = ("provider", "id") if variant.reports_cost else ()
    return {name: body[name] for name in names if body.get(name)}


def _extra(
    body: Mapping[str, Any], choice: Mapping[str, Any], message: Mapping[str, Any], variant: Variant
) -> dict[str, Any] | None:
    extra = _route(body, variant)
    for holder, name in ((choice, "logprobs"), (message, "annotations"), (message, "audio"), (message, "images")):
        if holder.get(name):
            extra[name] = holder[name]
    if message.get("tool_calls") and message.get("reasoning_details"):  # must be sent back with the tools' results
        extra["reasoning_details"] = message["reasoning_details"]
    return extra or None


def said_in(message: Mapping[str, Any]) -> tuple[str, str]:
    """Text and reasoning of a message, or of a piece of one. Mistral's content is a list when it thinks."""
    content = message.get("content")
    text, thought = content or "", message.get("reasoning_content") or message.get("reasoning") or ""
    if isinstance(content, list):
        text = _texts(part for part in content if _kind(part) != "thinking")
        thought += _texts(
            inner for part in content if _kind(part) == "thinking" for inner in part.get("thinking") or ()
        )
    return text, thought if isinstance(thought, str) else _json.dumps(thought)


def _kind(part: Any) -> Any:
    return part.get("type") if isinstance(part, Mapping) else "text"


def _texts(parts: Iterable[Any]) -> str:
    return "".join([part if isinstance(part, str) else part.get("text") or "" for part in parts])


def untagged(text: str, reasoning: str) -> tuple[str, str]:
    """Text and reasoning of a text that begins with thinking in tags; a tag left open means that it was cut."""
    begun = text.lstrip()
    if not begun.startswith(THINK):
        return text, reasoning
    thought, _, rest = begun[len(THINK) :].partition(END_THINK)
    return rest.lstrip(), reasoning + thought


def _calls(said: Iterable[Mapping[str, Any]], request: Request) -> tuple[list[dict[str, Any]], str | None, str | None]:
    """Tool calls; the answer, where it came as the arguments of one; and what is wrong with them, if anything is."""
    calls: list[dict[str, Any]] = []
    output = fault = None
    for index, call in enumerate(said):
        function = call.get("function") or {}
        name, arguments = function.get("name") or "", function.get("arguments")
        if request.schema is not None and name == STRUCTURED_OUTPUT:
            output = arguments if isinstance(arguments, str) else _json.dumps(arguments or {})
            continue
        try:
            value = (_json.loads(arguments) if arguments else {}) if isinstance(arguments, str) else arguments or {}
        except _json.JSONDecodeError:
            value = None
        if not isinstance(value, dict):
            fault = f"the arguments of a call of {name!r} are no JSON object: {str(arguments)[:200]!r}"
            continue
        identity = call.get("id") or f"call_{len(request.messages)}_{index}"
        calls.append({"id": identity, "name": name, "arguments": value})
    return calls, output, fault


def _fault(reply: Reply, fault: str | None, request: Request) -> LMError | None:
    if reply.finish in BREAKDOWNS:
        return ServerError(f"{request.model}: the provider broke off its answer ({reply.finish})", reply=reply)
    if fault is None:
        return None
    if reply.finish == "length":
        message = f"{request.model}: the answer was cut at the limit of tokens ({fault}); raise max_tokens"
        return SampleRefused(message, kind="length", reply=reply)
    return BadReply(f"{request.model}: {fault}", reply=reply)
