"""Messages, requests and answers as OpenAI's Chat Completions API has them, and conversion from and to ours.

Source: the types of the `openai` package, 3.51. What a server adds to answers beyond them is kept, so that reading and
writing one changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from synalinks import _json
from synalinks._json import JsonObject
from synalinks.data.convert import is_data_model, is_meta_class
from synalinks.data.data_model import DataModel, Field
from synalinks.data.json_data_model import JsonDataModel, value_of
from synalinks.data.model_json import in_words
from synalinks.data.models.chat import ChatMessage, ChatMessages
from synalinks.data.operand import schema_of
from synalinks.errors import DataError

M = TypeVar("M", bound=BaseModel)
Role = Literal["developer", "system", "user", "assistant", "tool", "function"]
Finish = Literal["stop", "length", "tool_calls", "content_filter", "function_call", "safety"]
Effort = Literal["minimal", "low", "medium", "high", "xhigh"]


class _Answered(DataModel):
    """Part of an answer: fields that are not known here are kept."""

    model_config = ConfigDict(extra="allow")


class ChatCompletionFunctionCall(DataModel):
    """The function that a model calls."""

    name: str = Field(description="The name of the function")
    arguments: str = Field(description="Its arguments as JSON text")


class ChatCompletionToolCall(DataModel):
    """One call of a tool."""

    id: str = Field(description="The id that the result must carry")
    type: Literal["function"] = Field(default="function", description="The kind of tool")
    function: ChatCompletionFunctionCall = Field(description="The function to call")


class ChatCompletionMessage(_Answered):
    """One message of a conversation.

    Example:
        >>> message = synalinks.ChatMessage(role="user", content=["What?", synalinks.Image(url="https://e.org/a.png")])
        >>> [part["type"] for part in synalinks.to_chat_completion_message(message).content]
        ['text', 'image_url']
    """

    role: Role = Field(description="Who speaks")
    content: str | list[JsonObject] | None = Field(default=None, description="What is said: text, or parts")
    name: str | None = Field(default=None, description="The speaker's name")
    tool_calls: list[ChatCompletionToolCall] | None = Field(default=None, description="The tool calls of the model")
    tool_call_id: str | None = Field(default=None, description="The tool call that this message answers")
    refusal: str | None = Field(default=None, description="Why the model refused, if it did")
    audio: JsonObject | None = Field(default=None, description="Spoken output")
    reasoning_content: str | None = Field(default=None, description="What the model thought before it spoke")
    thinking_blocks: list[JsonObject] | None = Field(default=None, description="The same in the provider's own form")


class ChatCompletionToolFunction(DataModel):
    """The function that a tool is."""

    name: str = Field(description="The name of the function")
    description: str | None = Field(default=None, description="What it is for")
    parameters: JsonObject | None = Field(default=None, description="The JSON schema of its arguments")
    strict: bool | None = Field(default=None, description="Whether the arguments obey the schema exactly")


class ChatCompletionTool(DataModel):
    """A tool that the model may call."""

    type: Literal["function"] = Field(default="function", description="The kind of tool")
    function: ChatCompletionToolFunction = Field(description="The function")


class ChatCompletionJsonSchema(DataModel):
    """The schema of an answer."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = Field(description="The schema's name")
    description: str | None = Field(default=None, description="What the answer is for")
    schema_: JsonObject | None = Field(default=None, alias="schema", description="The JSON schema")
    strict: bool | None = Field(default=None, description="Whether the answer obeys the schema exactly")


class ChatCompletionResponseFormat(DataModel):
    """The form of an answer."""

    type: Literal["text", "json_object", "json_schema"] = Field(description="The kind of form")
    json_schema: ChatCompletionJsonSchema | None = Field(default=None, description="The schema, if it has one")


