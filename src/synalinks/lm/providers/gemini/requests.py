"""Requests of Google's Gemini API (answers: `responses.py`); nothing here touches the network.

| ours                                    | theirs                                                               |
|-----------------------------------------|----------------------------------------------------------------------|
| messages of `system`, `developer`       | `systemInstruction`                                                  |
| messages of `user`, `assistant`         | `contents` of role `user`, `model`                                   |
| messages of `tool`                      | parts `functionResponse` of one `user` content                       |
| reasoning of a history                  | parts of `thought` text                                              |
| `cached_content`                        | `cachedContent`; the system's messages are then of the user          |
| `tool_calls` and their signatures       | parts `functionCall` with `thoughtSignature`                         |
| images, sounds, files: data, address    | parts `inlineData`, `fileData`                                       |
| `schema`                                | `responseMimeType` and `responseJsonSchema` of `generationConfig`    |
| `tools`                                 | `tools.functionDeclarations`, `parameters` as `parametersJsonSchema` |
| `tool_choice`                           | `toolConfig.functionCallingConfig`                                   |
| `max_tokens`, `stop`, other options     | `maxOutputTokens`, `stopSequences`, the same in camel case           |
| `reasoning_effort`                      | `thinkingConfig`: `thinkingLevel` from Gemini 3 on, else a budget    |
| `texts`, `dimensions`                   | `requests` of `batchEmbedContents`, `outputDimensionality`           |
| `finish` stop, length                   | `STOP`, `MAX_TOKENS`                                                 |
| `finish` content_filter                 | `SAFETY` and its kin; `promptFeedback.blockReason`                   |
| `input_fresh`, `input_cache_read`       | `promptTokenCount` less, and `cachedContentTokenCount`               |
| `input_audio`, `output_audio`           | `promptTokensDetails`, `candidatesTokensDetails` of modality `AUDIO` |
| `output_text`, `output_reasoning`       | `candidatesTokenCount`, `thoughtsTokenCount` (apart from each other) |

Source: Google's API reference (generateContent, Thinking, Thought signatures, Structured output, Function
calling, Embeddings) as of autumn 2026, and recordings of the real server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from synalinks.lm.core.call import OUTPUT_LIMITS, Request, schema_of
from synalinks.lm.core.errors import RequestError
from synalinks.lm.providers.common.content import (
    Media,
    arguments_of,
    function_of,
    media_of,
    parts_of,
    text_of,
    tool_named,
)
from synalinks.lm.providers.common.schema_subset import Subset, as_subset

#: Texts of one request (the server: "at most 100 requests can be in one batch").
BATCH = 100
#: Tokens for thinking by effort, before Gemini 3 (OpenAI compatibility, "Thinking").
BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576}
#: The least budget of 2.5 Pro, whose thinking can't be off (Thinking, "Set thinking budgets").
LEAST_PRO_BUDGET = 128
#: Words for efforts; None is no thinking, and "" the model's default.
EFFORTS: Mapping[Any, str | None] = {
    "none": None,
    "disable": None,
    False: None,
    True: "",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
#: The part of JSON Schema that `responseJsonSchema` supports (API reference of GenerationConfig).
KNOWN = Subset(
    frozenset(
        {"type", "title", "description", "enum", "prefixItems", "minItems", "maxItems", "minimum", "maximum"}
        | {"anyOf", "required", "$ref", "$anchor", "propertyOrdering"}
    ),
    frozenset({"date-time", "date", "time"}),
    lone_ref=True,
)
#: What a call that Gemini did not make itself carries in place of its signature (Thought signatures, FAQ).
FOREIGN_SIGNATURE = "skip_thought_signature_validator"
#: The kind of block of an earlier reply's `extra` that keeps the signature of a tool call.
SIGNATURE = "thought_signature"
#: The tool whose arguments are the answer, where schema and tools can't stand together.
ANSWER_TOOL = "give_answer"
ANSWER_TOOL_SAYS = "Give the final answer. Its arguments are the answer."
MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "any": "ANY"}
#: Types of data that the names of files don't tell.
MIMES = {"audio/mpga": "audio/mpeg", "audio/x-wav": "audio/wav"}
#: Options that stand beside `generationConfig`, in camel case.
TOP_LEVEL = frozenset({"safetySettings", "cachedContent", "toolConfig", "labels", "serviceTier"})
#: Options said in another place.
TAKEN = frozenset({*OUTPUT_LIMITS, "stop", "tool_choice", "parallel_tool_calls", "reasoning_effort", "extra_body"})
_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
_NEWEST = (99, 0)
_UNDERSCORE = re.compile(r"_([a-z0-9])")


@lru_cache(maxsize=256)
def version_of(name: str) -> tuple[int, int]:
    """The generation of a model, from its name; one of no known form is taken for the newest."""
    found = _VERSION.search(name)
    return (int(found[1]), int(found[2] or 0)) if found else _NEWEST


def model_path(request: Request) -> str:
    """The model as paths name it: `models/NAME`, or a tuned model's own path."""
    name = request.model.partition("/")[2]
    return name if "/" in name else f"models/{name}"


