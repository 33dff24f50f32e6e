"""Conversations: roles, messages, and calls of tools."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Union

from pydantic import field_validator, model_validator

from synalinks._json import JsonObject
from synalinks.data.data_model import DataModel, Field
from synalinks.data.json_data_model import JsonDataModel
from synalinks.data.models.kinds import equals, holds
from synalinks.data.models.media import Audio, Image


class ChatRole(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    FUNCTION = "function"


if TYPE_CHECKING:  # the names of roles are accepted, and made roles; texts and media are made parts
    Role = ChatRole | Literal["system", "developer", "user", "assistant", "tool", "function"]
    Part = Union[str, JsonObject, Image, Audio]  # noqa: UP007  `|` between data models is an operation
    Content = Union[Part, Sequence[Part], None]  # noqa: UP007
else:
    Role = ChatRole
    Content = str | list[JsonObject] | JsonObject | None


class ToolCallFunction(DataModel):
    """The function that a model calls."""

    name: str = Field(description="The name of the function")
    arguments: JsonObject | str = Field(description="Its arguments, as an object or as JSON text")


class ToolCall(DataModel):
    """One call of a tool, asked for by a model."""

    id: str = Field(description="The id that the result must carry")
    type: Literal["function"] = Field(default="function", description="The kind of tool")
    function: ToolCallFunction = Field(description="The function to call")


class ToolCalling(DataModel):
    """The calls of tools in one answer of a model.

    Example:
        >>> call = {"id": "1", "function": {"name": "look", "arguments": "{}"}}
        >>> synalinks.ToolCalling(tool_calls=[call]).tool_calls[0].function.name
        'look'
    """

    tool_calls: list[ToolCall] = Field(default=[], description="The tool calls, in order")


_THINKING = "ChatMessage.thinking is an old name; use reasoning_content"


class ChatMessage(DataModel):
    """One message of a conversation.

    Its content is a text, the result of a tool as an object, or a list of parts: texts, values of `Image` and `Audio`,
    and parts in OpenAI's form.

    Example:
        >>> message = synalinks.ChatMessage(role="user", content=["What?", synalinks.Image(url="https://example.com/cat.png")])
        >>> [part["type"] for part in message.content]
        ['text', 'image_url']
    """

    role: Role = Field(description="Who speaks")
    reasoning_content: str | None = Field(default=None, description="What the model thought before it spoke")
    thinking_blocks: list[JsonObject] | None = Field(default=None, description="The same in the provider's own form")
    content: Content = Field(default=None, description="What is said: text, parts, or the result of a tool")
    tool_call_id: str | None = Field(default=None, description="The tool call that this message answers")
    tool_calls: list[ToolCall] | None = Field(default=None, description="The tool calls asked for")
    name: str | None = Field(default=None, description="The speaker's name")
    refusal: str | None = Field(default=None, description="Why the model refused, if it did")
    audio: JsonObject | None = Field(default=None, description="Spoken output")

    @model_validator(mode="before")
    @classmethod
    def _old_name(cls, data: object) -> Any:
        if isinstance(data, dict) and "thinking" in data:
            warnings.warn(_THINKING, DeprecationWarning, stacklevel=2)
            data = dict(data)
            thinking = data.pop("thinking")
            data.setdefault("reasoning_content", thinking)
        return data

    @field_validator("content", mode="before")
    @classmethod
    def _parts(cls, content: object) -> Any:
        if isinstance(content, (Image, Audio)):
            content = [content]
        return [_part(part) for part in content] if isinstance(content, list | tuple) else content

    @property
    def thinking(self) -> str | None:
        """The old name of `reasoning_content`."""
        warnings.warn(_THINKING, DeprecationWarning, stacklevel=2)
        return self.reasoning_content


def _part(part: object) -> Any:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if isinstance(part, JsonDataModel):  # a picture or sound that has flowed through a module
        cls = next((one for one in (Image, Audio) if equals(part, one)), None)
        part = part if cls is None else cls(**part.get_json())
    return part.to_part() if isinstance(part, (Image, Audio)) else part


class ChatMessages(DataModel):
    """A conversation."""

    messages: list[ChatMessage] = Field(default=[], description="The messages, oldest first")


def is_chat_message(x: object) -> bool:
    """Whether a value has the fields of `ChatMessage`."""
    return holds(x, ChatMessage)


def is_strictly_chat_message(x: object) -> bool:
    """Whether a value has the fields of `ChatMessage` and no others."""
    return equals(x, ChatMessage)


def is_chat_messages(x: object) -> bool:
    """Whether a value has the field `messages`, defined exactly as in `ChatMessages`."""
    return holds(x, ChatMessages)


def is_strictly_chat_messages(x: object) -> bool:
    """Whether a value has the fields of `ChatMessages` and no others."""
    return equals(x, ChatMessages)


def is_tool_call(x: object) -> bool:
    """Whether a value has the fields of `ToolCall`."""
    return holds(x, ToolCall)
