"""What a rule in place of a model is asked, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

from synalinks import _json
from synalinks.errors import ConfigurationError
from synalinks.lm.retry import CORRECTION
from synalinks.testing.fake_server.faults import uniform

#: Ollama's own default, used where a request names no temperature.
DEFAULT_TEMPERATURE = 0.8
_INPUT = re.compile(r"<input>\s*(.*?)\s*</input>", re.DOTALL)


@dataclass
class ChatRequest:
    """A chat request as a rule gets it.

    Example:
        >>> from synalinks.testing import ChatRequest
        >>> ChatRequest(messages=[{"role": "user", "content": "2 + 2"}], options={"temperature": 0}).draw
        0

    Attributes:
        model: the name asked for.
        messages: each a JSON object with `role` and `content`.
        format: None, `"json"` or a JSON schema.
        options: Ollama's `options`.
        tools: tools offered, in Ollama's form.
        think: whether thinking is asked for apart from the answer.
        asked: how many times this prompt was answered before.
    """

    model: str = "stand-in"
    messages: Sequence[Mapping[str, Any]] = ()
    format: str | Mapping[str, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    tools: Sequence[Mapping[str, Any]] = ()
    think: bool = False
    asked: int = 0

    @cached_property
    def digest(self) -> bytes:
        """16 bytes that identify the prompt: model, messages, format and tools, but no options."""
        value = [self.model, self.messages, self.format, self.tools]
        return blake2b(_json.canonical(value), digest_size=16).digest()

    @property
    def draw(self) -> int:
        """Which of the answers to this prompt is wanted: `options.seed` if given, the first at temperature
        0, else the next one."""
        seed = self.options.get("seed")
        if seed is not None:
            return int(seed)
        return 0 if self.options.get("temperature", DEFAULT_TEMPERATURE) == 0 else self.asked

    def uniform(self, label: str) -> float:
        """A number in [0, 1) that is a hash of the prompt, the draw and `label`."""
        return uniform(self.digest.hex(), self.draw, label)

    @cached_property
    def system(self) -> str:
        """All system messages, joined."""
        return "\n".join(text_of(one) for one in self.messages if one.get("role") in ("system", "developer"))

    @cached_property
    def last_user_text(self) -> str:
        """The last user message; of one with `<input>` blocks, the last block."""
        for message in reversed(self.messages):
            if message.get("role") == "user":
                text = text_of(message)
                blocks = _INPUT.findall(text)
                return blocks[-1] if blocks else text
        return ""

    @cached_property
    def after_tool(self) -> str | None:
        """The content of the last message if it is a tool's result, else None."""
        last = self.messages[-1] if self.messages else {}
        return text_of(last) if last.get("role") == "tool" else None


def without_corrections(messages: Sequence[Mapping[str, object]]) -> Sequence[Mapping[str, Any]]:
    """The messages before an answer was found broken: a rule answers the question again, not the correction."""
    left = list(messages)
    while left and left[-1].get("role") == "user" and text_of(left[-1]).startswith(CORRECTION):
        del left[-2 if len(left) > 1 and left[-2].get("role") == "assistant" else -1 :]
    return left


def text_of(message: Mapping[str, object]) -> str:
    """The text of a message, whose content is a string or a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What a rule answers: text, thinking shown apart from it, calls of tools `(name, arguments)`, and
    log-probabilities of its tokens in Ollama's form, for answers in one piece.

    Example:
        >>> from synalinks.lm import Client, Request
        >>> from synalinks.testing import ModelReply, OllamaServer
        >>> request = Request("chat", "ollama/any", messages=[{"role": "user", "content": "What is 2 + 2?"}])
        >>> with OllamaServer(model=lambda request: ModelReply("4", thinking="2 and 2 make 4")) as server:
        ...     asyncio.run(Client("ollama/any", api_base=server.url, cache="off").send(request)).reasoning
        '2 and 2 make 4'
    """

    text: str = ""
    thinking: str = ""
    tool_calls: Sequence[tuple[str, Mapping[str, Any]]] = ()
    logprobs: Sequence[Mapping[str, Any]] = ()


#: Anything that answers a chat request, e.g. `lambda request: "10"`.
Model = Callable[[ChatRequest], "str | ModelReply"]


def model_of(model: Any) -> Model:
    """The function of a model that is one, or has a method `reply`.

    Raises:
        ConfigurationError: it is neither.
    """
    reply = getattr(model, "reply", model)
    if not callable(reply):
        raise ConfigurationError(
            f"model= takes a function of a ChatRequest or an object with such a method `reply`, got {model!r}"
        )
    return reply  # type: ignore[no-any-return]
