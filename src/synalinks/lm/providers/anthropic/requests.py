"""How Anthropic's Messages API says requests (replies: `anthropic_reply.py`); nothing here touches the network.

| ours                                   | theirs                                                                |
|----------------------------------------|-----------------------------------------------------------------------|
| messages of `system`, `developer`      | `system`, a list of text blocks                                       |
| messages of `tool`                     | `tool_result` blocks of one `user` message                            |
| `tool_calls`, `thinking_blocks`        | blocks `tool_use`, `thinking`, `redacted_thinking` of `assistant`     |
| `image_url`, `file`                    | blocks `image`, `document`                                            |
| `cache_control` of a message or a part | the same, on the (last) block                                         |
| `schema`                               | `output_config.format`; a forced tool where that can't say it         |
| `tools`                                | `tools`, `parameters` being `input_schema`                            |
| `request.output_limit`, else a default | `max_tokens`                                                          |
| `stop`, `tool_choice`                  | `stop_sequences`, `tool_choice`                                       |
| `reasoning_effort`                     | `thinking` and `output_config.effort`, by the model's generation      |
| `finish` stop                          | `end_turn`, `stop_sequence`, `pause_turn`                             |
| `finish` length                        | `max_tokens`, `model_context_window_exceeded`                         |
| `finish` tool_calls                    | `tool_use`                                                            |
| `finish` content_filter and `refusal`  | `refusal`, with `stop_details.explanation`                            |
| `input_fresh`                          | `input_tokens` (cached ones are not in it)                            |
| `input_cache_read`                     | `cache_read_input_tokens`                                             |
| `input_cache_write_5m`, `_1h`          | `cache_creation.ephemeral_5m_input_tokens`, `..._1h_...`              |
| `output_reasoning`                     | `output_tokens_details.thinking_tokens`                               |
| `output_text`                          | the rest of `output_tokens`                                           |

Other options are sent as they are. Source: Anthropic's API reference (Messages, Effort, Adaptive thinking,
Structured outputs, Errors) as of autumn 2026, and recordings of the real server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from synalinks.lm.core.call import OUTPUT_LIMITS, Request
from synalinks.lm.core.errors import RequestError
from synalinks.lm.providers.common.content import arguments_of, function_of, media_of, parts_of, text_of, tool_named
from synalinks.lm.providers.common.schema_subset import Subset, as_subset, closable

#: Answer tokens where neither the request nor the budget says: the API has no default. 4096 is what the
#: examples of its reference use most, and what its oldest models allow.
DEFAULT_MAX_TOKENS = 4096
#: Tokens for thinking by effort, where the API takes a number: those that Google documents for the same words
#: of its OpenAI-compatible API; Anthropic documents none.
BUDGETS = {"low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576, "max": 24_576}
#: The least that the API takes as a budget for thinking (Extended thinking).
LEAST_BUDGET = 1024
#: Words for efforts, as the API's; None is no thinking, and "" thinking at the model's own effort.
EFFORTS: Mapping[Any, str | None] = {
    "none": None,
    "disable": None,
    False: None,
    True: "",
    "minimal": "low",
    **{name: name for name in BUDGETS},
}
#: The tool whose arguments are the answer, where a schema can't be sent as such.
ANSWER_TOOL = "give_answer"
ANSWER_TOOL_SAYS = "Give the final answer. Its arguments are the answer."
#: The part of JSON Schema that structured outputs support (Structured outputs, "JSON Schema limitations").
KNOWN = Subset(
    frozenset(
        {"type", "enum", "const", "anyOf", "allOf", "$ref", "default", "title", "description", "required"}
        | {"minItems", "pattern"}
    ),
    frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}),
    closed=True,
    lone_ref=True,
    few_items=True,
)
CHOICES = {"auto": "auto", "none": "none", "required": "any", "any": "any"}
#: Options said in another place or by another name.
TAKEN = frozenset(
    {*OUTPUT_LIMITS, "stop", "tool_choice", "parallel_tool_calls", "reasoning_effort", "output_config", "extra_body"}
)
_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
_NEWEST = (99, 0)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a model can do, by its name; a name of no known form is taken for the newest.

    Attributes:
        schemas: takes `output_config.format` (Structured outputs: from 4.5 on, and Opus 4.1).
        adaptive: decides by itself how much to think (Adaptive thinking: from 4.6 on).
        effort: takes `output_config.effort` (Effort: as adaptive ones, and Opus 4.5).
        thinking: it is on by default (from 5 on).
        xhigh: has that effort, and hides its thinking by default (from 4.7 on).
    """

    schemas: bool
    adaptive: bool
    effort: bool
    thinking: bool
    xhigh: bool


