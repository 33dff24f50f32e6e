"""Streamed chat completions put together again: chunks to pieces of text, and at the end to the whole body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks.lm.core.call import Delta, Request
from synalinks.lm.providers.openai.requests import STRUCTURED_OUTPUT
from synalinks.lm.providers.openai.responses import check_chunk, text_and_reasoning
from synalinks.lm.providers.openai.variants import Variant

#: Fields of chunks that the whole body has too.
KEPT = ("id", "model", "provider", "usage", "x_groq")


class Assembly:
    """One streamed answer as far as it has come.

    Attributes:
        whole: whether the answer's end has come: a reason to finish, or the end of the stream.
    """

    def __init__(self, request: Request, variant: Variant) -> None:
        self.whole = False
        self._finish: str | None = None
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._structured = request.schema is not None and variant.structured == "forced_tool"
        self._calls: list[dict[str, Any]] = []
        self._by_index: dict[int, dict[str, Any]] = {}
        self._body: dict[str, Any] = {}
        self._message: dict[str, Any] = {}
        self._logprobs: list[Any] = []

    def add(self, chunk: Mapping[str, Any]) -> Delta | None:
        """Take in a chunk; the text or reasoning it brings, if any."""
        check_chunk(chunk)
        for name in KEPT:
            if chunk.get(name):
                self._body[name] = chunk[name]
        choices = chunk.get("choices")
        if not choices:
            return None
        choice = choices[0]
        self._finish = choice.get("finish_reason") or self._finish
        self.whole = self._finish is not None
        delta = choice.get("delta") or choice.get("message") or {}
        text, thought = text_and_reasoning(delta)
        for call in delta.get("tool_calls") or ():
            text += self._add_call(call)
        self._keep(delta, choice)
        self._texts.append(text)
        self._thoughts.append(thought)
        return Delta(text, thought) if text or thought else None

    def body(self) -> dict[str, Any]:
        """The body that the same answer would have had in one piece."""
        message = {
            **self._message,
            "content": "".join(self._texts),
            "reasoning": "".join(self._thoughts),
            "tool_calls": self._calls,
        }
        choice: dict[str, Any] = {"message": message, "finish_reason": self._finish}
        if self._logprobs:
            choice["logprobs"] = {"content": self._logprobs}
        return {**self._body, "choices": [choice]}

    def _add_call(self, said: Mapping[str, Any]) -> str:
        """Take in a piece of a tool call; returns what of it is text of the answer."""
        function = said.get("function") or {}
        call = self._call_of(said)
        name, arguments = function.get("name"), function.get("arguments")
        if name and not call["function"]["name"]:
            call["function"]["name"] = name
        if said.get("id"):
            call["id"] = said["id"]
        if arguments is None:
            return ""
        if not isinstance(arguments, str):
            call["function"]["arguments"] = arguments
            return ""
        call["function"]["arguments"] += arguments
        return arguments if self._structured and call["function"]["name"] == STRUCTURED_OUTPUT else ""

    def _call_of(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """The call that a piece belongs to: by index, unless a new id says otherwise; some servers leave the index
        out, or write 0 for every call."""
        index, identity = said.get("index"), said.get("id")
        if index is None:
            call = self._calls[-1] if self._calls else None
        else:
            call = self._by_index.get(index)
        if call is None or (identity and call["id"] and identity != call["id"]):
            call = {"id": None, "function": {"name": "", "arguments": ""}}
            self._by_index[len(self._calls) if index is None else index] = call
            self._calls.append(call)
        return call

    def _keep(self, delta: Mapping[str, Any], choice: Mapping[str, Any]) -> None:
        if delta.get("refusal"):
            self._message["refusal"] = self._message.get("refusal", "") + delta["refusal"]
        for name in ("reasoning_details", "annotations", "images"):
            if delta.get(name):
                self._message[name] = [*self._message.get(name, ()), *delta[name]]
        logprobs = choice.get("logprobs")
        if logprobs and logprobs.get("content"):
            self._logprobs += logprobs["content"]
