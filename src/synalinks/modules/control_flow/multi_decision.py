"""MultiDecision: any number of labels as the answer to a question about the input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from synalinks._json import JsonObject
from synalinks.data import JsonDataModel
from synalinks.hooks import Hook
from synalinks.modules.control_flow.decision import LabelModule
from synalinks.modules.control_flow.labels import THINKING, choice_of, decision_schema
from synalinks.modules.models.decision_form import DecisionLimits


class MultiDecision(LabelModule):
    """All labels that apply, chosen by a language model: `thinking`, then `choices`, each label once.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> class Query(synalinks.DataModel):
        ...     query: str
        >>> topics = synalinks.MultiDecision(
        ...     question="What is it about?", labels=["sums", "space", "food"], language_model="ollama/llama3.2"
        ... )
        >>> with synalinks.use_provider(ScriptedProvider([{"thinking": "...", "choices": ["space", "food"]}])):
        ...     answer = asyncio.run(topics(Query(query="What do they eat on the ISS?")))
        >>> answer["choices"]
        ['space', 'food']

    Args:
        question, labels: as for a `Decision`; a single label applies or not.
        inline: whether the schema lists the labels where they are used; else in its `$defs`, under the name `Label`.
        language_model, prompt_template, examples, instructions, seed_instructions, temperature, max_tokens, top_p,
            top_k, reasoning_effort, use_inputs_schema, use_outputs_schema: as for a `Generator`.
        name, description, trainable, hooks: as for any module.
        decision_model: a `DecisionModel`, or its name, that decides in place of the language model: `choices` alone.
            The session's, if there is one and no model is given.
        threshold: the probability from which a decision model chooses a label; 0.5 where None.

    Raises:
        ConfigurationError: no question, labels that are no list of different texts, or a `threshold` that is no
            probability or without a decision model.
    """

    task: ClassVar[str] = "choose all that apply of these labels, or none of them"
    least_labels: ClassVar[int] = 1

    def __init__(
        self,
        *,
        question: str | None = None,
        labels: Sequence[str] | None = None,
        language_model: Any = None,
        inline: bool = True,
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
        threshold: float | None = None,
        hooks: Sequence[Hook] | None = None,
    ) -> None:
        super().__init__(question, labels, name, description, trainable, hooks)
        model = self.decide_with(decision_model, language_model, threshold=threshold)
        self.threshold = threshold
        self.inline = inline
        self.generator = self.make_generator(self._schema(model is None), model, locals())
        if threshold is not None:
            self.generator.decision_limits = DecisionLimits(threshold=threshold)

    def _schema(self, thinks: bool) -> JsonObject:
        label = {**choice_of(self.labels, "A label that applies"), "title": "Label"}
        choices = {
            "type": "array",
            "items": label if self.inline else {"$ref": "#/$defs/Label"},
            "title": "Choices",
            "description": "The labels that answer the question",
        }
        schema = decision_schema("Decisions", {**({"thinking": THINKING} if thinks else {}), "choices": choices})
        return schema if self.inline else {"$defs": {"Label": label}, **schema}

    async def call(self, inputs: Any, training: bool = False) -> JsonDataModel | None:
        """The decision on one input; None for no input or a call that failed for good."""
        found = await super().call(inputs, training)
        if found is not None:
            found.update({"choices": list(dict.fromkeys(found["choices"]))})
        return found

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "inline": self.inline, "threshold": self.threshold}