def chat_payload(request: Request, cap: int | None = None) -> dict[str, Any]:
    """The body of a request to `generateContent`; `cap` is the most answer tokens the budget allows.

    Raises:
        RequestError: a message, a part or an option that Gemini has no form for.
    """
    system, contents = _contents(request)
    if not contents:
        raise RequestError(f"{request.model}: a request to Gemini needs at least one message of the user")
    config: dict[str, Any] = {}
    payload: dict[str, Any] = {"contents": contents, "generationConfig": config}
    options = request.options
    if system and (options.get("cached_content") or options.get("cachedContent")):
        contents[:0] = [{"role": "user", "parts": system}]
    elif system:
        payload["systemInstruction"] = {"parts": system}
    for name, value in options.items():
        if value is not None and name not in TAKEN:
            camel = _camel(name)
            (payload if camel in TOP_LEVEL else config)[camel] = value
    limits = [config.get("maxOutputTokens"), request.output_limit, cap]
    if known := [limit for limit in limits if limit is not None]:
        config["maxOutputTokens"] = min(known)
    if stop := options.get("stop"):
        config["stopSequences"] = [stop] if isinstance(stop, str) else list(stop)
    effort = options.get("reasoning_effort")
    if effort is not None and "thinkingConfig" not in config and (thinking := _thinking(effort, request.model)):
        config["thinkingConfig"] = thinking
    _put_tools(payload, config, request)
    payload.update(options.get("extra_body") or {})
    return payload


@lru_cache(maxsize=256)
def _camel(name: str) -> str:
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name)


def _thinking(effort: object, model: str) -> dict[str, Any]:
    try:
        word = EFFORTS[effort]
    except (KeyError, TypeError):
        known = ", ".join(repr(name) for name in EFFORTS if isinstance(name, str))
        raise RequestError(f"reasoning_effort={effort!r} is not known; Gemini takes {known}") from None
    version, pro = version_of(model), "pro" in model
    if word == "":
        return {"includeThoughts": True}
    if version >= (3, 0):  # thinking can't be off; the least takes the place of "none"
        least = "low" if pro else "minimal"
        if word is None:
            return {"thinkingLevel": least}
        return {"includeThoughts": True, "thinkingLevel": least if word == "minimal" else word}
    if word is None:
        if version < (2, 5):
            return {}  # these don't think
        return {"thinkingBudget": LEAST_PRO_BUDGET if pro else 0}
    return {"includeThoughts": True, "thinkingBudget": BUDGETS[word]}


def _put_tools(payload: dict[str, Any], config: dict[str, Any], request: Request) -> None:
    """Enter tools, their choice, and the schema of the answer; before Gemini 3 the last is a tool beside others."""
    own = [tool for tool in request.tools if not _is_function(tool)]
    functions = [_declaration(tool) for tool in request.tools if _is_function(tool)]
    choice = _choice(request.options.get("tool_choice"))
    if request.schema is not None:
        if request.tools and version_of(request.model) < (3, 0):
            if choice == {"mode": "NONE"}:  # no other tool: the answer is one
                own, functions, choice = [], [], None
            functions.append(
                {
                    "name": ANSWER_TOOL,
                    "description": ANSWER_TOOL_SAYS,
                    "parametersJsonSchema": as_subset(request.schema, KNOWN),
                }
            )
            choice = choice or {"mode": "ANY"}
        else:
            config["responseMimeType"] = "application/json"
            config["responseJsonSchema"] = as_subset(request.schema, KNOWN)
    if functions or own:
        payload["tools"] = [*own, *([{"functionDeclarations": functions}] if functions else ())]
    if choice:
        payload["toolConfig"] = {**payload.get("toolConfig", {}), "functionCallingConfig": choice}


def _is_function(tool: Mapping[str, object]) -> bool:
    return "function" in tool or "name" in tool


def _declaration(tool: Mapping[str, object]) -> dict[str, Any]:
    function = function_of(tool)
    said: dict[str, Any] = {"name": function["name"]}
    if description := function.get("description"):
        said["description"] = description
    if parameters := function.get("parameters"):
        said["parametersJsonSchema"] = as_subset(schema_of(parameters), KNOWN)
    return said


