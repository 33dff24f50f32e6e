"""The providers: which there are, where they listen, and how one is built when it is first called.

A model is named `prefix/name`. The table below is all that a new provider has to be entered in; its
module is imported when a model of it is first called.
"""

from __future__ import annotations

import difflib
import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from synalinks.errors import ConfigurationError, UnknownModelError
from synalinks.lm.core.call import Call, Handler, Reply
from synalinks.lm.rate_limit.account import Limits

#: Calls at once to a server on one's own machine. Ollama answers OLLAMA_NUM_PARALLEL (1) at a time and
#: queues the rest, and each call's time limit runs while it waits in that queue.
LOCAL_CONCURRENCY = 8
EXAMPLE = "ollama/llama3.2:latest"


_UNLIMITED = Limits()
_LOCAL = Limits(concurrency=LOCAL_CONCURRENCY)


@dataclass(frozen=True, slots=True)
class Spec:
    """What is known of a provider before it is called.

    Attributes:
        prefix: what its model names begin with.
        aliases: other prefixes that mean the same.
        target: `module:callable` that builds the handler; imported at the first call.
        endpoint: URL of its server where neither the program nor the environment says another.
        base_env: environment variables that may name the server, in order.
        key_env: environment variables that may hold the key, in order.
        local: whether the server is the user's own, so that tokens have no price.
        limits: limits of an account where the program states none.
        port: port of a server named without a scheme, as in `OLLAMA_HOST=192.168.1.5`.
        chat, embed: what it can do.
        spoken: whether this version has a live client for it.
    """

    prefix: str
    target: str = ""
    endpoint: str = ""
    aliases: tuple[str, ...] = ()
    base_env: tuple[str, ...] = ()
    key_env: tuple[str, ...] = ()
    local: bool = False
    limits: Limits = _UNLIMITED
    port: int | None = None
    chat: bool = True
    embed: bool = True
    spoken: bool = True


def _remote(
    prefix: str, endpoint: str, *keys: str, target: str = "", embed: bool = True, bases: tuple[str, ...] = ()
) -> Spec:
    return Spec(prefix, target, endpoint, base_env=bases, key_env=keys, embed=embed, spoken=bool(target))


#: Speaks OpenAI's chat completions, and knows what is particular about each of those who do.
_OPENAI = "synalinks.lm.providers.openai.provider:"


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
        limits=_LOCAL,
        port=11434,
    ),
    Spec("scripted", "synalinks.lm.providers.fake.scripted:registered", local=True),
    _remote(
        "openai",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        target=_OPENAI + "openai",
        bases=("OPENAI_BASE_URL", "OPENAI_API_BASE"),
    ),
    _remote("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", target=_OPENAI + "openrouter"),
    _remote("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", target=_OPENAI + "groq", embed=False),
    _remote("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", target=_OPENAI + "deepseek", embed=False),
    _remote(
        "together_ai",
        "https://api.together.xyz/v1",
        "TOGETHERAI_API_KEY",
        "TOGETHER_API_KEY",
        target=_OPENAI + "together_ai",
    ),
    _remote("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", target=_OPENAI + "mistral"),
    _remote("xai", "https://api.x.ai/v1", "XAI_API_KEY", target=_OPENAI + "xai", embed=False),
    _remote(
        "azure",
        "",
        "AZURE_API_KEY",
        "AZURE_OPENAI_API_KEY",
        target=_OPENAI + "azure",
        bases=("AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"),
    ),
    Spec(
        "hosted_vllm",
        _OPENAI + "hosted_vllm",
        "http://127.0.0.1:8000/v1",
        aliases=("vllm",),
        base_env=("HOSTED_VLLM_API_BASE",),
        key_env=("HOSTED_VLLM_API_KEY",),
        local=True,
    ),
    Spec(
        "llama_cpp",
        _OPENAI + "llama_cpp",
        "http://127.0.0.1:8080/v1",
        base_env=("LLAMA_CPP_API_BASE",),
        key_env=("LLAMA_CPP_API_KEY", "LLAMA_API_KEY"),
        local=True,
        limits=_LOCAL,
    ),
    Spec(
        "anthropic",
        "synalinks.lm.providers.anthropic.provider:AnthropicProvider",
        "https://api.anthropic.com",
        base_env=("ANTHROPIC_BASE_URL",),
        key_env=("ANTHROPIC_API_KEY",),
        embed=False,
    ),
    Spec(
        "gemini",
        "synalinks.lm.providers.gemini.provider:GeminiProvider",
        "https://generativelanguage.googleapis.com",
        base_env=("GEMINI_API_BASE", "GOOGLE_GEMINI_BASE_URL"),
        key_env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    ),
)
_BY_PREFIX: Mapping[str, Spec] = {name: spec for spec in SPECS for name in (spec.prefix, *spec.aliases)}


