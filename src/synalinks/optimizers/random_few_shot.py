"""RandomFewShot: few-shot examples drawn from the program's own good predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks.data import Variable
from synalinks.errors import ConfigurationError
from synalinks.optimizers.evidence import eligible
from synalinks.optimizers.optimizer import Optimizer, Step, UpdateFrequency
from synalinks.optimizers.selection import check_strategy, choose


class GreedyOptimizer(Optimizer):
    """Proposes sets of few-shot examples drawn from scored predictions. It makes no model calls of its own.

    Eligible are predictions with a positive reward, one per distinct input; how many are drawn is uniform in
    [nb_min_examples, nb_max_examples], or all of them where there are fewer. With both at 0 few-shot learning is
    off.

    Args:
        nb_min_examples, nb_max_examples: how many examples a proposal holds.
        sampling: `softmax` (of reward), `best` or `random`.
        sampling_temperature: of the softmax; 0 takes the best.
        population_size, reward_uncertainty, update_freq, name, description: see `Optimizer`.

    Raises:
        ConfigurationError: counts below 0 or in the wrong order, an unknown way of sampling.
    """

    def __init__(
        self,
        nb_min_examples: int = 1,
        nb_max_examples: int = 3,
        sampling: str = "softmax",
        sampling_temperature: float = 0.3,
        population_size: int = 10,
        reward_uncertainty: float = 0.25,
        update_freq: UpdateFrequency = "epoch",
        name: str | None = None,
        description: str | None = None,
    ) -> None:
        super().__init__(population_size, sampling_temperature, reward_uncertainty, update_freq, name, description)
        kind = type(self).__name__
        if nb_min_examples < 0 or nb_max_examples < nb_min_examples:
            raise ConfigurationError(
                f"{kind}(nb_min_examples={nb_min_examples!r}, nb_max_examples={nb_max_examples!r}): the counts are 0 "
                "or above and the minimum is not above the maximum"
            )
        self.nb_min_examples = nb_min_examples
        self.nb_max_examples = nb_max_examples
        self.sampling = check_strategy(sampling, f"{kind}: sampling")

    async def propose(self, variable: Variable, step: Step) -> Mapping[str, Any] | None:
        """Other examples, or None where nothing is eligible or few-shot learning is off."""
        if self.nb_max_examples == 0:
            return None
        records = eligible(variable)
        if not records:
            return None
        count = int(step.rng.integers(self.nb_min_examples, self.nb_max_examples + 1))
        rewards = [float(record["reward"]) for record in records]
        chosen = choose(rewards, min(count, len(records)), self.sampling, self.sampling_temperature, step.rng)
        return {"examples": [{**records[i], "reward": None} for i in chosen]}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {
            "nb_min_examples": self.nb_min_examples,
            "nb_max_examples": self.nb_max_examples,
            "sampling": self.sampling,
        }
        return {**own, **super().get_config()}


class RandomFewShot(GreedyOptimizer):
    """The baseline optimizer: few-shot examples drawn from the program's own good predictions.

    Args: see `GreedyOptimizer`.
    """