def _choice(choice: object) -> dict[str, Any] | None:
    if choice is None:
        return None
    if isinstance(choice, str) and choice in MODES:
        return {"mode": MODES[choice]}
    if (forced := tool_named(choice)) is not None:
        return {"mode": "ANY", "allowedFunctionNames": [forced]}
    raise RequestError(f"tool_choice={choice!r} is not known; write one of {', '.join(map(repr, MODES))} or a tool")


def _contents(request: Request) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The system's parts and the conversation; results of tools that stand together are one content."""
    system: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    signed = version_of(request.model) >= (3, 0)
    after_tool = False
    for message in request.messages:
        role = message["role"]
        is_tool = role in ("tool", "function")
        if is_tool:
            parts = [_result(message, names, request.model)]
        else:
            parts = [_part(part, request.model) for part in parts_of(message.get("content"))]
        if role == "assistant" and (thought := message.get("reasoning_content") or message.get("reasoning")):
            parts = [{"text": thought, "thought": True}, *parts]
        if role == "assistant" and (calls := message.get("tool_calls")):
            names.update((call["id"], function_of(call)["name"]) for call in calls if call.get("id"))
            parts += _uses(calls, message.get("thinking_blocks") or (), signed)
        if role in ("system", "developer"):
            system += parts
        elif is_tool and after_tool:
            said[-1]["parts"] += parts
        elif parts or role == "user":
            said.append({"role": "model" if role == "assistant" else "user", "parts": parts})
        after_tool = is_tool
    return system, said


def _uses(
    calls: Sequence[Mapping[str, object]], blocks: Sequence[Mapping[str, object]], signed: bool
) -> list[dict[str, Any]]:
    """Calls of an earlier reply, with the signatures it gave them. Of calls made side by side the first is signed."""
    known = {block.get("id"): block["signature"] for block in blocks if block.get("type") == SIGNATURE}
    said: list[dict[str, Any]] = []
    for index, call in enumerate(calls):
        use: dict[str, Any] = {"name": function_of(call)["name"], "args": arguments_of(call)}
        if identity := call.get("id"):
            use["id"] = identity
        part: dict[str, Any] = {"functionCall": use}
        if identity in known:
            part["thoughtSignature"] = known[identity]
        elif signed and index == 0:
            part["thoughtSignature"] = FOREIGN_SIGNATURE
        said.append(part)
    return said


def _result(message: Mapping[str, Any], names: Mapping[str, str], model: str) -> dict[str, Any]:
    identity = message.get("tool_call_id")
    name = names.get(identity or "") or message.get("name") or message.get("tool_name")
    if not name:
        raise RequestError(
            f"{model}: a message of a tool answers the call {identity!r}, which no earlier message made; "
            "Gemini needs the tool's name: give it as name=..."
        )
    content = message.get("content")
    if isinstance(content, Mapping):
        response: Mapping[str, Any] = content
    else:
        texts = [text_of(part) for part in parts_of(content)]
        if None in texts:
            raise RequestError(f"{model}: results of tools are text or an object for Gemini")
        response = {"error" if message.get("is_error") else "output": "\n".join(text for text in texts if text)}
    said: dict[str, Any] = {"name": name, "response": response}
    if identity:
        said["id"] = identity
    return {"functionResponse": said}


def _part(part: Any, model: str) -> dict[str, Any]:
    text = text_of(part)
    if text is not None:
        return {"text": text}
    if "type" not in part:
        return dict(part)  # already in Gemini's form
    media: Media = media_of(part, model)
    mime = MIMES.get(media.mime or "", media.mime)
    if media.url is not None:
        return {"fileData": {"fileUri": media.url, **({"mimeType": mime} if mime else {})}}
    if mime is None:
        raise RequestError(f"{model}: data of unknown type; say it, as in 'data:image/png;base64,...'")
    return {"inlineData": {"mimeType": mime, "data": media.data}}


def embed_payloads(request: Request) -> list[dict[str, Any]]:
    """The bodies of requests to `batchEmbedContents`: one for each hundred texts."""
    path = model_path(request)
    rest: dict[str, Any] = {}
    for name, value in request.options.items():
        if value is not None and name != "extra_body":
            rest["outputDimensionality" if name == "dimensions" else _camel(name)] = value
    items = [{"model": path, "content": {"parts": [{"text": text}]}, **rest} for text in request.texts]
    extra = request.options.get("extra_body") or {}
    return [{"requests": items[start : start + BATCH], **extra} for start in range(0, len(items), BATCH)]
