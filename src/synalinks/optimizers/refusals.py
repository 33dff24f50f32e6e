"""Proposals that are refused before anything is spent on them: empty, degenerate, too long, or tried before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping

from synalinks import _json
from synalinks._json import Json

#: The reason that a proposal which says nothing new is refused for.
TRIED = "tried before"
_WORD = re.compile(r"\w+")
#: Words from which on a text is looked at for repetitions, and the part of it that one word may be.
MANY, SHARE = 20, 0.4
#: Characters that a value may have: so many in any case, or so many times those of the first value.
LEAST_LONGEST, TIMES = 2000, 2
#: Parts of a text that are the same line or sentence.
_PARTS = re.compile(r"[.\n!?]+")


def normal(fields: Mapping[str, Json]) -> str:
    """A value with case, spaces and punctuation left out, so that what says the same is the same."""
    return " ".join(_WORD.findall(_json.canonical(dict(fields)).decode().lower()))


def longest_value(first: Mapping[str, Json]) -> int:
    """Characters that proposals may have, so that they don't grow without gain."""
    size = sum(len(one) if isinstance(one, str) else len(_json.canonical(one)) for one in first.values())
    return max(LEAST_LONGEST, TIMES * size)


def degenerate(values: Mapping[str, Json], current: Mapping[str, Json]) -> str | None:
    """Why values can't be meant, in words; None if they can: empty where there was something, or repetitions."""
    if not values:
        return "nothing proposed"
    for name, text in _texts(values):
        before = current.get(name)
        if isinstance(before, str) and _WORD.search(before) and not _WORD.search(text):
            return f"{name} is empty"
        if _repeats(text):
            return f"{name} repeats itself"
    return None


def refusal(values: Mapping[str, Json], current: Mapping[str, Json], longest: int, tried: Container[str]) -> str | None:
    """Why a proposal is refused, in words; None if it is not.

    Args:
        values: the fields that are proposed.
        current: those of the parent.
        longest: characters.
        tried: proposals before, in their normal form.
    """
    if (reason := degenerate(values, current)) is not None:
        return reason
    if sum(len(text) for _, text in _texts(values)) > longest:
        return f"longer than {longest} characters"
    if normal(values) in tried or normal(values) == normal({name: current.get(name) for name in values}):
        return TRIED
    return None


def _texts(values: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", text) for inner, text in _texts(value))
        elif isinstance(value, list):
            yield from ((name, text) for text in value if isinstance(text, str))


def _repeats(text: str) -> bool:
    """Whether a text is one word over and over, or one line."""
    words = _WORD.findall(text.lower())
    if len(words) < MANY:
        return False
    if Counter(words).most_common(1)[0][1] > SHARE * len(words):
        return True
    parts = [part.strip().lower() for part in _PARTS.split(text) if len(part.strip()) > 8]
    return len(parts) > 3 and Counter(parts).most_common(1)[0][1] > len(parts) / 2
