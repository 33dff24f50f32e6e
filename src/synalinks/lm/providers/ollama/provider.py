"""The Ollama provider: one call is one HTTP request to Ollama's native API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks._base.warning import warn
from synalinks.lm.core.call import Call, Delta, Reply, Request
from synalinks.lm.core.errors import CONTEXT_LENGTH, AuthenticationError, LMError, ModelNotFound, RequestError
from synalinks.lm.providers.common.remote import HOW_WITHOUT, Remote
from synalinks.lm.providers.ollama.requests import chat_payload, embed_payload
from synalinks.lm.providers.ollama.responses import Assembly, chat_reply, embed_reply, words_of
from synalinks.lm.providers.ollama.sizes import pull_advice
from synalinks.lm.providers.transport.lines import values
from synalinks.lm.providers.transport.status import error_for

#: Bytes of text to a token, from above: prose has 4 to 5, and the longest tokens of vocabularies in use about 16.
MOST_BYTES_A_TOKEN = 16
#: Prompts of fewer bytes fit every context.
SHORT_PROMPT = 8_192
#: What to do about a prompt that is too long.
ADVICE = "Raise num_ctx, e.g. LanguageModel(..., num_ctx=16384), or ask for less"
#: Words in answers of status 500 that name a mistake in the request, which no retry will mend.
WRONG_PROGRAM = ("invalid format", "must be of type")


class OllamaProvider(Remote):
    """Answers chat and embedding calls from an Ollama server. A key is sent as a bearer token, for Ollama's cloud or a
    guarded server; a local one needs none. Arguments: see `Remote`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._warned_of: set[str] = set()

    name = "ollama"
    title = "Ollama"
    keyless = True
    takes_bytes_only = frozenset({"image"})
    records = staticmethod(values)

    def chat(self, call: Call) -> tuple[str, Mapping[str, Any]]:
        return "/api/chat", chat_payload(call.request, call.sink is not None, call.output_limit, call.keep_loaded)

    async def embed(self, call: Call) -> Reply:
        body = await self.post("/api/embed", embed_payload(call.request, call.keep_loaded), call)
        reply = self.read(embed_reply, body)
        self._warn_if_cut(body, call.request, "texts", "the end of a text")
        return reply

    def reply(self, body: Any, request: Request, chunks: tuple[Delta, ...] | None = None) -> Reply:
        reply = chat_reply(body, request, chunks)
        self._warn_if_cut(body, request, "a prompt", "the beginning, the instructions among it,")
        return reply

    def _warn_if_cut(self, body: Any, request: Request, of: str, part: str) -> None:
        if _was_cut(body, request) and request.model not in self._warned_of:
            self._warned_of.add(request.model)
            warn(
                f"{request.model} read {body['prompt_eval_count']:,} tokens of {of} of {_prompt_bytes(request):,} "
                f"bytes: Ollama leaves out {part} where its context is exceeded. {ADVICE}",
                RuntimeWarning,
            )

    def assembly(self, request: Request) -> Assembly:
        return Assembly()

    def listing(self) -> str:
        return "/api/tags"

    def names_in(self, body: Mapping[str, Any]) -> list[str]:
        return [model["name"] for model in body["models"]]

    def refusal(self, status: int, body: Any, headers: Mapping[str, str], begin: str, model: str) -> LMError:
        said = words_of(body)
        message = f"{begin}: {said}"
        if status >= 500 and any(words in said for words in WRONG_PROGRAM):
            return RequestError(message, status=status)
        error = error_for(status, message, headers, said=said)
        if isinstance(error, ModelNotFound):
            error.args = (f"{message}. Get it with {pull_advice(model.partition('/')[2])}",)
        elif error.kind == CONTEXT_LENGTH:
            error.args = (f"{message}. {ADVICE}, or truncate=True to have some of it left out",)
        elif isinstance(error, AuthenticationError):
            error.args = (f"{message}. Set OLLAMA_API_KEY, or run `ollama signin` for cloud models",)
        elif status in (404, 405):
            error.args = (f"{message}. api_base is the server's root, e.g. http://127.0.0.1:11434",)
        return error

    def unreachable(self, reason: str, request: Request) -> str:
        name = request.model.partition("/")[2]
        return (
            f"no Ollama server answers at {self.endpoint} ({reason}). Start it with `ollama serve` (once: "
            f"`ollama pull {name}`), or name another with api_base=... or OLLAMA_HOST; to run without one, "
            f"{HOW_WITHOUT}"
        )


def _prompt_bytes(request: Request) -> int:
    """The bytes of the text of a prompt, or of all texts to embed."""
    contents = [*request.texts, *(message.get("content") for message in request.messages)]
    return sum(len(content.encode()) for content in contents if isinstance(content, str))


def _was_cut(body: Any, request: Request) -> bool:
    """Whether the server says that it read far fewer tokens than the prompt has."""
    read, size = body.get("prompt_eval_count"), _prompt_bytes(request)
    if not isinstance(read, int) or size < SHORT_PROMPT:
        return False
    cached = body.get("prompt_eval_cached_count")
    return (read + (cached if isinstance(cached, int) else 0)) * MOST_BYTES_A_TOKEN < size