class ChatCompletionRequest(DataModel):
    """A request for an answer.

    Example:
        >>> message = synalinks.ChatMessage(role="user", content="Hello")
        >>> synalinks.to_chat_completion_request(message, "gpt-4o-mini", temperature=0.0).get_json()
        {'model': 'gpt-4o-mini', 'messages': [{'role': 'user', 'content': 'Hello'}], 'temperature': 0.0}
    """

    model: str = Field(description="The model's name")
    messages: list[ChatCompletionMessage] = Field(description="The conversation, oldest message first")
    tools: list[ChatCompletionTool] | None = Field(default=None, description="Tools that the model may call")
    tool_choice: str | JsonObject | None = Field(default=None, description="Which tools it calls")
    response_format: ChatCompletionResponseFormat | None = Field(default=None, description="The form of the answer")
    temperature: float | None = Field(default=None, description="The spread of the sampling")
    top_p: float | None = Field(default=None, description="The share of likely tokens that is sampled from")
    n: int | None = Field(default=None, description="How many answers")
    max_tokens: int | None = Field(default=None, description="The most tokens of the answer, by its older name")
    max_completion_tokens: int | None = Field(default=None, description="The most tokens of the answer")
    stop: str | list[str] | None = Field(default=None, description="Where the answer stops")
    presence_penalty: float | None = Field(default=None, description="Against tokens that were there")
    frequency_penalty: float | None = Field(default=None, description="Against tokens that were there often")
    logit_bias: dict[str, float] | None = Field(default=None, description="For and against single tokens")
    logprobs: bool | None = Field(default=None, description="Whether log probabilities come with the answer")
    top_logprobs: int | None = Field(default=None, description="Of how many tokens at each place")
    seed: int | None = Field(default=None, description="The seed of the sampling")
    stream: bool | None = Field(default=None, description="Whether the answer comes in pieces")
    user: str | None = Field(default=None, description="Whom the request is for")
    reasoning_effort: Effort | None = Field(default=None, description="How much the model reasons")
    parallel_tool_calls: bool | None = Field(default=None, description="Whether it may call several tools at once")
    stream_options: JsonObject | None = Field(default=None, description="What comes with the pieces")
    metadata: dict[str, str] | None = Field(default=None, description="Labels")
    store: bool | None = Field(default=None, description="Whether the server keeps the answer")
    service_tier: str | None = Field(default=None, description="How fast and dear")
    modalities: list[str] | None = Field(default=None, description="Text, audio, or both")
    audio: JsonObject | None = Field(default=None, description="Voice and format of spoken output")
    prediction: JsonObject | None = Field(default=None, description="What the answer will mostly be")
    web_search_options: JsonObject | None = Field(default=None, description="How the web is searched")
    prompt_cache_key: str | None = Field(default=None, description="Which prompts share a cache")
    safety_identifier: str | None = Field(default=None, description="Whom the request is for, as a digest")


class ChatCompletionChoice(_Answered):
    """One of the answers."""

    index: int = Field(description="Its number, from 0")
    message: ChatCompletionMessage = Field(description="The answer")
    finish_reason: Finish | None = Field(default=None, description="Why it ended")
    logprobs: JsonObject | None = Field(default=None, description="Log probabilities of its tokens")


class ChatCompletionPromptTokensDetails(_Answered):
    """What the prompt's tokens are."""

    cached_tokens: int | None = Field(default=None, description="Read from the provider's cache")
    audio_tokens: int | None = Field(default=None, description="Of sounds")


class ChatCompletionCompletionTokensDetails(_Answered):
    """What the answer's tokens are."""

    reasoning_tokens: int | None = Field(default=None, description="Of reasoning")
    audio_tokens: int | None = Field(default=None, description="Of sounds")
    accepted_prediction_tokens: int | None = Field(default=None, description="Predicted rightly")
    rejected_prediction_tokens: int | None = Field(default=None, description="Predicted wrongly")


class ChatCompletionUsage(_Answered):
    """The tokens that were used."""

    prompt_tokens: int = Field(description="Of the prompt")
    completion_tokens: int = Field(description="Of the answer")
    total_tokens: int = Field(description="Of both")
    prompt_tokens_details: ChatCompletionPromptTokensDetails | None = Field(default=None, description="Of the prompt")
    completion_tokens_details: ChatCompletionCompletionTokensDetails | None = Field(
        default=None, description="Of the answer"
    )


class ChatCompletionResponse(_Answered):
    """The answers to a request.

    Example:
        >>> body = {
        ...     "id": "1", "created": 0, "model": "m",
        ...     "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        ... }
        >>> response = synalinks.ChatCompletionResponse(**body)
        >>> synalinks.from_chat_completion_message(response.choices[0].message).content
        'hi'
    """

    id: str = Field(description="The answer's id")
    object: Literal["chat.completion"] = Field(default="chat.completion", description="What this is")
    created: int = Field(description="When it was made, in seconds since 1970")
    model: str = Field(description="The model that answered")
    choices: list[ChatCompletionChoice] = Field(description="The answers")
    usage: ChatCompletionUsage | None = Field(default=None, description="The tokens that were used")
    system_fingerprint: str | None = Field(default=None, description="The server's configuration")
    service_tier: str | None = Field(default=None, description="How fast and dear it was")


