"""Priors: usage statistics of calls already answered: lengths of answers, token counts of prompts, stored answers.

Sources are ledgers (lengths; a ledger has no prompts, so a token count is usable once the same prompt occurs again),
cassettes (all of it) and the disk cache (as a ledger). Sources are only read, and no call is made.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synalinks.lm.cache.contents import holds_nothing, opened
from synalinks.lm.cache.location import Location
from synalinks.lm.cassette.file import CassetteFile
from synalinks.lm.cassette.texts import vectors_of
from synalinks.lm.core.call import Call, Reply, Request, Usage
from synalinks.lm.core.errors import ConfigurationError
from synalinks.lm.core.place import Scope
from synalinks.lm.forecast.token_count import count_prompt
from synalinks.lm.ledger.ledger import Ledger

if TYPE_CHECKING:
    from synalinks.lm.cassette.session import Cassette

#: Limits: the newest answers read of one source; lengths per model and module; pairs of token counts per model.
MOST_READ, MOST_LENGTHS, MOST_PAIRS = 20_000, 4_096, 2_048
#: The smallest relative error of a fitted token count.
LEAST_ERROR = 0.03
#: The percentiles of measured lengths that bound low and high figures.
SHORT: float
LONG: float
SHORT, LONG = 0.10, 0.95


@dataclass
class TokenCountFit:
    """A linear model of a provider's prompt tokens: `tokens = fixed + each * count_prompt(request)`, by least squares.

    Attributes:
        pairs: (tokens by `count_prompt`, tokens by the provider).
    """

    pairs: list[tuple[int, int]] = field(default_factory=list)
    _size: int = 0
    _fitted: tuple[float, float, float] = (0.0, 1.0, 0.0)

    def add(self, counted: int, actual: int) -> None:
        """Add a prompt with both counts."""
        if counted > 0 and actual > 0 and len(self.pairs) < MOST_PAIRS:
            self.pairs.append((counted, actual))

    def fit(self) -> tuple[float, float, float]:
        """(fixed, each, 95th percentile of the relative error)."""
        if self._size != len(self.pairs):
            fixed, each = _line(self.pairs)
            errors = sorted(abs(actual / max(1.0, fixed + each * counted) - 1) for counted, actual in self.pairs)
            self._size, self._fitted = len(self.pairs), (fixed, each, max(LEAST_ERROR, quantile(errors, LONG)))
        return self._fitted


def _line(pairs: list[tuple[int, int]]) -> tuple[float, float]:
    """Offset and slope of the least-squares line if neither is negative, else of the line through the origin."""
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
class AttemptStatistics:
    """Sums over live calls of one model.

    Attributes:
        tokens, failed_tokens: of answers with their prompts, and of failed attempts.
        timed: calls with a known time. seconds: of these.
    """

    calls: int = 0
    attempts: int = 0
    tokens: int = 0
    failed_tokens: int = 0
    timed: int = 0
    seconds: float = 0.0


class Priors:
    """Usage statistics by model, from sources that the `add_*` methods read.

    Attributes:
        stored: number of answers in the cache and the open cassette, by model, phase and module.
        dimensions: length of a model's vectors.

    Example:
        >>> from synalinks.lm import Ledger
        >>> priors = Priors.of(Ledger())
        >>> bool(priors), priors.lengths("ollama/llama3.2", "generator")
        (False, [])
    """

    def __init__(self) -> None:
        self.stored: Counter[tuple[str, str | None, str | None]] = Counter()
        self.dimensions: dict[str, int] = {}
        self._outputs: dict[tuple[str, str | None], list[int]] = {}
        self._prompts: dict[str, int] = {}
        self._counts: dict[str, TokenCountFit] = {}
        self._attempts: dict[str, AttemptStatistics] = {}

    @classmethod
    def of(cls, *sources: Ledger | Cassette | str | Path) -> Priors:
        """The statistics of ledgers, open cassettes and cassettes given by path.

        Raises:
            CassetteFormatError: a file is not a cassette.
            CassetteError: a file does not exist.
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

    # --- sources -------------------------------------------------------------------------------------------

    def add_ledger(self, ledger: Ledger) -> None:
        """Add the calls of a ledger, synthetic ones left out."""
        for entry in ledger.recorded(ledger.mark - MOST_READ):
            if entry.error is None and not is_synthetic(entry.usage):
                self._add_length(entry.model, entry.scope, entry.kind, entry.usage)
                if entry.usage.input_tokens is not None:
                    self._prompts[entry.digest] = entry.usage.input_tokens
            if entry.source == "live" and not is_synthetic(entry.usage):
                self._add_attempts(entry.model, entry.attempts, entry.usage, entry.failed.tokens, entry.seconds)

    def add_cassette(self, path: str | Path) -> None:
        """Add the rows of a cassette file. They do not count as stored: a run without the cassette calls live.

        Raises:
            CassetteFormatError: the file is not a cassette.
            CassetteError: the file does not exist.
        """
        cassette = CassetteFile(Path(path))
        try:
            self.add_rows((row.value for row in cassette.rows()), stored=False)
        finally:
            cassette.close()

    def add_rows(self, rows: Iterable[Any], stored: bool = True) -> None:
        """Add the rows of a cassette, as JSON.

        Args:
            stored: whether the answers count as stored.
        """
        for row in list(rows)[-MOST_READ:]:
            if "reply" not in row:
                continue
            request, reply = Request.from_dict(row["request"]), Reply.from_dict(row["reply"], "cassette")
            scope, usage = Scope(**row["scope"]), reply.usage
            if is_synthetic(usage):
                continue
            self._add_length(request.model, scope, request.kind, usage)
            self._add_attempts(request.model, reply.attempts, usage, reply.failed.tokens, reply.seconds)
            if stored:
                self.stored[request.model, scope.text("phase"), scope.text("module")] += 1
            if request.kind == "embed" and (size := len(_first_vector(row["reply"]))):
                self.dimensions[request.model] = size // 4
            if usage.input_tokens is not None:
                self._prompts[row["digest"]] = usage.input_tokens
                self._fit_of(request.model).add(count_prompt(request), usage.input_tokens)

    def add_cache(self, location: Location) -> None:
        """Add the cache in a folder or at a URL; lengths only for a model and module without statistics so far.

        A cache that is missing, damaged, in use or out of reach adds nothing.
        """
        if holds_nothing(location):
            return
        try:
            with opened(location, writes=False, patience=1.0) as contents:
                items = list(contents.items(MOST_READ))
        except ConfigurationError:
            return
        known = frozenset(self._outputs)
        for key, found in ((item.key, item.entry) for item in items):
            if found is None:
                continue
            digest, scope, usage = key.partition(" ")[0], found.place[0], found.reply.usage
            self.stored[found.model, scope.text("phase"), scope.text("module")] += 1
            if found.vector:
                self.dimensions.setdefault(found.model, len(found.vector) // 4)
            if usage.input_tokens is not None:
                self._prompts.setdefault(digest, usage.input_tokens)
            if (found.model, scope.text("module")) not in known:
                self._add_length(found.model, scope, "embed" if found.vector else "chat", usage)

    def _add_length(self, model: str, scope: Scope, kind: str, usage: Usage) -> None:
        length = usage.output_tokens
        if kind == "chat" and length:
            lengths = self._outputs.setdefault((model, scope.text("module")), [])
            if len(lengths) < MOST_LENGTHS:
                insort(lengths, length)

    def _add_attempts(self, model: str, attempts: int, usage: Usage, failed: int, seconds: float | None) -> None:
        found = self._attempts.setdefault(model, AttemptStatistics())
        found.calls += 1
        found.attempts += max(1, attempts)
        found.tokens += usage.total_tokens or 0
        found.failed_tokens += failed
        if seconds is not None:
            found.timed += 1
            found.seconds += seconds

    def _fit_of(self, model: str) -> TokenCountFit:
        return self._counts.setdefault(model, TokenCountFit())

    # --- statistics ----------------------------------------------------------------------------------------

    def lengths(self, model: str, module: str | None) -> list[int]:
        """Tokens of a model's answers to a module, sorted; empty without statistics."""
        return self._outputs.get((model, module), [])

    def output_tokens(self, call: Call, uniform: float) -> int | None:
        """A length drawn from `lengths`; None without statistics.

        Args:
            uniform: in [0, 1): which of the sorted lengths.
        """
        lengths = self.lengths(call.request.model, call.scope.text("module"))
        return lengths[int(uniform * len(lengths))] if lengths else None

    def input_tokens(self, request: Request) -> int | None:
        """Tokens of a prompt: as counted by the provider before, else by the fit; None without statistics."""
        exact = self._prompts.get(request.digest)
        if exact is not None:
            return exact
        fit = self._counts.get(request.model)
        if fit is None or not fit.pairs:
            return None
        fixed, each, _ = fit.fit()
        return max(1, round(fixed + each * count_prompt(request)))

    def vector_size(self, request: Request) -> int | None:
        """Length of the model's vectors; None if unknown."""
        return self.dimensions.get(request.model)

    def calibrate(self, requests: Iterable[Request]) -> bool:
        """Fit token counts on prompts whose length a ledger or the cache has, now that their text is available.

        Returns:
            Whether a model without a fit has one now.
        """
        before = {model for model, fit in self._counts.items() if fit.pairs}
        for request in {request.digest: request for request in requests}.values():
            if request.model not in before and (exact := self._prompts.get(request.digest)) is not None:
                self._fit_of(request.model).add(count_prompt(request), exact)
        return any(model not in before and fit.pairs for model, fit in self._counts.items())

    def counting_error(self, model: str) -> float | None:
        """The relative error of fitted token counts; None without a fit."""
        fit = self._counts.get(model)
        return fit.fit()[2] if fit is not None and fit.pairs else None

    def failed(self, model: str) -> float | None:
        """Tokens of failed attempts per token of an answered one; None without statistics."""
        found = self._attempts.get(model)
        return found.failed_tokens / found.tokens if found is not None and found.tokens else None

    def seconds(self, model: str) -> float | None:
        """Mean seconds of the provider per answer; None without statistics."""
        found = self._attempts.get(model)
        return found.seconds / found.timed if found is not None and found.timed else None

    def __bool__(self) -> bool:
        return bool(self._outputs or self._prompts)


def _first_vector(reply: Any) -> bytes:
    """The first vector of a cassette's row; empty without one."""
    try:
        return next(iter(vectors_of(reply)), b"")
    except (KeyError, TypeError, ValueError):
        return b""


def is_synthetic(usage: Usage) -> bool:
    """Whether usage is that of a synthetic answer."""
    return bool(usage.raw and usage.raw.get("synthetic"))


def quantile(ordered: list[Any], share: float) -> Any:
    """The value of a sorted list at a percentile, given as a share; 0 for an empty list."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0
