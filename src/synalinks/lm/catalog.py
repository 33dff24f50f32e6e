"""What can be called: providers, their models, and what is known of each before it is called."""

from __future__ import annotations

import difflib
import os
import re
from typing import Protocol, TypedDict, runtime_checkable

from synalinks.lm.core.call import Kind
from synalinks.lm.core.errors import OfflineError, UnknownModelError
from synalinks.lm.pricing.limits import OutputLimits, is_reasoning_model
from synalinks.lm.pricing.price import MILLION
from synalinks.lm.pricing.pricing import price_of
from synalinks.lm.pricing.table import price_table
from synalinks.lm.providers import SPECS, Spec, endpoint_of, key_of, list_providers, make, resolve
from synalinks.lm.runtime import current

#: Parts of the names of models that turn texts into vectors.
_EMBEDDERS = re.compile(r"embed|minilm|(?:^|[/:_-])(?:bge|e5|gte)(?:$|[:_-])", re.IGNORECASE)
#: The prefix that answers from scripts is no provider that can be chosen.
_SCRIPTED = "scripted"


class ProviderInfo(TypedDict):
    """What is known of a provider.

    Example:
        >>> from synalinks.lm import ProviderInfo, provider_info
        >>> info: ProviderInfo = provider_info("ollama")
        >>> info["local"], info["aliases"]
        (True, ['ollama_chat'])

    Attributes:
        provider: the prefix of its models. aliases: other prefixes of it.
        endpoint: URL of its server as the environment has it now. endpoint_env: variables that may name another.
        key_env: variables that may hold the key. has_key: whether one of them is set.
        local: whether the server is the user's own, and free. chat, embed: what it can do.
    """

    provider: str
    aliases: list[str]
    endpoint: str
    endpoint_env: list[str]
    key_env: list[str]
    has_key: bool
    local: bool
    chat: bool
    embed: bool


class ModelInfo(TypedDict):
    """What is known of a model; None where it is not.

    Example:
        >>> from synalinks.lm import ModelInfo, model_info
        >>> info: ModelInfo = model_info("ollama/all-minilm")
        >>> info["mode"], info["input_cost_per_token"]
        ('embedding', 0.0)

    Attributes:
        model: with its provider's prefix. provider, name: its two parts.
        mode: `chat` or `embedding`, by its name. local: whether it runs on the user's own server.
        max_output_tokens: the most tokens of an answer.
        input_cost_per_token, output_cost_per_token: dollars.
        supports_tools, supports_structured_output, supports_streaming, supports_reasoning, supports_vision: what this
            library can ask of it. What single models of a provider lack is not known here.
    """

    model: str
    provider: str
    name: str
    mode: str
    local: bool
    max_output_tokens: int | None
    input_cost_per_token: float | None
    output_cost_per_token: float | None
    supports_tools: bool | None
    supports_structured_output: bool | None
    supports_streaming: bool | None
    supports_reasoning: bool | None
    supports_vision: bool | None


def supported_providers(kind: Kind | None = None) -> list[str]:
    """The prefixes of models that can be called, those of installed packages included; of one kind if given.

    Example:
        >>> from synalinks.lm import supported_providers
        >>> "ollama" in supported_providers("embed"), "anthropic" in supported_providers("embed")
        (True, False)
    """
    found = (spec for spec in list_providers() if spec.prefix != _SCRIPTED)
    return [spec.prefix for spec in found if kind is None or (spec.chat if kind == "chat" else spec.embed)]


def provider_info(provider: str) -> ProviderInfo:
    """What is known of a provider, by its prefix or that of a model.

    Example:
        >>> from synalinks.lm import provider_info
        >>> provider_info("gemini")["key_env"]
        ['GEMINI_API_KEY', 'GOOGLE_API_KEY']

    Raises:
        UnknownModelError: no such provider; the message has the nearest one.
    """
    spec = _spec(provider)
    return {
        "provider": spec.prefix,
        "aliases": list(spec.aliases),
        "endpoint": endpoint_of(spec),
        "endpoint_env": list(spec.base_env),
        "key_env": list(spec.key_env),
        "has_key": any(os.environ.get(name) for name in spec.key_env),
        "local": spec.local,
        "chat": spec.chat,
        "embed": spec.embed,
    }


