"""The registry of providers: which there are, and what is known of each before it is called.

A model is named `prefix/name`. A provider comes from the table below, from `register_provider`, or from an installed
package's entry point in the group `synalinks.providers`. Its module is imported when a model of it is first called.
"""

from __future__ import annotations

import difflib
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from synalinks._base.warning import warn
from synalinks.lm.core.call import Handler
from synalinks.lm.core.errors import ConfigurationError, UnknownModelError
from synalinks.lm.pricing.price import Price
from synalinks.lm.rate_limit.account import Limits

#: Calls at once to a server on one's own machine where a handler of `use_provider` answers in its place. The server is
#: sent what it can do at once (`rate_limit/adaptive.py`): Ollama answers OLLAMA_NUM_PARALLEL (1) at a time and queues
#: the rest, and each call's time limit runs while it waits in that queue.
LOCAL_CONCURRENCY = 8
#: Alternatives a token, the most that OpenAI, Ollama and vLLM (by default) give.
LOGPROBS = 20
#: The group of entry points that name providers of other packages.
ENTRY_POINTS = "synalinks.providers"
EXAMPLE = "ollama/llama3.2:latest"

_UNLIMITED = Limits()
LOCAL_LIMITS = Limits(concurrency=LOCAL_CONCURRENCY)
_PREFIX = re.compile(r"[a-z][a-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Spec:
    """A provider's description: prefix, client, server, keys, limits and prices.

    Example:
        >>> import asyncio
        >>> import synalinks
        >>> from synalinks.lm import Client, Reply, Request, Spec, register_provider
        >>> def build(endpoint, **settings):
        ...     async def answer(call):
        ...         return Reply(text=call.request.messages[-1]["content"].upper())
        ...     return answer
        >>> _ = register_provider(Spec("shout", build, "http://127.0.0.1:9", local=True))
        >>> request = Request("chat", "shout/x", messages=[{"role": "user", "content": "hello"}])
        >>> asyncio.run(Client("shout/x", cache="off").send(request)).text
        'HELLO'

    Attributes:
        prefix: the first part of its models' names, in lower case.
        target: the callable that builds the handler of calls, or `module:callable`, imported at the first call. It is
            called with the endpoint and the keywords `api_key`, `auth`, `query`, `timeout` and `transport` (see
            `make`), and should accept further keywords. A handler that gives no sound `Reply` makes the call an
            `LMError`. `auth` is a pair for basic authentication, or an `OAuth`.
        endpoint: URL of the provider's own server; empty where there is no common one.
        aliases: other prefixes of the same provider.
        base_env: environment variables that may name the server, in order.
        key_env: environment variables that may hold the key, in order.
        local: whether the server is the user's own; its models are free.
        limits: limits of an account where the program states none.
        port: port of a server named without a scheme, as in `OLLAMA_HOST=192.168.1.5`.
        chat, embed: what it can do.
        prices: prices by the name behind the prefix. They hold at the provider's own server.
        options: names of options that it takes beside those of `lm/core/options.py`.
        top_logprobs: how many of the most probable tokens an answer has in each place with `logprobs=True`; 0 where it
            has none.
    """

    prefix: str
    target: str | Callable[..., Handler]
    endpoint: str = ""
    aliases: tuple[str, ...] = ()
    base_env: tuple[str, ...] = ()
    key_env: tuple[str, ...] = ()
    local: bool = False
    limits: Limits = _UNLIMITED
    port: int | None = None
    chat: bool = True
    embed: bool = True
    prices: Mapping[str, Price] = field(default_factory=dict, hash=False)
    options: frozenset[str] = frozenset()
    top_logprobs: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The prefix and its aliases."""
        return (self.prefix, *self.aliases)


_OPENAI = "synalinks.lm.providers.openai.provider:"


def _hosted(
    prefix: str,
    target: str,
    endpoint: str,
    *keys: str,
    embed: bool = True,
    bases: tuple[str, ...] = (),
    top_logprobs: int = 0,
) -> Spec:
    return Spec(prefix, target, endpoint, base_env=bases, key_env=keys, embed=embed, top_logprobs=top_logprobs)


#: The providers that the package has clients for.
SPECS: tuple[Spec, ...] = (
    Spec(
        "ollama",
        "synalinks.lm.providers.ollama.provider:OllamaProvider",
        # By address, as Ollama's own clients do: "localhost" may be tried over IPv6 first.
        "http://127.0.0.1:11434",
        aliases=("ollama_chat",),
        base_env=("OLLAMA_API_BASE", "OLLAMA_HOST"),
        key_env=("OLLAMA_API_KEY",),
        local=True,
        limits=LOCAL_LIMITS,
        port=11434,
        top_logprobs=LOGPROBS,
    ),
    Spec("scripted", "synalinks.lm.providers.fake.scripted:registered", local=True),
    _hosted(
        "openai",
        _OPENAI + "openai",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        bases=("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        top_logprobs=LOGPROBS,
    ),
    _hosted(
        "openrouter",
        _OPENAI + "openrouter",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        top_logprobs=LOGPROBS,
    ),
    _hosted("groq", _OPENAI + "groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", embed=False),
    _hosted(
        "deepseek",
        _OPENAI + "deepseek",
        "https://api.deepseek.com/v1",
        "DEEPSEEK_API_KEY",
        embed=False,
        top_logprobs=LOGPROBS,
    ),
    _hosted(
        "together_ai",
        _OPENAI + "together_ai",
        "https://api.together.xyz/v1",
        "TOGETHERAI_API_KEY",
        "TOGETHER_API_KEY",
    ),
    _hosted("mistral", _OPENAI + "mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    _hosted("xai", _OPENAI + "xai", "https://api.x.ai/v1", "XAI_API_KEY", embed=False, top_logprobs=8),
    _hosted(
        "azure",
        _OPENAI + "azure",
        "",
        "AZURE_API_KEY",
        "AZURE_OPENAI_API_KEY",
        bases=("AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"),
        top_logprobs=LOGPROBS,
    ),
    Spec(
        "hosted_vllm",
        _OPENAI + "hosted_vllm",
        "http://127.0.0.1:8000/v1",
        aliases=("vllm",),
        base_env=("HOSTED_VLLM_API_BASE",),
        key_env=("HOSTED_VLLM_API_KEY",),
        local=True,
        top_logprobs=LOGPROBS,
    ),
    Spec(
        "llama_cpp",
        _OPENAI + "llama_cpp",
        "http://127.0.0.1:8080/v1",
        base_env=("LLAMA_CPP_API_BASE",),
        key_env=("LLAMA_CPP_API_KEY", "LLAMA_API_KEY"),
        local=True,
        limits=LOCAL_LIMITS,
        top_logprobs=LOGPROBS,
    ),
    _hosted(
        "anthropic",
        "synalinks.lm.providers.anthropic.provider:AnthropicProvider",
        "https://api.anthropic.com",
        "ANTHROPIC_API_KEY",
        embed=False,
        bases=("ANTHROPIC_BASE_URL",),
    ),
    _hosted(
        "cohere",
        "synalinks.lm.providers.cohere.provider:CohereProvider",
        "https://api.cohere.com",
        "COHERE_API_KEY",
        "CO_API_KEY",
        bases=("COHERE_API_BASE",),
    ),
    _hosted(
        "gemini",
        "synalinks.lm.providers.gemini.provider:GeminiProvider",
        "https://generativelanguage.googleapis.com",
        "GEMINI_API_KEY",
        "GOOGLE_API_KEY",
        bases=("GEMINI_API_BASE", "GOOGLE_GEMINI_BASE_URL"),
    ),
)


class _Registry:
    """Providers by prefix; those of other packages are looked for once, when they may be needed."""

    def __init__(self) -> None:
        self.by_prefix: dict[str, Spec] = {name: spec for spec in SPECS for name in spec.names}
        self._searched = False
        self._lock = threading.RLock()

    def add(self, spec: Spec) -> None:
        _check(spec)
        with self._lock:
            for name in spec.names:
                taken = self.by_prefix.get(name)
                if taken is not None and (taken in SPECS or taken.prefix != spec.prefix):
                    raise ConfigurationError(
                        f"the prefix {name!r} belongs to the provider {taken.prefix!r}; give Spec(prefix=...) another"
                    )
            self.by_prefix.update(dict.fromkeys(spec.names, spec))

    def find(self, prefix: str) -> Spec | None:
        found = self.by_prefix.get(prefix)
        if found is None and not self._searched:
            self.search()
            found = self.by_prefix.get(prefix)
        return found

    def search(self) -> None:
        """Register the providers of installed packages; a package whose entry point fails is named in a warning."""
        with self._lock:
            if self._searched:
                return
            self._searched = True
            from importlib.metadata import entry_points  # 10 ms, needed for an unknown prefix only

            for point in entry_points(group=ENTRY_POINTS):
                try:
                    found = point.load()
                    specs: Iterable[Spec] = (found,) if isinstance(found, Spec) else tuple(found)
                    for spec in specs:
                        if isinstance(spec, Spec) and spec.prefix in self.by_prefix:
                            continue  # registered by the program itself
                        self.add(spec)
                except (ImportError, AttributeError, TypeError, ConfigurationError) as error:
                    warn(
                        f"the entry point {point.name} = {point.value} of the group {ENTRY_POINTS} gave no provider: "
                        f"{type(error).__name__}: {error}",
                    )


def _check(spec: Spec) -> None:
    if not isinstance(spec, Spec):
        raise ConfigurationError(f"a provider is described by a Spec, got {type(spec).__name__}: {spec!r}")
    for name in spec.names:
        if not _PREFIX.fullmatch(name):
            raise ConfigurationError(
                f"Spec(prefix={name!r}): a prefix is a letter and then letters, digits, '_', '-' or '.', in lower case"
            )
    if not callable(spec.target) and ":" not in spec.target:
        raise ConfigurationError(f"Spec(target={spec.target!r}): give a callable, or 'package.module:callable'")


_registry = _Registry()


def register_provider(spec: Spec) -> Spec:
    """Make models named `prefix/name` resolve to a provider; a second registration replaces the first.

    Raises:
        ConfigurationError: the prefix is malformed, or that of another provider.
    """
    _registry.add(spec)
    return spec


def list_providers() -> tuple[Spec, ...]:
    """All providers, those of installed packages included, in the order of their registration."""
    _registry.search()
    return tuple(dict.fromkeys(_registry.by_prefix.values()))


def find(model: str) -> Spec | None:
    """The provider of a model, or None if there is none of that prefix."""
    prefix = model.partition("/")[0].strip().lower()
    return _registry.by_prefix.get(prefix) or _registry.find(prefix)


def is_local(model: str) -> bool:
    """Whether a model runs on the user's own machine, so that its tokens are free."""
    spec = find(model)
    return spec is not None and spec.local


def resolve(model: str) -> tuple[Spec, str]:
    """The provider of a model, and the model's name there.

    Raises:
        UnknownModelError: the name has no provider prefix, or an unknown one.
    """
    prefix, slash, name = model.partition("/") if isinstance(model, str) else ("", "", "")
    spec = _registry.find(prefix.strip().lower()) if slash or prefix else None
    if spec is None or not name.strip():
        raise UnknownModelError(_unknown(model, prefix if slash else "", spec))
    return spec, name


def _unknown(model: object, prefix: str, spec: Spec | None) -> str:
    wanted = f"a model is named provider/model, e.g. {EXAMPLE!r}"
    known = "Known providers: " + ", ".join(_registry.by_prefix)
    if spec is not None and prefix:
        return f"{model!r} names a provider but no model; {wanted}. {known}"
    if not prefix:
        return f"{model!r} names no provider; {wanted}. {known}"
    near = difflib.get_close_matches(prefix.lower(), _registry.by_prefix, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return (
        f"{model!r} names the unknown provider {prefix!r}.{hint} {known}; {wanted}. A provider of one's own is added "
        "with synalinks.lm.register_provider(Spec(...))"
    )
