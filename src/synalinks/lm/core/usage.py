"""Usage: tokens in disjoint buckets, whatever way a provider counts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any


def _add(counts: Iterable[int | None]) -> int | None:
    total = None
    for count in counts:
        if count is not None:
            total = count if total is None else total + count
    return total


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens in disjoint buckets; None means the provider did not say, which is not 0.

    Providers count inclusively (OpenAI), exclusively (Anthropic) or in a mixture (Gemini); each dialect
    translates to these buckets, and totals are derived from them.

    Example:
        >>> from synalinks.lm import Usage
        >>> usage = Usage(input_fresh=20, input_cache_read=100, output_text=5)
        >>> usage.input_tokens, usage.output_tokens, usage.total_tokens
        (120, 5, 125)

    Attributes:
        input_fresh: prompt tokens read at the full price.
        input_cache_read: prompt tokens the provider had in its cache.
        input_cache_write_5m, input_cache_write_1h: prompt tokens written to the provider's cache.
        input_audio: audio in the prompt.
        output_text: tokens of the visible answer.
        output_reasoning: tokens of thinking, where the provider counts them apart.
        output_audio: audio in the answer.
        raw: what the provider said, as it said it.
    """

    input_fresh: int | None = None
    input_cache_read: int | None = None
    input_cache_write_5m: int | None = None
    input_cache_write_1h: int | None = None
    input_audio: int | None = None
    output_text: int | None = None
    output_reasoning: int | None = None
    output_audio: int | None = None
    raw: Mapping[str, Any] | None = None

    @property
    def input_tokens(self) -> int | None:
        """All prompt tokens, cached ones included; None if no count is known."""
        return _add(
            (
                self.input_fresh,
                self.input_cache_read,
                self.input_cache_write_5m,
                self.input_cache_write_1h,
                self.input_audio,
            )
        )

    @property
    def output_tokens(self) -> int | None:
        """All tokens of the answer, reasoning included; None if no count is known."""
        return _add((self.output_text, self.output_reasoning, self.output_audio))

    @property
    def total_tokens(self) -> int | None:
        """Input and output together; None if neither is known."""
        return _add(_buckets(self))

    def to_dict(self) -> dict[str, Any]:
        """The buckets that are known, and `raw`."""
        return {name: value for name, value in zip(USAGE_FIELDS, _fields(self), strict=True) if value is not None}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Usage:
        """The usage that `to_dict` wrote."""
        return cls(**{name: value[name] for name in USAGE_FIELDS if name in value})


USAGE_BUCKETS = (
    "input_fresh",
    "input_cache_read",
    "input_cache_write_5m",
    "input_cache_write_1h",
    "input_audio",
    "output_text",
    "output_reasoning",
    "output_audio",
)
USAGE_FIELDS = (*USAGE_BUCKETS, "raw")
_buckets = attrgetter(*USAGE_BUCKETS)
_fields = attrgetter(*USAGE_FIELDS)
NO_USAGE = Usage()


def wrong_count(usage: Usage) -> tuple[str, object] | None:
    """Name and value of the first bucket that is no count of tokens; None if all are."""
    for name, count in zip(USAGE_BUCKETS, _buckets(usage), strict=True):
        if count is not None and (type(count) is not int or count < 0):
            return name, count
    return None
