"""Precision, recall and F-beta over the words of texts."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

from synalinks._json import JsonObject
from synalinks.errors import ConfigurationError
from synalinks.metrics.classification.counts import Tally, ratio
from synalinks.rewards.leaves import paired

#: Words and signs that don't count, as in SQuAD's evaluation script (Rajpurkar et al., 2016, section 5), plus
#: `of` and `is`, which existing programs rely on.
STOP_WORDS = frozenset({"a", "an", "the", "of", "is"})
#: Signs that don't count: punctuation, typographic quotes and dashes among it.
_SIGNS = string.punctuation + "\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u2014\u2026\u00a1\u00bf"
_NO_SIGNS = str.maketrans("", "", _SIGNS)
#: Minus, hyphens and the en dash, which are one sign.
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"))
#: Signs around a word with digits that don't count; the others change what it says.
_BEFORE = "".join(sign for sign in _SIGNS if sign not in "-+.<>=~#")
_BEHIND = "".join(sign for sign in _SIGNS if sign != "+")
_AROUND = "".join(sign for sign in _SIGNS if sign not in "+#-")
_DIGIT = re.compile(r"\d")
#: Signs within one: of a currency, a plus, between thousands, and between letters and digits (F-16).
_CURRENCY = re.compile(r"^(-?)\+?[$\u00a3\u20ac]?")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_JOINT = re.compile(r"(?<!\de)(?<=[^\W\d])['-](?=\d)|(?<=\d)['-](?=[^\W\d])")
#: Signs in brackets or quotes, or before a comma.
_WRAPPED = re.compile(r"^[(\[\"'\u2018\u201c\u00ab]+(.+?)[)\]\"'\u2019\u201d\u00bb.,;]+$|^(.+?)[.,;]+$")
#: A number that begins with its point.
_POINT = re.compile(r"^(-?)\.(?=\d)")
#: Names that end in a sign: C++, C#, the grade A-.
_SIGNED_NAME = re.compile(r"[^\W\d]{1,2}(?:\+\+?|#|-)")


def words(text: str) -> list[str]:
    """A text's words, lower case, without punctuation and stop words.

    The signs of a number, of a fraction, date or comparison, and of a name such as C++ stay: -5 is not 5, 1.5 is not
    15, and 3/4 is not 34. A text of nothing but stop words or signs, such as the answer "A" or "+", keeps them.

    Example:
        >>> from synalinks.metrics.classification.f_score import words
        >>> words("The U.S. has -1,500.0 of C++!"), words("+")
        (['us', 'has', '-1500.0', 'c++'], ['+'])
    """
    found = text.lower().translate(_DASHES).split()
    kept = [word for word in found if word not in STOP_WORDS] or found
    return [word for word in map(_plain, kept) if word] or [_WRAPPED.sub(r"\1\2", word) for word in kept]


def _plain(word: str) -> str:
    """A word without the signs that don't count."""
    if _SIGNED_NAME.fullmatch(name := word.strip(_AROUND)):
        return name
    if _DIGIT.search(word) is None:
        return word.translate(_NO_SIGNS)
    word = _CURRENCY.sub(r"\1", word.lstrip(_BEFORE.replace("$", "")).rstrip(_BEHIND))
    word = _JOINT.sub("", _THOUSANDS.sub(lambda found: found[0].replace(",", ""), word))
    return _POINT.sub(r"\g<1>0.", word)


def text_of(leaf: object) -> str:
    """A leaf as text; one that is missing is empty."""
    return "" if leaf is None else str(leaf)


class FBetaScore(Tally, name="fbeta_score"):
    """The F-beta score over the words of each field: (1 + b^2) P R / (b^2 P + R), in [0, 1].

    Precision and recall are taken over multisets of words, per field, summed over samples.

    Args:
        average: over the fields; see `Tally`.
        beta: weight of recall against precision.
        name, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Metric`.

    Source: van Rijsbergen, Information Retrieval, 1979, chapter 7.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> metric = synalinks.metrics.FBetaScore(beta=2.0)
        >>> asyncio.run(metric.update_state(Answer(answer='the red fox'), Answer(answer='red fox')))
        >>> round(metric.result(), 3)
        1.0
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        name: str | None = None,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        if beta <= 0:
            raise ConfigurationError(f"{type(self).__name__}(beta={beta!r}): beta must be above 0")
        self.beta = beta
        super().__init__(average, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Count the words of one prediction against its target, field by field."""
        for path, theirs, ours in paired(y_true, y_pred):
            predicted, wanted = Counter(words(text_of(ours))), Counter(words(text_of(theirs)))
            self.count(path, *(count.total() for count in (predicted & wanted, predicted, wanted)))

    def score(self, *counts: int) -> float:
        """The score of what is in both, in predictions and in targets; 0 where nothing was predicted or wanted."""
        both, predicted, wanted = counts
        square = self.beta**2
        return (1 + square) * both / divisor if (divisor := square * wanted + predicted) else 0.0

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {"beta": self.beta, **super().get_config()}


class WithoutBeta:
    """Leaves beta out of a config: what is fixed is no argument."""

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        config: JsonObject = super().get_config()  # type: ignore[misc]
        return {name: value for name, value in config.items() if name != "beta"}


class OfPredicted:
    """Precision as the score of an F-beta tally."""

    def score(self, *counts: int) -> float:
        """What is in both, of what is in predictions."""
        return ratio(counts[0], counts[1])


class OfWanted:
    """Recall as the score of an F-beta tally."""

    def score(self, *counts: int) -> float:
        """What is in both, of what is in targets."""
        return ratio(counts[0], counts[2])


class F1Score(WithoutBeta, FBetaScore):
    """The F-beta score with beta 1: the harmonic mean of precision and recall over words.

    Args: see `FBetaScore`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> metric = synalinks.metrics.F1Score()
        >>> asyncio.run(metric.update_state(Answer(answer='the red fox'), Answer(answer='red fox')))
        >>> metric.result()
        1.0
    """

    def __init__(
        self,
        average: str | None = None,
        name: str | None = None,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        super().__init__(average, 1.0, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)


class Precision(OfPredicted, F1Score):
    """The share of the words of predictions that are in the targets.

    Args: see `F1Score`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> metric = synalinks.metrics.Precision()
        >>> asyncio.run(metric.update_state(Answer(answer='the red fox'), Answer(answer='red fox')))
        >>> metric.result()
        1.0
    """


class Recall(OfWanted, F1Score):
    """The share of the words of targets that are in the predictions.

    Args: see `F1Score`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> metric = synalinks.metrics.Recall()
        >>> asyncio.run(metric.update_state(Answer(answer='one two three four'), Answer(answer='one two')))
        >>> metric.result()
        0.5
    """
