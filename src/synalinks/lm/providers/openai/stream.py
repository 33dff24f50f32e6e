"""Streamed chat completions put together again: chunks to pieces of text, and at the end to the whole body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks.lm.core.call import Delta, Request
from synalinks.lm.providers.openai.requests import STRUCTURED_OUTPUT
from synalinks.lm.providers.openai.responses import END_THINK, THINK, said_in
from synalinks.lm.providers.openai.variants import Variant

#: Fields of chunks that the whole body has too.
KEPT = ("id", "model", "provider", "usage", "x_groq")


class Assembly:
    """One streamed answer as far as it has come.

    Attributes:
        pieces: what was shown so far.
        finish: the reason to finish, once said.
    """

    def __init__(self, request: Request, variant: Variant) -> None:
        self.pieces: list[Delta] = []
        self.finish: str | None = None
        self._structured = request.schema is not None and variant.structured == "forced_tool"
        self._calls: list[dict[str, Any]] = []
        self._by_index: dict[int, dict[str, Any]] = {}
        self._body: dict[str, Any] = {}
        self._message: dict[str, Any] = {}
        self._logprobs: list[Any] = []
        self._tags = Untagger()

    def add(self, chunk: Mapping[str, Any]) -> Delta | None:
        """The text that a chunk brings, or None if it brings none."""
        for name in KEPT:
            if chunk.get(name):
                self._body[name] = chunk[name]
        choices = chunk.get("choices")
        if not choices:
            return None
        choice = choices[0]
        self.finish = choice.get("finish_reason") or self.finish
        delta = choice.get("delta") or choice.get("message") or {}
        text, thought = said_in(delta)
        text, tagged = self._tags.feed(text)
        for call in delta.get("tool_calls") or ():
            text += self._add_call(call)
        self._keep(delta, choice)
        return self._piece(text, thought + tagged)

    def end(self) -> Delta | None:
        """The text held back until now, because it might have been the beginning of a tag."""
        return self._piece(*self._tags.flush())

    def body(self) -> dict[str, Any]:
        """The body that the same answer would have had in one piece."""
        message = {
            **self._message,
            "content": "".join([piece.text for piece in self.pieces]),
            "reasoning": "".join([piece.reasoning for piece in self.pieces]),
            "tool_calls": self._calls,
        }
        choice: dict[str, Any] = {"message": message, "finish_reason": self.finish}
        if self._logprobs:
            choice["logprobs"] = {"content": self._logprobs}
        return {**self._body, "choices": [choice]}

    def _piece(self, text: str, thought: str) -> Delta | None:
        if not text and not thought:
            return None
        piece = Delta(text, thought)
        self.pieces.append(piece)
        return piece

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


class Untagger:
    """Takes thinking in tags at the beginning of a text apart as the text comes."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"

    def feed(self, text: str) -> tuple[str, str]:
        """Text and thinking of the next piece; what may be part of a tag is held back."""
        if self._state == "text" or not text:
            return text, ""
        self._held += text
        if self._state == "start":
            begun = self._held.lstrip()
            if begun.startswith(THINK):
                self._held, self._state = begun[len(THINK) :], "thinking"
            elif THINK.startswith(begun):
                return "", ""
            else:
                return self._let_go(), ""
        if self._state == "thinking":
            thought, end, rest = self._held.partition(END_THINK)
            if not end:
                kept = _overlap(self._held, END_THINK)
                cut = len(self._held) - kept
                thought, self._held = self._held[:cut], self._held[cut:]
                return "", thought
            self._held, self._state = rest, "after"
            return self._after(), thought
        return self._after(), ""

    def flush(self) -> tuple[str, str]:
        """What is still held, at the end."""
        if self._state == "thinking":
            held, self._held = self._held, ""
            return "", held
        return ("" if self._state == "after" else self._let_go()), ""

    def _after(self) -> str:
        """The text behind the closing tag, without the white space before it."""
        rest = self._held.lstrip()
        self._held = ""
        if rest:
            self._state = "text"
        return rest

    def _let_go(self) -> str:
        held, self._held, self._state = self._held, "", "text"
        return held


def _overlap(text: str, tag: str) -> int:
    """Length of the longest end of `text` that begins `tag`."""
    return next((size for size in range(min(len(text), len(tag) - 1), 0, -1) if text.endswith(tag[:size])), 0)
