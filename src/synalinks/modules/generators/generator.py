"""Generator: a module whose language model fills in a data model, with trainable instructions and examples."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from synalinks import _json, scope
from synalinks._json import JsonObject
from synalinks._support.setting_of import FixedSetting
from synalinks.data import (
    ChatMessage,
    ChatMessages,
    Form,
    Instructions,
    JsonDataModel,
    StreamingIterator,
    SymbolicDataModel,
    is_chat_messages,
    is_strictly_chat_message,
)
from synalinks.data import schema as schemas
from synalinks.errors import ConfigurationError, UnsupportedSchemaError
from synalinks.hooks import Hook
from synalinks.lm import Delta, Reply, Schema, schema_of
from synalinks.modules.core.module import Module
from synalinks.modules.core.operation import Out
from synalinks.modules.generators.media import mentions_media, parted, recorded
from synalinks.modules.generators.messages import from_wire, to_wire
from synalinks.modules.generators.prompts import compile_template, default_prompt_template, render, user_turn
from synalinks.modules.generators.settings import SAMPLING, SamplingOption
from synalinks.modules.models.decision_form import DecisionLimits, form_of
from synalinks.modules.models.decision_model import DecisionModel
from synalinks.modules.models.language_model import LanguageModel
from synalinks.modules.models.missing import MissingModel
from synalinks.modules.tools.tool import AnyTool, wire_tools
from synalinks.saving import serialize_synalinks_object

EFFORTS = ("minimal", "low", "medium", "high", "disable", "none", None)


def _check_effort(generator: Module, effort: object) -> None:
    if effort not in EFFORTS:
        raise ConfigurationError(f"{generator.name}: reasoning_effort={effort!r}; write one of {EFFORTS}")


class Generator(Module[Out]):
    """A module whose output is a language model's answer in the form of a schema.

    Its one trainable variable, `state_<name>`, holds the instructions and the few-shot examples.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> class Question(synalinks.DataModel):
        ...     question: str
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        >>> generator = synalinks.Generator(data_model=Answer, language_model="ollama/llama3.2")
        >>> with synalinks.use_provider(ScriptedProvider([{"answer": 4}])):
        ...     answer = asyncio.run(generator(Question(question="What is 2 + 2?")))
        >>> answer.get_json()
        {'answer': 4}

    Args:
        schema, data_model: the form of the answer; a `ChatMessage` is generated without either.
        language_model: a `LanguageModel`, its name, or None for the session's default at the first call.
        prompt_template: a jinja2 template of the system message (see `default_prompt_template`).
        prompt_variables: further variables of the template, JSON.
        examples: worked examples, pairs of (inputs, outputs), JSON or data models.
        instructions: the first value of the instructions; they list the keys of the answer where None.
        seed_instructions: further instructions an optimizer may start from.
        use_inputs_schema, use_outputs_schema: show the schemas in the prompt.
        return_inputs: put the inputs before the answer.
        temperature, max_tokens, top_p, top_k, reasoning_effort: sampling options; the model's where None.
        streaming: return a `StreamingIterator` of the message; without effect where there is a schema or
            `return_inputs`. In `fit`, `evaluate` and `predict`, in training, and where another module of the program
            reads the output, it is a whole message.
        tools: tools the model may call: functions, values of `Tool`, or `{"name", "description", "parameters"}`. Where
            it calls some, the output is a `ChatMessage` with these calls, also with a schema.
        tool_schemas: the same as JSON, as a saved generator has them.
        decision_model: a `DecisionModel`, or its name, that answers in place of the language model; for schemas made of
            choices. A `language_model` beside it answers where the decision model has no answer.

    Raises:
        ConfigurationError: an unknown reasoning effort, examples that are no pairs, a template in error, no tool.
    """

    data_model = FixedSetting("named_arguments")
    tools = FixedSetting("named_arguments")
    temperature = SamplingOption()
    max_tokens = SamplingOption()
    top_p = SamplingOption()
    top_k = SamplingOption()
    reasoning_effort = SamplingOption(_check_effort)

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
        use_inputs_schema: bool = False,
        use_outputs_schema: bool = False,
        return_inputs: bool = False,
        temperature: float | None = None,
        max_tokens: int | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        reasoning_effort: str | None = None,
        streaming: bool = False,
        tools: Sequence[AnyTool] | None = None,
        tool_schemas: Sequence[Mapping[str, Any]] | None = None,
        name: str | None = None,
        description: str | None = None,
        trainable: bool = True,
        decision_model: Any = None,
        hooks: Sequence[Hook] | None = None,
    ) -> None:
        super().__init__(name=name, description=description, trainable=trainable, hooks=hooks)
        self.options: dict[str, Any] = {}  # see SamplingOption
        self.temperature, self.max_tokens, self.top_p, self.top_k = temperature, max_tokens, top_p, top_k
        self.reasoning_effort = reasoning_effort
        self.answers = Form.given(schema, data_model)
        self._form: Schema | None = None if self.answers is None else schema_of(self.answers.schema)
        self.decision_model: DecisionModel | None = (
            None if decision_model is None else DecisionModel.get(decision_model)
        )
        self.decision_limits = DecisionLimits()
        self.language_model: LanguageModel | None = None
        if language_model is not None or decision_model is None:
            self.language_model = LanguageModel.get(language_model)
        self.prompt_template = prompt_template or default_prompt_template()
        self.prompt_variables = dict(prompt_variables or {})
        self.use_inputs_schema = use_inputs_schema
        self.use_outputs_schema = use_outputs_schema
        self.return_inputs = return_inputs
        self.streaming = streaming and self.schema is None and not return_inputs
        self.tool_schemas = wire_tools(tools, tool_schemas)
        if self.decision_model is not None:
            self._check_decidable()
        self.examples = [_example(pair, self.name) for pair in examples or ()]
        self.instructions = instructions if instructions is not None else default_instructions(self._form)
        self.seed_instructions = list(seed_instructions or ())
        self.state = self.add_variable(
            initializer={
                **Instructions(instructions=self.instructions).get_json(),
                "examples": [{**example, "reward": None} for example in self.examples],
                "seed_candidates": [{"instructions": text} for text in self.seed_instructions],
            },
            data_model=Instructions,
            name=f"state_{self.name}",
        )
        compile_template(self.prompt_template)  # an error in it is raised here
        self._rendered: tuple[tuple[Any, ...], str] | None = None
        #: The schema of the last input, and whether one of its fields is a picture or a sound.
        self._mentions_media: tuple[JsonObject | None, bool] = (None, False)
        self._outputs_schema = self._form.canonical.decode() if self._form and use_outputs_schema else None
        self._answer_schema = ChatMessage.get_schema() if self.schema is None else self.schema

    @property
    def schema(self) -> JsonObject | None:
        """The JSON schema of the answer; None where it is a message."""
        return None if self._form is None else self._form.value

    async def call(
        self,
        inputs: Any,
        training: bool = False,
        tools: Sequence[AnyTool] | None = None,
        tool_schemas: Sequence[Mapping[str, Any]] | None = None,
    ) -> JsonDataModel | StreamingIterator | None:
        """The model's answer to one input; None for no input or a call that failed for good.

        Args:
            tools, tool_schemas: further tools the model may call in answering this input.
        """
        if inputs is None:
            return None
        offered = self.tool_schemas
        if tools or tool_schemas:
            offered = wire_tools([*offered, *(tools or ())], tool_schemas)
        own = type(self).format_messages is Generator.format_messages
        messages = self.messages(inputs) if own else await self._formatted(inputs)
        if self.streaming and not training and scope.current().phase is None:
            return await self._own_language_model().stream(messages, tools=offered, options=self.options)
        found = await self._ask(messages, offered)
        if found is None:
            return None
        model, reply, value = found
        # without a schema, or where the model calls tools in place of answering
        if isinstance(model, LanguageModel) and (self._form is None or value is None):
            answer = model.chat_message(reply)
            value = answer.get_json()
        else:
            answer = JsonDataModel(schema=self._answer_schema, json=value, name=f"prediction_{self.name}")
        if training:
            self._record(inputs, value)
        if not self.return_inputs:
            return answer
        both: JsonDataModel = inputs + answer
        both.name = f"with_inputs_{self.name}"
        return both

    async def _ask(
        self, messages: Sequence[Mapping[str, object]], tools: Sequence[Mapping[str, object]]
    ) -> tuple[LanguageModel | DecisionModel, Reply, Any] | None:
        """The first of the models that has an answer, its reply, and the answer."""
        form, answers, options = self._form, self.answers, self.options
        for model in self.models_called():
            if isinstance(model, DecisionModel):
                assert form is not None, "checked when it was made"
                limits = self.decision_limits
                found = await model.ask(messages, schema=form, answers=answers, options=options, limits=limits)
            else:
                sink = _unheard if self.streaming else None
                found = await model.ask(messages, schema=form, answers=answers, tools=tools, options=options, sink=sink)
            if found is not None:
                return model, *found
        return None

    def _check_decidable(self) -> None:
        """Refuse what a decision model can't do.

        Raises:
            UnsupportedSchemaError: there is no schema, or one of its fields is no choice.
            ConfigurationError: there are tools.
        """
        if self._form is None:
            raise UnsupportedSchemaError(f"{self.name}: a decision model needs schema= or data_model=, made of choices")
        if self.tool_schemas:
            raise ConfigurationError(f"{self.name}: a decision model calls no tools; pass language_model= alone")
        form_of(self._form)

    def format_messages(self, inputs: Any) -> Any:
        """The prompt for one input, as `ChatMessages`. What a subclass returns here, sync or async, is what is sent."""
        turns = [from_wire(message) for message in self.messages(inputs)]
        return JsonDataModel(schema=ChatMessages.get_schema(), json={"messages": turns}, name=f"prompt_{self.name}")

    async def _formatted(self, inputs: object) -> list[dict[str, Any]]:
        formatted = self.format_messages(inputs)
        return to_wire(await formatted if inspect.isawaitable(formatted) else formatted)

    def messages(self, inputs: Any) -> list[dict[str, Any]]:
        """The wire messages for one input: the system prompt, then the input as a chat or as JSON."""
        state = self.state.get_json()
        system = self._system_message(
            state["instructions"],
            state["examples"],
            _json.dumps(inputs.get_schema()) if self.use_inputs_schema else None,
        )
        value, schema = inputs.get_json(), inputs.get_schema()
        if self._mentions_media[0] is not schema:
            self._mentions_media = (schema, mentions_media(schema))
        parts: list[JsonObject] = []
        if self._mentions_media[1]:
            value, parts = parted(value, schema)
        if "messages" not in value and "role" not in value:
            return [{"role": "system", "content": system}, user_turn(value, parts)]
        return self._chat(inputs, value, parts, system)

    def _system_message(self, instructions: str | None, examples: Sequence[Any], inputs_schema: str | None) -> str:
        """The system prompt; that of the last call where nothing in it has changed, as between samples of a batch."""
        template = compile_template(self.prompt_template)
        given = (instructions, examples, inputs_schema, self._outputs_schema, self.prompt_variables)
        try:
            variables = _json.dumps(self.prompt_variables) if self.prompt_variables else ""
            seen = (self.prompt_template, instructions, repr(examples), inputs_schema, variables)
            key = None if template.varies else seen
        except ConfigurationError:  # a variable that is not JSON
            key = None
        if key is not None and self._rendered is not None and self._rendered[0] == key:
            return self._rendered[1]
        text = render(template, *given)
        self._rendered = None if key is None else (key, text)
        return text

    def _chat(
        self, inputs: object, value: Mapping[str, object], parts: Sequence[JsonObject], system: str
    ) -> list[dict[str, Any]]:
        opening = [{"role": "system", "content": system}]
        if is_strictly_chat_message(inputs):
            return opening + to_wire(inputs)
        if not is_chat_messages(inputs):
            return [*opening, user_turn(value, parts)]
        turns = to_wire(inputs)
        if any(turn["role"] in ("system", "developer") for turn in turns):
            opening = []
        leading = {}
        for key, field in value.items():
            if key == "messages":
                break
            leading[key] = field
        if leading:
            opening = [*opening, user_turn(leading, parts)]
        return opening + turns

    def _record(self, inputs: object, value: object) -> None:
        """Add the answer to the predictions that the optimizer gets, under its sample."""
        given = recorded(inputs)
        record = {"inputs": given, "outputs": value, "reward": None, "sample": scope.current().sample}
        self.state.get("current_predictions").append(record)

    def models_called(self) -> tuple[LanguageModel | DecisionModel, ...]:
        """The model that is called, the generator's own or the session's default; after a decision model, if that one
        has no answer, the generator's own.

        Raises:
            ConfigurationError: there is neither.
        """
        own = self.language_model
        if self.decision_model is None:
            return (own or self._own_language_model(),)
        return (self.decision_model,) if own is None else (self.decision_model, own)

    def _own_language_model(self) -> LanguageModel:
        model = self.language_model or LanguageModel.get(None)
        if model is None:
            raise MissingModel({"language": [self.name]})
        own: LanguageModel = model
        return own

    async def compute_output_spec(self, inputs: Any, training: bool = False, **tools: Any) -> SymbolicDataModel:
        """The answer's schema, after the input's where inputs are returned."""
        answer = SymbolicDataModel(schema=self._answer_schema)
        if not self.return_inputs:
            return answer
        return SymbolicDataModel(schema=schemas.concat(inputs.get_schema(), self._answer_schema))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; what was learnt is saved with the variables."""
        config = {
            "schema": self.schema,
            "language_model": serialize_synalinks_object(self.language_model),
            "prompt_template": None if self.prompt_template == default_prompt_template() else self.prompt_template,
            "prompt_variables": self.prompt_variables,
            "examples": [[example["inputs"], example["outputs"]] for example in self.examples],
            "instructions": self.instructions,
            "seed_instructions": self.seed_instructions,
            "use_inputs_schema": self.use_inputs_schema,
            "use_outputs_schema": self.use_outputs_schema,
            "return_inputs": self.return_inputs,
            **{key: self.options.get(key) for key in SAMPLING},
            "streaming": self.streaming,
            "tool_schemas": self.tool_schemas,
            "name": self.name,
            "description": self.description,
            "trainable": self.trainable,
        }
        if self.decision_model is not None:  # most modules around a generator take none
            config["decision_model"] = serialize_synalinks_object(self.decision_model)
        return config


def _unheard(delta: Delta) -> None:
    """Takes the pieces of an answer that is streamed for its times only."""


def default_instructions(schema: Schema | None) -> str:
    """The instructions of a generator that is given none."""
    if schema is None:
        return "Answer the user."
    keys = ", ".join(schema.value.get("properties", {}))
    return f"Answer with a JSON object that has these keys: {keys}."


def _example(pair: object, name: str) -> dict[str, Any]:
    if isinstance(pair, Mapping) and {"inputs", "outputs"} <= pair.keys():
        pair = (pair["inputs"], pair["outputs"])
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
        raise ConfigurationError(f"{name}: examples are pairs of (inputs, outputs), got {pair!r}")
    inputs, outputs = map(recorded, pair)
    return {"inputs": inputs, "outputs": outputs}
