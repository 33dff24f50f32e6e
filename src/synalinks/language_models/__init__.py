"""Names that programs import from `synalinks.language_models`."""

from typing import TYPE_CHECKING

from synalinks._json import JsonObject
from synalinks._not_here_yet import attribute_of
from synalinks.lm import model_info, provider_info
from synalinks.lm import supported_models as _supported_models
from synalinks.lm import supported_providers as _supported_providers
from synalinks.modules import LanguageModel, OAuthLanguageModel
from synalinks.saving import Kind

MODELS: Kind[LanguageModel] = Kind("a language model", LanguageModel, (LanguageModel, OAuthLanguageModel))
get = LanguageModel.get
deserialize = MODELS.deserialize


def serialize(language_model: LanguageModel) -> JsonObject:
    """The model's class and settings, as a file has them; no key is among them."""
    return MODELS.serialize(language_model)


def supported_providers() -> list[str]:
    """The prefixes of models that chat.

    Example:
        >>> "ollama" in synalinks.language_models.supported_providers()
        True
    """
    return _supported_providers("chat")


async def supported_models(provider: str, api_base: str | None = None) -> list[str]:
    """The models of a provider that chat: those that its server lists, or those with a known price.

    Example:
        >>> models = asyncio.run(synalinks.language_models.supported_models("anthropic"))
        >>> models[0].startswith("anthropic/")
        True

    Raises:
        UnknownModelError: no such provider; the message has the nearest one.
        LMError: the server does not answer, or refuses.
    """
    return await _supported_models(provider, api_base, "chat")


__all__ = [
    "LanguageModel",
    "OAuthLanguageModel",
    "deserialize",
    "get",
    "model_info",
    "provider_info",
    "serialize",
    "supported_models",
    "supported_providers",
]

if not TYPE_CHECKING:
    __getattr__ = attribute_of(__name__)
