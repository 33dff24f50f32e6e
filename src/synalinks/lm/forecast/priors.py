"""What calls already answered teach about models: how long answers are, how prompts are counted, what is known.

Priors come from a ledger (lengths; no prompts, so counting is learnt where a prompt comes again), from a cassette
(everything), and from the disk cache (as from a ledger). Nothing is asked, and nothing is written.
"""

from __future__ import annotations

import sqlite3
from bisect import insort
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synalinks.lm.cache.layer import decode
from synalinks.lm.cache.store import DATABASE
from synalinks.lm.cassette.file import CassetteFile
from synalinks.lm.cassette.texts import vectors_of
from synalinks.lm.core.call import Call, Reply, Request, Usage
from synalinks.lm.forecast.token_count import count_prompt
from synalinks.lm.ledger.ledger import Ledger
from synalinks.scope import Scope

if TYPE_CHECKING:
    from synalinks.lm.cassette.session import Cassette

#: Answers read of one source, the newest; lengths kept of a model and module; pairs kept to learn counting from.
MOST_READ, MOST_LENGTHS, MOST_PAIRS = 20_000, 4_096, 2_048
#: The relative error of a prompt's learnt length that is assumed at the least.
LEAST_ERROR = 0.03
#: What calls of a length learnt from are said to lie between: percentiles.
SHORT, LONG = 0.10, 0.95


@dataclass
class Counting:
    """How a model counts prompts: tokens = fixed + each * (what `count_prompt` says), by least squares."""

    pairs: list[tuple[int, int]] = field(default_factory=list)
    _size: int = 0
    _fitted: tuple[float, float, float] = (0.0, 1.0, 0.0)

    def learn(self, counted: int, actual: int) -> None:
        """Take in a prompt of known length."""
        if counted > 0 and actual > 0 and len(self.pairs) < MOST_PAIRS:
            self.pairs.append((counted, actual))

    def fit(self) -> tuple[float, float, float]:
        """(fixed, each, relative error that 95 of 100 prompts stay below)."""
        if self._size != len(self.pairs):
            fixed, each = _line(self.pairs)
            errors = sorted(abs(actual / max(1.0, fixed + each * counted) - 1) for counted, actual in self.pairs)
            self._size, self._fitted = len(self.pairs), (fixed, each, max(LEAST_ERROR, quantile(errors, LONG)))
        return self._fitted


def _line(pairs: list[tuple[int, int]]) -> tuple[float, float]:
    """A line through the pairs with a slope and an offset that make sense; else a plain ratio."""
    count = len(pairs)
    mean_x = sum(x for x, _ in pairs) / count
    mean_y = sum(y for _, y in pairs) / count
    spread = sum((x - mean_x) ** 2 for x, _ in pairs)
    if spread > 0 and count > 2:
        each = sum((x - mean_x) * (y - mean_y) for x, y in pairs) / spread
        if each > 0 and (fixed := mean_y - each * mean_x) >= 0:
            return fixed, each
    return 0.0, mean_y / mean_x


@dataclass
class Conduct:
    """How a model behaves: calls, attempts, tokens of answers and of failed attempts, seconds of the provider."""

    calls: int = 0
    attempts: int = 0
    tokens: int = 0
    wasted: int = 0
    timed: int = 0
    seconds: float = 0.0


