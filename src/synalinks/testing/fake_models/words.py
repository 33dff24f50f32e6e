"""Tokens and vectors of a text, by counting and hashing: what the stand-in server has instead of a network.

A token is up to four word characters, or one other character, together with the white space before it. So
the tokens of a text joined give the text, and there are never more of them than it has UTF-8 bytes.

A vector is a sum of pseudo-random directions, one for each word (weight 1), pair of neighbours (0.4) and
three letters of a word (0.25), scaled to length 1: the hashing trick of Weinberger et al., "Feature Hashing
for Large Scale Multitask Learning" (ICML 2009), section 2. Texts that share words are near.
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
from collections.abc import Iterator
from functools import lru_cache

_TOKEN = re.compile(r"\s*(?:\w{1,4}|[^\w\s])|\s+")
_WORD = re.compile(r"\w+")
#: Numbers of a vector, as many as all-MiniLM-L6-v2 gives.
DIMENSIONS = 384
WORD_WEIGHT, PAIR_WEIGHT, LETTERS_WEIGHT = 1.0, 0.4, 0.25
#: Places of a vector that one feature touches: enough that two words hardly ever look alike.
_PLACES = 12


def tokens(text: str) -> list[str]:
    """The tokens of a text; joined, they are the text."""
    return _TOKEN.findall(text)


@lru_cache(maxsize=4096)
def count_tokens(text: str) -> int:
    """How many tokens a text has; system messages come again and again, so the last ones are remembered."""
    return len(tokens(text))


def _features(text: str) -> Iterator[tuple[str, float]]:
    words = _WORD.findall(text.lower()) or [""]
    previous = None
    for word in words:
        yield "w " + word, WORD_WEIGHT
        if previous is not None:
            yield f"p {previous} {word}", PAIR_WEIGHT
        padded = f"^{word}$"
        for start in range(len(padded) - 2):
            yield "l " + padded[start : start + 3], LETTERS_WEIGHT
        previous = word


@lru_cache(maxsize=65536)
def _direction(feature: str) -> tuple[tuple[int, float], ...]:
    """The places a feature touches, each with a sign; the same on every machine."""
    data = hashlib.blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=4 * _PLACES).digest()
    numbers = struct.unpack(f"<{_PLACES}I", data)
    return tuple(((number >> 1) % DIMENSIONS, 1.0 if number & 1 else -1.0) for number in numbers)


def embed(text: str, dimensions: int | None = None) -> list[float]:
    """The unit vector of a text; every number is exactly a float32.

    `dimensions` keeps the first so many numbers and scales them to length 1 again, as Ollama does.
    """
    vector = [0.0] * DIMENSIONS
    for feature, weight in _features(text):
        for place, sign in _direction(feature):
            vector[place] += sign * weight
    if dimensions is not None:
        vector = vector[:dimensions]
    length = math.sqrt(math.fsum(number * number for number in vector))
    if length == 0.0:
        vector[0] = length = 1.0
    size = len(vector)
    packed = struct.pack(f"<{size}f", *(number / length for number in vector))
    return list(struct.unpack(f"<{size}f", packed))