def resolve(model: str) -> tuple[Spec, str]:
    """The provider of a model, and the model's name there.

    Raises:
        UnknownModelError: the name has no provider prefix, or one that nobody here speaks.
    """
    prefix, slash, name = model.partition("/") if isinstance(model, str) else ("", "", "")
    spec = _BY_PREFIX.get(prefix.strip().lower())
    if spec is None or not name.strip():
        raise UnknownModelError(_unknown(model, prefix if slash else "", spec))
    return spec, name


def _unknown(model: object, prefix: str, spec: Spec | None) -> str:
    wanted = f"a model is named provider/model, e.g. {EXAMPLE!r}"
    known = "Known providers: " + ", ".join(_BY_PREFIX)
    if spec is not None and prefix:
        return f"{model!r} names a provider but no model; {wanted}. {known}"
    if not prefix:
        return f"{model!r} names no provider; {wanted}. {known}"
    near = difflib.get_close_matches(prefix.lower(), _BY_PREFIX, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{model!r} names the unknown provider {prefix!r}.{hint} {known}; {wanted}"


def endpoint_of(spec: Spec, api_base: str | None = None) -> str:
    """The URL of a provider's server, in one spelling and without credentials; `prefix:` where none is known.

    `api_base` comes first, then the environment, then the provider's own default.

    Raises:
        ConfigurationError: not a URL.
    """
    return _address(spec, api_base)[0]


def is_own_server(spec: Spec, endpoint: str) -> bool:
    """Whether an endpoint is the provider's, whose prices are known by model. Another server that speaks its API, such
    as a gateway or one's own, may ask any price for a model of that name. Of those without a common address, as on
    Azure, every one is the provider's; and servers of one's own machine have no published prices to confuse.
    """
    return spec.local or not spec.endpoint or urlsplit(endpoint).hostname == urlsplit(spec.endpoint).hostname


def key_of(spec: Spec, api_key: str | None = None) -> str | None:
    """The key for a provider: the one given, else the environment's, else None."""
    return api_key or next((found for name in spec.key_env if (found := os.environ.get(name))), None)


def make(
    spec: Spec,
    api_base: str | None = None,
    *,
    api_key: str | None = None,
    timeout: float | None = None,
    transport: Any = None,
) -> Handler:
    """The handler that talks to a provider; its client is made when it is first called.

    Args:
        spec: the provider.
        api_base: URL of the server, where not the default one; may hold `user:password@`.
        api_key: where not taken from the environment.
        timeout: seconds one read or write may take; None leaves that to the retry layer, which limits
            whole attempts.
        transport: an httpx transport to use in place of the network.

    Raises:
        ConfigurationError: `api_base` is not a URL.
    """
    if not spec.spoken:
        return _Unspoken(spec)
    endpoint, auth = _address(spec, api_base)
    module, _, name = spec.target.partition(":")
    build = getattr(importlib.import_module(module), name)
    handler: Handler = build(endpoint, api_key=key_of(spec, api_key), auth=auth, timeout=timeout, transport=transport)
    return handler


class _Unspoken:
    """Stands where a provider would, for those this version has no live client for."""

    def __init__(self, spec: Spec) -> None:
        self.name = spec.prefix

    async def __call__(self, call: Call, /) -> Reply:
        spoken = ", ".join(spec.prefix for spec in SPECS if spec.spoken)
        raise UnknownModelError(
            f"{call.request.model!r}: this version has no live client for {self.name!r} (it has: {spoken}). "
            "A cassette or the cache that holds the answer would do: use_cassette(path), or "
            "`synalinks run SCRIPT --cassette FILE`"
        )


def _address(spec: Spec, api_base: str | None) -> tuple[str, tuple[str, str] | None]:
    """Endpoint and credentials."""
    given = api_base or next((found for name in spec.base_env if (found := os.environ.get(name))), None)
    given = (given or spec.endpoint).strip()
    if not given:  # scripts have no server; a deployment's must be named before it is called, not to replay
        return f"{spec.prefix}:", None
    bare = "://" not in given
    try:
        parts = urlsplit(f"http://{given}" if bare else given)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"not a server's URL: {_redacted(given)!r} ({error})") from None
    if parts.scheme.lower() not in ("http", "https"):
        raise ConfigurationError(f"a server's URL begins with http:// or https://, got {_redacted(given)!r}")
    if port is None and bare:
        port = spec.port
    auth = None
    if parts.username:
        auth = (unquote(parts.username), unquote(parts.password or ""))
    return (
        f"{parts.scheme.lower()}://{_host(parts)}{f':{port}' if port else ''}{parts.path.rstrip('/')}",
        auth,
    )


def _host(parts: SplitResult) -> str:
    """The host to connect to; an address that servers bind to, to listen everywhere, means this machine."""
    host = (parts.hostname or "").lower()
    if host in ("", "0.0.0.0"):
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host


def _redacted(url: str) -> str:
    return url.rpartition("@")[2]
