"""Probabilities of the values that a field of a JSON answer may have, from the log-probabilities of its tokens."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from synalinks import _json
from synalinks._json import Json
from synalinks.lm.core.reply import Reply

#: Characters with which a number, a true or a false goes on.
_GOES_ON = re.compile(r"[\w.+-]")


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token of an answer, with its log-probability and those of the most probable other tokens in its place."""

    text: str
    logprob: float
    others: Mapping[str, float] = field(default_factory=dict)


def token_logprobs(reply: Reply) -> tuple[TokenLogprob, ...]:
    """The tokens of an answer, where the provider gave their log-probabilities; else none.

    OpenAI's chat completions have them as `{"content": [...]}`, Ollama as a list; an element is `{"token", "logprob",
    "top_logprobs": [{"token", "logprob"}]}` in both.
    """
    found = (reply.extra or {}).get("logprobs")
    tokens = found.get("content") if isinstance(found, Mapping) else found
    try:
        return tuple(_token(one) for one in tokens or ())
    except (KeyError, TypeError, AttributeError, ValueError):  # of a server with a form of its own
        return ()


def _token(said: Mapping[str, Json]) -> TokenLogprob:
    text = str(said["token"])
    others = {str(other["token"]): float(other["logprob"]) for other in said.get("top_logprobs") or ()}
    others.pop(text, None)
    return TokenLogprob(text, float(said["logprob"]), others)


def value_probabilities(tokens: Sequence[TokenLogprob], name: str, values: Sequence[Json]) -> list[float] | None:
    """The probability of each value that a field of a JSON answer may have, given that it is one of them.

    The tokens of the field are read one after another. A token that might have been in the place of one of them counts
    for the values that begin with it, in equal shares, with the probability of the tokens before it.

    Args:
        tokens: of the whole answer.
        name: of the field; its last occurrence counts.
        values: strings, numbers or Booleans, each once.

    Returns:
        As many as there are values, 1 in sum; None if the tokens do not say.
    """
    text = "".join(token.text for token in tokens)
    starts = [match.end() for match in re.finditer(re.escape(_json.dumps(name)) + r"\s*:\s*", text)]
    if not starts:
        return None
    written = [_json.dumps(value) for value in values]
    found = [0.0] * len(values)
    before, so_far = 1.0, ""
    fitting: list[int] = []
    for piece, token, skipped in _from(starts[-1], tokens):
        for other, logprob in token.others.items():
            if other[:skipped] == token.text[:skipped]:
                beginning = _fitting(so_far + other[skipped:], written)
                if len(beginning) < len(values):  # else it says nothing
                    for index in beginning:
                        found[index] += before * math.exp(logprob) / len(beginning)
        before *= math.exp(token.logprob)
        so_far += piece
        fitting = _fitting(so_far, written)
        if not fitting:
            return None
        if len(fitting) == 1:
            break
    for index in fitting if len(fitting) == 1 else (i for i in fitting if written[i] == so_far.strip()):
        found[index] += before
    total = sum(found)
    return [one / total for one in found] if total > 0 else None


def _from(start: int, tokens: Sequence[TokenLogprob]) -> Iterator[tuple[str, TokenLogprob, int]]:
    """The tokens behind a place in the text: of each the text behind it, the token, and the characters before it."""
    position = 0
    for token in tokens:
        skipped = max(0, start - position)
        position += len(token.text)
        if position > start:
            yield token.text[skipped:], token, skipped


def _fitting(beginning: str, written: Sequence[str]) -> list[int]:
    """Indices of the values that may be written by a text that begins so."""
    beginning = beginning.lstrip()
    return [index for index, value in enumerate(written) if _fits(beginning, value)]


def _fits(beginning: str, value: str) -> bool:
    if len(beginning) <= len(value):
        return value.startswith(beginning)
    ended = value.endswith('"') or not _GOES_ON.match(beginning[len(value)])
    return ended and beginning.startswith(value)
