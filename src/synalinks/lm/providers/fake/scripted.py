"""The scripted provider: answers written down beforehand, for tests and examples."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from synalinks import _json
from synalinks._concurrency import Clock, SystemClock
from synalinks.lm.core.call import NO_USAGE, Call, Reply, Request, Usage
from synalinks.lm.core.errors import ConfigurationError, LMError, UnknownModelError
from synalinks.lm.providers.common.vectors import float32_bytes

#: One answer: text, a JSON object, vectors (a list of lists of numbers), a whole reply, or an error.
Answer = str | Mapping[str, Any] | Sequence[Any] | Reply | BaseException | type[BaseException]
#: Answers in order; answers by what the prompt holds; or a function, sync or async, of the call.
Replies = Iterable[Answer] | Mapping[Any, Answer] | Callable[[Call], Any]
#: Bytes of text per token where no usage was given.
BYTES_PER_TOKEN = 4


class ScriptedProvider:
    """A provider that answers calls from a script and keeps them in `calls`.

    Example:
        >>> from synalinks.lm import Client, Request
        >>> from synalinks.testing import ScriptedProvider
        >>> script = ScriptedProvider(["4"])
        >>> request = Request("chat", "ollama/any", messages=[{"role": "user", "content": "What is 2 + 2?"}])
        >>> with synalinks.use_provider(script):
        ...     asyncio.run(Client("ollama/any", cache="off").send(request)).text
        '4'
        >>> len(script.calls)
        1

    Args:
        replies: a list, used up in the order in which calls arrive (give calls that run side by side a
            mapping or a function instead); a mapping from a substring, or a compiled pattern, of the
            prompt to its answer, the first that matches; or a function of the call.
        usage: tokens of every answer; None estimates them as bytes of text / 4 and marks them with
            `raw={"estimated": True}`.
        latency: seconds an answer takes, or a function of the call that gives them.
        clock: waits for the latency.

    Raises:
        ConfigurationError: (when called) the list is used up, or nothing in the mapping matches.
    """

    name = "scripted"

    def __init__(
        self,
        replies: Replies,
        *,
        usage: Usage | None = None,
        latency: float | Callable[[Call], float] = 0.0,
        clock: Clock | None = None,
    ) -> None:
        if isinstance(replies, str):
            raise ConfigurationError(
                f"replies must be a list, a mapping or a function, got the string {replies!r}; "
                "write [text] for one answer, or `lambda call: text` for the same answer every time"
            )
        self.calls: list[Call] = []
        self._find = _finder(replies)
        self._usage = usage
        self._latency = latency
        self._clock = clock or SystemClock()

    async def __call__(self, call: Call, /) -> Reply:
        self.calls.append(call)
        seconds = self._latency(call) if callable(self._latency) else self._latency
        if seconds > 0:
            await self._clock.sleep(seconds)
        answer = self._find(call)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, type) and issubclass(answer, BaseException):
            raise answer("as scripted")
        if isinstance(answer, BaseException):
            # The retry layer writes attempts and costs on an error, and a script may give one twice.
            raise copy.copy(answer) if isinstance(answer, LMError) else answer
        reply = self._reply(call, answer)
        if call.sink is not None:
            reply.feed(call.sink)
        return reply

    def _reply(self, call: Call, answer: object) -> Reply:
        request = call.request
        if isinstance(answer, Reply):
            reply = answer
        elif isinstance(answer, str):
            reply = self._of_text(call, answer)
        elif isinstance(answer, Mapping):
            reply = self._of_text(call, _json.dumps(dict(answer)))
        elif isinstance(answer, Sequence) and request.kind == "embed":
            reply = Reply(vectors=tuple(float32_bytes(vector) for vector in answer))
        else:
            raise ConfigurationError(
                "a scripted answer is a string, a dict, a Reply, an error or, for embeddings, a list of "
                f"vectors; got {answer!r} for {request!r}"
            )
        if reply.usage is NO_USAGE:
            reply = replace(reply, usage=self._usage or _estimated(request, reply))
        return reply if reply.model is not None else replace(reply, model=request.model.partition("/")[2])

    def _of_text(self, call: Call, text: str) -> Reply:
        """A text as an answer, cut at the limit of tokens where those are estimated from it."""
        limit, data = call.output_limit, text.encode("utf-8", "surrogatepass")
        if limit is None or self._usage is not None or len(data) <= limit * BYTES_PER_TOKEN:
            return Reply(text=text, finish="stop")
        return Reply(text=data[: limit * BYTES_PER_TOKEN].decode("utf-8", "ignore"), finish="length")


def prompt_of(request: Request) -> str:
    """All text of a request, one message or text after another: what a mapping's keys are looked for in."""
    if request.kind == "embed":
        return "\n".join(request.texts)
    contents = (message.get("content") or "" for message in request.messages)
    return "\n".join(content if isinstance(content, str) else _json.dumps(content) for content in contents)


def _estimated(request: Request, reply: Reply) -> Usage:
    prompt = -(-len(prompt_of(request).encode("utf-8", "replace")) // BYTES_PER_TOKEN)
    answer = -(-len(reply.text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)
    output = answer if request.kind == "chat" else None
    return Usage(input_fresh=prompt, output_text=output, raw={"estimated": True})


def _finder(replies: Replies) -> Callable[[Call], Any]:
    if isinstance(replies, Mapping):
        table = dict(replies)
        return lambda call: _matching(table, call.request)
    if callable(replies):
        return replies
    script = list(replies)
    position = iter(range(len(script)))

    def following(call: Call) -> Any:
        index = next(position, None)
        if index is None:
            raise ConfigurationError(
                f"the script of {len(script)} answers is used up; one more was asked for by {call.request!r} "
                f"({call.scope}). The prompt begins: {prompt_of(call.request)[:200]!r}"
            )
        return script[index]

    return following


def _matching(table: Mapping[Any, Answer], request: Request) -> Any:
    prompt = prompt_of(request)
    for key, answer in table.items():
        if key.search(prompt) if isinstance(key, re.Pattern) else key in prompt:
            return answer
    raise ConfigurationError(
        f"no key of the script ({', '.join(repr(key) for key in table)}) is in the prompt of {request!r}, "
        f"which begins: {prompt[:200]!r}"
    )


_scripts: dict[str, ScriptedProvider] = {}


def register_script(name: str, replies: Replies | ScriptedProvider) -> ScriptedProvider:
    """Let models named `scripted/NAME` answer from this script; returns it, for its `calls`."""
    script = replies if isinstance(replies, ScriptedProvider) else ScriptedProvider(replies)
    _scripts[name] = script
    return script


class _Registered:
    """Answers every `scripted/NAME` from the script of that name."""

    name = "scripted"

    async def __call__(self, call: Call, /) -> Reply:
        name = call.request.model.partition("/")[2]
        script = _scripts.get(name)
        if script is None:
            known = ", ".join(repr(known) for known in _scripts) or "none"
            raise UnknownModelError(
                f"no script is registered as {name!r} (registered: {known}); "
                f"call register_script({name!r}, replies) first"
            )
        return await script(call)


def registered(endpoint: str, **_: Any) -> _Registered:
    """The handler behind the prefix `scripted/`; it needs no endpoint."""
    return _Registered()
