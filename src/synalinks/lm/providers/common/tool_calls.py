"""The tool calls of an answer, in one form; and the answer itself where it came as the arguments of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from synalinks import _json
from synalinks._base.json_in_text import json_in
from synalinks.lm.core.call import Reply, Request
from synalinks.lm.core.errors import BadReply, SampleRefused
from synalinks.lm.providers.common.shape import text

#: Characters of unreadable arguments that a message quotes.
QUOTE = 200


class ToolCalls:
    """Tool calls as they are read from an answer.

    Args:
        request: the request answered.
        answer_tool: the tool whose arguments are the answer to a request with a schema.

    Attributes:
        calls: each `{"id", "name", "arguments"}`, arguments being an object also where they came as JSON text.
        answer: the arguments of the answer tool as JSON text; None if it was not called.
        fault: what is wrong with a call's arguments, or None.
    """

    def __init__(self, request: Request, answer_tool: str | None = None) -> None:
        self.calls: list[dict[str, Any]] = []
        self.answer: str | None = None
        self.fault: str | None = None
        self._request = request
        self._answer_tool = answer_tool if request.schema is not None else None
        self._read = 0

    def add(self, name: str, arguments: object, identity: str | None = None) -> str | None:
        """Read a call; its identity, if it is kept. A server that gives none is given the same one every time."""
        number, self._read = self._read, self._read + 1
        if name and name == self._answer_tool:
            self.answer = arguments if isinstance(arguments, str) else _json.dumps(arguments or {})
            return None
        value = _object(arguments)
        if value is None:
            self.fault = f"the arguments of a call of {name!r} are no JSON object: {str(arguments)[:QUOTE]!r}"
            return None
        identity = identity or f"call_{len(self._request.messages)}_{number}"
        self.calls.append({"id": identity, "name": name, "arguments": value})
        return identity

    def add_functions(self, calls: Iterable[Mapping[str, Any]]) -> None:
        """Read calls in OpenAI's form, which others have as well."""
        for call in calls:
            function = call.get("function") or {}
            self.add(function.get("name") or "", function.get("arguments"), text(call.get("id")))

    def checked(self, reply: Reply) -> Reply:
        """The reply, if every call could be read.

        Raises:
            SampleRefused: the answer was cut at its limit of tokens, in the middle of a call.
            BadReply: arguments that are no JSON object; the reply that the error carries is billed all the same.
        """
        if self.fault is None:
            return reply
        if reply.finish == "length":
            message = (
                f"{self._request.model}: the answer was cut at the limit of tokens ({self.fault}); raise max_tokens"
            )
            raise SampleRefused(message, kind="length", reply=reply)
        raise BadReply(f"{self._request.model}: {self.fault}", reply=reply)


def _object(arguments: object) -> Mapping[str, Any] | None:
    """Arguments as an object; those left out are none; None if they are something else, or several.

    Text may hold the one object in a code fence, with commas too many, or encoded twice, as an answer may."""
    if not isinstance(arguments, str):
        return arguments if isinstance(arguments, dict) else None if arguments else {}
    if not arguments.strip():
        return {}
    found: dict[bytes, Any] = {}
    for part in json_in(arguments):
        try:
            value = _json.exact(part)
        except _json.JSONDecodeError:  # nested too deeply
            continue
        if isinstance(value, dict) or value is None:
            found.setdefault(_json.canonical(value), value or {})
        elif not isinstance(value, str):
            return None
    return found.popitem()[1] if len(found) == 1 else None
