"""Names that programs import from `synalinks.embedding_models`."""

from synalinks._json import JsonObject
from synalinks.lm import model_info, provider_info
from synalinks.lm import supported_models as _supported_models
from synalinks.lm import supported_providers as _supported_providers
from synalinks.modules import EmbeddingModel
from synalinks.saving import Kind

MODELS: Kind[EmbeddingModel] = Kind("an embedding model", EmbeddingModel, (EmbeddingModel,))
get = EmbeddingModel.get
deserialize = MODELS.deserialize


def serialize(embedding_model: EmbeddingModel) -> JsonObject:
    """The model's class and settings, as a file has them; no key is among them."""
    return MODELS.serialize(embedding_model)


def supported_providers() -> list[str]:
    """The prefixes of models that turn texts into vectors.

    Example:
        >>> "anthropic" in synalinks.embedding_models.supported_providers()
        False
    """
    return _supported_providers("embed")


async def supported_models(provider: str, api_base: str | None = None) -> list[str]:
    """The models of a provider that by their names turn texts into vectors.

    Those that its server lists, or those with a known price.

    Example:
        >>> "openai/text-embedding-3-small" in asyncio.run(synalinks.embedding_models.supported_models("openai"))
        True

    Raises:
        UnknownModelError: no such provider; the message has the nearest one.
        LMError: the server does not answer, or refuses.
    """
    return await _supported_models(provider, api_base, "embed")


__all__ = [
    "EmbeddingModel",
    "deserialize",
    "get",
    "model_info",
    "provider_info",
    "serialize",
    "supported_models",
    "supported_providers",
]
