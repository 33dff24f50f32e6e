"""Population: the candidates of one variable while training runs, found by content."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from synalinks.data import Variable
from synalinks.optimizers.candidates import Candidate, merge
from synalinks.optimizers.evidence import Evidence

#: New candidates kept within an epoch: this many, or two per place in the population; beyond, the worst half goes.
NEWCOMERS = 200


class Population:
    """The pool of a variable's candidates and the new ones of this epoch.

    Each change is written to the variable's lists `best_candidates` and `candidates` at once, so that what is saved is
    what is searched. Work per step does not grow with the number of steps.

    A candidate is better than the best known one where its `lead` is above 0. Given evidence, candidates are compared
    on the samples that both were scored on, so that neither luck with easy samples nor having been measured more makes
    one the best; without, or where no sample is shared, by their lower bounds.

    Args:
        variable: the variable whose candidates these are.
        size: places in the pool.
        uncertainty: of one sample, in units of reward.
        evidence: rewards by state and sample, or None.
        place: of the variable in a state.

    Attributes:
        best: the best known candidate, new ones included; None before the first is scored.
    """

    def __init__(
        self, variable: Variable, size: int, uncertainty: float, evidence: Evidence | None = None, place: int = 0
    ) -> None:
        self.variable = variable
        self.uncertainty = uncertainty
        self.evidence = Evidence() if evidence is None else evidence
        self.place = place
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
        return self._champion([one for one in self.candidates if one.scores.validated])

    def lead(self, one: Candidate, other: Candidate) -> float:
        """By how much one candidate is surely better than another; below 0 where that is not sure."""
        paired = self.evidence.paired(self.place, one.key, other.key)
        return paired.lead(self.uncertainty) if paired.count else self._bound(one) - self._bound(other)

    def leads(self, candidates: Sequence[Candidate]) -> Any:
        """The lead of each over each on shared samples, `(n, n)`; NaN where there are none."""
        return self.evidence.leads(self.place, [one.key for one in candidates], self.uncertainty)

    def ranked(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Candidates from best to worst, by their leads over the best; equal ones in order of arrival."""
        best = self._champion(candidates)
        if best is None:
            return list(candidates)
        leads = {one.key: math.inf if one is best else self._lead_of_scored(one, best) for one in candidates}
        return sorted(candidates, key=lambda one: -leads[one.key])

    def _champion(self, candidates: Sequence[Candidate]) -> Candidate | None:
        """The first one until another one beats it, and so on; each has one turn, as three may beat one another."""
        best: Candidate | None = None
        for one in candidates:
            if one.scores.count and (best is None or self.lead(one, best) > 0.0):
                best = one
        return best

    def _lead_of_scored(self, one: Candidate, best: Candidate) -> float:
        return self.lead(one, best) if one.scores.count else -math.inf

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
        self.best = self._champion(self.candidates)

    def learn(self, candidate: Candidate, rewards: Sequence[float]) -> None:
        """Add the rewards of samples that a candidate was not scored on before."""
        if not rewards:
            return
        known = self._known(candidate) or Candidate(candidate.fields)
        scored = known.scored(rewards)
        self._store(scored)
        if self.best is known:
            self._rank()
        elif self.best is None or self.lead(scored, self.best) > 0.0:
            self.best = scored
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
