"""What makes the first value of a variable: `Empty`, and the base for your own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks.errors import ConfigurationError
from synalinks.initializers.empty import Empty
from synalinks.initializers.initializer import Initializer

_KNOWN: dict[str, type[Initializer]] = {"Empty": Empty, "empty": Empty}


def serialize(initializer: Initializer) -> dict[str, Any]:
    """An initializer as plain JSON: its class and its config."""
    kind = type(initializer)
    own = _KNOWN.get(kind.__name__) is kind
    return {
        "module": "synalinks.initializers" if own else kind.__module__,
        "class_name": kind.__name__,
        "config": initializer.get_config(),
    }


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Initializer:
    """The initializer that `serialize` described.

    Raises:
        ConfigurationError: the class is not known; give it in `custom_objects`.
    """
    known: dict[str, Any] = {**_KNOWN, **(custom_objects or {})}
    name = config.get("class_name")
    kind = known.get(str(name))
    if kind is None:
        raise ConfigurationError(
            f"no initializer is called {name!r}; there are {[name for name in known if name != 'empty']}. "
            f"Give a class of your own in custom_objects={{{str(name)!r}: ...}}"
        )
    made: Initializer = kind.from_config(dict(config.get("config") or {}))
    return made


def get(identifier: Any) -> Any:
    """An initializer out of itself, a serialised one, a name, a callable, or None (which stays None).

    Raises:
        ConfigurationError: it is none of these.
    """
    if identifier is None or isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, Mapping) and "class_name" in identifier:
        return deserialize(identifier)
    if isinstance(identifier, str) and identifier in _KNOWN:
        return _KNOWN[identifier]
    if callable(identifier):
        return identifier
    raise ConfigurationError(
        f"an initializer was expected: an Initializer, {sorted(_KNOWN)}, or a function that makes a dict; "
        f"got {identifier!r}"
    )


__all__ = ["Empty", "Initializer", "deserialize", "get", "serialize"]
