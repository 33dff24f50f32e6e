"""The tool calls of a model's message, run side by side; each result, or failure, is a message for the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synalinks import _json
from synalinks._base.warning import warn
from synalinks._concurrency import run_all
from synalinks._json import Json, JsonObject
from synalinks.errors import DataError, SynalinksError, ToolFailed
from synalinks.modules.tools.tool import Tool

#: The result of a tool that returned None.
NO_RESULT = "(no result)"
#: The result of an older call that the conversation has none of; calls are run once, when they are the newest.
LOST_RESULT = "error: the result of this call is not in the conversation"


class ToolWarning(UserWarning):
    """The warning of a tool that raised an exception: the model gets its words as the tool's result."""


async def run_tool_calls(tools: Mapping[str, Tool], calls: Sequence[JsonObject]) -> list[JsonObject]:
    """One message of role `tool` for each call, in order.

    An unknown tool, wrong arguments and what a tool raises are results that begin with `error:`, for the model to read.
    Errors of this library, but for those of arguments and of servers that run tools, are raised: a spent budget or a
    missing row of a cassette is no answer to a model.
    """
    return await run_all(_message(tools, call) for call in calls)


async def _message(tools: Mapping[str, Tool], call: JsonObject) -> JsonObject:
    name = call["function"]["name"]
    content = await _content(tools, name, call["function"].get("arguments"))
    return {"role": "tool", "tool_call_id": call.get("id") or "", "name": name, "content": content}


async def _content(tools: Mapping[str, Tool], name: str, given: Json) -> Json:
    tool = tools.get(name)
    if tool is None:
        return f"error: there is no tool {name!r}; there are {', '.join(tools)}"
    try:
        result = await tool(**_arguments(given))
    except (DataError, ToolFailed) as error:
        return f"error: {error}"
    except SynalinksError:
        raise
    except Exception as error:  # noqa: BLE001  whatever a user's function raises; the model reads it
        words = _in_words(error)
        warn(f"the tool {name!r} failed, and the model got its words: {words}", ToolWarning)
        return f"error: {words}"
    return NO_RESULT if result is None else result.get_json()


def _arguments(given: Json) -> JsonObject:
    """Arguments as an object.

    Raises:
        DataError: they are something else.
    """
    if isinstance(given, str):
        try:
            given = _json.exact(given) if given.strip() else {}
        except _json.JSONDecodeError as error:
            raise DataError(f"the arguments are not JSON: {error}") from error
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise DataError(f"the arguments are no JSON object: {_json.dumps(given)}")
    return given


def _in_words(error: Exception) -> str:
    """An exception as a text; one whose own words say little with its class."""
    words = str(error)
    return words if words and not isinstance(error, LookupError) else f"{type(error).__name__}: {words}".rstrip(": ")


def answered(messages: Sequence[JsonObject]) -> list[JsonObject]:
    """Messages in which each tool call but those of the last message has a result.

    Providers refuse a conversation with a call that nothing answers.
    """
    found: list[JsonObject] = []
    for index, message in enumerate(messages):
        found.append(message)
        calls = message.get("tool_calls") or ()
        if index == len(messages) - 1 or not calls:
            continue
        given = set()
        for later in messages[index + 1 :]:
            if later.get("role") != "tool":
                break
            given.add(later.get("tool_call_id"))
        for call in calls:
            if call.get("id") not in given:
                lost = {"role": "tool", "tool_call_id": call.get("id") or "", "name": call["function"]["name"]}
                found.append({**lost, "content": LOST_RESULT})
    return found
