"""Settings that hold for the session: default models, the seed, logging, observability."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from synalinks import session
from synalinks._not_here_yet import attribute_of
from synalinks.errors import ConfigurationError
from synalinks.modules import EmbeddingModel, LanguageModel


def set_default_language_model(identifier: Any) -> None:
    """The language model of every module that is given none: an instance or a name."""
    session.set_setting("language_model", LanguageModel.get(identifier) if identifier is not None else None)


def default_language_model() -> LanguageModel | None:
    """The session's language model, or None."""
    return session.get_setting("language_model")  # type: ignore[no-any-return]


def set_default_embedding_model(identifier: Any) -> None:
    """The embedding model of everything that is given none: an instance or a name."""
    session.set_setting("embedding_model", EmbeddingModel.get(identifier) if identifier is not None else None)


def default_embedding_model() -> EmbeddingModel | None:
    """The session's embedding model, or None."""
    return session.get_setting("embedding_model")  # type: ignore[no-any-return]


def set_seed(value: int) -> None:
    """The seed of every `fit` that is given none. No global generator is touched.

    Raises:
        ConfigurationError: not a whole number, 0 or above.
    """
    if not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"set_seed({value!r}): a seed is a whole number, 0 or above")
    session.set_setting("seed", value)


def get_seed() -> int | None:
    """The session's seed, or None where none was set."""
    return session.get_setting("seed")  # type: ignore[no-any-return]


def enable_logging(log_level: str = "debug", log_to_file: bool = False) -> None:
    """Show what the logger `synalinks` says, on standard error or in `synalinks.log`.

    Raises:
        ConfigurationError: an unknown level.
    """
    level = logging.getLevelNamesMapping().get(log_level.upper())
    if level is None:
        raise ConfigurationError(f"enable_logging({log_level!r}): write debug, info, warning or error")
    logger = logging.getLogger("synalinks")
    handler = logging.FileHandler("synalinks.log", encoding="utf-8") if log_to_file else logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


def enable_observability(tracking_uri: str | None = None, experiment_name: str | None = None) -> None:
    """Say where runs should be tracked. Nothing is contacted: no tracker ships with this version."""
    session.set_setting("observability", {"tracking_uri": tracking_uri, "experiment_name": experiment_name})


def is_observability_enabled() -> bool:
    """Whether `enable_observability` was called."""
    return session.get_setting("observability") is not None


if not TYPE_CHECKING:
    __getattr__ = attribute_of(__name__)