@lru_cache(maxsize=256)
def facts_of(name: str) -> Facts:
    """What the model of this name can do."""
    found = _VERSION.search(name)
    version = (int(found[1]), int(found[2] or 0)) if found else _NEWEST
    opus = "opus" in name
    return Facts(
        schemas=version >= ((4, 1) if opus else (4, 5)),
        adaptive=version >= (4, 6),
        effort=version >= ((4, 5) if opus else (4, 6)),
        thinking=version >= (5, 0),
        xhigh=version >= (4, 7),
    )


def chat_payload(request: Request, stream: bool, cap: int | None = None) -> dict[str, Any]:
    """The body of a request to `/v1/messages`; `cap` is the most answer tokens the budget allows.

    Raises:
        RequestError: a message, a part or an option that Anthropic has no form for.
    """
    name = request.model.partition("/")[2]
    facts = facts_of(name)
    system, messages = _messages(request)
    if not messages:
        raise RequestError(f"{request.model}: a request to Anthropic needs at least one message of the user")
    payload: dict[str, Any] = {"model": name, "messages": messages, "stream": stream}
    options = request.options
    payload.update((key, value) for key, value in options.items() if key not in TAKEN and value is not None)
    if system:
        payload["system"] = system
    if stop := options.get("stop"):
        payload["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    config = dict(options.get("output_config") or {})
    _put_thinking(payload, config, request, facts, cap)
    if request.tools:
        payload["tools"] = [_tool(tool) for tool in request.tools]
    _put_choice(payload, options)
    if not request.tools and (used := request.tools_used):  # refused without a definition of each
        payload["tools"] = [_tool({"name": name}) for name in used]
        payload["tool_choice"] = {"type": "none"}
    if request.schema is not None:
        if facts.schemas and closable(request.schema):
            config["format"] = {"type": "json_schema", "schema": as_subset(request.schema, KNOWN)}
        else:
            _put_answer_tool(payload, request.schema.value, facts)
    if config:
        payload["output_config"] = config
    payload.update(options.get("extra_body") or {})
    return payload


def _put_thinking(
    payload: dict[str, Any], config: dict[str, Any], request: Request, facts: Facts, cap: int | None
) -> None:
    """Enter `thinking`, `effort` and `max_tokens`, which bounds thinking and answer together."""
    options = request.options
    given = request.output_limit
    asked = options.get("reasoning_effort")
    try:
        effort = EFFORTS[asked] if asked is not None else None
    except (KeyError, TypeError):
        known = ", ".join(repr(word) for word in EFFORTS if isinstance(word, str))
        raise RequestError(f"reasoning_effort={asked!r} is not known; Anthropic takes {known}") from None
    thinking = asked is not None and effort is not None
    room = 0
    if "thinking" in payload:
        room = int(payload["thinking"].get("budget_tokens") or 0)
    elif thinking or (asked is None and facts.thinking):
        room = BUDGETS[effort or "high"]
    limit = given or DEFAULT_MAX_TOKENS + room
    payload["max_tokens"] = limit = limit if cap is None else min(limit, cap)
    if "thinking" not in payload and asked is not None:
        if not thinking:
            if facts.thinking:
                payload["thinking"] = {"type": "disabled"}
        elif facts.adaptive:
            payload["thinking"] = {"type": "adaptive", **({"display": "summarized"} if facts.xhigh else {})}
        elif limit > LEAST_BUDGET:
            payload["thinking"] = {"type": "enabled", "budget_tokens": min(room, limit - 1)}
        elif given is not None and given <= LEAST_BUDGET:
            raise RequestError(
                f"{request.model}: max_tokens={given} leaves no room to think with reasoning_effort={asked!r}; "
                f"it bounds thinking and answer together, and thinking takes at least {LEAST_BUDGET}"
            )
    if effort and facts.effort:
        config.setdefault("effort", _effort(effort, facts))


def _effort(effort: str, facts: Facts) -> str:
    """The model's nearest word for an effort."""
    if effort in ("xhigh", "max") and not facts.adaptive:
        return "high"
    return "max" if effort == "xhigh" and not facts.xhigh else effort


def _put_choice(payload: dict[str, Any], options: Mapping[str, object]) -> None:
    choice = options.get("tool_choice")
    said: dict[str, Any] | None = None
    if isinstance(choice, str):
        if choice not in CHOICES:
            raise RequestError(f"tool_choice={choice!r} is not known; write one of {', '.join(map(repr, CHOICES))}")
        said = {"type": CHOICES[choice]}
    elif isinstance(choice, Mapping):
        forced = tool_named(choice)
        said = {"type": "tool", "name": forced} if forced else dict(choice)
    if options.get("parallel_tool_calls") is False and payload.get("tools") and said != {"type": "none"}:
        said = {**(said or {"type": "auto"}), "disable_parallel_tool_use": True}
    if said is not None:
        payload["tool_choice"] = said


def _put_answer_tool(payload: dict[str, Any], schema: Mapping[str, object], facts: Facts) -> None:
    """Ask for the answer as the arguments of a tool. A thinking model can't be forced to call one."""
    tool = {"name": ANSWER_TOOL, "description": ANSWER_TOOL_SAYS, "input_schema": schema}
    thinking = payload["thinking"].get("type") != "disabled" if "thinking" in payload else facts.thinking
    others = payload.get("tools", [])
    if payload.get("tool_choice") == {"type": "none"}:  # no other tool: the answer is one
        others = []
        del payload["tool_choice"]
    payload["tools"] = [*others, tool]
    kind = "auto" if thinking else "any" if others else "tool"
    payload.setdefault("tool_choice", {"type": kind, **({"name": ANSWER_TOOL} if kind == "tool" else {})})


def _tool(tool: Mapping[str, object]) -> Mapping[str, Any]:
    if "input_schema" in tool or ("type" in tool and "function" not in tool):
        return tool  # a tool of the provider's own, or one in its own form
    function = function_of(tool)
    said: dict[str, Any] = {"name": function["name"]}
    if description := function.get("description"):
        said["description"] = description
    said["input_schema"] = function.get("parameters") or {"type": "object", "properties": {}}
    for key in ("strict", "cache_control"):
        if (value := tool.get(key, function.get(key))) is not None:
            said[key] = value
    return said


def _messages(request: Request) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The system's blocks and the conversation; results of tools that stand together are one message."""
    system: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    after_tool = False
    for message in request.messages:
        role = message["role"]
        is_tool = role in ("tool", "function")
        if is_tool:
            blocks = [_result(message, request.model)]
        else:
            blocks = [_block(part, request.model) for part in parts_of(message.get("content"))]
        if role == "assistant":
            blocks = [*_thoughts(message), *blocks, *map(_use, message.get("tool_calls") or ())]
        if (mark := message.get("cache_control")) and blocks:
            blocks[-1] = {**blocks[-1], "cache_control": mark}
        if role in ("system", "developer"):
            system += blocks
        elif is_tool and after_tool:
            said[-1]["content"] += blocks
        elif blocks or role == "user":
            said.append({"role": "assistant" if role == "assistant" else "user", "content": blocks})
        after_tool = is_tool
    return system, said


def _thoughts(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Thinking to hand back: the signed blocks of an earlier reply's `extra`; unsigned text is not taken."""
    blocks = message.get("thinking_blocks") or ()
    return [dict(block) for block in blocks if block.get("type") in ("thinking", "redacted_thinking")]


def _use(call: Mapping[str, object]) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": call.get("id", ""),
        "name": function_of(call)["name"],
        "input": arguments_of(call),
    }


def _result(message: Mapping[str, object], model: str) -> dict[str, Any]:
    identity = message.get("tool_call_id")
    if not identity:
        raise RequestError(f"{model}: a message of a tool without the tool_call_id of the call it answers")
    said: dict[str, Any] = {"type": "tool_result", "tool_use_id": identity}
    said["content"] = [_block(part, model) for part in parts_of(message.get("content"))]
    if message.get("is_error"):
        said["is_error"] = True
    return said


def _block(part: Any, model: str) -> dict[str, Any]:
    text = text_of(part)
    if text is not None:
        said: dict[str, Any] = {"type": "text", "text": text}
    elif isinstance(part.get("source"), Mapping):
        return dict(part)  # already in Anthropic's form
    else:
        media = media_of(part, model)
        if media.kind == "audio":
            raise RequestError(f"{model}: Anthropic takes text, images and documents, got a part of audio")
        source: dict[str, Any] = {"type": "url", "url": media.url}
        if media.url is None:
            if media.mime is None:
                raise RequestError(f"{model}: data of unknown type; say it, as in 'data:image/png;base64,...'")
            source = {"type": "base64", "media_type": media.mime, "data": media.data}
        said = {"type": "document" if media.kind == "file" else "image", "source": source}
    if isinstance(part, Mapping) and (mark := part.get("cache_control")):
        said["cache_control"] = mark
    return said
