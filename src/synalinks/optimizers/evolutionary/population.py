"""The pool of one variable's candidates while training runs: found by content, the best known at hand.

It is a view of the variable's own lists, so what is saved is what is searched. Work per step does not grow with the
number of steps.
"""

from __future__ import annotations

from collections.abc import Sequence

from synalinks.data import Variable
from synalinks.optimizers import candidates as pool
from synalinks.optimizers.candidates import Candidate

#: New candidates kept within an epoch: this many, or two per place in the population; beyond, the worst half goes.
NEWCOMERS = 200


class Population:
    """A variable's `best_candidates` (the pool) and `candidates` (new ones of this epoch).

    Args:
        variable: whose lists these are.
        size: places in the pool.
        uncertainty: see `candidates.lower_bound`.
    """

    def __init__(self, variable: Variable, size: int, uncertainty: float) -> None:
        self.variable = variable
        self.size = size
        self.uncertainty = uncertainty
        self.limit = max(NEWCOMERS, 2 * size)
        self._by_key: dict[str, Candidate] = {}
        self._best: Candidate | None = None
        self.reindex()

    @property
    def members(self) -> list[Candidate]:
        """The pool, best first as of the last rebuilding."""
        found: list[Candidate] = self.variable.get_json()["best_candidates"]
        return found

    @property
    def newcomers(self) -> list[Candidate]:
        """Candidates scored since then."""
        found: list[Candidate] = self.variable.get_json()["candidates"]
        return found

    @property
    def best(self) -> Candidate | None:
        """The best known candidate, new ones included; None before the first is scored."""
        return self._best

    @property
    def validated(self) -> Candidate | None:
        """The best of those that a validation has measured, or None."""
        measured = (candidate for candidate in self._by_key.values() if candidate.get("validated"))
        return next(iter(pool.ranked(measured, self.uncertainty)), None)

    def mark_validated(self, candidate: Candidate) -> None:
        """Note that a validation has measured a candidate."""
        known = self._by_key.get(pool.key(candidate))
        if known is not None:
            known["validated"] = True

    def reindex(self) -> None:
        """Read the variable's lists anew."""
        self._by_key = {pool.key(candidate): candidate for candidate in (*self.newcomers, *self.members)}
        ordered = pool.ranked(self._by_key.values(), self.uncertainty)
        self._best = ordered[0] if ordered and ordered[0].get("reward_count") else None

    def learn(self, candidate: Candidate, rewards: Sequence[float]) -> None:
        """Fold rewards of samples it was not scored on before into what is known of a candidate."""
        if not rewards:
            return
        name = pool.key(candidate)
        known = self._by_key.get(name)
        if known is None:
            known = self._by_key[name] = pool.content(candidate)
            self.newcomers.append(known)
        pool.add_scored_predictions(known, rewards)
        self._keep_best(known)
        if len(self.newcomers) > self.limit:
            self._thin_out()

    def _keep_best(self, changed: Candidate) -> None:
        best = self._best
        if best is changed:
            ordered = pool.ranked(self._by_key.values(), self.uncertainty)
            self._best = ordered[0]
        elif best is None or self._bound(changed) > self._bound(best):
            self._best = changed

    def _bound(self, candidate: Candidate) -> float:
        return pool.lower_bound(candidate, self.uncertainty)

    def _thin_out(self) -> None:
        kept = pool.ranked(self.newcomers, self.uncertainty)[: self.limit // 2]
        self.newcomers[:] = kept
        self.reindex()

    def everyone(self) -> list[Candidate]:
        """All candidates, each once, in order of arrival."""
        return pool.merge((self.members, self.newcomers))

    def replace(self, members: list[Candidate]) -> None:
        """Begin anew with these as the pool."""
        value = self.variable.get_json()
        value["best_candidates"] = members
        value["candidates"] = []
        self.reindex()
