"""PromptRacing: instructions and examples improved together, by paired races between candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synalinks._json import JsonObject
from synalinks.data import Variable
from synalinks.modules import LanguageModel
from synalinks.modules.models.missing import MissingModel
from synalinks.modules.models.remote_model import RemoteModel
from synalinks.optimizers.candidates import learnable_fields
from synalinks.optimizers.evolutionary.selection import check_count, check_temperature
from synalinks.optimizers.optimizer import Optimizer
from synalinks.optimizers.racing.examples import Examples
from synalinks.optimizers.racing.proposer import Proposer
from synalinks.optimizers.racing.search import Pace, RacingSearch
from synalinks.optimizers.search import Problem
from synalinks.saving import serialize_synalinks_object


class PromptRacing(Optimizer):
    """Improves instructions and examples together, by paired races between candidates; the optimizer to begin with.

    Args:
        language_model: proposes instructions; the session's default where None.
        nb_examples: examples that a prompt shows at most; 0 leaves examples alone.
        instructions: further instructions to the proposer, placed first.
        temperature: of proposals.
        use_chain_of_thought: let the proposer write its reasoning before the new value.
        name, description: in logs and saved files.

    Raises:
        ConfigurationError: a count or temperature below 0; when training begins, no language model.

    Example:
        >>> optimizer = synalinks.optimizers.PromptRacing(language_model="ollama/llama3.2")
        >>> optimizer.nb_examples, optimizer.searches
        (12, True)
    """

    pace = Pace()

    def __init__(
        self,
        language_model: Any = None,
        nb_examples: int = 12,
        instructions: str | None = None,
        temperature: float = 0.7,
        use_chain_of_thought: bool = True,
        name: str | None = None,
        description: str | None = None,
    ) -> None:
        super().__init__(name=name, description=description)
        kind = type(self).__name__
        self.language_model: LanguageModel | None = LanguageModel.get(language_model)
        self.nb_examples = check_count(nb_examples, 0, f"{kind}: nb_examples")
        self.instructions = instructions
        self.temperature = check_temperature(temperature, f"{kind}: temperature")
        self.use_chain_of_thought = use_chain_of_thought

    async def on_train_begin(self, variables: Sequence[Variable]) -> None:
        """Resolve the language model, before the first paid call.

        Raises:
            ConfigurationError: there is none, and a variable has fields to be written.
        """
        self.language_model = self.language_model or LanguageModel.get(None)
        if self.language_model is None and any(map(_written, variables)):
            raise MissingModel({"language": [type(self).__name__]})
        await super().on_train_begin(variables)

    async def search(self, problem: Problem) -> None:
        """See `racing.search`."""
        proposers = []
        if self.language_model is not None:
            proposers = [
                Proposer(
                    problem,
                    variable,
                    self.language_model,
                    self.temperature,
                    self.instructions,
                    self.use_chain_of_thought,
                )
                for variable in problem.variables
                if _written(variable)
            ]
        examples = Examples(problem, self.nb_examples) if self.nb_examples else None
        await RacingSearch(problem, examples, proposers, self.pace).run()

    def models_called(self) -> list[RemoteModel | None]:
        """The proposer."""
        return [self.language_model]

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {
            "language_model": serialize_synalinks_object(self.language_model),
            "nb_examples": self.nb_examples,
            "instructions": self.instructions,
            "temperature": self.temperature,
            "use_chain_of_thought": self.use_chain_of_thought,
            "name": self.name,
            "description": self.description,
        }


def _written(variable: Variable) -> bool:
    """Whether a variable has fields besides its examples."""
    return bool(learnable_fields(variable))
