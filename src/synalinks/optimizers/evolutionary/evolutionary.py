"""EvolutionaryOptimizer: candidates made by a language model, by mutation of one or crossover of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synalinks._json import Json, JsonObject
from synalinks._support.calling import awaited, taken
from synalinks.data import Variable
from synalinks.errors import ConfigurationError
from synalinks.modules import LanguageModel
from synalinks.modules.models.missing import MissingModel
from synalinks.optimizers.candidates import Candidate
from synalinks.optimizers.evolutionary.population import Population
from synalinks.optimizers.evolutionary.selection import check_strategy, check_temperature, choose
from synalinks.optimizers.in_place import given, values_of
from synalinks.optimizers.optimizer import Optimizer, UpdateFrequency
from synalinks.optimizers.proposals import Step
from synalinks.saving import serialize_synalinks_object

if TYPE_CHECKING:
    import numpy as np


class EvolutionaryOptimizer(Optimizer):
    """A search in which new candidates descend from one parent (mutation) or two (crossover).

    The chance of crossover is min(1, merging_rate * epochs completed); it needs two different candidates. Subclasses
    write `mutate` and `cross`, or `mutate_candidate` and `merge_candidate`.

    Args:
        language_model: proposes candidates; the session's default where None, resolved when training begins.
        mutation_temperature, crossover_temperature: sampling temperatures of the proposals.
        selection: how parents are chosen from the pool: `softmax` (of reward), `best` or `random`.
        selection_temperature: of that softmax; 0 takes the best.
        merging_rate: chance of crossover per epoch completed.
        population_size, reward_uncertainty, name, description, update_freq: see `Optimizer`.

    Raises:
        ConfigurationError: a temperature below 0, an unknown selection, a rate outside [0, 1].

    Example:
        >>> class Louder(synalinks.optimizers.EvolutionaryOptimizer):
        ...     async def mutate(self, variable, parent, step):
        ...         return {"instructions": parent.fields["instructions"] + "!"}
        ...
        ...     async def cross(self, variable, parent, other, step):
        ...         return {"instructions": other.fields["instructions"]}
        ...
        >>> Louder("ollama/llama3.2", merging_rate=0.1).merging_rate
        0.1
    """

    def __init__(
        self,
        language_model: Any = None,
        mutation_temperature: float = 0.3,
        crossover_temperature: float = 0.3,
        selection: str = "softmax",
        selection_temperature: float = 0.3,
        merging_rate: float = 0.02,
        population_size: int = 10,
        reward_uncertainty: float = 0.25,
        name: str | None = None,
        description: str | None = None,
        update_freq: UpdateFrequency = "epoch",
    ) -> None:
        super().__init__(
            population_size,
            reward_uncertainty=reward_uncertainty,
            update_freq=update_freq,
            name=name,
            description=description,
        )
        kind = type(self).__name__
        if not 0.0 <= merging_rate <= 1.0:
            raise ConfigurationError(f"{kind}(merging_rate={merging_rate!r}): a rate lies in [0, 1]")
        self.language_model: LanguageModel | None = LanguageModel.get(language_model)
        self.mutation_temperature = check_temperature(mutation_temperature, f"{kind}: mutation_temperature")
        self.crossover_temperature = check_temperature(crossover_temperature, f"{kind}: crossover_temperature")
        self.selection = check_strategy(selection, f"{kind}: selection")
        self.selection_temperature = check_temperature(selection_temperature, f"{kind}: selection_temperature")
        self.merging_rate = merging_rate

    async def mutate(self, variable: Variable, parent: Candidate, step: Step) -> Mapping[str, Json] | None:
        """New values descending from one candidate, or None."""
        raise ConfigurationError(f"{type(self).__name__} does not define `async def mutate(...)`, nor mutate_candidate")

    async def cross(
        self, variable: Variable, parent: Candidate, other: Candidate, step: Step
    ) -> Mapping[str, Json] | None:
        """New values descending from two candidates, or None."""
        raise ConfigurationError(f"{type(self).__name__} does not define `async def cross(...)`, nor merge_candidate")

    async def on_train_begin(self, trainable_variables: Sequence[Variable]) -> None:
        """Resolve the language model, before the first paid call.

        Raises:
            ConfigurationError: there is none.
        """
        if missing := self._missing_models():
            raise MissingModel.all_of(missing)
        await super().on_train_begin(trainable_variables)

    def _missing_models(self) -> list[MissingModel]:
        """Give the session's models to what has none of its own; the errors of what has none then."""
        self.language_model = self.language_model or LanguageModel.get(None)
        return [] if self.language_model is not None else [MissingModel({"language": [type(self).__name__]})]

    async def select_candidate(self, variable: Variable, rng: np.random.Generator) -> Candidate:
        """A parent from the pool, by `selection`; a seed where the pool is empty."""
        selected = self._select(variable, rng)
        return selected if selected is not None else await super().select_candidate(variable, rng)

    def _select(self, variable: Variable, rng: np.random.Generator, other: bool = False) -> Candidate | None:
        """A candidate of the pool, by `selection`; None where there is none.

        Args:
            other: than the one that the variable holds.
        """
        import numpy as np  # only training needs it

        pool = self._pool_of(variable)
        own = pool.place_of(Candidate.of(variable)) if other else None
        rewards = pool.rewards if own is None else np.delete(pool.rewards, own)
        if not len(rewards):
            return None
        (place,) = choose(rewards, 1, self.selection, self.selection_temperature, rng)
        return pool.member(place + (own is not None and place >= own))

    def _pool_of(self, variable: Variable) -> Population:
        """The pool of a variable, outside a training as it is saved."""
        known = self.populations.get(variable.path)
        return known or Population(variable, self.population_size, self.reward_uncertainty)

    async def propose(self, variable: Variable, step: Step) -> Mapping[str, Json] | None:
        """A mutation of the candidate the variable holds, or its crossover with another."""
        self._rng, self._view = step.rng, lambda _: step
        parent, batch = Candidate.of(variable), given(step.batch)
        if self._has_other(variable) and await awaited(self.select_evolving_strategy()) == "crossover":
            other = await awaited(self.select_candidate_to_merge(step.step, variable))
            if other is not None:
                merge, self._crossed[variable.path] = self.merge_candidate, Candidate.from_json(other)
                return values_of(
                    await awaited(merge(step.step, variable, parent.to_json(), other, **taken(merge, batch)))
                )
        mutate = self.mutate_candidate
        return values_of(await awaited(mutate(step.step, variable, parent.to_json(), **taken(mutate, batch))))

    def _has_other(self, variable: Variable) -> bool:
        """Whether the pool has a candidate that the variable does not hold."""
        pool = self._pool_of(variable)
        return pool.size > (pool.place_of(Candidate.of(variable)) is not None)

    async def select_evolving_strategy(self) -> str:
        """`crossover` with the chance of the epoch, else `mutation`."""
        chance = min(1.0, self.merging_rate * self.epochs)
        return "crossover" if float(self.rng.random()) < chance else "mutation"

    async def select_candidate_to_merge(self, step: int, trainable_variable: Variable) -> JsonObject | None:
        """Another candidate of the pool, by `selection`; None where there is none."""
        other = self._select(trainable_variable, self.rng, other=True)
        return None if other is None else other.to_json()

    async def mutate_candidate(
        self,
        step: int,
        trainable_variable: Variable,
        selected_candidate: Mapping[str, Json],
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        rewards: Sequence[float] | None = None,
        training: bool = False,
    ) -> Mapping[str, Json] | None:
        """A new candidate descending from one, as `mutate` makes it; another form of that method.

        Args:
            step: counted from 0.
            selected_candidate: its fields and, where it was scored, `reward` and `reward_count`.
            x, y, y_pred, rewards: of the batch; see `Batch`.
        """
        parent = Candidate.from_json(selected_candidate)
        return await self.mutate(trainable_variable, parent, self.view(trainable_variable))

    async def merge_candidate(
        self,
        step: int,
        trainable_variable: Variable,
        current_candidate: Mapping[str, Json],
        other_candidate: Mapping[str, Json],
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        rewards: Sequence[float] | None = None,
        training: bool = False,
    ) -> Mapping[str, Json] | None:
        """A new candidate descending from two, as `cross` makes it; another form of that method.

        Args: see `mutate_candidate`.
        """
        parents = (Candidate.from_json(current_candidate), Candidate.from_json(other_candidate))
        return await self.cross(trainable_variable, *parents, self.view(trainable_variable))

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        base = super().get_config()
        del base["sampling_temperature"]
        return {
            "language_model": serialize_synalinks_object(self.language_model),
            "mutation_temperature": self.mutation_temperature,
            "crossover_temperature": self.crossover_temperature,
            "selection": self.selection,
            "selection_temperature": self.selection_temperature,
            "merging_rate": self.merging_rate,
            **base,
        }
