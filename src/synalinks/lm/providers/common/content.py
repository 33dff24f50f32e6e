"""What a message holds, in no provider's dialect: parts, media, tools and the arguments of their calls.

Parts are written as OpenAI writes them (`text`, `image_url`, `input_audio`, `file`), or shorter: a string is
a text, and `{"type": "image" | "audio" | "file", "data" | "url": ..., "media_type": ...}` is a medium.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synalinks import _json
from synalinks.lm.core.errors import RequestError

#: How base64 of a kind of file begins, from its magic number, for data that does not say what it is.
MAGIC = (
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
    ("JVBERi0", "application/pdf"),
)
#: Types of parts that are media, and what each is.
KINDS = {
    "image_url": "image",
    "image": "image",
    "input_image": "image",
    "input_audio": "audio",
    "audio": "audio",
    "audio_url": "audio",
    "file": "file",
    "document": "file",
}
#: Where a part, or the object inside it, may keep its data or address.
SOURCES = ("url", "data", "file_data", "file_url", "uri")
WHERE = "pass 'data:image/png;base64,...', an https address, or data=... with media_type=..."


@dataclass(frozen=True, slots=True)
class Media:
    """An image, a sound or a file: as base64 `data`, or by `url`; `mime` is its type where it is known."""

    kind: str
    mime: str | None
    data: str | None = None
    url: str | None = None


def parts_of(content: Any) -> Sequence[Any]:
    """The parts of a content, which is a string, a list of parts, a tool's result as an object, or None."""
    if content is None or content == "":
        return ()
    if isinstance(content, str):
        return (content,)
    if isinstance(content, Mapping):
        return (_json.dumps(content),)
    return [part for part in content if part != ""]


def text_of(part: Any) -> str | None:
    """The text of a part that is text, else None."""
    if isinstance(part, str):
        return part
    return (part.get("text") or "") if part.get("type") in ("text", "input_text", "output_text") else None


def media_of(part: Mapping[str, Any], model: str) -> Media:
    """The medium of a part that is no text.

    Raises:
        RequestError: a part of another kind, or one without data or address.
    """
    kind = KINDS.get(str(part.get("type")))
    if kind is None:
        raise RequestError(
            f"{model}: a part of type {part.get('type')!r}; known are 'text', " + ", ".join(map(repr, KINDS))
        )
    inner = part.get(str(part["type"]), part)
    if not isinstance(inner, Mapping):
        inner = {"url": inner}
    source = next((inner[name] for name in SOURCES if inner.get(name)), None)
    if not isinstance(source, str):
        raise RequestError(f"{model}: a part of type {part['type']!r} without data or address; {WHERE}")
    said = inner.get("media_type") or inner.get("mime_type")
    if not said and inner.get("format"):
        said = inner["format"] if "/" in inner["format"] else f"{kind}/{inner['format']}"
    if source.startswith("data:"):
        head, comma, data = source[5:].partition(",")
        if not comma or not head.endswith(";base64"):
            raise RequestError(f"{model}: a data address that is not base64: {source[:40]!r}; {WHERE}")
        return Media(kind, said or head.partition(";")[0] or None, data=data)
    if "://" in source:
        return Media(kind, said or mimetypes.guess_type(source.partition("?")[0])[0], url=source)
    return Media(kind, said or _guessed(source), data=source)


def _guessed(data: str) -> str | None:
    return next((mime for start, mime in MAGIC if data.startswith(start)), None)


def as_function(tool: Mapping[str, object]) -> Mapping[str, Any]:
    """A tool in OpenAI's form, which others take as well."""
    return tool if tool.get("type") == "function" else {"type": "function", "function": tool}


def function_of(tool: Mapping[str, object]) -> Mapping[str, Any]:
    """Name, description and parameters of a tool, out of OpenAI's wrapping where there is one."""
    inner = tool.get("function")
    return inner if isinstance(inner, Mapping) else tool


def arguments_of(call: Mapping[str, object]) -> Mapping[str, Any]:
    """The arguments of a tool call in a history, as an object.

    Raises:
        RequestError: they are no JSON object.
    """
    function = function_of(call)
    given = function.get("arguments") or {}
    if isinstance(given, str):
        try:
            given = _json.exact(given)
        except _json.JSONDecodeError as error:
            raise RequestError(
                f"arguments of a call of {function.get('name')!r} in the history are not JSON: {given!r}"
            ) from error
    if not isinstance(given, Mapping):
        raise RequestError(f"arguments of a call of {function.get('name')!r} must be an object, got {given!r}")
    return given


def tool_named(choice: object) -> str | None:
    """The tool that a `tool_choice` written as an object forces, else None."""
    if not isinstance(choice, Mapping):
        return None
    name = function_of(choice).get("name")
    return name if isinstance(name, str) else None
