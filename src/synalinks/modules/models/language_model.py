"""LanguageModel: a chat model as modules call it: messages in, a data model out."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

from synalinks import _json
from synalinks._json import JsonObject
from synalinks.data import ChatMessage, Form, JsonDataModel, StreamingIterator, SymbolicDataModel
from synalinks.errors import BadReply, LMError
from synalinks.hooks import any_everywhere, hooked
from synalinks.lm import Delta, Reply, Request, Schema, Sink, schema_of
from synalinks.modules.core.operation import Symbols
from synalinks.modules.generators.messages import conversation_of, from_wire, to_wire
from synalinks.modules.models.remote_model import RemoteModel
from synalinks.modules.tools.tool import AnyTool, wire_tools


class LanguageModel(RemoteModel):
    """A chat model: awaited with messages, it returns a data model. Arguments: see `RemoteModel`.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> model = synalinks.LanguageModel("ollama/llama3.2", temperature=0.2)
        >>> messages = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hello")])
        >>> with synalinks.use_provider(ScriptedProvider(["hi"])):
        ...     answer = asyncio.run(model(messages))
        >>> answer.get("content")
        'hi'
    """

    setting: ClassVar[str] = "language_model"
    kind: ClassVar[Literal["chat", "embed"]] = "chat"
    example: ClassVar[str] = "ollama/llama3.2:latest"
    hooks_requests: ClassVar[bool] = True

    if TYPE_CHECKING:

        @overload  # type: ignore[override]  # a stream besides
        async def __call__(self, messages: Symbols, *args: Any, **kwargs: Any) -> SymbolicDataModel: ...
        @overload
        async def __call__(
            self, messages: Any, *, streaming: Literal[True], **kwargs: Any
        ) -> StreamingIterator | None: ...
        @overload
        async def __call__(self, *args: Any, **kwargs: Any) -> JsonDataModel | None: ...
        async def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    async def call(
        self,
        messages: Any,
        schema: Mapping[str, Any] | None = None,
        tools: Sequence[AnyTool] | None = None,
        tool_schemas: Sequence[Mapping[str, Any]] | None = None,
        streaming: bool = False,
        sink: Sink | None = None,
        **options: Any,
    ) -> JsonDataModel | StreamingIterator | None:
        """The answer to chat messages (a `ChatMessages` or `ChatMessage`); None if the call failed for good.

        Args:
            messages: no call is made, and None returned, where this is None.
            schema: the schema of the answer; a `ChatMessage` is returned without one, or if the model calls tools.
            tools: tools the model may call: functions, values of `Tool`, or `{"name", "description", "parameters"}`.
            tool_schemas: the same as JSON only.
            streaming: return a `StreamingIterator` as soon as the answer begins; without effect where there is a
                schema, whose answer is of use as a whole only.
            sink: receives pieces of the answer.
            **options: options, over the model's own.

        Raises:
            ConfigurationError: an unknown option, or something that is no chat.
            LMError: see `ask`.
        """
        if messages is None:
            return None
        compiled = None if schema is None else schema_of(schema)
        offered = wire_tools(tools, tool_schemas)
        if streaming and compiled is None:
            return await self.stream(to_wire(messages), tools=offered, options=options, sink=sink)
        found = await self.ask(to_wire(messages), schema=compiled, tools=offered, options=options, sink=sink)
        return self._answered(found, compiled)

    def _answered(self, found: tuple[Reply, Any] | None, schema: Schema | None) -> JsonDataModel | None:
        """What was found as a data model."""
        if found is None:
            return None
        reply, value = found
        if schema is None or value is None:
            return self.chat_message(reply)
        return JsonDataModel(schema=schema.value, json=value, name=f"{self.name}_response")

    async def stream(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        options: Mapping[str, Any] | None = None,
        sink: Sink | None = None,
    ) -> StreamingIterator | None:
        """The answer to wire messages as it is written; None if the call failed for good before it began.

        Args:
            sink: receives the pieces too.

        Raises:
            LMError: see `ask`.
        """

        async def write(give: Callable[[JsonObject], None]) -> JsonDataModel | None:
            begun = False

            def feed(delta: Delta) -> None:
                nonlocal begun
                if sink is not None:
                    sink(delta)
                if not delta.restart or begun:  # nothing to take back before the first piece
                    give(_piece(delta))
                begun = not delta.restart

            found = await self.ask(messages, tools=tools, options=options, sink=feed)
            return None if found is None else self.chat_message(found[0])

        return await StreamingIterator.begin(write)

    def ask(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        schema: Schema | None = None,
        answers: Form | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
        options: Mapping[str, Any] | None = None,
        sink: Sink | None = None,
        is_fallback: bool = False,
        raises: bool = False,
    ) -> Coroutine[Any, Any, tuple[Reply, Any] | None]:
        """The reply to wire messages and, with a schema, its parsed value; None if the call failed for good.

        Args:
            is_fallback: whether the call is made as the fallback of another model.
            raises: whether a failure is raised whatever the own `on_error`, as the other model's says.

        Raises:
            LMError: a wrong program (bad request, no key, spent quota); any failure where `on_error="raise"`.
        """
        given = (messages, schema, answers, tools, options, sink, is_fallback, raises)
        if not (self.hooks or any_everywhere()):
            return self._ask(*given)
        inputs = (conversation_of(messages, f"inputs_{self.name}"),)
        offered = {
            "schema": None if schema is None else schema.value,
            "tools": [*tools],
            "options": {**(options or {})},
        }
        return hooked(self, partial(self._ask, *given), inputs, offered, partial(self._answered, schema=schema))

    async def _ask(
        self,
        messages: Sequence[Mapping[str, object]],
        schema: Schema | None,
        answers: Form | None,
        tools: Sequence[Mapping[str, object]],
        options: Mapping[str, object] | None,
        sink: Sink | None,
        is_fallback: bool,
        raises: bool,
    ) -> tuple[Reply, Any] | None:
        merged = self.merged_options(options) if options else self.default_kwargs
        request = Request("chat", self.model, messages=messages, schema=schema, tools=tools, options=merged)
        try:
            check = None if answers is None else answers.read
            reply = await self.client.send(request, sink, is_fallback, check)
            return reply, _parsed(reply, schema, answers)
        except LMError as error:
            if self.fallback is not None and error.fails_sample:
                raises = raises or self.on_error == "raise"
                if sink is not None:
                    sink(Delta(restart=True))
                return await self.fallback.ask(
                    messages,
                    schema=schema,
                    answers=answers,
                    tools=tools,
                    options=options,
                    sink=sink,
                    is_fallback=True,
                    raises=raises,
                )
            self.handle_failure(error, raises)
            return None

    async def compute_output_spec(self, *args: Any, **kwargs: Any) -> SymbolicDataModel:
        """A model of the schema given, or a chat message."""
        schema = kwargs.get("schema")
        return SymbolicDataModel(schema=schema if schema is not None else ChatMessage.get_schema())

    def chat_message(self, reply: Reply) -> JsonDataModel:
        """A reply as a `ChatMessage`."""
        value: dict[str, Any] = {"role": "assistant", "content": reply.text}
        if reply.reasoning:
            value["reasoning_content"] = reply.reasoning
        if reply.refusal:
            value["refusal"] = reply.refusal
        if reply.tool_calls:
            value = from_wire({**value, "tool_calls": reply.tool_calls})
        return JsonDataModel(schema=_message_schema(), json=value, name=f"{self.name}_response")


@cache
def _message_schema() -> JsonObject:
    return ChatMessage.get_schema()


def _piece(delta: Delta) -> JsonObject:
    """A piece of an answer as streams give it."""
    piece: JsonObject = {"role": "assistant"}
    if delta.restart:
        return {**piece, "content": "", "restart": True}
    if delta.text or not delta.reasoning:
        piece["content"] = delta.text
    if delta.reasoning:
        piece["reasoning_content"] = delta.reasoning
    return piece


def _parsed(reply: Reply, schema: Schema | None, answers: Form | None) -> Any:
    if schema is None or reply.tool_calls:
        return None
    if answers is not None and reply.read is not None:
        was_read, value = reply.take_value()
        if was_read:
            return value
    try:
        value = _json.exact(reply.text)
    except _json.JSONDecodeError as error:
        raise BadReply(f"the {reply.source} answer is not JSON ({error}): {reply.text[:200]!r}", reply=reply) from error
    problem = schema.problem(value)
    if problem is not None:
        raise BadReply(f"the {reply.source} answer breaks its schema: {problem}", reply=reply)
    if answers is None:
        return value
    try:
        return answers.read(value)
    except ValueError as error:
        raise BadReply(f"the {reply.source} answer is refused by its class: {error}", reply=reply) from error