class Priors:
    """What is known of models; grows with `learn_*`.

    Attributes:
        kept: answers that the cache and the open cassette hold, by model, phase and module.
        dimensions: how many numbers a model's vectors have.
    """

    def __init__(self) -> None:
        self.kept: Counter[tuple[str, str | None, str | None]] = Counter()
        self.dimensions: dict[str, int] = {}
        self._outputs: dict[tuple[str, str | None], list[int]] = {}
        self._prompts: dict[str, int] = {}
        self._counting: dict[str, Counting] = {}
        self._conduct: dict[str, Conduct] = {}

    @classmethod
    def of(cls, *sources: Ledger | Cassette | str | Path) -> Priors:
        """What ledgers, open cassettes and cassettes by their path teach.

        Raises:
            CassetteFormatError: a path that is no cassette. CassetteError: nothing is there.
        """
        priors = cls()
        for source in sources:
            if isinstance(source, Ledger):
                priors.add_ledger(source)
            elif isinstance(source, (str, Path)):
                priors.add_cassette(source)
            else:
                priors.add_rows(row.value for row in source.rows())
        return priors

    # --- learning ------------------------------------------------------------------------------------------

    def add_ledger(self, ledger: Ledger) -> None:
        """From calls made, synthetic ones left out."""
        for entry in list(ledger._entries)[-MOST_READ:]:  # in any order
            if entry.error is None and not is_synthetic(entry.usage):
                self._learn(entry.model, entry.scope, entry.kind, entry.usage)
                if entry.usage.input_tokens is not None:
                    self._prompts[entry.digest] = entry.usage.input_tokens
            if entry.source == "live" and not is_synthetic(entry.usage):
                self._behave(entry.model, entry.attempts, entry.usage, entry.wasted_tokens, entry.seconds)

    def add_cassette(self, path: str | Path) -> None:
        """From a cassette that is not open, which is only read; a run without it will have to ask for its answers.

        Raises:
            CassetteFormatError: the file is no cassette. CassetteError: it is not there.
        """
        cassette = CassetteFile(Path(path))
        try:
            self.add_rows((row.value for row in cassette.rows()), kept=False)
        finally:
            cassette.close()

    def add_rows(self, rows: Iterable[Any], kept: bool = True) -> None:
        """From the rows of a cassette, as JSON; whether the run to come has their answers says `kept`."""
        for row in list(rows)[-MOST_READ:]:
            if "reply" not in row:
                continue
            request, reply = Request.from_dict(row["request"]), Reply.from_dict(row["reply"], "cassette")
            scope, usage = Scope(**row["scope"]), reply.usage
            if is_synthetic(usage):
                continue
            self._learn(request.model, scope, request.kind, usage)
            self._behave(request.model, reply.attempts, usage, reply.wasted_tokens, reply.seconds)
            if kept:
                self.kept[request.model, scope.phase, scope.module] += 1
            if request.kind == "embed" and (size := len(_first_vector(row["reply"]))):
                self.dimensions[request.model] = size // 4
            if usage.input_tokens is not None:
                self._prompts[row["digest"]] = usage.input_tokens
                self._counts(request.model).learn(count_prompt(request), usage.input_tokens)

    def add_cache(self, directory: Path) -> None:
        """From a folder of the disk cache; lengths only of models and modules that nothing was known about.

        A cache that is not there, damaged or in use teaches nothing.
        """
        path = directory / DATABASE
        if not path.is_file():
            return
        query = "SELECT key, value FROM Cache ORDER BY rowid DESC LIMIT ?"
        known = frozenset(self._outputs)
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=1.0)) as connection:
                rows = connection.execute(query, (MOST_READ,)).fetchall()
        except sqlite3.Error:
            return
        for key, value in rows:
            found = decode(value) if isinstance(value, bytes) else None
            if found is None or not isinstance(key, str):
                continue
            digest, scope, usage = key.partition(" ")[0], found.place[0], found.reply.usage
            self.kept[found.model, scope.phase, scope.module] += 1
            if found.vector:
                self.dimensions.setdefault(found.model, len(found.vector) // 4)
            if usage.input_tokens is not None:
                self._prompts.setdefault(digest, usage.input_tokens)
            if (found.model, scope.module) not in known:
                self._learn(found.model, scope, "embed" if found.vector else "chat", usage)

    def _learn(self, model: str, scope: Scope, kind: str, usage: Usage) -> None:
        length = usage.output_tokens
        if kind == "chat" and length:
            lengths = self._outputs.setdefault((model, scope.module), [])
            if len(lengths) < MOST_LENGTHS:
                insort(lengths, length)

    def _behave(self, model: str, attempts: int, usage: Usage, wasted: int, seconds: float | None) -> None:
        conduct = self._conduct.setdefault(model, Conduct())
        conduct.calls += 1
        conduct.attempts += max(1, attempts)
        conduct.tokens += usage.total_tokens or 0
        conduct.wasted += wasted
        if seconds is not None:
            conduct.timed += 1
            conduct.seconds += seconds

    def _counts(self, model: str) -> Counting:
        return self._counting.setdefault(model, Counting())

    # --- what was learnt -----------------------------------------------------------------------------------

    def lengths(self, model: str, module: str | None) -> list[int]:
        """Lengths of a model's answers to a module, tokens, sorted; empty if none is known."""
        return self._outputs.get((model, module), [])

    def output_tokens(self, call: Call, uniform: float) -> int | None:
        """A length such as this model's answers to this module have had; None if none is known."""
        lengths = self.lengths(call.request.model, call.scope.module)
        return lengths[int(uniform * len(lengths))] if lengths else None

    def input_tokens(self, request: Request) -> int | None:
        """A prompt's length as its model counted it, or counts others; None if neither is known."""
        exact = self._prompts.get(request.digest)
        if exact is not None:
            return exact
        counting = self._counting.get(request.model)
        if counting is None or not counting.pairs:
            return None
        fixed, each, _ = counting.fit()
        return max(1, round(fixed + each * count_prompt(request)))

    def vector_size(self, request: Request) -> int | None:
        """How many numbers this model's vectors have; None if that is not known."""
        return self.dimensions.get(request.model)

    def meet(self, requests: Iterable[Request]) -> bool:
        """Learn counting from prompts whose length a ledger or the cache has told, now that their text is at hand.

        Returns:
            Whether that taught something about a model of which nothing was known.
        """
        before = {model for model, counting in self._counting.items() if counting.pairs}
        for request in {request.digest: request for request in requests}.values():
            if request.model not in before and (exact := self._prompts.get(request.digest)) is not None:
                self._counts(request.model).learn(count_prompt(request), exact)
        return any(model not in before and counting.pairs for model, counting in self._counting.items())

    def counting_error(self, model: str) -> float | None:
        """The relative error of learnt lengths of prompts; None if nothing was learnt."""
        counting = self._counting.get(model)
        return counting.fit()[2] if counting is not None and counting.pairs else None

    def waste(self, model: str) -> float | None:
        """Tokens of failed attempts for each token of an answer; None if nothing is known."""
        conduct = self._conduct.get(model)
        return conduct.wasted / conduct.tokens if conduct is not None and conduct.tokens else None

    def seconds(self, model: str) -> float | None:
        """How long the provider works on an answer, on the average; None if nothing is known."""
        conduct = self._conduct.get(model)
        return conduct.seconds / conduct.timed if conduct is not None and conduct.timed else None

    def __bool__(self) -> bool:
        return bool(self._outputs or self._prompts)


def _first_vector(reply: Any) -> bytes:
    """The first vector in a cassette's row of embeddings; empty if there is none."""
    try:
        return next(iter(vectors_of(reply)), b"")
    except (KeyError, TypeError, ValueError):
        return b""


def is_synthetic(usage: Usage) -> bool:
    """Whether an answer was invented."""
    return bool(usage.raw and usage.raw.get("synthetic"))


def quantile(ordered: list[Any], share: float) -> Any:
    """The value that `share` of a sorted list's values don't exceed; of an empty one 0."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0
