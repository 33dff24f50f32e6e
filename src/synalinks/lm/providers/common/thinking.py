"""Thinking that stands in `<think>` tags in front of an answer, where the server does not take it apart.

Open models write it so (DeepSeek R1, Qwen 3, and others); templates that write the opening tag themselves leave the
closing one alone in the answer.
"""

from __future__ import annotations

THINK, END_THINK = "<think>", "</think>"


def untagged(text: str, reasoning: str = "") -> tuple[str, str]:
    """Text and reasoning of an answer that begins with thinking in tags.

    A tag left open means that the answer was cut. A closing tag at the beginning of a line, without an opening one
    before it, ends the thinking too.
    """
    begun = text.lstrip()
    if begun.startswith(THINK):
        thought, _, rest = begun[len(THINK) :].partition(END_THINK)
        return rest.lstrip(), reasoning + thought
    thought, end, rest = text.partition(END_THINK)
    if end and THINK not in thought and (not thought.strip() or thought.rstrip(" \t").endswith("\n")):
        return rest.lstrip(), reasoning + thought
    return text, reasoning


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
                return self._flush_held(), ""
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
        return ("" if self._state == "after" else self._flush_held()), ""

    def _after(self) -> str:
        """The text behind the closing tag, without the white space before it."""
        rest = self._held.lstrip()
        self._held = ""
        if rest:
            self._state = "text"
        return rest

    def _flush_held(self) -> str:
        held, self._held, self._state = self._held, "", "text"
        return held


def _overlap(text: str, tag: str) -> int:
    """Length of the longest end of `text` that begins `tag`."""
    return next((size for size in range(min(len(text), len(tag) - 1), 0, -1) if text.endswith(tag[:size])), 0)
