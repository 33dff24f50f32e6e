"""Embeddings on a cassette, text by text: vectors, shares of the bill, and replies made of several rows."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from typing import Any

from synalinks.lm.cassette.file import CassetteFile
from synalinks.lm.core.call import NOTHING_FRESH, ZERO, Reply, Request, Usage

#: A share of a cost is a whole number of units this many decimal places finer than the cost itself.
_FINER = 6


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """`total` split in proportion to `weights`, in whole numbers that sum to it exactly.

    Largest remainder (Hamilton's method); of equal remainders the first in order wins.
    """
    if not sum(weights):
        weights = [1] * len(weights)
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return shares


def apportion_money(total: Decimal | None, weights: Sequence[int]) -> list[Decimal | None]:
    """Dollars split in proportion to `weights`, summing exactly; of an unknown sum all shares are unknown."""
    if total is None:
        return [None] * len(weights)
    _, digits, exponent = total.as_tuple()
    places = max(0, -int(exponent)) + _FINER
    units = int("".join(map(str, digits))) * 10 ** (int(exponent) + places)
    return [Decimal(f"{share}E-{places}") for share in apportion(units, weights)]


def _weights(texts: Sequence[str]) -> list[int]:
    return [len(text.encode(errors="surrogatepass")) for text in texts]


def embedding_to_dict(texts: Sequence[str], reply: Reply) -> dict[str, Any]:
    """An embedding reply as JSON: vectors as base64 of their float32 bytes, and each text's share of tokens
    and cost, by its length in UTF-8."""
    weights, tokens = _weights(texts), reply.usage.input_tokens
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
    """An embedding reply put together from texts of several rows, each bringing its share of the bill."""

    def __init__(self) -> None:
        self._vectors: dict[str, bytes] = {}
        self._tokens: list[int | None] = []
        self._costs: list[Decimal | None] = []
        self._wasted: list[Decimal | None] = []
        self._wasted_tokens = 0
        self._attempts = 1
        self._model: str | None = None

    def add(self, row: Mapping[str, Any], used: Sequence[int]) -> None:
        """Take the texts at positions `used` of a row."""
        texts, value = row["request"]["texts"], row["reply"]
        reply, weights = Reply.from_dict(value, "cassette"), _weights(texts)
        wasted = apportion_money(reply.wasted, weights)
        wasted_tokens = apportion(reply.wasted_tokens, weights)
        for index in used:
            self._vectors[texts[index]] = base64.b64decode(value["vectors"][index])
            self._tokens.append(None if value["tokens"] is None else value["tokens"][index])
            cost = value["costs"][index]
            self._costs.append(None if cost is None else Decimal(cost))
            self._wasted.append(wasted[index])
            self._wasted_tokens += wasted_tokens[index]
        self._attempts = max(self._attempts, reply.attempts)
        self._model = self._model or reply.model

    def reply(self, texts: Sequence[str]) -> Reply:
        """The reply for `texts`, all of which must have been added; a sum with an unknown part is unknown."""
        tokens = [count for count in self._tokens if count is not None]
        usage = Usage(input_fresh=sum(tokens)) if len(tokens) == len(self._tokens) else Usage()
        return Reply(
            vectors=tuple(self._vectors[text] for text in texts),
            usage=usage,
            cost=_sum(self._costs),
            billed=ZERO,
            source="cassette",
            model=self._model,
            attempts=self._attempts,
            wasted=_sum(self._wasted),
            wasted_tokens=self._wasted_tokens,
        )


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, ZERO) if len(known) == len(amounts) else None


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


class Had:
    """Which texts of which rows a run has had, so that each is counted once."""

    def __init__(self) -> None:
        self._positions: dict[int, set[int]] = {}

    def all_of(self, used: Mapping[int, Sequence[int]]) -> bool:
        """Whether the run has had all texts at these positions of these rows."""
        return all(index in self._positions and self._positions[index].issuperset(used[index]) for index in used)

    def take(self, index: int, count: int) -> None:
        """Note all texts of a row."""
        self._positions[index] = set(range(count))

    def fresh(self, used: Mapping[int, Sequence[int]], rows: Mapping[int, Mapping[str, Any]]) -> Reply | None:
        """The bill of what is new to the run at these positions, now noted; None for the whole of one row.

        The attempts are those of the rows of which the run had nothing.
        """
        if len(used) == 1:
            ((index, positions),) = used.items()
            count = len(rows[index]["request"]["texts"])
            if len(positions) == count and not self._positions.get(index):
                self.take(index, count)
                return None
        parts, attempts, texts = Parts(), 0, 0
        for index, positions in used.items():
            had = self._positions.setdefault(index, set())
            if not had:
                attempts += rows[index]["reply"].get("attempts", 1)
            if new := [position for position in positions if position not in had]:
                parts.add(rows[index], new)
                texts += len(new)
            had.update(positions)
        return replace(parts.reply(()), attempts=attempts) if texts else NOTHING_FRESH


def key_of(text: str) -> bytes:
    """What a text is found by."""
    return sha256(text.encode(errors="surrogatepass")).digest()


def spread(reply: Reply, texts: Sequence[str], request: Request) -> Reply:
    """The reply for distinct texts as the reply for the request's, which may repeat some."""
    if len(texts) == len(request.texts):
        return reply
    by_text = dict(zip(texts, reply.vectors, strict=True))
    return replace(reply, vectors=tuple(by_text[text] for text in request.texts))
