"""A row of a cassette as a conversation that a person can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from synalinks import _json
from synalinks._base.media import NAMED
from synalinks.cli.table import count, price
from synalinks.lm.cassette.rows import Row, error_from_dict, event_of
from synalinks.lm.cassette.texts import vectors_of
from synalinks.lm.core.call import Reply, Request
from synalinks.scope import Scope

_INDENT = "  "
#: Bytes of a float32, to tell the length of a vector.
_FLOAT = 4


def render(row: Row) -> str:
    """The row's place, what was asked, and what was answered."""
    request = row.request
    draw = f", draw {row.draw}" if row.draw else ""
    lines = [f"=== line {row.line}: {request.model} ({row.scope}{draw})"]
    if request.options:
        lines.append("options: " + ", ".join(f"{name}={_inline(value)}" for name, value in request.options.items()))
    if request.schema is not None:
        lines.append("schema: " + _schema(request.schema.value))
    if request.tools:
        lines.append("tools: " + ", ".join(str(tool.get("name")) for tool in request.tools))
    for heading, text in (*asked(request), *_answered(row)):
        lines += [f"--- {heading}", *(_INDENT + line if line else "" for line in text.splitlines())]
    return "\n".join(lines)


def render_event(line: int, value: Mapping[str, Any]) -> str:
    """The place of an event row, and the words for it."""
    event = event_of(value) or {}
    return f"=== line {line}: {event['name']} ({Scope(**value['scope'])})\n{_INDENT}{event['message']}"


def asked(request: Request) -> Iterator[tuple[str, str]]:
    """Who said what, or the texts to embed."""
    if request.kind == "embed":
        yield count(len(request.texts), "text"), "\n".join(request.texts)
    for message in request.messages:
        text = _content(message.get("content"))
        calls = "\n".join(_tool_call(call) for call in message.get("tool_calls") or ())
        yield str(message.get("role")), "\n".join(part for part in (text, calls) if part)


def _answered(row: Row) -> Iterator[tuple[str, str]]:
    if row.refused:
        yield "refused by a budget, never sent", str(row.value["refused"]["message"])
        return
    if row.failed:
        error = error_from_dict(row.value["error"])
        yield f"failed: {type(error).__name__} ({count(error.attempts, 'attempt')})", str(error)
        if error.reply is not None:
            yield "the answer that could not be used", _answer(error.reply)
        return
    reply = Reply.from_dict(row.value["reply"], "cassette")
    if reply.reasoning:
        yield "reasoning", reply.reasoning
    text = _answer(reply)
    if row.request.kind == "embed":
        vectors = vectors_of(row.value["reply"])
        length = len(vectors[0]) // _FLOAT if vectors else 0
        text = f"{count(len(vectors), 'vector')} of {count(length, 'number')}"
    yield f"answer ({', '.join(_figures(reply))})", text


def words(row: Row) -> str:
    """What was answered, without time and money."""
    if row.refused or row.failed:
        return "\n".join(f"{heading}: {text}" for heading, text in _answered(row))
    reply = Reply.from_dict(row.value["reply"], "cassette")
    thought = f"reasoning: {reply.reasoning}\n" if reply.reasoning else ""
    return thought + _answer(reply)


def answer(row: Row) -> str:
    """What was answered, without the reasoning before it."""
    return words(row) if row.refused or row.failed else _answer(Reply.from_dict(row.value["reply"], "cassette"))


def _figures(reply: Reply) -> Iterator[str]:
    tokens = (("in", reply.usage.input_tokens), ("out", reply.usage.output_tokens))
    if known := [f"{number:,} {way}" for way, number in tokens if number is not None]:
        yield "tokens " + " and ".join(known)
    yield price(reply.as_if)
    if reply.seconds is not None:
        yield f"{reply.seconds:.2f} s"
    if reply.finish not in (None, "stop"):
        yield f"finish: {reply.finish}"
    if reply.attempts > 1:
        yield count(reply.attempts, "attempt")


def _answer(reply: Reply) -> str:
    parts = [_pretty(reply.text), *map(_tool_call, reply.tool_calls)]
    if reply.refusal:
        parts.append(f"refused: {reply.refusal}")
    return "\n".join(part for part in parts if part) or "(no text)"


def _content(content: object) -> str:
    """A message's text; parts that are no text, such as pictures, are named with their size."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "\n".join(map(_part, content)) if isinstance(content, list) else _json.dumps(content)


def _part(part: object) -> str:
    if isinstance(part, Mapping) and isinstance(part.get("text"), str):
        return str(part["text"])
    kind = part.get("type", "part") if isinstance(part, Mapping) else "part"
    if (name := NAMED.search(text := _json.dumps(part))) is not None:
        return f"[{name['mime'] or kind}, {int(name['bytes']):,} bytes, {name['digest'][:12]}]"
    return f"[{kind}, {len(text):,} characters]"


def _tool_call(call: Mapping[str, Any]) -> str:
    called = call.get("function", call)
    return f"calls {called.get('name')}({_inline(called.get('arguments', {}))})"


def _schema(schema: Mapping[str, Any]) -> str:
    fields = ", ".join(schema.get("properties", {}))
    return f"{schema.get('title', 'object')} {{{fields}}}"


def _inline(value: object) -> str:
    return value if isinstance(value, str) else _json.dumps(value)


def _pretty(text: str) -> str:
    """JSON on several lines, other text as it is."""
    try:
        value = _json.loads(text)
    except ValueError:
        return text
    return _json.pretty(value) if isinstance(value, dict | list) else text
