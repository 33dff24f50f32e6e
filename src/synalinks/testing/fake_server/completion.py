"""Requests with a prompt in place of messages: Ollama's `/api/generate` and OpenAI's `/v1/completions`.

The order of the fields is that of a recording of a real server (2026-11) and of Ollama's `openai` package.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from synalinks._json import Json, JsonObject
from synalinks.testing.fake_server.dialect import ChatAnswer, NativeAnswer, RefusalError
from synalinks.testing.fake_server.openai import Answer, options_of


def native(body: Mapping[str, Json]) -> JsonObject:
    """A body of `/api/generate` as one of `/api/chat`; without a prompt it has no messages, and only loads a model."""
    prompt = body.get("prompt")
    made = {name: value for name, value in body.items() if name not in ("prompt", "system", "images")}
    message: JsonObject = {"role": "user", "content": prompt}
    if body.get("images"):
        message["images"] = body["images"]
    system: list[Json] = [{"role": "system", "content": body["system"]}] if body.get("system") else []
    made["messages"] = [*system, message] if prompt else []
    return made


def native_of_openai(body: Mapping[str, Json]) -> JsonObject:
    """A body of `/v1/completions` as one of `/api/chat`.

    Raises:
        RefusalError: 400, where the prompt is no text.
    """
    prompt = body.get("prompt", "")
    if not isinstance(prompt, str):
        raise RefusalError(
            400, "json: cannot unmarshal array into Go struct field CompletionRequest.prompt of type string"
        )
    return {
        "model": body.get("model"),
        "stream": bool(body.get("stream")),
        "messages": [{"role": "user", "content": prompt}],
        "options": options_of(body),
    }


class Generated(NativeAnswer):
    """An answer in the shapes of `/api/generate`."""

    def shape(self, line: Mapping[str, Any]) -> dict[str, Any]:
        message = line["message"]
        shaped = {"model": line["model"], "created_at": line["created_at"], "response": message["content"]}
        if "thinking" in message:
            shaped["thinking"] = message["thinking"]
        return shaped | {name: value for name, value in line.items() if name not in {*shaped, "message"}}


class Completed(Answer):
    """An answer in the shapes of `/v1/completions`."""

    kind = "text_completion"
    chunk_kind = "text_completion"

    def __init__(self, answer: ChatAnswer, number: int, counted: bool = True) -> None:
        super().__init__(answer, number, counted)
        self._head["id"] = f"cmpl-{number}"

    def _choice(self) -> JsonObject:
        return {"text": "".join(self._answer.pieces), "index": 0, "finish_reason": self._finish()}

    def events(self) -> Iterator[bytes]:
        return (self._chunk({"text": piece}) for piece in self._answer.pieces)

    def _piece(self, delta: Mapping[str, Json], finish: str | None) -> JsonObject:
        return {"text": delta.get("text", ""), "index": 0, "finish_reason": finish}