def to_chat_completion_message(message: object) -> ChatCompletionMessage:
    """A message as OpenAI's API has it: a tool's result and the arguments of calls are JSON text.

    Args:
        message: a `ChatMessage`, a value that flows between modules, or a dict.

    Raises:
        DataError: it is no message.

    Example:
        >>> message = synalinks.ChatMessage(role="tool", content={"degrees": 5}, tool_call_id="1")
        >>> synalinks.to_chat_completion_message(message).content
        '{"degrees":5}'
    """
    value = value_of(_made(ChatMessage, message))
    if isinstance(value.get("content"), dict):
        value["content"] = _json.dumps(value["content"])
    for call in value.get("tool_calls", ()):
        if not isinstance(call["function"]["arguments"], str):
            call["function"]["arguments"] = _json.dumps(call["function"]["arguments"])
    return _made(ChatCompletionMessage, value)


def from_chat_completion_message(message: object) -> ChatMessage:
    """A message of OpenAI's API as a `ChatMessage`; what a `ChatMessage` has no field for is left out.

    Args:
        message: a `ChatCompletionMessage`, a message of the `openai` package, or a dict.

    Raises:
        DataError: it is no message.

    Example:
        >>> synalinks.from_chat_completion_message({"role": "assistant", "content": "hi", "annotations": []}).content
        'hi'
    """
    value = value_of(_made(ChatCompletionMessage, message))
    return ChatMessage(**{name: item for name, item in value.items() if name in ChatMessage.model_fields})


def to_chat_completion_messages(messages: object) -> list[ChatCompletionMessage]:
    """The messages of a conversation as OpenAI's API has them.

    Args:
        messages: a `ChatMessages`, one message, or a list of messages, each as `to_chat_completion_message` takes it.

    Raises:
        DataError: something that is no message.

    Example:
        >>> chat = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="Hello")])
        >>> synalinks.to_chat_completion_messages(chat)[0].get_json()
        {'role': 'user', 'content': 'Hello'}
    """
    return [to_chat_completion_message(message) for message in _listed(messages)]


def from_chat_completion_messages(messages: object) -> ChatMessages:
    """A conversation of OpenAI's API as `ChatMessages`.

    Args:
        messages: a list of messages, each as `from_chat_completion_message` takes it; or what has `messages`.

    Raises:
        DataError: something that is no message.

    Example:
        >>> synalinks.from_chat_completion_messages([{"role": "user", "content": "Hello"}]).messages[0].content
        'Hello'
    """
    return ChatMessages(messages=[from_chat_completion_message(message) for message in _listed(messages)])


def to_chat_completion_request(
    messages: object, model: str, *, tools: Iterable[object] | None = None, **kwargs: Any
) -> ChatCompletionRequest:
    """A request in the form of OpenAI's API.

    Args:
        messages: see `to_chat_completion_messages`.
        model: the model's name.
        tools: values of `Tool`, or dicts: `{"name", "description", "parameters"}`, bare or in OpenAI's wrapping.
        **kwargs: further fields of the request; `response_format` may be a class of data models.

    Raises:
        DataError: no messages, no tool, or a field that a request does not have.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> request = synalinks.to_chat_completion_request([], "gpt-4o-mini", response_format=Answer)
        >>> request.response_format.json_schema.name
        'Answer'
    """
    if is_meta_class(form := kwargs.get("response_format")):
        described = {"name": form.__name__, "schema": schema_of(form), "strict": True}
        kwargs["response_format"] = {"type": "json_schema", "json_schema": described}
    found = {"model": model, "messages": [value_of(one) for one in to_chat_completion_messages(messages)], **kwargs}
    if tools is not None:
        found["tools"] = [_tool(tool) for tool in tools]
    return _made(ChatCompletionRequest, found)


def _tool(tool: object) -> JsonObject:
    wire = getattr(tool, "to_wire", None)
    value = value_of(wire() if wire is not None else tool)
    return value if "function" in value else {"type": "function", "function": value}


def _listed(messages: object) -> Sequence[object]:
    if isinstance(messages, list | tuple):
        return messages
    if is_data_model(messages) or isinstance(messages, JsonDataModel | Mapping):
        value = dict(messages) if isinstance(messages, Mapping) else value_of(messages)
        return [value] if "role" in value else value.get("messages", ())
    raise DataError(f"messages were expected, got {type(messages).__name__}: {messages!r}")


def _made(cls: type[M], given: object) -> M:
    if isinstance(given, cls):
        return given
    try:
        value = value_of(given)
        return cls.model_validate({name: item for name, item in value.items() if item is not None})
    except ValidationError as error:
        raise DataError(f"not a {cls.__name__}: {in_words(error)}; got {given!r}") from error
