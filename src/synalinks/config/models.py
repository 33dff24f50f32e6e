"""Models that are used where none is given, and the server and key of models that have none of their own."""

from __future__ import annotations

from collections.abc import Sequence

from synalinks import session
from synalinks.errors import ConfigurationError
from synalinks.modules import DecisionModel, EmbeddingModel, LanguageModel


def set_default_language_model(identifier: object) -> None:
    """The language model of every module that is given none: an instance or a name; None for no default."""
    session.set_setting("language_model", LanguageModel.get(identifier) if identifier is not None else None)


def default_language_model() -> LanguageModel | None:
    """The session's language model, or None."""
    return session.get_setting("language_model")  # type: ignore[no-any-return]


def set_default_embedding_model(identifier: object) -> None:
    """The embedding model of everything that is given none: an instance or a name; None for no default."""
    session.set_setting("embedding_model", EmbeddingModel.get(identifier) if identifier is not None else None)


def default_embedding_model() -> EmbeddingModel | None:
    """The session's embedding model, or None."""
    return session.get_setting("embedding_model")  # type: ignore[no-any-return]


def set_default_decision_model(identifier: object) -> None:
    """The decision model of every `Decision`, `MultiDecision` and `Branch` without a model; None for no default."""
    session.set_setting("decision_model", DecisionModel.get(identifier) if identifier is not None else None)


def default_decision_model() -> DecisionModel | None:
    """The session's decision model, or None."""
    return session.get_setting("decision_model")  # type: ignore[no-any-return]


def set_api_base(api_base: str | Sequence[str] | None) -> None:
    """The server, or the servers, of every model that is made from now on without `api_base=`; None for the provider's
    own again.

    It is before the provider's environment variable, and it is not saved with a program.

    Example:
        >>> synalinks.set_api_base("http://127.0.0.1:8000")
        >>> synalinks.LanguageModel("ollama/llama3.2").client.endpoint
        'http://127.0.0.1:8000'
        >>> synalinks.set_api_base(None)

    Raises:
        ConfigurationError: no URL.
    """
    named = api_base if isinstance(api_base, (list, tuple)) else [api_base]
    wrong = [one for one in named if not isinstance(one, str) or not one.strip()]
    if api_base is not None and (wrong or not named):  # of the others, which may hold passwords, nothing is said
        shown = wrong[0] if wrong else api_base
        raise ConfigurationError(f"set_api_base({shown!r}): give the URL of a server, e.g. 'http://127.0.0.1:8000'")
    session.set_setting("api_base", api_base)


def api_base() -> str | Sequence[str] | None:
    """The server, or the servers, of models that are made without one of their own, or None."""
    return session.get_setting("api_base")  # type: ignore[no-any-return]


def set_api_key(key: str | None) -> None:
    """The key of every model that is made from now on without `api_key=` or `api_key_env=`; None for none.

    It is before the provider's environment variable, and is sent to whichever provider the model is of: with models of
    several providers, give each its own. It is held in memory only: it is never saved, recorded or printed.

    Raises:
        ConfigurationError: no text.
    """
    if key is not None and not (isinstance(key, str) and key.strip()):
        raise ConfigurationError(f"set_api_key(...): a key is a text that is not empty, got {type(key).__name__}")
    session.set_setting("api_key", key)


def api_key() -> str | None:
    """The key of models that are made without one of their own, or None."""
    return session.get_setting("api_key")  # type: ignore[no-any-return]
