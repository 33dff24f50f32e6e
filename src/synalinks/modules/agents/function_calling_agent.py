"""FunctionCallingAgent: a loop of model and tools that ends in an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from synalinks._json import Json, JsonObject
from synalinks._support.setting_of import FixedSetting, SettingOf
from synalinks.data import (
    ChatMessages,
    JsonDataModel,
    Operand,
    SymbolicDataModel,
    is_chat_messages,
    is_strictly_chat_message,
)
from synalinks.data import schema as schemas
from synalinks.errors import ConfigurationError
from synalinks.hooks import Hook
from synalinks.modules.agents import skills as skill_files
from synalinks.modules.agents.prompts import (
    FINAL_INSTRUCTIONS,
    INSTRUCTIONS,
    THINKING,
    default_agent_prompt_template,
)
from synalinks.modules.agents.skills import AnyPath
from synalinks.modules.core.module import Module
from synalinks.modules.core.operation import Out
from synalinks.modules.generators.chain_of_thought import ChainOfThought
from synalinks.modules.generators.generator import Generator
from synalinks.modules.models.language_model import LanguageModel
from synalinks.modules.tools.running import answered, run_tool_calls
from synalinks.modules.tools.tool import AnyTool, Tool
from synalinks.saving import serialize_synalinks_object

SAMPLING = ("temperature", "max_tokens", "top_p", "top_k")


class FunctionCallingAgent(Module[Out]):
    """A loop of a language model and tools (after ReAct, Yao et al., arXiv 2210.03629), with native tool calls.

    In each turn a generator answers with calls of tools, all of which run side by side, or with none; then a final
    generator makes the answer out of the conversation. A call that fails is a result that the model reads. Both
    generators are trainable.

    With `autonomous=False` a call is one turn: it runs the tool calls of the last message, and returns the
    conversation with the model's next message, whose tool calls the program may show, change or refuse before it calls
    the agent again.

    Example:
        >>> from synalinks.lm import Reply
        >>> from synalinks.testing import ScriptedProvider
        >>> async def add(first: int, second: int) -> int:
        ...     '''Add two numbers.
        ...
        ...     Args:
        ...         first: one number.
        ...         second: the other one.
        ...     '''
        ...     return first + second
        >>> class Sum(synalinks.DataModel):
        ...     total: int
        >>> agent = synalinks.FunctionCallingAgent(
        ...     data_model=Sum, tools=[add], language_model="ollama/llama3.2", return_inputs_with_trajectory=False
        ... )
        >>> call = {"id": "1", "name": "add", "arguments": {"first": 2, "second": 3}}
        >>> script = ScriptedProvider([Reply(tool_calls=(call,)), "done", {"total": 5}])
        >>> with synalinks.use_provider(script):
        ...     answer = asyncio.run(agent(synalinks.ChatMessage(role="user", content="2 + 3?")))
        >>> answer.get_json()
        {'total': 5}

    Args:
        schema, data_model: the form of the answer; without either it is a message at the end of the conversation.
        language_model: a `LanguageModel`, its name, or None for the session's default.
        prompt_template: of the turns (see `default_agent_prompt_template`).
        examples, instructions: of the turns, as for a `Generator`.
        final_instructions: of the final generator; `instructions` where None.
        temperature, max_tokens, top_p, top_k, reasoning_effort: of all calls; the model's where None.
        use_inputs_schema, use_outputs_schema: show the schemas in the prompt of the turns.
        use_chain_of_thought: have the model think before each turn.
        tools: functions, or values of `Tool`; without any the model has one turn before it answers.
        autonomous: run the loop to its end, or one turn a call.
        return_inputs_with_trajectory: whether the conversation stands before the answer; without a schema, whether
            what is returned is the whole conversation or what this call added at its end.
        max_iterations: turns at most; after the last the answer is made of what there is.
        streaming: return the final answer as a `StreamingIterator`; without effect where there is a schema.
        workdir: a directory whose `AGENTS.md`, if there is one, the model is shown.
        skills: folders of skills, each with a `SKILL.md`; the model is shown their descriptions and reads them with the
            tool `read_skill`.
        name, description, hooks: as for any module.

    Raises:
        ConfigurationError: two tools of one name or one whose name begins with `_`, a limit below 1, or folders
            that are not there; (when called, and not autonomous) inputs that are no conversation.
    """

    language_model = SettingOf("tool_calls_generator", "final_generator")
    temperature = SettingOf("tool_calls_generator", "final_generator")
    max_tokens = SettingOf("tool_calls_generator", "final_generator")
    top_p = SettingOf("tool_calls_generator", "final_generator")
    top_k = SettingOf("tool_calls_generator", "final_generator")
    reasoning_effort = SettingOf("tool_calls_generator", "final_generator")
    prompt_template = SettingOf("tool_calls_generator")
    examples = SettingOf("tool_calls_generator")
    use_inputs_schema = SettingOf("tool_calls_generator")
    use_outputs_schema = SettingOf("tool_calls_generator")
    data_model = FixedSetting("named_arguments")
    schema = SettingOf("final_generator")
    streaming = SettingOf("final_generator")

    def __init__(
        self,
        *,
        schema: Mapping[str, Json] | None = None,
        data_model: Any = None,
        language_model: Any = None,
        prompt_template: str | None = None,
        examples: Sequence[Any] | None = None,
        instructions: str | None = None,
        final_instructions: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        use_inputs_schema: bool = False,
        use_outputs_schema: bool = False,
        reasoning_effort: str | None = None,
        use_chain_of_thought: bool = False,
        tools: Sequence[AnyTool] | None = None,
        autonomous: bool = True,
        return_inputs_with_trajectory: bool = True,
        max_iterations: int = 5,
        streaming: bool = False,
        workdir: AnyPath | None = None,
        skills: AnyPath | Sequence[AnyPath] | None = None,
        name: str | None = None,
        description: str | None = None,
        hooks: Sequence[Hook] | None = None,
    ) -> None:
        super().__init__(name=name, description=description, hooks=hooks)
        if isinstance(max_iterations, bool) or not isinstance(max_iterations, int) or max_iterations < 1:
            raise ConfigurationError(f"{self.name}: max_iterations={max_iterations!r}; write a whole number from 1")
        self.autonomous = autonomous
        self.return_inputs_with_trajectory = return_inputs_with_trajectory
        self.max_iterations = max_iterations
        self.instructions, self.final_instructions = instructions, final_instructions
        self.use_chain_of_thought = use_chain_of_thought
        self.workdir = None if workdir is None else str(workdir)
        self.skills = skill_files.paths_of(skills)
        found = skill_files.find_skills(self.skills)
        self.tools = _tools_of(self.name, tools, skill_files.reader_of(found) if found else None)
        common: JsonObject = {
            "language_model": LanguageModel.get(language_model),  # one for both generators
            **dict(zip(SAMPLING, (temperature, max_tokens, top_p, top_k), strict=True)),
            "reasoning_effort": reasoning_effort,
        }
        made: type[Generator[Any] | ChainOfThought[Any]] = ChainOfThought if use_chain_of_thought else Generator
        thinking = f"{INSTRUCTIONS} {THINKING}" if use_chain_of_thought else INSTRUCTIONS
        self.tool_calls_generator = made(
            **common,
            prompt_template=prompt_template or default_agent_prompt_template(),
            prompt_variables={
                "agents_md": skill_files.read_guide(workdir),
                "skills": [skill_files.describe(folder) for folder in found.values()],
            },
            examples=examples,
            instructions=thinking if instructions is None else instructions,
            use_inputs_schema=use_inputs_schema,
            use_outputs_schema=use_outputs_schema,
            name=f"tool_calls_generator_{self.name}",
        )
        self.final_generator = Generator(
            **common,
            schema=schema,
            data_model=data_model,
            instructions=final_instructions or instructions or FINAL_INSTRUCTIONS,
            streaming=streaming,
            name=f"final_generator_{self.name}",
        )

    async def call(self, inputs: Any, training: bool = False) -> Any:
        """The answer to one input, or the conversation after one turn; None for no input or a call that failed."""
        if inputs is None:
            return None
        self._check(inputs)
        talk = _Conversation(inputs, self.name)
        return await (self._run(talk) if self.autonomous else self._turn(talk))

    async def _run(self, talk: _Conversation) -> Any:
        for _ in range(self.max_iterations):
            step = await self._next(talk)
            if step is None or not step.get("tool_calls"):
                break
            talk.add(step.get_json())
            talk.add(*await run_tool_calls(self.tools, step.get("tool_calls")))
        return await self._answer(talk)

    async def _turn(self, talk: _Conversation) -> Any:
        if talk.messages and (calls := talk.messages[-1].get("tool_calls")):
            talk.add(*await run_tool_calls(self.tools, calls))
        step = await self._next(talk)
        if step is None or not step.get("tool_calls"):
            return await self._answer(talk)
        talk.add(step.get_json())
        return self._messages(talk)

    async def _next(self, talk: _Conversation) -> JsonDataModel | None:
        """The model's next message; None if its call failed for good."""
        schemas_ = [tool.to_wire() for tool in self.tools.values()]
        found: JsonDataModel | None = await self.tool_calls_generator(talk.value(), tool_schemas=schemas_)
        return found

    async def _answer(self, talk: _Conversation) -> Any:
        """What is made of a conversation in which no tool is called any more."""
        final = await self.final_generator(talk.value())
        if final is None or not isinstance(final, JsonDataModel):  # failed for good, or streamed
            return final
        if self.final_generator.schema is None:
            talk.add(final.get_json())
            return self._messages(talk)
        return self._messages(talk) + final if self.return_inputs_with_trajectory else final

    def _messages(self, talk: _Conversation) -> JsonDataModel:
        """The conversation, or what this call added to it."""
        messages = talk.messages if self.return_inputs_with_trajectory else talk.messages[talk.begun :]
        if self.autonomous and not self.return_inputs_with_trajectory:
            messages = messages[-1:]
        checked = ChatMessages.model_validate({"messages": messages})
        return JsonDataModel(schema=ChatMessages.get_schema(), json=checked.get_json(), name=self.name)

    def _check(self, inputs: Operand) -> None:
        if not self.autonomous and not is_chat_messages(inputs):
            raise ConfigurationError(
                f"{self.name}: an agent with autonomous=False takes a conversation, a ChatMessages; the conversation "
                "it returns is given to it again"
            )

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> SymbolicDataModel:
        """The conversation's schema, the answer's, or both."""
        self._check(inputs)
        answer, conversation = self.final_generator.schema, ChatMessages.get_schema()
        if not self.autonomous or answer is None:
            return SymbolicDataModel(schema=conversation)
        if not self.return_inputs_with_trajectory:
            return SymbolicDataModel(schema=answer)
        return SymbolicDataModel(schema=schemas.concat(conversation, answer))

    def get_config(self) -> JsonObject:
        """The constructor's arguments; functions of tools are written by their registered names."""
        calling, final = self.tool_calls_generator.get_config(), self.final_generator.get_config()
        own_prompt = self.prompt_template != default_agent_prompt_template()
        given = [tool for name, tool in self.tools.items() if not (self.skills and name == skill_files.READ_SKILL)]
        return {
            **{key: calling[key] for key in ("examples", "use_inputs_schema", "use_outputs_schema")},
            **{key: final[key] for key in ("schema", "language_model", *SAMPLING, "reasoning_effort")},
            "prompt_template": self.prompt_template if own_prompt else None,
            "instructions": self.instructions,
            "final_instructions": self.final_instructions,
            "use_chain_of_thought": self.use_chain_of_thought,
            "tools": [serialize_synalinks_object(tool) for tool in given],
            "autonomous": self.autonomous,
            "return_inputs_with_trajectory": self.return_inputs_with_trajectory,
            "max_iterations": self.max_iterations,
            "streaming": final["streaming"],
            "workdir": self.workdir,
            "skills": self.skills or None,
            "name": self.name,
            "description": self.description,
        }


