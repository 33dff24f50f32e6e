"""Decision: one label of several as the answer to a question about the input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from synalinks._json import JsonObject
from synalinks.data import JsonDataModel, SymbolicDataModel
from synalinks.errors import ConfigurationError
from synalinks.hooks import Hook
from synalinks.modules.control_flow.labels import (
    CERTAINTY,
    THINKING,
    Question,
    beside,
    checked_labels,
    checked_question,
    choice_of,
    decision_schema,
    listed,
)
from synalinks.modules.generators.generator import Generator
from synalinks.modules.generators.settings import OverGenerator, passed_on
from synalinks.modules.models.decision_form import DecisionLimits, checked_probability
from synalinks.modules.models.decision_model import DecisionModel


class LabelModule(OverGenerator):
    """The base of `Decision` and `MultiDecision`: a question, labels, and a generator over a schema made of them.

    The generator gets the input with the question beside it: behind the fields of the input, or before the messages of
    a chat, where fields are part of the prompt.

    Example:
        >>> decision = synalinks.Decision(question="Is it urgent?", labels=["yes", "no"])
        >>> decision.generator.instructions
        'Decide on the question about the input: think first, then choose one of these labels: "yes", "no".'
    """

    #: The end of the default instructions, before the labels.
    task: ClassVar[str]
    #: Limits of a decision model; a class has the one that it takes.
    min_confidence: float | None = None
    threshold: float | None = None
    #: The fewest labels that there is something to decide between.
    least_labels: ClassVar[int] = 2

    def __init__(
        self,
        question: object,
        labels: object,
        name: str | None,
        description: str | None,
        trainable: bool,
        hooks: Sequence[Hook] | None,
    ) -> None:
        super().__init__(name=name, description=description, trainable=trainable, hooks=hooks)
        where = f"{self.name}: {type(self).__name__}"
        self.question = checked_question(question, where)
        self.labels = checked_labels(labels, where, self.least_labels)
        self._question = Question(question=self.question).to_json_data_model()

    def decide_with(self, decision_model: Any, language_model: Any, **limits: float | None) -> DecisionModel | None:
        """The decision model: the one given, or the session's if no model is given at all.

        Args:
            **limits: probabilities that only a decision model has.

        Raises:
            ConfigurationError: a limit without a decision model, or one that is no probability.
        """
        found: DecisionModel | None = None
        if decision_model is not None or language_model is None:
            found = DecisionModel.get(decision_model)
        for name, limit in limits.items():
            if checked_probability(limit, f"{self.name}: {name}") is not None and found is None:
                raise ConfigurationError(
                    f"{self.name}: {name}={limit} is compared with the probabilities of a decision model; pass "
                    "decision_model=..., or set one for the session with synalinks.set_default_decision_model(...)"
                )
        return found

    def make_generator(self, schema: JsonObject, model: DecisionModel | None, given: Mapping[str, Any]) -> Generator:
        """The inner generator.

        Args:
            model: decides in place of the language model, or None.
            given: the arguments of the constructor.
        """
        first = "think first, then " if "thinking" in schema["properties"] else ""
        task = f"Decide on the question about the input: {first}{self.task}: {listed(self.labels)}."
        return Generator(
            schema=schema,
            decision_model=model,
            name=f"generator_{self.name}",
            trainable=self.trainable,
            **passed_on({**given, "instructions": task if given["instructions"] is None else given["instructions"]}),
        )

    generator: Generator

    async def call(self, inputs: Any, training: bool = False) -> JsonDataModel | None:
        """The decision on one input; None for no input or a call that failed for good."""
        if inputs is None:
            return None
        found: JsonDataModel | None = await self.generator(beside(inputs, self._question), training=training)
        return found

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> SymbolicDataModel:
        """A symbol of the decision's schema."""
        self.generator.built = True
        return await self.generator.compute_output_spec(inputs)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; those of the inner generator among them."""
        inner = self.generator.get_config()
        own = {"question": self.question, "labels": self.labels, "name": self.name, "description": self.description}
        return {**passed_on(inner), "decision_model": inner.get("decision_model"), **own, "trainable": self.trainable}


class Decision(LabelModule):
    """One label of several, chosen by a language model: `thinking`, then `choice`.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> class Query(synalinks.DataModel):
        ...     query: str
        >>> decision = synalinks.Decision(
        ...     question="How hard is the query?", labels=["easy", "hard"], language_model="ollama/llama3.2"
        ... )
        >>> with synalinks.use_provider(ScriptedProvider([{"thinking": "one step", "choice": "easy"}])):
        ...     answer = asyncio.run(decision(Query(query="What is 2 + 2?")))
        >>> answer.get_json()
        {'thinking': 'one step', 'choice': 'easy'}

    Args:
        question: what is to be decided about the input.
        labels: the answers to choose from, at least two different texts.
        language_model, prompt_template, examples, instructions, seed_instructions, temperature, max_tokens, top_p,
            top_k, reasoning_effort, use_inputs_schema, use_outputs_schema: as for a `Generator`.
        name, description, trainable, hooks: as for any module.
        decision_model: a `DecisionModel`, or its name, that decides in place of the language model: `choice`, then its
            probability `confidence`. The session's, if there is one and no model is given.
        min_confidence: the probability below which a decision does not count. The language model then decides, if one
            is given; else there is none.

    Raises:
        ConfigurationError: no question, labels that are no list of at least two different texts, or a `min_confidence`
            that is no probability or without a decision model.
    """

    task: ClassVar[str] = "choose one of these labels"

    def __init__(
        self,
        *,
        question: str | None = None,
        labels: Sequence[str] | None = None,
        language_model: Any = None,
        prompt_template: str | None = None,
        examples: Sequence[Any] | None = None,
        instructions: str | None = None,
        seed_instructions: Sequence[str] | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        reasoning_effort: str | None = None,
        use_inputs_schema: bool = False,
        use_outputs_schema: bool = False,
        name: str | None = None,
        description: str | None = None,
        trainable: bool = True,
        decision_model: Any = None,
        min_confidence: float | None = None,
        hooks: Sequence[Hook] | None = None,
    ) -> None:
        super().__init__(question, labels, name, description, trainable, hooks)
        model = self.decide_with(decision_model, language_model, min_confidence=min_confidence)
        self.min_confidence = min_confidence
        choice = choice_of(self.labels, "The label that answers the question")
        fields = (
            {"thinking": THINKING, "choice": choice} if model is None else {"choice": choice, "confidence": CERTAINTY}
        )
        self.generator = self.make_generator(decision_schema("Decision", fields), model, locals())
        self.generator.decision_limits = DecisionLimits(min_confidence=min_confidence)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "min_confidence": self.min_confidence}
