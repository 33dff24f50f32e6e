"""ChainOfThought: a generator whose answer begins with the thinking that leads to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks._support.keywords import refuse_unknown_keywords
from synalinks.data import DataModel, Field, JsonDataModel, SymbolicDataModel, schema_of
from synalinks.data import schema as schemas
from synalinks.modules.core.module import Module
from synalinks.modules.generators.generator import Generator


class Thinking(DataModel):
    """Thinking before an answer."""

    thinking: str = Field(description="Your step by step thinking")


class ChainOfThought(Module):
    """A generator whose answer begins with a `thinking` field (after Wei et al., arXiv 2201.11903).

    Without a schema it is a plain generator of chat messages. All other arguments are those of `Generator`.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        >>> module = synalinks.ChainOfThought(data_model=Answer, language_model="ollama/llama3.2")
        >>> with synalinks.use_provider(ScriptedProvider([{"thinking": "2 and 2 are 4", "answer": 4}])):
        ...     answer = asyncio.run(module(synalinks.ChatMessage(role="user", content="2 + 2?")))
        >>> answer.get_json()
        {'thinking': '2 and 2 are 4', 'answer': 4}

    Args:
        schema, data_model: the form of the answer, thinking left out.
        language_model: a `LanguageModel`, its name, or None for the session's default.
        name, description, trainable: as for any module.
        **options: passed on to the inner generator.
    """

    def __init__(
        self,
        *,
        schema: Mapping[str, Any] | None = None,
        data_model: Any = None,
        language_model: Any = None,
        name: str | None = None,
        description: str | None = None,
        trainable: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(name=name, description=description, trainable=trainable)
        refuse_unknown_keywords(type(self), options, Generator.__init__)
        self.schema = schema if data_model is None else schema_of(data_model)
        self.generator = Generator(
            schema=None if self.schema is None else with_thinking(self.schema),
            language_model=language_model,
            name=f"generator_{self.name}",
            trainable=trainable,
            **options,
        )

    async def call(self, inputs: Any, training: bool = False, **tools: Any) -> JsonDataModel | None:
        """Thinking and answer for one input; None for no input or a call that failed for good.

        Args:
            **tools: `tools` and `tool_schemas`, as of the inner generator's call.
        """
        found: JsonDataModel | None = await self.generator(inputs, training=training, **tools)
        return found

    async def compute_output_spec(self, inputs: Any, training: bool = False, **tools: Any) -> SymbolicDataModel:
        """What the inner generator gives."""
        spec = await self.generator.compute_output_spec(inputs)
        self.generator.built = True
        return spec

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments: those of the inner generator, with our schema and name."""
        inner = self.generator.get_config()
        own = {"schema": self.schema, "name": self.name, "description": self.description}
        return {**inner, **own, "trainable": self.trainable}


def with_thinking(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that begins with `thinking`, unless it has such a field."""
    if "thinking" in schemas.properties(schema):
        return dict(schema)
    thought = schemas.concat(Thinking.get_schema(), schema)
    return {**thought, "title": schema.get("title", "Answer")}
