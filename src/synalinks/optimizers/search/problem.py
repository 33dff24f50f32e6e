"""Problem: what an optimizer that drives the search itself has to work with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from synalinks._json import Json, JsonObject
from synalinks.data import DataModel, JsonDataModel, Variable
from synalinks.modules import Module
from synalinks.optimizers.search.states import Answer, Case, State

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Place:
    """Where the module of a trained variable stands in its program.

    Attributes:
        module: its name.
        description: the module's own, first line.
        stage, stages: its place among the modules that are trained, from 1, and how many those are.
        inputs, outputs: JSON schemas, or None where they are not known.
        last: whether its outputs are outputs of the program.

    Example:
        >>> synalinks.optimizers.Place("generator", "Answers.", 1, 2, None, None, last=False).stage
        1
    """

    module: str
    description: str
    stage: int
    stages: int
    inputs: JsonObject | None
    outputs: JsonObject | None
    last: bool


class Problem(Protocol):
    """The training data and the program of a `fit`, as `Optimizer.search` gets them.

    Every call is counted, budgeted and recorded; what was answered once is free. When all calls are made, `evaluate`
    and `ask` raise `SearchEnded`, which a search lets pass: the program is left in the state that was kept last.

    A training that goes on after a crash runs its search from the beginning, with every answer given again as it was.
    So a search must depend on nothing but the problem: all randomness is from `rng`, and calls of models go through
    `ask`.

    Attributes:
        description: of the program.
        variables: what is trained; a search reads them and writes states, not variables.
        places: of each variable, by its path.
        starts: states to begin with: what the variables hold, then their seeds.
        cases: the training samples.
        validation: the validation samples; empty where there are none. What is chosen by them is not measured by them.
        rng: the only source of randomness.

    Example:
        >>> class BestSeed(synalinks.optimizers.Optimizer):
        ...     async def search(self, problem: synalinks.optimizers.Problem):
        ...         cases = problem.cases[: problem.calls_left // len(problem.starts)]
        ...         rewards = {}
        ...         for state, answers in zip(problem.starts, await problem.evaluate(problem.starts, cases)):
        ...             rewards[state.key] = sum(answer.reward for answer in answers)
        ...         problem.keep(max(problem.starts, key=lambda state: rewards[state.key]))
        ...
        >>> BestSeed().searches
        True
    """

    description: str
    variables: Sequence[Variable]
    places: Mapping[str, Place]
    starts: Sequence[State]
    cases: Sequence[Case]
    validation: Sequence[Case]
    rng: np.random.Generator

    @property
    def calls_left(self) -> int:
        """Calls that the search can still make, the last validation's set apart: of the program and of `ask`."""
        ...

    async def evaluate(self, states: Sequence[State], cases: Sequence[Case]) -> list[list[Answer]]:
        """The answers of each state to all the cases; those that are known already cost nothing.

        Shapes: states `(s,)`, cases `(c,)`, result `(s, c)`.

        Raises:
            SearchEnded: there are fewer calls left than the new answers take; none is made.
        """
        ...

    def known(self, state: State) -> Mapping[int, Answer]:
        """All answers of a state so far, by index of the case."""
        ...

    async def ask(self, module: Module, inputs: Sequence[DataModel]) -> list[JsonDataModel | None]:
        """What a module, such as a proposer, makes of each input, side by side; None where a call failed.

        Raises:
            SearchEnded: there are fewer calls left than inputs; none is made.
        """
        ...

    def keep(self, state: State) -> None:
        """Make a state the best so far: what the program is left with."""
        ...

    def note(self, state: State, outcome: str, parents: Sequence[State] = (), **more: Json) -> None:
        """Add to `history.candidates` what became of a candidate."""
        ...
