"""Names by which saved objects find their classes again.

Loading a file never imports anything and never runs code from it: a class must belong to this library, be
registered, be given as a custom object, or live in a module that the running program has already imported.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from synalinks.errors import ConfigurationError

T = TypeVar("T")

_by_name: dict[str, Any] = {}
_names: dict[Any, str] = {}
_scoped: ContextVar[Mapping[str, Any]] = ContextVar("synalinks_custom_objects", default={})  # noqa: B039  never written to


def register_synalinks_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """A decorator that makes a class or function loadable under `package>name`, wherever it lives.

    Raises:
        ConfigurationError: a class without `get_config`.
    """

    def decorate(target: T) -> T:
        if isinstance(target, type) and not hasattr(target, "get_config"):
            raise ConfigurationError(
                f"{target.__name__} has no get_config method, so it can't be saved; derive it from a class of "
                "this library, or add get_config"
            )
        registered = f"{package}>{name or getattr(target, '__name__', '')}"
        _by_name[registered] = target
        _names[target] = registered
        return target

    return decorate


def get_registered_name(obj: Any) -> str:
    """The name an object was registered under, or its plain name."""
    return _names.get(obj) or str(obj.__name__)


def get_registered_object(
    name: str, custom_objects: Mapping[str, Any] | None = None, module_objects: Mapping[str, Any] | None = None
) -> Any:
    """What is registered, or given, under a name; None if nothing is."""
    for names in (custom_objects or {}, _scoped.get(), _by_name, module_objects or {}):
        if name in names:
            return names[name]
    return None


def get_custom_objects() -> dict[str, Any]:
    """A copy of everything registered."""
    return {**_by_name, **_scoped.get()}


@contextmanager
def custom_object_scope(custom_objects: Mapping[str, Any]) -> Iterator[None]:
    """Make classes and functions known by name while the block lasts."""
    token = _scoped.set({**_scoped.get(), **custom_objects})
    try:
        yield
    finally:
        _scoped.reset(token)


def public_module(obj: Any) -> str:
    """The module a class is written down under: `synalinks.modules` for anything inside it."""
    parts = str(obj.__module__).split(".")
    return ".".join(parts[:2]) if parts[0] == "synalinks" else str(obj.__module__)


def find(module: str | None, name: str, registered: str | None, custom_objects: Mapping[str, Any] | None) -> Any:
    """The class or function that a saved object names.

    Raises:
        ConfigurationError: it can't be found, or must not be taken from where it is said to be.
    """
    for candidate in (registered, name):
        found = candidate and get_registered_object(candidate, custom_objects)
        if found is not None and found != "":
            return found
    found = _home(module)
    for part in name.split("."):
        found = getattr(found, part, None)
        _refuse_foreign(found, name, module)
    if found is None:
        raise ConfigurationError(
            f"the file names {name!r} of module {module!r}, which this program has not defined or imported. "
            f"Import it first, pass custom_objects={{{name!r}: ...}}, or register it with "
            "synalinks.saving.register_synalinks_serializable()"
        )
    return found


def _refuse_foreign(found: Any, name: str, module: str | None) -> None:
    """Refuse what a module has only because it imported it: other modules, and the standard library's functions.

    Raises:
        ConfigurationError: the name leads out of the module.
    """
    origin = str(getattr(found, "__module__", None) or "").partition(".")[0]
    if isinstance(found, types.ModuleType) or origin in sys.stdlib_module_names:
        raise ConfigurationError(
            f"the file wants {name!r} out of {module!r}, which leads out of that module; saved programs may not call "
            "the standard library"
        )


def _home(module: str | None) -> Any:
    if module is None or module == "__main__":
        return sys.modules["__main__"]
    root = module.partition(".")[0]
    if root == "synalinks":
        return importlib.import_module(module)
    if root in sys.stdlib_module_names:
        raise ConfigurationError(
            f"the file wants an object out of {module!r}; saved programs may not call the standard library"
        )
    return sys.modules.get(module)
