"""OMEGA: an evolutionary optimizer that rewrites whole variables, driven by a language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synalinks._base.warning import warn
from synalinks._json import Json, JsonObject
from synalinks.data import JsonDataModel, Variable
from synalinks.errors import BudgetExceeded, ConfigurationError
from synalinks.modules import EmbeddingModel, Generator
from synalinks.modules.generators.chain_of_thought import ChainOfThought
from synalinks.modules.generators.generator import EFFORTS
from synalinks.modules.models.missing import MissingModel
from synalinks.modules.models.remote_model import RemoteModel
from synalinks.optimizers.candidates import Candidate, learnable_fields
from synalinks.optimizers.evolutionary.evolutionary import EvolutionaryOptimizer
from synalinks.optimizers.evolutionary.omega import prompts
from synalinks.optimizers.evolutionary.omega.hard_example_buffer import HardExamples, best, worst
from synalinks.optimizers.evolutionary.omega.novelty_search import (
    Descriptors,
    Distance,
    check_distance,
    cosine_distance,
    dominated_novelty_search,
    pairwise,
)
from synalinks.optimizers.evolutionary.selection import check_count
from synalinks.optimizers.few_shot.random_few_shot import GreedyOptimizer
from synalinks.optimizers.grounding import IMPROVE, MERGE, instructions, module_of
from synalinks.optimizers.learnable import learnable_schema
from synalinks.optimizers.optimizer import UpdateFrequency
from synalinks.optimizers.proposals import Step
from synalinks.optimizers.refusals import TRIED, longest_value, normal, refusal
from synalinks.saving import serialize_synalinks_object

ALGORITHMS = ("dns", "ga")
#: Proposals of a variable that are remembered as tried.
REMEMBERED = 2048


class OMEGA(EvolutionaryOptimizer):
    """A genetic search over variables; dominated novelty search keeps the pool diverse (see `omega.novelty_search`).

    A proposal that is empty, garbage, a repetition of one before, or longer than twice the first value (2,000
    characters at least) is refused, and costs no scoring.

    Args:
        instructions: further instructions to the proposer, placed first.
        language_model: proposes candidates; the session's default where None.
        embedding_model: gives the vectors that distances are measured on; the session's default where None; not needed
            with `algorithm="ga"` or a distance function of one's own.
        k_nearest_fitter: candidates within 1 / k of a better one are dropped.
        distance_function: `distance(candidate1, candidate2, embedding_model=None, **kwargs)`, sync or async, in
            [0, 1]; the cosine distance of embeddings where None.
        mutation_temperature, crossover_temperature: sampling temperatures of proposals.
        reasoning_effort: of the proposer.
        use_chain_of_thought: let the proposer write its reasoning before the new value.
        merging_rate, selection, selection_temperature, population_size, reward_uncertainty, name, description,
            update_freq: see `EvolutionaryOptimizer`.
        algorithm: `dns`, or `ga` without the novelty search.
        nb_best_predictions, nb_worst_predictions, nb_hard_examples: how many predictions the proposer is shown.
        hard_example_min_observations: how often an example must have been seen to count as hard.
        nb_examples: examples that a proposal shows besides its new value: own good predictions, those that together
            come nearest to the training inputs, as `RandomFewShot` chooses them; 0 leaves examples alone.

    Raises:
        ConfigurationError: a value out of range; an unknown algorithm.

    Example:
        >>> omega = synalinks.OMEGA(
        ...     instructions="The answers are read by children.",
        ...     language_model="ollama/llama3.2",
        ...     embedding_model="ollama/all-minilm",
        ... )
        ...
        >>> omega.algorithm, omega.population_size
        ('dns', 10)
    """

    def __init__(
        self,
        instructions: str | None = None,
        language_model: Any = None,
        embedding_model: Any = None,
        k_nearest_fitter: int = 5,
        distance_function: Distance | None = None,
        mutation_temperature: float = 0.3,
        crossover_temperature: float = 0.3,
        reasoning_effort: str | None = None,
        use_chain_of_thought: bool = True,
        merging_rate: float = 0.02,
        algorithm: str = "dns",
        selection: str = "softmax",
        selection_temperature: float = 0.3,
        population_size: int = 10,
        reward_uncertainty: float = 0.25,
        nb_best_predictions: int = 1,
        nb_worst_predictions: int = 3,
        nb_hard_examples: int = 1,
        hard_example_min_observations: int = 2,
        name: str | None = None,
        description: str | None = None,
        update_freq: UpdateFrequency = "epoch",
        nb_examples: int = 0,
    ) -> None:
        super().__init__(
            language_model,
            mutation_temperature,
            crossover_temperature,
            selection,
            selection_temperature,
            merging_rate,
            population_size,
            reward_uncertainty,
            name,
            description,
            update_freq,
        )
        if algorithm not in ALGORITHMS:
            raise ConfigurationError(f"OMEGA(algorithm={algorithm!r}): write one of {ALGORITHMS}")
        if reasoning_effort not in EFFORTS:
            raise ConfigurationError(f"OMEGA(reasoning_effort={reasoning_effort!r}): write one of {EFFORTS}")
        if k_nearest_fitter < 1:
            raise ConfigurationError(f"OMEGA(k_nearest_fitter={k_nearest_fitter!r}): at least 1 is needed")
        if distance_function is not None:
            check_distance(distance_function)
        shown = (nb_best_predictions, nb_worst_predictions, nb_hard_examples)
        if min(shown) < 0 or hard_example_min_observations < 1:
            raise ConfigurationError(
                f"OMEGA: nb_best_predictions, nb_worst_predictions, nb_hard_examples = {shown} are 0 or above and "
                f"hard_example_min_observations = {hard_example_min_observations!r} is 1 or above"
            )
        self.instructions = instructions
        self.embedding_model: EmbeddingModel | None = EmbeddingModel.get(embedding_model)
        self.k_nearest_fitter = k_nearest_fitter
        self.distance_function = distance_function
        self.reasoning_effort = reasoning_effort
        self.use_chain_of_thought = use_chain_of_thought
        self.algorithm = algorithm
        self.nb_best_predictions = nb_best_predictions
        self.nb_worst_predictions = nb_worst_predictions
        self.nb_hard_examples = nb_hard_examples
        self.hard_example_min_observations = hard_example_min_observations
        self.nb_examples = check_count(nb_examples, 0, "OMEGA: nb_examples")
        self._few_shot = _few_shot(nb_examples)
        self._descriptors = Descriptors()
        self._hard: dict[str, HardExamples] = {}
        self._proposers: dict[tuple[str, str], Generator | ChainOfThought] = {}
        self._keys: dict[str, frozenset[str]] = {}
        self._longest: dict[str, int] = {}
        self._tried: dict[str, dict[str, None]] = {}  # proposals in their normal form, the newest last

    async def on_train_begin(self, trainable_variables: Sequence[Variable]) -> None:
        """Resolve both models and make the proposers, before the first paid call.

        Raises:
            ConfigurationError: a model is missing, or no variable has a field to be rewritten.
        """
        if not any(map(learnable_fields, trainable_variables)):
            paths = ", ".join(variable.path for variable in trainable_variables)
            raise ConfigurationError(
                f"{self.name}: no field to rewrite in {paths}, only examples. Learn those with RandomFewShot or "
                "PromptRacing, or add a field to the class of a variable"
            )
        await super().on_train_begin(trainable_variables)
        self._few_shot = _few_shot(self.nb_examples)
        for variable in trainable_variables:
            self._hard[variable.path] = HardExamples(self.hard_example_min_observations)
            schema = learnable_schema(variable)
            self._keys[variable.path] = frozenset(schema["properties"])
            first = Candidate.from_json(variable.get_json()["seed_candidates"][0])
            self._longest[variable.path] = longest_value(first.learnable)
            pooled = self.populations[variable.path].candidates
            self._tried[variable.path] = dict.fromkeys(normal(one.learnable) for one in pooled)
            for kind in ("mutation", "crossover"):
                self._proposers[kind, variable.path] = self._proposer(kind, variable, schema)

    def _drawn(self, variables: Sequence[Variable]) -> Variable:
        """The variable to update; one that has a field to be rewritten, where there is one."""
        return super()._drawn([variable for variable in variables if learnable_fields(variable)] or variables)

    def _proposer(self, kind: str, variable: Variable, schema: Mapping[str, Json]) -> Generator | ChainOfThought:
        task = IMPROVE if kind == "mutation" else MERGE
        heat = self.mutation_temperature if kind == "mutation" else self.crossover_temperature
        make = ChainOfThought if self.use_chain_of_thought else Generator
        return make(
            schema=schema,
            language_model=self.language_model,
            instructions=instructions(
                task, list(schema["properties"]), self._longest[variable.path], self.instructions
            ),
            temperature=heat,
            reasoning_effort=self.reasoning_effort,
            name=f"{kind}_{variable.name}",
            trainable=False,
        )

    async def propose(self, variable: Variable, step: Step) -> Mapping[str, Json] | None:
        """A mutation or a crossover, with examples of its own where there are to be any."""
        values = await super().propose(variable, step)
        examples = await self._few_shot.propose(variable, step)
        return values if examples is None else {**(values or {}), **examples}

    async def mutate(self, variable: Variable, parent: Candidate, step: Step) -> Mapping[str, Json] | None:
        """What the proposer makes of one candidate; None if it failed for good."""
        inputs = prompts.MutationInputs(**self._shown(variable, step, parent), current_variable=parent.learnable)
        return await self._ask("mutation", variable, parent, inputs)

    async def cross(
        self, variable: Variable, parent: Candidate, other: Candidate, step: Step
    ) -> Mapping[str, Json] | None:
        """What the proposer makes of two candidates; None if it failed for good."""
        inputs = prompts.CrossoverInputs(
            **self._shown(variable, step, parent, other),
            other_variable=other.learnable,
            current_variable=parent.learnable,
        )
        return await self._ask("crossover", variable, parent, inputs)

    def _shown(self, variable: Variable, step: Step, *parents: Candidate) -> JsonObject:
        hard = self._hard[variable.path]
        hard.observe(step.records)
        return {
            "program_description": step.description,
            "module": None if step.place is None else module_of(step.place),
            "good_predictions": [prompts.shown(r) for r in best(step.records, self.nb_best_predictions)],
            "bad_predictions": [prompts.shown(r) for r in worst(step.records, self.nb_worst_predictions)],
            "hard_examples": [prompts.shown(r) for r in hard.hardest(self.nb_hard_examples)],
            "variable_description": variable.description or "",
            "worked_examples": prompts.worked_examples(parents[0]),
            "earlier_versions": prompts.earlier_versions(
                self.populations[variable.path], [parent.learnable for parent in parents]
            ),
        }

    async def _ask(self, kind: str, variable: Variable, parent: Candidate, inputs: Any) -> Mapping[str, Json] | None:
        """New values; None where there are no fields, no answer, or one that is refused as not worth its scoring."""
        if not self._keys[variable.path]:
            return None
        answer: JsonDataModel | None = await self._proposers[kind, variable.path](inputs)
        if answer is None:
            return None  # the model layer has warned
        path = variable.path
        values = {name: value for name, value in answer.get_json().items() if name in self._keys[path]}
        tried = self._tried[path]
        reason = refusal(values, parent.learnable, self._longest[path], tried)
        tried[normal(values)] = None
        if len(tried) > REMEMBERED:
            del tried[next(iter(tried))]
        if reason is None:
            return values
        if reason != TRIED:  # to say the same again is no fault that a user could mend
            warn(f"{self.name}: a proposal for {path} is refused: {reason}")
        return None

    async def on_epoch_end(self, epoch: int, trainable_variables: Sequence[Variable]) -> None:
        """With `dns`, drop the dominated candidates; then rebuild the pools."""
        if self.algorithm == "dns":
            for variable in trainable_variables:
                await self._drop_dominated(variable)
        await super().on_epoch_end(epoch, trainable_variables)

    async def _drop_dominated(self, variable: Variable) -> None:
        population = self.populations[variable.path]
        everyone = population.ranked(population.candidates)
        if len(everyone) < 2:
            return
        try:
            distances = await self._distances(everyone)
        except BudgetExceeded:
            distances = None  # fit ends by what its budget refused; what was scored is kept
        if distances is None:
            return
        scores = population.comparable(everyone)
        compared = [one.with_scores(found) for one, found in zip(everyone, scores, strict=True)]
        kept = dominated_novelty_search(compared, distances, self.k_nearest_fitter, self.reward_uncertainty)
        kept = kept if len(kept) > 1 else everyone[:2]  # crossover needs two
        validated = population.validated
        stays = {candidate.key for candidate in (*kept, *([validated] if validated else []))}
        population.replace(candidate for candidate in everyone if candidate.key in stays)

    async def _distances(self, pooled: list[Candidate]) -> Any:
        if self.distance_function is not None:
            return await pairwise(pooled, self.distance_function, self.embedding_model)
        if self.embedding_model is None:
            return None
        vectors = await self._descriptors.of(pooled, self.embedding_model)
        return None if vectors is None else cosine_distance(vectors)

    @property
    def _embeds(self) -> bool:
        return self.algorithm == "dns" and self.distance_function is None

    def _missing_models(self) -> list[MissingModel]:
        """Those of every evolution, and the embedding model where distances are measured with it."""
        missing = super()._missing_models()
        self.embedding_model = self.embedding_model or EmbeddingModel.get(None)
        if self._embeds and self.embedding_model is None:
            otherwise = {"embedding": "give a distance_function, or set algorithm='ga'"}
            missing.append(MissingModel({"embedding": [type(self).__name__]}, otherwise))
        return missing

    def models_called(self) -> list[RemoteModel | None]:
        """The proposer and, where distances are measured with it, the embedding model.

        Raises:
            ConfigurationError: one of them is missing.
        """
        if missing := self._missing_models():
            raise MissingModel.all_of(missing)
        return [self.language_model, self.embedding_model if self._embeds else None]

    def get_state(self) -> JsonObject:
        """Examples that stay hard and proposals that were tried, by variable, and the embeddings made so far."""
        hard = {path: examples.get_state() for path, examples in self._hard.items()}
        tried = {path: list(texts) for path, texts in self._tried.items()}
        return {
            "hard": hard,
            "tried": tried,
            "descriptors": self._descriptors.get_state(),
            "few_shot": self._few_shot.get_state(),
        }

    def set_state(self, state: Mapping[str, Json]) -> None:
        """Restore what `get_state` gave."""
        for path, examples in state["hard"].items():
            self._hard[path].set_state(examples)
        self._tried.update((path, dict.fromkeys(texts)) for path, texts in state.get("tried", {}).items())
        self._descriptors.set_state(state["descriptors"])
        self._few_shot.set_state(state.get("few_shot"))

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {
            "instructions": self.instructions,
            "embedding_model": serialize_synalinks_object(self.embedding_model),
            "k_nearest_fitter": self.k_nearest_fitter,
            "distance_function": serialize_synalinks_object(self.distance_function),
            "reasoning_effort": self.reasoning_effort,
            "use_chain_of_thought": self.use_chain_of_thought,
            "algorithm": self.algorithm,
            "nb_best_predictions": self.nb_best_predictions,
            "nb_worst_predictions": self.nb_worst_predictions,
            "nb_hard_examples": self.nb_hard_examples,
            "hard_example_min_observations": self.hard_example_min_observations,
            "nb_examples": self.nb_examples,
            **super().get_config(),
        }


def _few_shot(examples: int) -> GreedyOptimizer:
    return GreedyOptimizer(examples, examples, name="examples")
