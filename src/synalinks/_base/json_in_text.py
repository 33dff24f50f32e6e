"""JSON inside a text: in a code fence, behind an introduction, with commas too many, or encoded twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice

from synalinks import _json

#: Opening braces at which an object is looked for; a bound on the time that a hostile text takes.
TRIES = 100
_FENCE = re.compile(r"^[ \t]*```([\w-]*)[ \t]*\r?$", re.MULTILINE)
_COMMA = re.compile(r",(\s*[}\]])")
#: A string, or what is left of the text where it is not closed: no place is looked at twice.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_DECODER = json.JSONDecoder()


def json_in(text: str) -> Iterator[str]:
    """The JSON values in a text, each as text: the whole, what code fences hold, and outermost objects."""
    for part in (text, *_fenced(text), *_objects(text)):
        for version in (part.strip(), _without_trailing_commas(part.strip())):
            try:
                value = _json.loads(version)
            except _json.JSONDecodeError:
                continue
            yield version
            if isinstance(value, str) and value != text:
                yield from json_in(value)
            break


def _fenced(text: str) -> Iterator[str]:
    """What stands between a line that opens a code fence, with a word for its language or without, and one that ends
    it."""
    start: int | None = None
    for line in _FENCE.finditer(text):
        if start is None:
            start = line.end()
        elif not line[1]:
            yield text[start : line.start()]
            start = None


def _without_trailing_commas(text: str) -> str:
    """The text without commas before closing brackets, but for those inside strings."""
    parts, end = [], 0
    for found in _STRING.finditer(text):
        parts += [_COMMA.sub(r"\1", text[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, _COMMA.sub(r"\1", text[end:])])


def _objects(text: str) -> Iterator[str]:
    """Objects that no other brace is open around: one inside a broken object is a part of it, not an answer."""
    end = 0
    for found in islice(re.finditer("{", text), TRIES):
        start = found.start()
        if start < end or text.count("{", end, start) != text.count("}", end, start):
            continue
        try:
            _, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        yield text[start:end]
