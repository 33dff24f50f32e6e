"""ChainOfThought: a generator whose answer begins with the thinking that leads to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, create_model

from synalinks._support.setting_of import FixedSetting, SettingOf
from synalinks.data import DataModel, Field, Form, JsonDataModel, SymbolicDataModel, is_meta_class, schema_of
from synalinks.data import schema as schemas
from synalinks.hooks import Hook
from synalinks.modules.core.operation import Out
from synalinks.modules.generators.generator import Generator
from synalinks.modules.generators.settings import OverGenerator, passed_on
from synalinks.modules.tools.tool import AnyTool


class Thinking(DataModel):
    """Thinking before an answer."""

    thinking: str = Field(description="Your step by step thinking")


class ChainOfThought(OverGenerator[Out]):
    """A generator whose answer begins with a `thinking` field (after Wei et al., arXiv 2201.11903).

    Without a schema it is a plain generator of chat messages.

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
        language_model, prompt_template, prompt_variables, examples, instructions, seed_instructions, temperature,
            max_tokens, top_p, top_k, reasoning_effort, use_inputs_schema, use_outputs_schema, return_inputs, streaming,
            tools, tool_schemas: of the inner generator; see `Generator`.
        name, description, trainable, hooks: as for any module.
    """

    data_model = FixedSetting("named_arguments")
    tools = FixedSetting("named_arguments")
    tool_schemas = SettingOf("generator")
    return_inputs = SettingOf("generator")
    streaming = SettingOf("generator")

    def __init__(
        self,
        *,
        schema: Mapping[str, Any] | None = None,
        data_model: Any = None,
        language_model: Any = None,
        prompt_template: str | None = None,
        prompt_variables: Mapping[str, Any] | None = None,
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
        return_inputs: bool = False,
        streaming: bool = False,
        tools: Sequence[AnyTool] | None = None,
        tool_schemas: Sequence[Mapping[str, Any]] | None = None,
        name: str | None = None,
        description: str | None = None,
        trainable: bool = True,
        hooks: Sequence[Hook] | None = None,
    ) -> None:
        super().__init__(name=name, description=description, trainable=trainable, hooks=hooks)
        self.schema = schema if data_model is None else schema_of(data_model)
        self.generator = Generator(
            schema=None if self.schema is None else with_thinking(self.schema),
            **passed_on(locals(), "prompt_variables", "return_inputs", "streaming", "tools", "tool_schemas"),
            name=f"generator_{self.name}",
            trainable=trainable,
        )
        if is_meta_class(data_model):
            self.generator.answers = Form(with_thinking(schema_of(data_model)), _thoughtful(data_model))

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


class _Thought(BaseModel):
    """The field that a class of answers gets; it has no settings of its own that would become those of the class."""

    thinking: str


def _thoughtful(cls: type[BaseModel]) -> type[BaseModel]:
    """A class of answers, validators included, with `thinking` before its own fields, unless it has such a field."""
    if "thinking" in schemas.properties(schema_of(cls)):
        return cls
    return create_model(cls.__name__, __base__=(cls, _Thought), __module__=cls.__module__)


def with_thinking(schema: Mapping[str, object]) -> dict[str, Any]:
    """A schema that begins with `thinking`, unless it has such a field."""
    if "thinking" in schemas.properties(schema):
        return dict(schema)
    thought = schemas.concat(Thinking.get_schema(), schema)
    return {**thought, "title": schema.get("title", "Answer")}