class _Conversation:
    """The messages of one call of an agent, in front of which the fields of an input that is no conversation stand.

    Attributes:
        messages: all of them, oldest first. begun: how many there were before the call.
    """

    def __init__(self, inputs: JsonDataModel, name: str) -> None:
        value, schema = inputs.get_json(), inputs.get_schema()
        if is_strictly_chat_message(inputs):
            value, schema = {"messages": [value]}, ChatMessages.get_schema()
        elif not is_chat_messages(inputs):
            if "messages" in value:
                raise ConfigurationError(
                    f"{name}: the input has a field 'messages' that is no list of chat messages; rename it"
                )
            value = {**value, "messages": []}
            schema = schemas.concat(schema, ChatMessages.get_schema())
        self._value, self._schema, self._name = value, schema, name
        self.messages: list[JsonObject] = answered(value["messages"])
        self.begun = len(self.messages)

    def add(self, *messages: JsonObject) -> None:
        """Put messages at the end."""
        self.messages.extend(messages)

    def value(self) -> JsonDataModel:
        """The conversation so far, as generators take it."""
        value = {**self._value, "messages": list(self.messages)}
        return JsonDataModel(schema=self._schema, json=value, name=f"trajectory_{self._name}")


def _tools_of(agent: str, given: Sequence[AnyTool] | None, reader: Tool | None) -> dict[str, Tool]:
    """An agent's tools by name; a reader of skills gives way to a tool of the same name."""
    tools = [_tool(agent, one) for one in given or ()]
    if reader is not None and reader.name not in [tool.name for tool in tools]:
        tools.append(reader)
    found: dict[str, Tool] = {}
    for tool in tools:
        if tool.name.startswith("_"):
            raise ConfigurationError(f"{agent}: the tool {tool.name!r}: a tool's name may not begin with '_'")
        if found.setdefault(tool.name, tool) is not tool:
            raise ConfigurationError(f"{agent}: two tools are called {tool.name!r}; give one another name=")
    return found


def _tool(agent: str, given: object) -> Tool:
    if isinstance(given, Tool):
        return given
    if isinstance(given, Callable) and not isinstance(given, Mapping):  # type: ignore[arg-type]
        return Tool(given)  # type: ignore[arg-type]
    raise ConfigurationError(
        f"{agent}: an agent runs its tools, so each is a Tool or a function, got {type(given).__name__}: {given!r}"
    )
