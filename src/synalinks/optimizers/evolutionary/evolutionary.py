"""EvolutionaryOptimizer: candidates made by a language model, by mutation of one or crossover of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synalinks._json import Json, JsonObject
from synalinks.data import Variable
from synalinks.errors import ConfigurationError
from synalinks.modules import LanguageModel
from synalinks.optimizers.candidates import Candidate
from synalinks.optimizers.evolutionary.selection import check_strategy, check_temperature, choose
from synalinks.optimizers.optimizer import Optimizer, Step, UpdateFrequency
from synalinks.saving import serialize_synalinks_object

if TYPE_CHECKING:
    import numpy as np


class EvolutionaryOptimizer(Optimizer):
    """A search in which new candidates descend from one parent (mutation) or two (crossover).

    The chance of crossover is min(1, merging_rate * epochs completed); it needs two different candidates. Subclasses
    write `mutate` and `cross`.

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
        raise ConfigurationError(f"{type(self).__name__} does not define `async def mutate(...)`")

    async def cross(
        self, variable: Variable, parent: Candidate, other: Candidate, step: Step
    ) -> Mapping[str, Json] | None:
        """New values descending from two candidates, or None."""
        raise ConfigurationError(f"{type(self).__name__} does not define `async def cross(...)`")

    async def on_train_begin(self, variables: Sequence[Variable]) -> None:
        """Resolve the language model, before the first paid call.

        Raises:
            ConfigurationError: there is none.
        """
        self.language_model = self.language_model or LanguageModel.get(None)
        if self.language_model is None:
            raise ConfigurationError(
                f"{type(self).__name__} has no language model to propose with: pass language_model=, or call "
                "synalinks.set_default_language_model('ollama/llama3.2:latest') before training"
            )
        await super().on_train_begin(variables)

    async def select_candidate(self, variable: Variable, rng: np.random.Generator) -> Candidate:
        """A parent from the pool, by `selection`; a seed where the pool is empty."""
        members = _pool_of(variable)
        return self._select(members, rng) if members else await super().select_candidate(variable, rng)

    def _select(self, members: Sequence[Candidate], rng: np.random.Generator) -> Candidate:
        rewards = [float(member.scores.reward) for member in members]
        return members[choose(rewards, 1, self.selection, self.selection_temperature, rng)[0]]

    async def propose(self, variable: Variable, step: Step) -> Mapping[str, Json] | None:
        """A mutation of the candidate the variable holds, or its crossover with another."""
        parent = Candidate.of(variable)
        chance = min(1.0, self.merging_rate * self.epochs)
        others = [candidate for candidate in _pool_of(variable) if candidate.key != parent.key]
        if others and float(step.rng.random()) < chance:
            return await self.cross(variable, parent, self._select(others, step.rng), step)
        return await self.mutate(variable, parent, step)

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


def _pool_of(variable: Variable) -> list[Candidate]:
    return [Candidate.from_json(saved) for saved in variable.get_json()["best_candidates"]]
