"""FitProblem: the problem that a search gets, with every call counted, budgeted and recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from synalinks import scope
from synalinks._concurrency import run_all
from synalinks._json import Json, JsonObject
from synalinks.data import DataModel, JsonDataModel, Operand, Variable, schema_of, tree
from synalinks.modules import Module
from synalinks.optimizers.search import Answer, Case, Place, State
from synalinks.trainers.data.data import Sample, Samples
from synalinks.trainers.fit_parts import FitParts
from synalinks.trainers.forward import update_metrics
from synalinks.trainers.search.answering import answer, unknown
from synalinks.trainers.search.log import SearchLog
from synalinks.trainers.search.places import places_of

if TYPE_CHECKING:
    import numpy as np


class Calls(Protocol):
    """What a problem needs of the loop that it runs in."""

    @property
    def calls_left(self) -> int:
        """Calls that are neither made nor set apart."""

    async def before(self, calls: int) -> int:
        """Make room for so many calls, where the epoch has none left in the next one; gives the number of the step.

        Raises:
            SearchEnded: there is no room.
        """

    async def after(self, step: int) -> None:
        """End a step."""

    def inside(self, **labels: int | str) -> AbstractContextManager[None]:
        """A block of calls in the place and under the budget of the epoch."""


class FitProblem:
    """The training data and the program of one `fit`; see `optimizers.Problem`.

    Args:
        parts: of the fit.
        log: what the search was given already.
        loop: counts calls, and ends epochs.
        starts: states to begin with.
        rng: of the search.
    """

    def __init__(
        self, parts: FitParts, log: SearchLog, loop: Calls, starts: Sequence[State], rng: np.random.Generator
    ) -> None:
        self._parts, self._log, self._loop = parts, log, loop
        self.description = parts.run.program.description
        self.variables: Sequence[Variable] = parts.variables
        self.places: Mapping[str, Place] = places_of(parts.run.program, parts.variables)
        self.starts: Sequence[State] = list(starts)
        self.rng = rng
        train, validation = parts.data.train, parts.data.validation
        self._samples: dict[int, Sample] = {}
        self.cases: Sequence[Case] = self._cases(train.items if isinstance(train, Samples) else ())
        first_validation = 1 + max(self._samples, default=-1)
        self.validation: Sequence[Case] = self._cases(
            validation.items if isinstance(validation, Samples) else (), first_validation
        )
        self.kept = self.starts[0]
        self.notes = parts.notes
        self._form: object = getattr(parts.run.program, "output_structure", None)  # of an output of the program

    def _cases(self, samples: Sequence[Sample], first: int = 0) -> list[Case]:
        # Numbered apart from the training samples, so that an answer is of one sample alone.
        self._samples.update((first + s.index, Sample(first + s.index, s.x, s.y)) for s in samples)
        return [Case(first + sample.index, tree.as_json(sample.x), tree.as_json(sample.target)) for sample in samples]

    # --- what a search calls ---------------------------------------------------------------------------------

    @property
    def calls_left(self) -> int:
        """Calls that the search can still make."""
        again = self._log.calls_left.again()
        return self._log.calls_left.add(self._loop.calls_left) if again is None else again

    def known(self, state: State) -> Mapping[int, Answer]:
        """All answers of a state so far, by index of the case."""
        return self._parts.memory.known(state)

    def keep(self, state: State) -> None:
        """Make a state the best so far: what the program is left with."""
        self.kept = state

    def note(self, state: State, outcome: str, parents: Sequence[State] = (), **more: Json) -> None:
        """Add to the history what became of a candidate."""
        self.notes.add(state, outcome, parents, self._rewards, **more)

    def _rewards(self, state: State) -> list[float]:
        return [float(answer.reward) for answer in self.known(state).values()]

    async def evaluate(self, states: Sequence[State], cases: Sequence[Case]) -> list[list[Answer]]:
        """The answers of each state to all the cases; see `optimizers.Problem`."""
        samples, each = [self._samples[case.index] for case in cases], {state.key: state for state in states}.values()
        if calls := sum(len(unknown(self._parts, state, samples)) for state in each):
            step = await self._loop.before(calls)
            for state in each:
                await self._answer(state, samples, step)
            await self._loop.after(step)
        return [[self.known(state)[case.index] for case in cases] for state in states]

    async def ask(self, module: Module, inputs: Sequence[DataModel]) -> list[JsonDataModel | None]:
        """What a module makes of each input; see `optimizers.Problem`."""
        if not inputs:
            return []
        step = await self._loop.before(len(inputs))
        again = self._log.asked.again()
        if again is None:

            async def one(place: int, given: DataModel) -> JsonObject | None:
                with scope.enter(sample=place):  # two proposals of one prompt are two draws
                    answer: JsonDataModel | None = await module(given)
                return None if answer is None else {"schema": answer.get_schema(), "json": answer.get_json()}

            with self._loop.inside(step=step, phase="optimizer"):
                again = self._log.asked.add(await run_all(one(place, given) for place, given in enumerate(inputs)))
        await self._loop.after(step)
        return [None if one is None else JsonDataModel(one["schema"], one["json"]) for one in again]

    # --- calling the program ---------------------------------------------------------------------------------

    async def _answer(self, state: State, samples: Sequence[Sample], step: int) -> None:
        parts, since = self._parts, len(self._parts.run.ledger)
        with self._loop.inside(step=step):
            parts.costs.earmark(scope.current().epoch or 0, len(unknown(parts, state, samples)))
            answers, predictions = await answer(parts, state, samples)
        if self._form is None:
            self._form = next((one for one in predictions if one is not None), None)
        if answers:  # else those of the run that was cut off
            parts.costs.add_samples(since, len(answers))

    def answers(self, state: State) -> list[Answer]:
        """The answers of a state to training samples, in their order."""
        known = self.known(state)
        return [known[case.index] for case in self.cases if case.index in known]

    async def update_metrics(self) -> None:
        """Update the metrics with the kept state's answers to training samples."""
        answers = self.answers(self.kept)
        samples = [self._samples[answer.case] for answer in answers]
        await update_metrics(self._parts.run.compiled, samples, [self._prediction(one.outputs) for one in answers])

    def _prediction(self, outputs: Json) -> object:
        """The program's outputs again, from their JSON."""
        if outputs is None or self._form is None:
            return None
        return _like(self._form, outputs)


def starts_of(variables: Sequence[Variable]) -> list[State]:
    """What the variables hold, then with each of the seeds of each variable in its place."""
    now = State.of(variables)
    found = {now.key: now}
    for variable in variables:
        for seed in variable.get_json()["seed_candidates"]:
            fields = {name: value for name, value in seed.items() if name in now.fields(variable.path)}
            state = now.with_fields(variable.path, fields)
            found.setdefault(state.key, state)
    return list(found.values())


def _like(form: object, value: Json) -> object:
    """JSON of outputs as data models, in the structure of other outputs."""
    if isinstance(form, dict):
        return {name: _like(part, value[name]) for name, part in form.items()}
    if isinstance(form, (list, tuple)):
        return [_like(part, one) for part, one in zip(form, value, strict=True)]
    return None if value is None or not isinstance(form, Operand) else JsonDataModel(schema_of(form), value)
