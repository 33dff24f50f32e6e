"""Memory: every answer of a training by state and case, and how new ones are got. What is known is not asked again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from synalinks._json import Json
from synalinks.optimizers.search import Answer, Keys, State


class Memory:
    """The answers of a training."""

    def __init__(self) -> None:
        self._known: dict[Keys, dict[int, Answer]] = {}
        self._recorded: dict[Keys, dict[int, Answer]] = {}  # by a run that was cut off, and not asked for since

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
        self._known.setdefault(state.keys, {}).update((answer.case, answer) for answer in answers)

    def keep_only(self, pools: Sequence[Collection[str]]) -> None:
        """Drop states that can't come back, so that memory does not grow with the epochs.

        Args:
            pools: for each variable, the keys of the candidates that it may hold again.
        """
        self._known = {
            keys: known
            for keys, known in self._known.items()
            if all(key in pooled for key, pooled in zip(keys, pools, strict=True))
        }

    def begin_again(self) -> None:
        """Give what is known only to who asks for it, as in the run that was cut off."""
        self._known, self._recorded = {}, self._known

    def get_state(self) -> list[Json]:
        """What is known, as JSON."""
        return [[list(keys), [one.to_json() for one in found.values()]] for keys, found in self._known.items()]

    def set_state(self, state: Sequence[Json]) -> None:
        """Go on from what `get_state` gave, and nothing else."""
        self._recorded = {}
        self._known = {
            tuple(keys): {answer.case: answer for answer in map(Answer.from_json, found)} for keys, found in state
        }
