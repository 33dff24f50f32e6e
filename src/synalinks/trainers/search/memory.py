"""Memory: every answer of a training by state and case, and how new ones are got. What is known is not asked again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from synalinks._json import Json
from synalinks.optimizers.paired import Paired
from synalinks.optimizers.search import Answer, Keys, State


class Memory:
    """The answers of a training."""

    def __init__(self) -> None:
        self._known: dict[Keys, dict[int, Answer]] = {}
        self._recorded: dict[Keys, dict[int, Answer]] = {}  # by a run that was cut off, and not asked for since
        self._holding: dict[tuple[int, str], tuple[Keys, ...]] = {}  # states by place of a variable and what it holds
        self._added: Counter[tuple[int, str]] = Counter()  # answers, by the same
        #: The last comparison of each candidate: with which other, and how many answers of both it was made of.
        self._compared: dict[tuple[int, str], tuple[str, int, Paired]] = {}

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
        new = {answer.case: answer for answer in answers}
        self._known[keys].update(new)
        self._added.update(dict.fromkeys(enumerate(keys), len(new)))

    def paired(self, place: int, one: str, other: str) -> Paired:
        """By how much one candidate of a variable scored above another, on the cases that both answered.

        What was worked out last for a candidate is kept until one of the two has a new answer.

        Args:
            place: of the variable, among those that are trained; all others held the same in both states.
            one, other: keys of the candidates.
        """
        answers = self._added[place, one] + self._added[place, other]
        known = self._compared.get((place, one))
        if known is None or known[:2] != (other, answers):
            known = self._compared[place, one] = (other, answers, Paired.of(self._states(place, one, other)))
        return known[2]

    def _states(self, place: int, one: str, other: str) -> Iterator[tuple[Mapping[int, Answer], Mapping[int, Answer]]]:
        """The answers of all states that hold one candidate, and of those that hold the other instead."""
        for keys in self._holding.get((place, one), ()):
            yield self._known[keys], self._known.get((*keys[:place], other, *keys[place + 1 :]), {})

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
        self._added.clear()
        self._compared.clear()
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
