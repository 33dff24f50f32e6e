"""Memory: every answer of a training by state and case, and how new ones are got. What is known is not asked again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from synalinks._json import Json
from synalinks.optimizers.search import Answer, Keys, State


class Memory:
    """The answers of a training."""

    def __init__(self) -> None:
        self._known: dict[Keys, dict[int, Answer]] = {}
        self._recorded: dict[Keys, dict[int, Answer]] = {}  # by a run that was cut off, and not asked for since
        self._holding: dict[tuple[int, str], tuple[Keys, ...]] = {}  # states by place of a variable and what it holds

    def known(self, state: State) -> Mapping[int, Answer]:
        """The answers of a state, by index of the case."""
        return self._known.get(state.keys, {})

    def again(self, state: State, case: int) -> Answer | None:
        """An answer of the run that was cut off, known from now on; None where it had none."""
        answer = self._recorded.get(state.keys, {}).pop(case, None)
        if answer is not None:
            self.add(state, [answer])
        return answer

    def add(self, state: State, answers: Sequence[Answer]) -> None:
        """Keep answers of a state."""
        self._put(state.keys, answers)

    def _put(self, keys: Keys, answers: Iterable[Answer]) -> None:
        if keys not in self._known:
            self._known[keys] = {}
            for place, key in enumerate(keys):
                self._holding[place, key] = (*self._holding.get((place, key), ()), keys)
        self._known[keys].update((answer.case, answer) for answer in answers)

    def differences(self, place: int, one: str, other: str) -> list[float]:
        """By how much one candidate of a variable scored above another, on each case that both answered.

        Args:
            place: of the variable, among those that are trained; all others held the same in both states.
            one, other: keys of the candidates.
        """
        found: list[float] = []
        for keys in self._holding.get((place, one), ()):
            first, second = self._known[keys], self._known.get((*keys[:place], other, *keys[place + 1 :]), {})
            found += [first[case].reward - second[case].reward for case in first.keys() & second.keys()]
        return found

    def keep_only(self, pools: Sequence[Collection[str]]) -> None:
        """Drop states that can't come back, so that memory does not grow with the epochs.

        Args:
            pools: for each variable, the keys of the candidates that it may hold again.
        """
        self._replace(
            (keys, known)
            for keys, known in self._known.items()
            if all(key in pooled for key, pooled in zip(keys, pools, strict=True))
        )

    def _replace(self, known: Iterable[tuple[Keys, dict[int, Answer]]]) -> None:
        kept, self._known, self._holding = list(known), {}, {}
        for keys, answers in kept:
            self._put(keys, answers.values())

    def begin_again(self) -> None:
        """Give what is known only by `again`, as in the run that was cut off."""
        self._recorded = self._known
        self._replace(())

    def get_state(self) -> list[Json]:
        """What is known, as JSON."""
        return [[list(keys), [one.to_json() for one in found.values()]] for keys, found in self._known.items()]

    def set_state(self, state: Sequence[Json]) -> None:
        """Go on from what `get_state` gave, and nothing else."""
        self._recorded = {}
        self._replace((tuple(keys), {one.case: one for one in map(Answer.from_json, found)}) for keys, found in state)
