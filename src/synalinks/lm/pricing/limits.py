"""Output limits: how many tokens an answer of a model can have, published or learnt from a server's refusal.

A refusal may also state the context window, which prompt and answer share.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from synalinks.lm.core.errors import CONTEXT_LENGTH, LMError
from synalinks.lm.pricing.table import price_table

#: Published limits; `scripts/make_limits.py` makes the file, and its head says from what data.
FILE = Path(__file__).with_name("limits.json")
#: Statuses of a request that the server finds wrong; that it has no credit for (402), or no tokens a minute (413, 429).
_WRONG, _SHORT_OF = frozenset({400, 413, 422}), frozenset({402, 413, 429})
#: Words by which servers say that it is the limit on the answer that they refuse.
_LIMIT_WORDS = re.compile(
    r"max(?:imum)?[_ ]?(?:completion_?|output_?|new_?)?tokens|num_predict|completion|output tokens|generation length",
    re.I,
)
#: Forms in which servers say how long prompt and answer can be together, and how long this prompt is.
_CONTEXT = re.compile(
    r"(?:context (?:length|window|size)\D{0,20}|`max_new_tokens` must be <= |sequence length is \D{0,8})(\d[\d,_]*)",
    re.I,
)
_PROMPT = re.compile(
    r"(\d[\d,_]*)(?: tokens)? "
    r"(?:in the messages|(?:in|from) (?:the input|your prompt|the prompt)|`?inputs?`? tokens|of text input)"
    r"|prompt is (\d[\d,_]*) tokens",
    re.I,
)
#: Words of a refusal of a limit that is too low, or of one on something else.
_TOO_LOW = re.compile(r"below minimum|at least|greater than|higher max_tokens|non-empty", re.I)
#: The same as a sum, of prompt and answer over both.
_SUM = re.compile(r"(\d[\d,_]*) \+ \d[\d,_]* > (\d[\d,_]*)")
#: Words by which a server says that one request has more tokens than an account has a minute, or can pay for.
_A_MINUTE = re.compile(r"tokens per min\D{0,20}Limit (\d[\d,_]*), Requested (\d[\d,_]*)", re.I)
_AFFORDABLE = re.compile(r"max_tokens\b.*\bcan only afford (\d[\d,_]*)", re.I | re.S)
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


class Refused(NamedTuple):
    """What the refusal of a cap says.

    Attributes:
        cap: one that may be accepted.
        of_model: whether it holds for the model, whatever the prompt.
        context: tokens that prompt and answer can have together; None if not stated.
        prompt: tokens of this prompt; None if not stated.
    """

    cap: int
    of_model: bool
    context: int | None = None
    prompt: int | None = None


class OutputLimits:
    """The most tokens that an answer of each model can have, and answer and prompt together.

    Example:
        >>> from synalinks.lm.pricing.limits import OutputLimits
        >>> limits = OutputLimits()
        >>> limits.of("openai/gpt-4o"), limits.of("ollama/any")
        (16384, None)
        >>> limits.learn("ollama/any", 2048)
        >>> limits.of("ollama/any")
        2048
        >>> limits.learn_context("ollama/any", 4096, share=0.25)
        >>> limits.room("ollama/any", 4000)
        3096
    """

    def __init__(self) -> None:
        self._learnt: dict[str, int] = {}
        self._contexts: dict[str, tuple[int, float | None]] = {}

    def of(self, model: str) -> int | None:
        """The limit of a model: learnt, else published, else None."""
        return self._learnt.get(model) or _published()[0].get(_row_of(model))

    def learn(self, model: str, limit: int) -> None:
        """Note the limit that a server stated or accepted."""
        self._learnt[model] = limit

    def context(self, model: str) -> int | None:
        """Tokens that prompt and answer can have together, as a server stated; None if none did."""
        known = self._contexts.get(model)
        return None if known is None else known[0]

    def learn_context(self, model: str, context: int, share: float | None) -> None:
        """Note the context window that a server stated.

        Args:
            share: the tokens of the refused prompt, as a share of their bound; None if not stated.
        """
        before = self._contexts.get(model)
        if before is not None and before[0] == context and before[1] is not None:
            share = max(before[1], share or 0.0)
        self._contexts[model] = (context, share)

    def room(self, model: str, prompt: int, share: float | None = None) -> int | None:
        """Tokens that the context window probably leaves for an answer; None where too little is known.

        Args:
            prompt: bound of the prompt's tokens.
            share: what such prompts rarely take more of.
        """
        context, stated = self._contexts.get(model, (None, None))
        if context is None or (stated is None and share is None):
            return None
        return max(LEAST, context - math.ceil(prompt * max(stated or 0.0, share or 0.0)))


def is_reasoning_model(model: str) -> bool:
    """Whether a model is listed as one that reasons before it answers, which takes tokens of the answer."""
    return _row_of(model) in _published()[1]


def lower_cap(error: LMError, cap: int) -> Refused | None:
    """A cap on the answer's tokens that may be accepted where `cap` was refused, and what else the refusal says. None
    where it is about something else. Where no number is stated the cap is half of what it was.

    Example:
        >>> from synalinks.lm.core.errors import LMError
        >>> from synalinks.lm.pricing.limits import lower_cap
        >>> words = "max_tokens is too large: 16384. This model supports at most 4096 completion tokens"
        >>> lower_cap(LMError(words, status=400), 16384)
        Refused(cap=4096, of_model=True, context=None, prompt=None)
    """
    words = str(error)
    if error.reply is not None or error.uncertain:
        return None
    if error.status in _SHORT_OF and (found := _short_of(words, cap)) is not None:
        return found
    if error.status not in _WRONG or not _LIMIT_WORDS.search(words) or _TOO_LOW.search(words):
        return None
    context, prompt = _context_of(words)
    if context is not None:
        room = context - prompt if prompt is not None else cap // 2
        if prompt is not None and room < 1:
            return None  # the prompt alone is too long
        return Refused(min(room, cap - 1), False, context, prompt) if room >= 1 and cap > LEAST else None
    stated = [number for number in _numbers(words) if LEAST <= number < cap]
    lower = max(stated, default=cap // 2)
    return Refused(lower, error.kind != CONTEXT_LENGTH) if lower >= LEAST else None


def _short_of(words: str, cap: int) -> Refused | None:
    """A cap with which one request has no more tokens than the account has a minute, or can pay for."""
    if (paid := _AFFORDABLE.search(words)) is not None:
        affordable = _int(paid[1])
        return Refused(affordable, False) if LEAST <= affordable < cap else None
    if (minute := _A_MINUTE.search(words)) is None:
        return None
    limit, asked = _int(minute[1]), _int(minute[2])
    prompt, room = asked - cap, cap - (asked - limit)
    return Refused(room, False, limit, max(0, prompt)) if LEAST <= room < cap else None


def _context_of(words: str) -> tuple[int | None, int | None]:
    """The context window and the tokens of the prompt, as far as they are stated."""
    if (total := _SUM.search(words)) is not None:
        return _int(total[2]), _int(total[1])
    context, prompt = _CONTEXT.search(words), _PROMPT.search(words)
    return (None if context is None else _int(context[1])), (None if prompt is None else _int(prompt[1] or prompt[2]))


def _numbers(words: str) -> Iterator[int]:
    return (_int(found) for found in _NUMBER.findall(words))


def _int(text: str) -> int:
    return int(text.replace(",", "").replace("_", ""))
