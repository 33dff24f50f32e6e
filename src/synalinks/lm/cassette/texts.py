"""Embeddings on a cassette, text by text: vectors, shares of the bill, and replies made of several rows."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any

from synalinks.lm.cassette.file import CassetteFile
from synalinks.lm.cassette.rows import Row
from synalinks.lm.core.amount import NO_COSTS, NOTHING, AttemptCosts
from synalinks.lm.core.call import NO_USAGE, ZERO, Reply, Usage
from synalinks.lm.core.shares import apportion, apportion_costs, apportion_money, sum_money, weights_of


def embedding_to_dict(texts: Sequence[str], reply: Reply) -> dict[str, Any]:
    """An embedding reply as JSON: vectors as base64 of their float32 bytes, and each text's share of tokens
    and cost, by its length in UTF-8."""
    weights, tokens = weights_of(texts), reply.usage.input_tokens
    value = reply.to_dict()
    value["vectors"] = [base64.b64encode(vector).decode() for vector in reply.vectors]
    value["tokens"] = None if tokens is None else apportion(tokens, weights)
    value["costs"] = [_plain(cost) for cost in apportion_money(reply.cost, weights)]
    return value


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}".rstrip("0").rstrip(".")


def vectors_of(value: Mapping[str, Any]) -> tuple[bytes, ...]:
    """The vectors of an embedding row's reply: little-endian float32 bytes, one per text of the row."""
    return tuple(base64.b64decode(vector) for vector in value["vectors"])


class Parts:
    """The bill of texts of several rows, each row bringing its share, and their vectors."""

    def __init__(self) -> None:
        self.vectors: dict[str, bytes] = {}
        self.settled = NOTHING
        self._tokens: list[int | None] = []
        self._costs: list[Decimal | None] = []
        self._failed = NO_COSTS
        self._attempts = 0
        self._models: list[str | None] = []

    def add(self, row: Row, used: Sequence[int], attempts: bool) -> None:
        """Take the texts at positions `used` of a row, and with `attempts` the attempts that its batch took."""
        texts, value = row.request.texts, row.value["reply"]
        reply, weights = Reply.from_dict(value, "cassette"), weights_of(texts)
        failed = apportion_costs(reply.failed, weights)
        for index in used:
            self.vectors[texts[index]] = base64.b64decode(value["vectors"][index])
            self._tokens.append(None if value["tokens"] is None else value["tokens"][index])
            cost = value["costs"][index]
            self._costs.append(None if cost is None else Decimal(cost))
            self._failed += failed[index]
        self._models.append(reply.model)
        if attempts:
            self._attempts += reply.attempts
            self._failed += AttemptCosts(uncertain=reply.failed.uncertain)
            self.settled += row.settled

    def reply(self, texts: Sequence[str]) -> Reply:
        """The reply for `texts`, an empty vector for each that was not added; a sum with an unknown part is unknown."""
        tokens = [count for count in self._tokens if count is not None]
        return Reply(
            vectors=tuple(self.vectors.get(text, b"") for text in texts),
            usage=Usage(input_fresh=sum(tokens)) if len(tokens) == len(self._tokens) else NO_USAGE,
            cost=sum_money(self._costs),
            billed=ZERO,
            source="cassette",
            model=next((model for model in self._models if model is not None), None),
            attempts=self._attempts,
            failed=self._failed,
        )


class TextIndex:
    """Where on a cassette each text's vector is. Made at the first embedding call."""

    def __init__(self, cassette: CassetteFile) -> None:
        self._file = cassette
        self._spots: dict[str, dict[bytes, tuple[int, int]]] | None = None

    def of(self, base: str) -> dict[bytes, tuple[int, int]]:
        """Row, and position in it, by `key_of(text)`, for requests that differ in texts only.

        `base` is the digest of the request without texts. Base and text together say the same as the digest
        of the request for that text alone, at a tenth of the time.
        """
        if self._spots is None:
            self._spots = {}
            for index in self._file.embeds:
                row = self._file.row(index)
                if not row.failed:
                    self.add(row.request.with_texts(()).digest, row.request.texts, index)
        return self._spots.setdefault(base, {})

    def add(self, base: str, texts: Sequence[str], index: int) -> None:
        """Note a row's texts; one that stands in an earlier row stays there."""
        spots = self.of(base)
        for position, text in enumerate(texts):
            spots.setdefault(key_of(text), (index, position))


class TakenTexts:
    """Which texts of which rows a run has had, so that each is counted once."""

    def __init__(self) -> None:
        self._positions: dict[int, set[int]] = {}

    def take(self, index: int, positions: Iterable[int]) -> tuple[list[int], bool]:
        """Which of these texts of a row are new to the run, now noted, and whether the whole row is."""
        had = self._positions.setdefault(index, set())
        first, new = not had, [position for position in positions if position not in had]
        had.update(new)
        return new, first


def key_of(text: str) -> bytes:
    """What a text is found by."""
    return sha256(text.encode(errors="surrogatepass")).digest()
