"""Optimizer: a search over the JSON of trainable variables. Subclasses write one method, `propose` or `search`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from synalinks import session
from synalinks._json import Json, JsonObject
from synalinks._support.calling import awaited
from synalinks.data import DataModel, Field, Variable
from synalinks.errors import ConfigurationError
from synalinks.modules.core.operation import first_line
from synalinks.optimizers.candidates import Candidate, check_fields
from synalinks.optimizers.evolutionary.population import Population
from synalinks.optimizers.evolutionary.selection import check_count, check_temperature, softmax
from synalinks.optimizers.in_place import InPlace
from synalinks.optimizers.paired import Paired
from synalinks.optimizers.proposals import Step
from synalinks.optimizers.scored_predictions import Record, assign_rewards
from synalinks.saving import constructed

if TYPE_CHECKING:
    import numpy as np

    from synalinks.optimizers.search.problem import Problem

UpdateFrequency = Literal["epoch", "batch"]
#: How two candidates compare on shared samples: given the place of their variable and their keys.
Comparisons = Callable[[int, str, str], Paired]


class OptimizerIterations(DataModel):
    """How far an optimizer has come."""

    iterations: int = Field(default=0, description="Steps taken.")
    epochs: int = Field(default=0, description="Epochs completed.")
    validated: bool = Field(default=False, description="Whether the last epoch ended with a validation.")
    seeds_left: dict[str, list[int]] = Field(default={}, description="Seeds not started from yet, by variable.")


class Optimizer(InPlace):
    """A search over the JSON of trainable variables.

    Every step of training the trainer writes a candidate into each variable, runs the batch, assigns the rewards,
    calls `propose` for a new value of one variable, and scores old and new on the same validation samples. At the
    end of an epoch (or of each step, with `update_freq="batch"`) the pool of candidates is rebuilt: the
    `population_size` best by their differences in reward on shared samples.

    Args:
        population_size: candidates kept per variable.
        sampling_temperature: how strongly variables that do badly are preferred for updates.
        reward_uncertainty: of one sample, in units of reward; candidates that share too few samples to be compared on
            them are by their lower bounds, see `candidates.Scores.lower_bound`.
        update_freq: when the pool changes: `epoch` or `batch`.
        name, description: in logs and saved files.

    Raises:
        ConfigurationError: a temperature below 0, or an argument out of range.

    Example:
        >>> class Brief(synalinks.optimizers.Optimizer):
        ...     async def propose(self, variable, step):
        ...         return {"instructions": "Be brief."}
        ...
        >>> Brief(population_size=3)
        <Brief name=brief>
    """

    def __init__(
        self,
        population_size: int = 10,
        sampling_temperature: float = 0.3,
        reward_uncertainty: float = 0.25,
        update_freq: UpdateFrequency = "epoch",
        name: str | None = None,
        description: str | None = None,
    ) -> None:
        super().__init__()
        kind = type(self).__name__
        check_count(population_size, 1, f"{kind}: population_size")
        if not reward_uncertainty >= 0:  # NaN is neither
            raise ConfigurationError(f"{kind}(reward_uncertainty={reward_uncertainty!r}): 0 or above")
        if update_freq not in ("epoch", "batch"):
            raise ConfigurationError(f"{kind}(update_freq={update_freq!r}): write 'epoch' or 'batch'")
        self.name = name or session.auto_name(kind)
        self.description = description or first_line(vars(type(self)).get("__doc__"))
        self.population_size = population_size
        self.sampling_temperature = check_temperature(sampling_temperature, f"{kind}: sampling_temperature")
        self.reward_uncertainty = reward_uncertainty
        self.update_freq = update_freq
        self.populations: dict[str, Population] = {}
        self._just_validated: dict[str, Candidate] = {}  # by this epoch's validation, by variable
        self.progress = Variable(
            OptimizerIterations().get_json(), data_model=OptimizerIterations, trainable=False, name="iterations"
        )

    # --- what a subclass implements ----------------------------------------------------------------------------

    async def propose(self, variable: Variable, step: Step) -> Mapping[str, Json] | None:
        """New values for some of the variable's fields, or None for no proposal.

        The variable holds the parent. Called in phase `optimizer`.
        """
        raise ConfigurationError(f"{type(self).__name__} does not define `async def propose(self, variable, step)`")

    async def search(self, problem: Problem) -> None:
        """Drive the whole training, in place of `propose`: evaluate states, and keep the best.

        A subclass with a `search` gets no steps; see `Problem` for what it can call.

        Example:
            >>> class Shortest(synalinks.optimizers.Optimizer):
            ...     async def search(self, problem):
            ...         start, *others = problem.starts
            ...         problem.keep(min([start, *others], key=lambda state: len(str(state))))
        """
        raise ConfigurationError(f"{type(self).__name__} does not define `async def search(self, problem)`")

    @property
    def searches(self) -> bool:
        """Whether the optimizer drives the training itself, by a `search` of its own."""
        return type(self).search is not Optimizer.search

    async def select_candidate(self, variable: Variable, rng: np.random.Generator) -> Candidate:
        """The candidate that a step starts from: the best known; a seed where none has been scored."""
        best = variable.get_json()["best_candidates"]
        if best:
            return Candidate.from_json(best[0])
        seeds = variable.get_json()["seed_candidates"]
        return Candidate.from_json(seeds[int(rng.integers(len(seeds)))])

    async def rebuild(self, variable: Variable, scored: list[Candidate]) -> list[Candidate]:
        """Which of all scored candidates stay in the pool, best first."""
        return self.populations[variable.path].ranked(scored)[: self.population_size]

    # --- what the trainer calls, in this order -------------------------------------------------------------

    async def begin(
        self,
        program: Any,
        variables: Sequence[Variable],
        rng: np.random.Generator,
        hooks: bool = True,
        paired: Comparisons | None = None,
    ) -> None:
        """Begin a training: `build` where these variables are new, then `on_train_begin`.

        Args:
            hooks: False where a loop of one's own has called `on_train_begin`.
            paired: what the training has of one candidate against another; nothing where None.

        Raises:
            ConfigurationError: what `on_train_begin` refuses.
        """
        self.set_program(program)
        paths = [variable.path for variable in variables]
        if self._built_for != paths:
            await awaited(self.build(variables))
            self.built, self._built_for = True, paths
        if not hooks:
            self._compare_by(paired, variables)
            return
        self._rng, self.populations = rng, {}
        await awaited(self.on_train_begin(variables))
        if len(self.populations) < len(paths):  # of a subclass that does not call super()
            await Optimizer.on_train_begin(self, variables)
        self._compare_by(paired, variables)
        self.in_own_loop = False

    def _compare_by(self, paired: Comparisons | None, variables: Sequence[Variable]) -> None:
        for place, variable in enumerate(variables):
            if (population := self.populations.get(variable.path)) is not None:
                population.paired = None if paired is None else partial(paired, place)

    async def on_train_begin(self, trainable_variables: Sequence[Variable]) -> None:
        """Make seeds of what the variables hold; everything that lacks configuration fails here.

        A value written into a variable since the last training is the new start: a pool that does not hold it belongs
        to another search and is dropped. Seeds that the last training did not start from are still to be used.

        Raises:
            ConfigurationError: a variable has a field with the name of a score.
        """
        self.populations, self._just_validated, self.in_own_loop = {}, {}, True
        before, left = self.progress.get("seeds_left"), {}
        for variable in trainable_variables:
            check_fields(variable)
            value = variable.get_json()
            # There are new ones if the program was saved in the middle of an epoch.
            value["candidates"] = [saved for saved in value["candidates"] if saved.get("reward_count")]
            known = [*value["best_candidates"], *value["candidates"]]
            if known and not _holds_one_of(variable, [*known, *value["history"][-1:]]):
                value["seed_candidates"], value["best_candidates"], value["candidates"] = [], [], []
                known = []
            now = Candidate.of(variable)
            value["seed_candidates"] = [now.with_fields(seed).to_json() for seed in value["seed_candidates"]] or [
                now.to_json()
            ]
            count = len(value["seed_candidates"])
            seeds = [n for n in before.get(variable.path, ()) if n < count] if known else list(range(count))
            if seeds:
                left[variable.path] = seeds
            self.populations[variable.path] = Population(variable, self.population_size, self.reward_uncertainty)
            if value["candidates"]:
                await self._rebuild(variable)
        self.progress.update({"seeds_left": left})

    async def on_epoch_begin(self, epoch: int, trainable_variables: Sequence[Variable]) -> None:
        """Begin an epoch; its candidates are none yet."""

    async def on_batch_begin(self, step: int, epoch: int, trainable_variables: Sequence[Variable]) -> None:
        """Write the candidate that the step starts from into each variable: each seed once, then a selected one."""
        for variable in trainable_variables:
            left = self.progress.get("seeds_left").get(variable.path)
            if left:
                seeds = variable.get_json()["seed_candidates"]
                start = Candidate.from_json(seeds[left.pop(int(self.rng.integers(len(left))))])
            else:
                start = await self.select_candidate(variable, self.rng)
            start.write_to(variable)

    def assign_rewards(self, variables: Sequence[Variable], rewards: Mapping[int, float]) -> dict[str, list[Record]]:
        """Give predictions the rewards of their samples; returns the scored ones by variable path."""
        return {variable.path: assign_rewards(variable, rewards) for variable in variables}

    async def select_variable_name_to_update(self, trainable_variables: Sequence[Variable]) -> str:
        """The variable to update: never visited, or drawn with P(v) ~ exp(-mean reward / temperature).

        Returns:
            Its name; its path, where others among these have the same name.
        """
        chosen = self._drawn(trainable_variables)
        alone = sum(variable.name == chosen.name for variable in trainable_variables) == 1
        return chosen.name if alone else chosen.path

    def _drawn(self, variables: Sequence[Variable]) -> Variable:
        unvisited = [v for v in variables if not v.get_json()["nb_visit"]]
        if unvisited:
            return unvisited[int(self.rng.integers(len(unvisited)))]
        means = [v.get_json()["cumulative_reward"] / v.get_json()["nb_visit"] for v in variables]
        chances = softmax([-mean for mean in means], self.sampling_temperature)
        return variables[int(self.rng.choice(len(variables), p=chances))]

    async def propose_new_candidates(
        self,
        step: int,
        trainable_variables: Sequence[Variable],
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        rewards: Sequence[float] | None = None,
        training: bool = False,
    ) -> None:
        """Write what `propose` gives for one variable into its fields.

        Where a variable that was not visited gives no proposal (it lies in a branch that is never taken, or its
        module records nothing), another one is tried.
        """
        left = list(trainable_variables)
        while left:
            name = await awaited(self.select_variable_name_to_update(left))
            variable = next(one for one in left if name in (one.path, one.name))
            values = await self.propose(variable, self.view(variable))
            if values is not None:
                variable.update(values)
                return
            if variable.get_json()["nb_visit"]:
                return
            left = [other for other in left if other is not variable]

    def add_scored(self, variable: Variable, candidate: Candidate, rewards: Sequence[float]) -> None:
        """Add the rewards of samples that a candidate was not scored on before."""
        self.populations[variable.path].learn(candidate, rewards)

    def add_validated(self, variable: Variable, candidate: Candidate, rewards: Sequence[float]) -> None:
        """As `add_scored`, for rewards of a validation that was finished."""
        self.add_scored(variable, candidate, rewards)
        self.populations[variable.path].mark_validated(candidate)
        self._just_validated[variable.path] = candidate

    async def on_batch_end(self, step: int, epoch: int, trainable_variables: Sequence[Variable]) -> None:
        """Leave the best known candidate in each variable."""
        self.progress.update({"iterations": self.progress.get("iterations") + 1})
        for variable in trainable_variables:
            if self.update_freq == "batch":
                await self._rebuild(variable, keep_best_validated=self.population_size > 1)
            self.write_best(variable)

    def write_best(self, variable: Variable) -> None:
        """Put the best known candidate into the variable's fields."""
        best = self.populations[variable.path].best
        if best is not None:
            best.write_to(variable)

    def write_best_validated(self, variable: Variable) -> None:
        """Put the best candidate that a validation has measured into the variable's fields.

        The best known one if the last epoch had no validation. A new candidate that was lucky with a few samples may be
        the best known; it is a parent of the next epoch, but not the result of training.
        """
        best = self.populations[variable.path].validated if self.progress.get("validated") else None
        if best is None:
            self.write_best(variable)
        else:
            best.write_to(variable)

    async def on_epoch_end(self, epoch: int, trainable_variables: Sequence[Variable]) -> None:
        """Rebuild each variable's pool; leave in it what the epoch's validation measured, or the best known.

        What a checkpoint saves under an epoch's `val_*`, and what is restored as the best epoch's, is what these were
        measured of, even where an older candidate is better.
        """
        validated = bool(self._just_validated)
        self.progress.update({"validated": validated})
        for variable in trainable_variables:
            await self._rebuild(variable, keep_best_validated=validated or self.population_size > 1)
            if (measured := self._just_validated.get(variable.path)) is not None:
                measured.write_to(variable)
            else:
                self.write_best(variable)
            value = variable.get_json()
            if not value["history"] or not _holds_one_of(variable, value["history"][-1:]):
                value["history"].append(Candidate.of(variable).to_json())
        self._just_validated = {}
        self.progress.update({"epochs": self.progress.get("epochs") + 1})

    async def _rebuild(self, variable: Variable, keep_best_validated: bool = True) -> None:
        """Rebuild a pool; the best that a validation has measured keeps a place in it.

        A pool of one is exempt between two validations: it would never take a new candidate.
        """
        population = self.populations[variable.path]
        validated = population.validated if keep_best_validated else None
        members = await self.rebuild(variable, population.candidates)
        if validated is not None and validated.key not in {member.key for member in members}:
            members = [*members[: self.population_size - 1], validated]
        population.replace(members)

    async def on_train_end(self, trainable_variables: Sequence[Variable]) -> None:
        """Leave the best candidate in the fields and the pool, and no predictions of a step."""
        self.in_own_loop = False
        for variable in trainable_variables:
            if self.populations[variable.path].newcomers:  # of an epoch that was cut short; what was scored is kept
                await self._rebuild(variable)
            self.write_best_validated(variable)
            variable.get_json()["current_predictions"] = []
        self._compare_by(None, trainable_variables)

    # --- going on after a crash ----------------------------------------------------------------------------

    def get_state(self) -> Any:
        """The state of proposals besides `variables` and the trained variables' own fields; JSON or None."""
        return None

    def set_state(self, state: Any) -> None:
        """Restore what `get_state` gave, where that was not None; called after `on_train_begin`, before an epoch."""

    # --- saving --------------------------------------------------------------------------------------------

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {
            "population_size": self.population_size,
            "sampling_temperature": self.sampling_temperature,
            "reward_uncertainty": self.reward_uncertainty,
            "update_freq": self.update_freq,
            "name": self.name,
            "description": self.description,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Json]) -> Any:
        """The optimizer that `get_config` described."""
        return constructed(cls, config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _holds_one_of(variable: Variable, saved: Sequence[Mapping[str, Json]]) -> bool:
    """Whether the variable holds one of some candidates, which are in their saved form."""
    return Candidate.of(variable).key in {Candidate.from_json(one).key for one in saved}
