"""Sets of examples for a state, chosen by the training inputs that they cover.

The examples of a module whose outputs are those of the program are labelled: inputs of a training sample with its
target. Those of any other module are its own records of cases that the program got right (bootstrapping, as in DSPy:
Khattab et al. 2023, arXiv:2310.03714).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synalinks import _json
from synalinks._json import Json, JsonObject
from synalinks.optimizers.few_shot.lexical_similarity import LexicalSimilarity, cover, looked_at
from synalinks.optimizers.search import Answer, Case, Problem, State

if TYPE_CHECKING:
    import numpy as np

#: Characters of JSON that the examples of one module have at most.
LONGEST = 24_000
#: From this reward on an answer is right.
RIGHT = 0.999
#: What a case counts in advance: as so many right answers in so many tries.
PRIOR_RIGHT, PRIOR_TRIES = 1.0, 1.5


@dataclass(slots=True)
class _Tried:
    """The answers to a case by states that did not show it."""

    tries: int = 0
    right: int = 0
    best: Answer | None = None


class Examples:
    """The possible examples of a search.

    Args:
        problem: the search's.
        most: examples of one module.
    """

    def __init__(self, problem: Problem, most: int) -> None:
        self._problem, self._most = problem, most
        self._cases = {case.index: case for case in problem.cases}
        self._near: LexicalSimilarity | None = None
        self._of_inputs: dict[bytes, set[int]] = {}
        for case in problem.cases:
            self._register(case.inputs, case.index)
        self._tried: dict[int, _Tried] = {}
        self._taken: set[tuple[str, int]] = set()

    def _register(self, inputs: Json, case: int) -> None:
        self._of_inputs.setdefault(_json.canonical(inputs), set()).add(case)

    def shown(self, state: State) -> set[int]:
        """The cases that the examples of a state are of; its answers to them say nothing of other cases."""
        found: set[int] = set()
        for path in state.candidates:
            for example in state.fields(path).get("examples", ()):
                found |= self._of_inputs.get(_json.canonical(example["inputs"]), set())
        return found

    def observe(self, state: State, answers: Sequence[Answer]) -> None:
        """Take in answers of a state, each once, but to the cases that it shows."""
        shown = self.shown(state)
        for answer in answers:
            if answer.case in shown or (state.key, answer.case) in self._taken:
                continue
            self._taken.add((state.key, answer.case))
            tried = self._tried.setdefault(answer.case, _Tried())
            tried.tries += 1
            tried.right += answer.reward >= RIGHT
            if answer.reward > (tried.best.reward if tried.best is not None else 0.0):
                tried.best = answer

    # --- choosing ----------------------------------------------------------------------------------------------

    def written(self, state: State, rng: np.random.Generator, verified: bool) -> State:
        """The state with new examples for each module that has any to choose from.

        Args:
            verified: prefer cases that were answered right without a look at them; their labels are the surest.
        """
        for path in state.candidates:
            if "examples" not in state.fields(path):
                continue
            if chosen := self._choose(path, rng, verified):
                state = state.with_fields(path, {"examples": chosen})
        return state

    def _choose(self, path: str, rng: np.random.Generator, verified: bool) -> list[JsonObject]:
        pool = looked_at(self._possible(path, verified), rng)
        if not pool:
            return []
        near = self._near = self._near or self._similarity(rng)
        import numpy as np  # only training needs it

        columns = np.stack([near.to_all(self._cases[case].inputs) for case, _, _ in pool], axis=1)
        worth = [one for _, _, one in pool]
        order = [int(i) for i in rng.permutation(len(pool))]
        chosen, length = list[JsonObject](), 0
        for place in cover(columns, worth, order, min(self._most, len(pool))):
            example = pool[place][1]
            length += len(_json.canonical(example))
            if length > LONGEST and chosen:
                break
            self._register(example["inputs"], pool[place][0])
            chosen.append({**example, "reward": None})
        return chosen

    def _similarity(self, rng: np.random.Generator) -> LexicalSimilarity:
        """The similarity to the training inputs that are to be covered."""
        return LexicalSimilarity([case.inputs for case in looked_at(self._problem.cases, rng)])

    def _possible(self, path: str, verified: bool) -> list[tuple[int, JsonObject, float]]:
        """Case, example and worth of all that the module of a variable could show."""
        found = []
        for case in self._problem.cases:
            tried = self._tried.get(case.index) or _Tried()
            if (example := self._example(path, case, tried)) is not None:
                worth = (tried.right + PRIOR_RIGHT) / (tried.tries + PRIOR_TRIES)
                found.append((case.index, example, min(1.0, worth), tried.right))
        if verified and len(sure := [one for one in found if one[3]]) >= self._most:
            found = sure
        return [one[:3] for one in found]

    def _example(self, path: str, case: Case, tried: _Tried) -> JsonObject | None:
        """What the module would show of a case: the label, or its own record where the program was right."""
        if self._labels(path, case):
            return {"inputs": case.inputs, "outputs": case.target}
        best = tried.best
        if best is None or best.reward < self._enough:
            return None
        records: Sequence[Mapping[str, Json]] = best.records.get(path, ())
        return dict(records[0]) if records else None

    @property
    def _enough(self) -> float:
        """The reward from which an own answer is shown: a right one or, where none is, one of the better half."""
        rewards = sorted(tried.best.reward for tried in self._tried.values() if tried.best is not None)
        return min(RIGHT, rewards[len(rewards) // 2]) if rewards else RIGHT

    def _labels(self, path: str, case: Case) -> bool:
        """Whether a target is an output of the module of a variable, and the case's inputs its inputs."""
        place = self._problem.places[path]
        if not place.last or not isinstance(case.target, dict) or place.outputs is None or place.inputs is None:
            return False
        fields, inputs = place.outputs.get("properties", {}), place.inputs.get("properties", {})
        same = isinstance(case.inputs, dict) and case.inputs.keys() == inputs.keys()
        return same and fields.keys() == case.target.keys()
