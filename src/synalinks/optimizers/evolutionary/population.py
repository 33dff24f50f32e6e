"""Population: the candidates of one variable while training runs, found by content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from synalinks.data import Variable
from synalinks.optimizers.candidates import Candidate, merge

#: New candidates kept within an epoch: this many, or two per place in the population; beyond, the worst half goes.
NEWCOMERS = 200


class Population:
    """The pool of a variable's candidates and the new ones of this epoch.

    Each change is written to the variable's lists `best_candidates` and `candidates` at once, so that what is saved is
    what is searched. Work per step does not grow with the number of steps.

    Candidates are ranked by the lower confidence bounds of their rewards, see `Scores.lower_bound`.

    Args:
        variable: the variable whose candidates these are.
        size: places in the pool.
        uncertainty: of one sample, in units of reward.

    Attributes:
        best: the best known candidate, new ones included; None before the first is scored.
    """

    def __init__(self, variable: Variable, size: int, uncertainty: float) -> None:
        self.variable = variable
        self.uncertainty = uncertainty
        self.limit = max(NEWCOMERS, 2 * size)
        self.best: Candidate | None = None
        self.reindex()

    @property
    def members(self) -> list[Candidate]:
        """The pool, best first as of the last rebuilding."""
        return list(self._members.values())

    @property
    def newcomers(self) -> list[Candidate]:
        """Candidates scored since the last rebuilding."""
        return list(self._newcomers.values())

    @property
    def candidates(self) -> list[Candidate]:
        """The pool and the newcomers."""
        return [*self._members.values(), *self._newcomers.values()]

    @property
    def validated(self) -> Candidate | None:
        """The best of those that a validation has measured, or None."""
        return self._best_of([one for one in self.candidates if one.scores.validated])

    def ranked(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Candidates from best to worst by their lower bounds; equal ones in order of arrival."""
        return sorted(candidates, key=self._bound, reverse=True)

    def _best_of(self, candidates: Iterable[Candidate]) -> Candidate | None:
        """The best of those that have been scored; the first of equal ones."""
        return max((one for one in candidates if one.scores.count), key=self._bound, default=None)

    def reindex(self) -> None:
        """Read the variable's lists anew."""
        value = self.variable.get_json()
        members = merge(map(Candidate.from_json, value["best_candidates"]))
        everyone = merge([*members, *map(Candidate.from_json, value["candidates"])])
        self._put(everyone[: len(members)], everyone[len(members) :])

    def replace(self, members: Iterable[Candidate]) -> None:
        """Begin anew with these as the pool."""
        self._put(members, ())

    def _put(self, members: Iterable[Candidate], newcomers: Iterable[Candidate]) -> None:
        self._members = {candidate.key: candidate for candidate in members}
        self._newcomers = {candidate.key: candidate for candidate in newcomers}
        self._places = {key: place for pool in (self._members, self._newcomers) for place, key in enumerate(pool)}
        value = self.variable.get_json()
        value["best_candidates"] = [candidate.to_json() for candidate in self.members]
        value["candidates"] = [candidate.to_json() for candidate in self.newcomers]
        self._rank()

    def _rank(self) -> None:
        self.best = self._best_of(self.candidates)

    def learn(self, candidate: Candidate, rewards: Sequence[float]) -> None:
        """Add the rewards of samples that a candidate was not scored on before."""
        if not rewards:
            return
        known = self._known(candidate) or Candidate(candidate.fields)
        scored = known.scored(rewards)
        self._store(scored)
        if self.best is None or self._bound(scored) > self._bound(self.best):
            self.best = scored
        elif self.best is known:
            self._rank()
        if len(self._newcomers) > self.limit:
            self._put(self.members, self.ranked(self.newcomers)[: self.limit // 2])

    def mark_validated(self, candidate: Candidate) -> None:
        """Note that a validation has measured a candidate."""
        known = self._known(candidate)
        if known is not None:
            measured = replace(known, scores=replace(known.scores, validated=True))
            self._store(measured)
            self.best = measured if self.best is known else self.best

    def _known(self, candidate: Candidate) -> Candidate | None:
        return self._members.get(candidate.key) or self._newcomers.get(candidate.key)

    def _bound(self, candidate: Candidate) -> float:
        return candidate.scores.lower_bound(self.uncertainty)

    def _store(self, candidate: Candidate) -> None:
        """Put a candidate in place of the one with its key, or at the end of the newcomers."""
        key = candidate.key
        pooled = key in self._members
        pool = self._members if pooled else self._newcomers
        saved = self.variable.get_json()["best_candidates" if pooled else "candidates"]
        if key in pool:
            saved[self._places[key]] = candidate.to_json()
        else:
            self._places[key] = len(pool)
            saved.append(candidate.to_json())
        pool[key] = candidate
