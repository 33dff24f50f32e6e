from __future__ import annotations

import pytest

from synalinks.data import (
    Audio,
    ChatMessage,
    ChatMessages,
    ChatRole,
    DataModel,
    Image,
    ToolCall,
    is_chat_message,
    is_chat_messages,
    is_strictly_chat_message,
    is_strictly_chat_messages,
    is_tool_call,
)
from synalinks.data.models.chat import ToolCallFunction


class Context(DataModel):
    context: str


def test_messages_from_dicts() -> None:
    made = ChatMessages(messages=[{"role": "user", "content": "hi"}])  # type: ignore[list-item]
    assert made.messages[0].role is ChatRole.USER
    assert made.get_json() == {"messages": [{"role": "user", "content": "hi"}]}
    assert ChatMessages().get_json() == {"messages": []}


def test_kinds_of_conversation() -> None:
    chat = ChatMessages()
    wider = Context(context="c") + chat
    assert is_chat_messages(chat) and is_strictly_chat_messages(chat)
    assert is_chat_messages(wider) and not is_strictly_chat_messages(wider)
    message = ChatMessage(role=ChatRole.USER, content="hi")
    assert is_chat_message(message) and is_strictly_chat_message(message.to_json_data_model())
    assert not is_chat_message(chat) and not is_chat_messages(None) and not is_strictly_chat_message({})


def test_a_class_that_declares_messages_otherwise_is_no_chat() -> None:
    class Other(DataModel):
        messages: list[ChatMessage]

    assert not is_chat_messages(Other)


def test_the_old_name_of_the_reasoning() -> None:
    with pytest.warns(DeprecationWarning, match="reasoning_content"):
        message = ChatMessage(role="assistant", thinking="hm")  # type: ignore[arg-type, call-arg]
    assert message.reasoning_content == "hm" and "thinking" not in message.get_json()
    with pytest.warns(DeprecationWarning):
        assert message.thinking == "hm"


def test_tool_calls() -> None:
    call = ToolCall(id="1", function=ToolCallFunction(name="f", arguments={"x": 1}))
    assert call.get_json() == {
        "id": "1",
        "type": "function",
        "function": {"name": "f", "arguments": {"x": 1}},
    }
    assert is_tool_call(call) and not is_tool_call(ChatMessages)


def test_media_fields() -> None:
    assert list(Image.keys()) == ["url", "path", "data", "mime_type"]
    assert list(Audio.keys()) == ["url", "path", "data", "format"]
