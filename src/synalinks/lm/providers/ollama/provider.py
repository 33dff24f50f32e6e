"""The Ollama provider: one call is one HTTP request to Ollama's native API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks.errors import AuthenticationError, LMError, ModelNotFound, RequestError
from synalinks.lm.core.call import Call, Reply, Request
from synalinks.lm.providers.common.remote import HOW_WITHOUT, Remote
from synalinks.lm.providers.ollama.requests import chat_payload, embed_payload
from synalinks.lm.providers.ollama.responses import Assembly, chat_reply, embed_reply, words_of
from synalinks.lm.providers.transport.lines import values
from synalinks.lm.providers.transport.status import error_for

#: Words in answers of status 500 that name a mistake in the request, which no retry will mend.
WRONG_PROGRAM = ("invalid format", "must be of type")


class OllamaProvider(Remote):
    """Answers chat and embedding calls from an Ollama server. A key is sent as a bearer token, for Ollama's cloud or a
    guarded server; a local one needs none. Arguments: see `Remote`.
    """

    name = "ollama"
    title = "Ollama"
    keyless = True
    records = staticmethod(values)

    def chat(self, call: Call) -> tuple[str, Mapping[str, Any]]:
        return "/api/chat", chat_payload(call.request, call.sink is not None, call.output_limit)

    async def embed(self, call: Call) -> Reply:
        return self.read(embed_reply, await self.post("/api/embed", embed_payload(call.request), call))

    reply = staticmethod(chat_reply)

    def assembly(self, request: Request) -> Assembly:
        return Assembly()

    def refusal(self, status: int, body: Any, headers: Mapping[str, str], begin: str, model: str) -> LMError:
        said = words_of(body)
        message = f"{begin}: {said}"
        if status >= 500 and any(words in said for words in WRONG_PROGRAM):
            return RequestError(message, status=status)
        error = error_for(status, message, headers, said=said)
        if isinstance(error, ModelNotFound):
            error.args = (f"{message}. Get it with `ollama pull {model.partition('/')[2]}`",)
        elif isinstance(error, AuthenticationError):
            error.args = (f"{message}. Set OLLAMA_API_KEY, or run `ollama signin` for cloud models",)
        elif status in (404, 405):
            error.args = (f"{message}. api_base is the server's root, e.g. http://127.0.0.1:11434",)
        return error

    def unreachable(self, reason: str, request: Request) -> str:
        name = request.model.partition("/")[2]
        return (
            f"no Ollama server answers at {self.endpoint} ({reason}). Start it with `ollama serve` (once: "
            f"`ollama pull {name}`), or name another with api_base=... or OLLAMA_HOST; to run without one, {HOW_WITHOUT}"
        )