def model_info(model: str) -> ModelInfo:
    """What is known of a model before it is called; nothing is asked of its server.

    Example:
        >>> from synalinks.lm import model_info
        >>> info = model_info("openai/gpt-4o")
        >>> info["max_output_tokens"], info["supports_tools"]
        (16384, True)

    Raises:
        UnknownModelError: no such provider, or no name of a model.
    """
    spec, name = resolve(model)
    embeds, price = _embeds(name), price_of(model)
    chats = spec.chat and not embeds
    own = chats if spec in SPECS else None
    return {
        "model": model,
        "provider": spec.prefix,
        "name": name,
        "mode": "embedding" if embeds else "chat",
        "local": spec.local,
        "max_output_tokens": None if embeds else OutputLimits().of(model),
        "input_cost_per_token": None if price is None else float(price.input / MILLION),
        "output_cost_per_token": None if price is None else float(price.output / MILLION),
        "supports_tools": own,
        "supports_structured_output": own,
        "supports_streaming": own,
        "supports_reasoning": is_reasoning_model(model) if price_table().find(model) is not None else None,
        "supports_vision": False if embeds else None,
    }


@runtime_checkable
class _Lists(Protocol):
    """A provider whose server lists its models."""

    async def models(self) -> list[str] | None: ...

    async def close(self) -> None: ...


async def supported_models(provider: str, api_base: str | None = None, kind: Kind | None = None) -> list[str]:
    """The models of a provider, with its prefix, sorted: those that its server lists, or those with a known price.

    The server of a local provider is asked, one at `api_base`, and one that there is a key for.

    Args:
        kind: leave out those that by their names are of the other kind.

    Raises:
        UnknownModelError: no such provider.
        LMError: the server does not answer, or refuses.
        OfflineError: it would have to be asked, and live calls are forbidden.
    """
    spec = _spec(provider)
    names = None
    if spec.local or api_base or key_of(spec):
        if current().offline:
            if spec.local or api_base:
                raise OfflineError(f"the models of {provider!r} are listed by its server, and live calls are forbidden")
        elif spec.prefix != _SCRIPTED:
            names = await _listed(spec, api_base)
    if names is None:
        rows = (row.model.partition("/") for row in price_table())
        names = [name for prefix, _, name in rows if prefix == spec.prefix]
    fitting = {name for name in names if kind is None or _embeds(name) == (kind == "embed")}
    return sorted(f"{spec.prefix}/{name}" for name in fitting)


async def listed_models(provider: str, api_base: str | None = None) -> list[str] | None:
    """The names of the models that a provider's server lists; None where its API has no list.

    Args:
        api_base: URL of the server; the first that the environment names, or the provider's own, where None.

    Raises:
        UnknownModelError: no such provider.
        LMError: the server does not answer, or refuses, as it does a wrong key.
    """
    return await _listed(_spec(provider), api_base)


async def _listed(spec: Spec, api_base: str | None) -> list[str] | None:
    handler = make(spec, api_base)
    if not isinstance(handler, _Lists):
        return None
    try:
        return await handler.models()
    finally:
        await handler.close()


def _embeds(name: str) -> bool:
    return _EMBEDDERS.search(name) is not None


def _spec(provider: str) -> Spec:
    prefix = provider.partition("/")[0].strip().lower() if isinstance(provider, str) else ""
    known = {name: spec for spec in list_providers() for name in spec.names}
    if prefix in known:
        return known[prefix]
    near = difflib.get_close_matches(prefix, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UnknownModelError(f"there is no provider {provider!r}.{hint} There are: {', '.join(supported_providers())}")
