"""Action: one call of one tool, whose arguments a language model fills in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from synalinks._json import JsonObject
from synalinks.data import DataModel, Field, GenericIO, JsonDataModel, SymbolicDataModel
from synalinks.hooks import Hook
from synalinks.modules.generators.generator import Generator
from synalinks.modules.generators.settings import OverGenerator, passed_on
from synalinks.modules.tools.running import run_tool_calls
from synalinks.modules.tools.tool import Tool
from synalinks.saving import serialize_synalinks_object


class GenericAction(DataModel):
    """A call of a tool."""

    action: GenericIO = Field(description="The arguments and the result of the call")


class Action(OverGenerator):
    """One call of one tool: a language model fills in the arguments, then the tool runs.

    The output is `{"action": {"inputs": arguments, "outputs": result}}`; a call that fails has `{"error": words}` as
    result.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> async def add(first: int, second: int) -> int:
        ...     '''Add two numbers.
        ...
        ...     Args:
        ...         first: one number.
        ...         second: the other one.
        ...     '''
        ...     return first + second
        >>> action = synalinks.Action(tool=add, language_model="ollama/llama3.2")
        >>> with synalinks.use_provider(ScriptedProvider([{"first": 2, "second": 3}])):
        ...     done = asyncio.run(action(synalinks.ChatMessage(role="user", content="2 + 3?")))
        >>> done.get("action")
        {'inputs': {'first': 2, 'second': 3}, 'outputs': {'result': 5}}

    Args:
        tool: a `Tool` or a function.
        language_model: a `LanguageModel`, its name, or None for the session's default.
        name, description, trainable, hooks: as for any module.
        **options: those of a `Generator`: `prompt_template`, `examples`, `instructions`, `temperature`, ...
    """

    def __init__(
        self,
        *,
        tool: Tool | Callable[..., Any],
        language_model: Any = None,
        prompt_template: str | None = None,
        examples: Any = None,
        instructions: str | None = None,
        seed_instructions: Any = None,
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
        hooks: Sequence[Hook] | None = None,
    ) -> None:
        super().__init__(name=name, description=description, trainable=trainable, hooks=hooks)
        self.tool = tool if isinstance(tool, Tool) else Tool(tool)
        self.generator = Generator(
            schema=self.tool.get_tool_schema(),
            **passed_on(locals()),
            name=f"generator_{self.name}",
            trainable=trainable,
        )

    async def call(self, inputs: Any, training: bool = False) -> JsonDataModel | None:
        """The call made for one input; None for no input or arguments that could not be had."""
        arguments = await self.generator(inputs, training=training)
        if arguments is None:
            return None
        given = arguments.get_json()
        call = {"id": "", "function": {"name": self.tool.name, "arguments": given}}
        (message,) = await run_tool_calls({self.tool.name: self.tool}, [call])
        result = message["content"]
        if not isinstance(result, dict):
            result = {"error": result.removeprefix("error: ")} if result.startswith("error: ") else {}
        value = {"action": {"inputs": given, "outputs": result}}
        return JsonDataModel(schema=GenericAction.get_schema(), json=value, name=self.name)

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> SymbolicDataModel:
        """A call of any tool."""
        return SymbolicDataModel(schema=GenericAction.get_schema())

    def get_config(self) -> JsonObject:
        """The constructor's arguments: the tool, and those of the inner generator."""
        inner = passed_on(self.generator.get_config())
        own = {"name": self.name, "description": self.description, "trainable": self.trainable}
        return {"tool": serialize_synalinks_object(self.tool), **inner, **own}
