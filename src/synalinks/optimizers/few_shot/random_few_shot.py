"""RandomFewShot: few-shot examples drawn from the program's own good predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synalinks import _json
from synalinks._json import Json, JsonObject
from synalinks._support.calling import awaited
from synalinks.data import Variable
from synalinks.errors import ConfigurationError
from synalinks.optimizers.evolutionary.selection import check_count, check_strategy, choose, softmax
from synalinks.optimizers.few_shot.lexical_similarity import LexicalSimilarity, cosine, cover
from synalinks.optimizers.few_shot.similarity_effect import SimilarityEffect
from synalinks.optimizers.optimizer import Optimizer, UpdateFrequency
from synalinks.optimizers.proposals import Step
from synalinks.optimizers.scored_predictions import Record, eligible

if TYPE_CHECKING:
    import numpy as np


class GreedyOptimizer(Optimizer):
    """Proposes sets of few-shot examples drawn from scored predictions. It makes no model calls of its own.

    Eligible are predictions with a positive reward, one per distinct input; how many are drawn is uniform in
    [nb_min_examples, nb_max_examples], or all of them where there are fewer. Within an epoch no count comes twice
    before each has come once. With both at 0 few-shot learning is off.

    A step scores one proposal on a few samples, so there are not many tries. With `sampling="softmax"` each counts
    for more: of the predictions, those are taken that together come nearest to the training inputs, in the rare words
    they share (`LexicalSimilarity`); the softmax of their rewards is how much each one's similarity is worth, and draws
    among those that are equally near, or from all where the nearest are in the prompt already. Once training has shown
    a significant effect of similarity (see `SimilarityEffect`), a draw that is less similar to the training inputs than
    the best known candidate is not scored. `best` uses rewards only, `random` neither.

    Args:
        nb_min_examples, nb_max_examples: how many examples a proposal holds.
        sampling: `softmax` (of reward), `best` or `random`.
        sampling_temperature: of the softmax; 0 takes the best.
        population_size, reward_uncertainty, name, description, update_freq: see `Optimizer`.

    Raises:
        ConfigurationError: counts below 0 or in the wrong order, an unknown way of sampling.

    Example:
        >>> optimizer = synalinks.optimizers.GreedyOptimizer(nb_max_examples=2, sampling="best")
        >>> optimizer.get_config()["sampling"]
        'best'
    """

    def __init__(
        self,
        nb_min_examples: int = 1,
        nb_max_examples: int = 3,
        sampling: str = "softmax",
        sampling_temperature: float = 0.3,
        population_size: int = 10,
        reward_uncertainty: float = 0.25,
        name: str | None = None,
        description: str | None = None,
        update_freq: UpdateFrequency = "epoch",
    ) -> None:
        super().__init__(population_size, sampling_temperature, reward_uncertainty, update_freq, name, description)
        kind = type(self).__name__
        if nb_min_examples < 0 or nb_max_examples < nb_min_examples:
            raise ConfigurationError(
                f"{kind}(nb_min_examples={nb_min_examples!r}, nb_max_examples={nb_max_examples!r}): the counts are 0 "
                "or above and the minimum is not above the maximum"
            )
        check_count(nb_min_examples, 0, f"{kind}: nb_min_examples")
        check_count(nb_max_examples, 0, f"{kind}: nb_max_examples")
        self.nb_min_examples = nb_min_examples
        self.nb_max_examples = nb_max_examples
        self.sampling = check_strategy(sampling, f"{kind}: sampling")
        self._hands: dict[str, list[int]] = {}
        self._effects: dict[str, SimilarityEffect] = {}
        self._measured: tuple[Sequence[Any], LexicalSimilarity] | None = None

    async def on_train_begin(self, trainable_variables: Sequence[Variable]) -> None:
        """Begin without the effects measured by former trainings."""
        await super().on_train_begin(trainable_variables)
        self._hands, self._effects, self._measured = {}, {}, None

    async def on_epoch_begin(self, epoch: int, trainable_variables: Sequence[Variable]) -> None:
        """Shuffle the counts anew: no state is carried between epochs."""
        self._hands = {}

    async def on_train_end(self, trainable_variables: Sequence[Variable]) -> None:
        """Leave the best candidate in the fields, and no index of the data in memory."""
        await super().on_train_end(trainable_variables)
        self._measured = None

    async def propose(self, variable: Variable, step: Step) -> Mapping[str, Json] | None:
        """Other examples; None where nothing is eligible, few-shot learning is off, or the draw has no chance."""
        if self.nb_max_examples == 0:
            return None
        self._rng, self._view = step.rng, lambda _: step
        near = self._similarity(step)
        if near is not None:
            self._observe(variable, step.records, near)
        if not eligible(variable):
            return None
        chosen = await awaited(self.sample_best_predictions(variable))
        if near is not None and self._falls_behind(variable, chosen, near):
            return None
        return {"examples": chosen}

    async def sample_best_predictions(self, trainable_variable: Variable) -> list[JsonObject]:
        """The examples of a proposal: eligible predictions, as the sampling draws them; there may be none."""
        step = self.view(trainable_variable)
        records = eligible(trainable_variable)
        if not records:
            return []
        count = min(self._deal(trainable_variable, step.rng), len(records))
        chosen = self._choose(trainable_variable, records, count, self._similarity(step), step.rng)
        return [{**record, "reward": None} for record in chosen]

    def _deal(self, variable: Variable, rng: np.random.Generator) -> int:
        """How many examples: uniform, and as evenly as can be within an epoch, which has few steps."""
        hand = self._hands.setdefault(variable.path, [])
        if not hand:
            hand.extend(self.nb_min_examples + int(i) for i in rng.permutation(self._counts))
        return hand.pop()

    @property
    def _counts(self) -> int:
        return self.nb_max_examples - self.nb_min_examples + 1

    def _choose(
        self,
        variable: Variable,
        records: list[Record],
        count: int,
        near: LexicalSimilarity | None,
        rng: np.random.Generator,
    ) -> list[Record]:
        rewards = [float(record["reward"]) for record in records]
        drawn = choose(rewards, count if near is None else len(records), self.sampling, self.sampling_temperature, rng)
        if near is None:
            return [records[i] for i in drawn]
        import numpy as np  # only training needs it

        odds = softmax(rewards, self.sampling_temperature)
        columns = np.stack([near.to_all(record["inputs"]) for record in records], axis=1)
        chosen = [records[i] for i in cover(columns, odds / odds.max(), drawn, count)]
        if _contents(chosen) == _contents(variable.get_json()["examples"]):  # not worth a step; look elsewhere
            return [records[i] for i in drawn[:count]]
        return chosen

    # --- the similarity effect -----------------------------------------------------------------------------

    def _similarity(self, step: Step) -> LexicalSimilarity | None:
        """To the training inputs; None where they are unknown, or the sampling does without."""
        inputs = step.training_inputs
        if self.sampling != "softmax" or not inputs:
            return None
        if self._measured is None or self._measured[0] is not inputs:
            self._measured = (inputs, LexicalSimilarity(inputs))
        return self._measured[1]

    def _observe(self, variable: Variable, records: Sequence[Record], near: LexicalSimilarity) -> None:
        """Learn from the batch: how near each sample was to the examples in its prompt, and what it scored."""
        shown = variable.get_json()["examples"]
        if not shown:
            return
        own = {_json.canonical(example["inputs"]) for example in shown}
        vectors = [near.vector(example["inputs"]) for example in shown]
        seen = [record for record in records if _json.canonical(record["inputs"]) not in own]
        own_vectors = [near.vector(record["inputs"]) for record in seen]
        found = [max(cosine(own_vector, vector) for vector in vectors) for own_vector in own_vectors]
        name = _json.digest(b"".join(sorted(own)))
        effect = self._effects.setdefault(variable.path, SimilarityEffect())
        effect.observe(name, found, [float(record["reward"]) for record in seen])

    def _falls_behind(self, variable: Variable, chosen: Sequence[Record], near: LexicalSimilarity) -> bool:
        """Whether similarity has a significant effect, and the best known candidate is more similar."""
        effect, population = self._effects.get(variable.path), self.populations.get(variable.path)
        if effect is None or not effect.sure or population is None or population.best is None:
            return False
        reached, best = (
            near.coverage([example["inputs"] for example in examples])
            for examples in (chosen, population.best.fields["examples"])
        )
        return reached < best - 1e-9

    # --- going on after a crash, and saving ------------------------------------------------------------------

    def get_state(self) -> JsonObject:
        """What training has shown of similarity, by variable."""
        return {"effects": {path: effect.get_state() for path, effect in self._effects.items()}}

    def set_state(self, state: Mapping[str, Json] | None) -> None:
        """Restore what `get_state` gave."""
        for path, known in (state or {}).get("effects", {}).items():
            self._effects.setdefault(path, SimilarityEffect()).set_state(known)

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        own = {
            "nb_min_examples": self.nb_min_examples,
            "nb_max_examples": self.nb_max_examples,
            "sampling": self.sampling,
        }
        return {**own, **super().get_config()}


def _contents(examples: Sequence[Mapping[str, Json]]) -> set[bytes]:
    """What the examples show, in whatever order."""
    return {_json.canonical([example["inputs"], example["outputs"]]) for example in examples}


class RandomFewShot(GreedyOptimizer):
    """The baseline optimizer: few-shot examples drawn from the program's own good predictions.

    Args: see `GreedyOptimizer`.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> async def build():
        ...     inputs = synalinks.Input(data_model=Question)
        ...     outputs = await synalinks.Generator(data_model=Answer, language_model="ollama/llama3.2")(inputs)
        ...     return synalinks.Program(inputs=inputs, outputs=outputs)
        ...
        >>> program = asyncio.run(build())
        >>> program.compile(optimizer=synalinks.RandomFewShot(nb_max_examples=1), reward=synalinks.ExactMatch())
        >>> x, y = [Question(question="2 + 2?")] * 2, [Answer(answer="4")] * 2
        >>> with synalinks.use_provider(ScriptedProvider(lambda call: {"answer": "4"})):
        ...     history = asyncio.run(program.fit(x, y, seed=0, verbose=0))
        ...
        >>> history.history["reward"]
        [1.0]
    """
