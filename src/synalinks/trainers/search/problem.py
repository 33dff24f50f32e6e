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
from synalinks.optimizers.scored_predictions import Predictions
from synalinks.optimizers.search import Answer, Case, Place, State
from synalinks.rewards.score import feedback_of
from synalinks.trainers.data.data import Sample, Samples
from synalinks.trainers.fit_parts import FitParts
from synalinks.trainers.forward import scored, update_metrics
from synalinks.trainers.search.memory import Memory
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
        memory: what is answered already.
        loop: counts calls, and ends epochs.
        starts: states to begin with.
        rng: of the search.
    """

    def __init__(
        self, parts: FitParts, memory: Memory, loop: Calls, starts: Sequence[State], rng: np.random.Generator
    ) -> None:
        self._parts, self._memory, self._loop = parts, memory, loop
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
        return [Case(first + sample.index, tree.as_json(sample.x), tree.as_json(sample.y)) for sample in samples]

    # --- what a search calls ---------------------------------------------------------------------------------

    @property
    def calls_left(self) -> int:
        """Calls that the search can still make."""
        again = self._memory.calls_left.again()
        return self._memory.calls_left.add(self._loop.calls_left) if again is None else again

    def known(self, state: State) -> Mapping[int, Answer]:
        """All answers of a state so far, by index of the case."""
        return self._memory.known(state.key)

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
        wanted = [(state, self._unknown(state, cases)) for state in {state.key: state for state in states}.values()]
        if calls := sum(len(new) for _, new in wanted):
            step = await self._loop.before(calls)
            for state, new in wanted:
                missing = [case for case in new if self._memory.again(state.key, case.index) is None]
                if missing:
                    self._memory.add(state.key, await self._run(state, missing, step))
            await self._loop.after(step)
        return [[self._memory.known(state.key)[case.index] for case in cases] for state in states]

    def _unknown(self, state: State, cases: Sequence[Case]) -> list[Case]:
        known = self._memory.known(state.key)
        return [case for case in {case.index: case for case in cases}.values() if case.index not in known]

    async def ask(self, module: Module, inputs: Sequence[DataModel]) -> list[JsonDataModel | None]:
        """What a module makes of each input; see `optimizers.Problem`."""
        if not inputs:
            return []
        step = await self._loop.before(len(inputs))
        again = self._memory.asked.again()
        if again is None:

            async def one(place: int, given: DataModel) -> JsonObject | None:
                with scope.enter(sample=place):  # two proposals of one prompt are two draws
                    answer: JsonDataModel | None = await module(given)
                return None if answer is None else {"schema": answer.get_schema(), "json": answer.get_json()}

            with self._loop.inside(step=step, phase="optimizer"):
                again = self._memory.asked.add(await run_all(one(place, given) for place, given in enumerate(inputs)))
        await self._loop.after(step)
        return [None if one is None else JsonDataModel(one["schema"], one["json"]) for one in again]

    # --- calling the program ---------------------------------------------------------------------------------

    async def _run(self, state: State, cases: Sequence[Case], step: int) -> list[Answer]:
        """The program's answers in a state, with what each trained module made of each case."""
        parts, samples = self._parts, [self._samples[case.index] for case in cases]
        state.write_to(self.variables)
        for variable in self.variables:
            variable.get_json()["current_predictions"] = Predictions()
        since = len(parts.run.ledger)
        with self._loop.inside(step=step, phase="candidate"):
            parts.costs.earmark(scope.current().epoch or 0, len(samples))
            predictions, rewards = await scored(parts.run, samples, training=True)
        if self._form is None:
            self._form = next((one for one in predictions if one is not None), None)
        parts.costs.add_samples(since, len(samples))
        parts.costs.count(scored=len(samples))
        records = {variable.path: self._records(variable) for variable in self.variables}
        return [
            Answer(
                case.index,
                float(reward),
                feedback_of(reward),
                tree.as_json(prediction),
                {path: by[sample.index] for path, by in records.items() if sample.index in by},
            )
            for case, sample, reward, prediction in zip(cases, samples, rewards, predictions, strict=True)
        ]

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

    def _records(self, variable: Variable) -> dict[int, list[JsonObject]]:
        """What the variable's module recorded, by sample."""
        value, found = variable.get_json(), dict[int, list[JsonObject]]()
        for record in value["current_predictions"]:
            if (sample := record.get("sample")) is not None:
                kept = {"inputs": record["inputs"], "outputs": record["outputs"]}
                found.setdefault(sample, []).append(kept)
        value["current_predictions"] = Predictions()
        return found


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
