"""Population: the candidates of one variable while training runs, found by content."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from synalinks.data import Variable
from synalinks.optimizers.candidates import Candidate, Scores, merge
from synalinks.optimizers.paired import Paired

#: New candidates kept within an epoch: this many, or two per place in the population; beyond, the worst half goes.
NEWCOMERS = 200
#: Shared samples from which two candidates are compared on those alone: the minibatch of a `fit` by default.
ENOUGH = 4
#: The lead of a candidate over an equal one.
EQUAL = (0.0, 0.0)
#: The variable's lists of the pool and of the newcomers.
POOL, NEW = "best_candidates", "candidates"


class Population:
    """The pool of a variable's candidates and the new ones of this epoch.

    Each change is written to the variable's lists `best_candidates` and `candidates` at once, so that what is saved is
    what is searched. Work per step does not grow with the number of steps, and hardly with the size of the pool.

    Candidates are ranked by their mean differences in reward to the best one, on the samples that both were scored on,
    so that neither easier samples nor more of them make a candidate better. Equal ones, and those that share too few
    samples, are ranked by the lower confidence bounds of their rewards, see `Scores.lower_bound`.

    Args:
        variable: the variable whose candidates these are.
        size: places in the pool.
        uncertainty: of one sample, in units of reward.

    Attributes:
        best: the best known candidate, new ones included; None before the first is scored.
        paired: gives the differences in reward of two candidates on shared samples, by their keys; None where no
            rewards are known by sample, as outside of a training.
    """

    def __init__(self, variable: Variable, size: int, uncertainty: float) -> None:
        self.variable = variable
        self.uncertainty = uncertainty
        self.limit = max(NEWCOMERS, 2 * size)
        self.best: Candidate | None = None
        self.paired: Callable[[str, str], Paired] | None = None
        self._rewards: Any = None  # of the pool, once they are asked for
        self.reindex()

    @property
    def members(self) -> list[Candidate]:
        """The pool, best first as of the last rebuilding."""
        return list(self._found[POOL])

    @property
    def newcomers(self) -> list[Candidate]:
        """Candidates scored since the last rebuilding."""
        return list(self._found[NEW])

    @property
    def candidates(self) -> list[Candidate]:
        """The pool and the newcomers."""
        return [*self._found[POOL], *self._found[NEW]]

    def newest_first(self) -> Iterator[Candidate]:
        """The newcomers, the last one first, then the pool."""
        return chain(reversed(self._found[NEW]), self._found[POOL])

    def place_of(self, candidate: Candidate) -> int | None:
        """The place of a candidate in the pool, or None."""
        pool, place = self._places.get(candidate.key, (NEW, 0))
        return place if pool is POOL else None

    @property
    def rewards(self) -> Any:
        """Rewards of the pool on the samples of its first, float64 `(members,)`, in its order; see `comparable`."""
        import numpy as np  # only training needs it

        if self._rewards is None:
            compared = self.comparable(self._found[POOL])
            self._rewards = np.array([scores.reward for scores in compared], dtype=np.float64)
        return self._rewards

    @property
    def size(self) -> int:
        """Members of the pool."""
        return len(self._found[POOL])

    def member(self, place: int) -> Candidate:
        """The candidate at a place of the pool."""
        return self._found[POOL][place]

    @property
    def validated(self) -> Candidate | None:
        """The best of those that a validation has measured, or None."""
        return self._best_of([one for one in self.candidates if one.scores.validated])

    def ranked(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Candidates from best to worst by their leads over the best; equal ones in order of arrival."""
        everyone = list(candidates)
        if (best := self._best_of(everyone)) is None:
            return everyone
        leads = {one.key: (math.inf, 0.0) if one is best else self.lead(one, best) for one in everyone}
        return sorted(everyone, key=lambda one: leads[one.key], reverse=True)

    def _best_of(self, candidates: Iterable[Candidate]) -> Candidate | None:
        """The first that was scored, until another one is ahead of it, and so on: three may beat one another."""
        best: Candidate | None = None
        for one in candidates:
            if one.scores.count and (best is None or self.lead(one, best) > EQUAL):
                best = one
        return best

    def lead(self, one: Candidate, other: Candidate) -> tuple[float, float]:
        """By how much one candidate is better than another: the first number decides, of equal ones the second.

        The first is the mean difference on shared samples or, of fewer than `ENOUGH`, the second: the difference of
        their lower bounds.
        """
        bounds = self._bound(one) - self._bound(other) if one.scores.count else -math.inf
        found = self._shared(one, other)
        return (bounds if found is None else found.mean), bounds

    def comparable(self, candidates: Sequence[Candidate]) -> list[Scores]:
        """Scores as if all had been measured on the samples of the first: its mean reward and the mean difference.

        As many samples are behind each as it was compared on. Those that share fewer than `ENOUGH` with the first have
        their own scores.
        """
        found: list[Scores] = []
        for one in candidates:
            shared = self._shared(one, candidates[0]) if found else None
            compared = None if shared is None else Scores(candidates[0].scores.reward + shared.mean, shared.count)
            found.append(compared or one.scores)
        return found

    def _shared(self, one: Candidate, other: Candidate) -> Paired | None:
        """The differences of two candidates, where they share enough samples."""
        found = None if self.paired is None else self.paired(one.key, other.key)
        return None if found is None or found.count < ENOUGH else found

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
        found = {POOL: members, NEW: newcomers}
        self._found = {pool: list({one.key: one for one in found[pool]}.values()) for pool in found}
        self._places = {one.key: (pool, place) for pool in found for place, one in enumerate(self._found[pool])}
        self._rewards = None
        for pool, candidates in self._found.items():
            self.variable.get_json()[pool] = [candidate.to_json() for candidate in candidates]
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
        if self.best is known is not None:
            self._rank()
        elif self.best is None or self.lead(scored, self.best) > EQUAL:
            self.best = scored
        if len(self._found[NEW]) > self.limit:
            self._put(self.members, self.ranked(self.newcomers)[: self.limit // 2])

    def mark_validated(self, candidate: Candidate) -> None:
        """Note that a validation has measured a candidate."""
        known = self._known(candidate)
        if known is not None:
            measured = known.with_scores(replace(known.scores, validated=True))
            self._store(measured)
            self.best = measured if self.best is known else self.best

    def _known(self, candidate: Candidate) -> Candidate | None:
        if (found := self._places.get(candidate.key)) is None:
            return None
        pool, place = found
        return self._found[pool][place]

    def _bound(self, candidate: Candidate) -> float:
        return candidate.scores.lower_bound(self.uncertainty)

    def _store(self, candidate: Candidate) -> None:
        """Put a candidate in place of the one with its key, or at the end of the newcomers."""
        pool, place = self._places.setdefault(candidate.key, (NEW, len(self._found[NEW])))
        self._found[pool][place : place + 1] = [candidate]
        self.variable.get_json()[pool][place : place + 1] = [candidate.to_json()]
        if pool is POOL and place == 0:
            self._rewards = None  # all are by its samples
        elif pool is POOL and self._rewards is not None:
            self._rewards[place] = self.comparable([self.member(0), candidate])[1].reward
