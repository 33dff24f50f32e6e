"""Output limits: how many tokens an answer of a model can have, published or learnt from a server's refusal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from synalinks.lm.core.errors import LMError
from synalinks.lm.pricing.table import price_table

#: Published limits; `scripts/make_limits.py` makes the file, and its head says from what data.
FILE = Path(__file__).with_name("limits.json")
#: Statuses of a request that the server finds wrong.
_WRONG = frozenset({400, 413, 422})
#: Words by which servers say that it is the limit on the answer that they refuse.
_LIMIT_WORDS = re.compile(r"max_?(?:completion_?|output_?|new_?)?tokens|num_predict|completion|output tokens", re.I)
#: Forms in which servers say how long prompt and answer can be together, and how long this prompt is.
_CONTEXT = re.compile(r"context (?:length|window|size)\D{0,20}(\d[\d,_]*)", re.I)
_PROMPT = re.compile(r"(\d[\d,_]*)(?: tokens)? (?:in the messages|in your prompt|input tokens|in the input)", re.I)
_NUMBER = re.compile(r"\d[\d,_]*")
#: The least cap that is tried.
LEAST = 16


@lru_cache(maxsize=1)
def _published() -> tuple[dict[str, int], frozenset[str]]:
    value = json.loads(FILE.read_text(encoding="utf-8"))
    return value["models"], frozenset(value["thinking"])


@lru_cache(maxsize=1024)
def _row_of(model: str) -> str:
    row = price_table().find(model)
    return model if row is None else row.model


class OutputLimits:
    """The most tokens that an answer of each model can have.

    Example:
        >>> from synalinks.lm.pricing.limits import OutputLimits
        >>> limits = OutputLimits()
        >>> limits.of("openai/gpt-4o"), limits.of("ollama/any")
        (16384, None)
        >>> limits.learn("ollama/any", 2048)
        >>> limits.of("ollama/any")
        2048
    """

    def __init__(self) -> None:
        self._learnt: dict[str, int] = {}

    def of(self, model: str) -> int | None:
        """The limit of a model: learnt, else published, else None."""
        return self._learnt.get(model) or _published()[0].get(_row_of(model))

    def learn(self, model: str, limit: int) -> None:
        """Note the limit that a server stated or accepted."""
        self._learnt[model] = limit


def is_reasoning_model(model: str) -> bool:
    """Whether a model is listed as one that reasons before it answers, which takes tokens of the answer."""
    return _row_of(model) in _published()[1]


def lower_cap(error: LMError, cap: int) -> tuple[int, bool] | None:
    """A cap on the answer's tokens that may be accepted where `cap` was refused, and whether it holds for the model,
    whatever the prompt. None where the refusal is about something else. Where no number is stated it is half the cap.

    Example:
        >>> from synalinks.lm.core.errors import LMError
        >>> from synalinks.lm.pricing.limits import lower_cap
        >>> words = "max_tokens is too large: 16384. This model supports at most 4096 completion tokens"
        >>> lower_cap(LMError(words, status=400), 16384)
        (4096, True)
    """
    words = str(error)
    if error.reply is not None or error.uncertain or error.status not in _WRONG or not _LIMIT_WORDS.search(words):
        return None
    context, prompt = _CONTEXT.search(words), _PROMPT.search(words)
    if context is not None:
        room = _int(context[1]) - _int(prompt[1]) if prompt is not None else cap // 2
        if prompt is not None and room < 1:
            return None  # the prompt alone is too long
        return (min(room, cap - 1), False) if room >= 1 and cap > LEAST else None
    stated = [number for number in _numbers(words) if LEAST <= number < cap]
    lower = max(stated, default=cap // 2)
    return (lower, True) if lower >= LEAST else None


def _numbers(words: str) -> Iterator[int]:
    return (_int(found) for found in _NUMBER.findall(words))


def _int(text: str) -> int:
    return int(text.replace(",", "").replace("_", ""))
