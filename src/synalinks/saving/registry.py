"""Names by which saved objects find their classes again.

Loading a file imports nothing and runs no code that the file chooses: a name is looked up among the objects that the
program registered or gave in `custom_objects`, those that this library exports, and those defined in `__main__`.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from typing import Any, TypeVar

from synalinks._not_here_yet import PART_OF, missing_message
from synalinks.errors import ConfigurationError

T = TypeVar("T")

#: Public namespaces whose classes a file may name. Those of callbacks, datasets and hooks are not among them: they open
#: files, and no program is saved with them.
NAMESPACES = ("modules", "programs", "rewards", "metrics", "optimizers", "initializers", "data")
#: Functions of this library that a file may name, by namespace.
FUNCTIONS: Mapping[str, frozenset[str]] = {"rewards": frozenset({"exact_match", "cosine_similarity"})}

_by_name: dict[str, Any] = {}
_names: dict[Any, str] = {}
_scoped: ContextVar[Mapping[str, Any]] = ContextVar("synalinks_custom_objects", default={})  # noqa: B039  never written to
_unsafe = False


def register_synalinks_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """A decorator that makes a class or function known by name: to files under `package>name`, and to `compile`, `fit`
    and the `get` functions under its own name, too, in place of one of this library's of that name.

    Example:
        >>> import asyncio, synalinks
        >>> @synalinks.saving.register_synalinks_serializable()
        ... class Lenient(synalinks.rewards.Reward):
        ...     async def call(self, y_true, y_pred):
        ...         return 1.0
        >>> synalinks.rewards.get("lenient")
        <Lenient name=lenient>

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


def is_registered(obj: Any) -> bool:
    """Whether a class or function was registered, or is exported by this library."""
    return obj in _names or exported(public_module(obj), obj.__qualname__) is obj


def get_registered_name(obj: Any) -> str:
    """The name a class or function was registered under, or its plain name; a text for itself."""
    return obj if isinstance(obj, str) else _names.get(obj) or str(obj.__name__)


def get_registered_object(
    name: str, custom_objects: Mapping[str, object] | None = None, module_objects: Mapping[str, object] | None = None
) -> Any:
    """The object registered, or given, under a name; None if there is none."""
    for names in (custom_objects or {}, _scoped.get(), _by_name, module_objects or {}):
        if name in names:
            return names[name]
    return None


def get_custom_objects() -> dict[str, Any]:
    """Everything registered, by name: the registry itself, so that an entry set in it is known from then on.

    The objects of an open `custom_object_scope` are not in it.
    """
    return _by_name


def known_objects() -> dict[str, Any]:
    """Everything known by name here: what is registered, and the objects of open blocks."""
    return {**_by_name, **_scoped.get()}


class CustomObjectScope:
    """A block in which classes and functions are known by name; also called `custom_object_scope`.

    Example:
        >>> class Lenient(synalinks.rewards.Reward):
        ...     async def call(self, y_true, y_pred):
        ...         return 1.0
        >>> with synalinks.saving.CustomObjectScope({"Lenient": Lenient}):
        ...     synalinks.rewards.get("lenient")
        <Lenient name=lenient>

    Args:
        custom_objects: the classes and functions by name.
    """

    def __init__(self, custom_objects: Mapping[str, Any]) -> None:
        self.custom_objects = custom_objects
        self._tokens: list[Token[Mapping[str, Any]]] = []

    def __enter__(self) -> CustomObjectScope:
        self._tokens.append(_scoped.set({**_scoped.get(), **self.custom_objects}))
        return self

    def __exit__(self, *exception: object) -> None:
        _scoped.reset(self._tokens.pop())


custom_object_scope = CustomObjectScope


def enable_unsafe_deserialization(enabled: bool = True) -> None:
    """Let files name any class or function of any module that can be imported, and let them say where keys are sent.

    A file can then run code and read keys: for files of one's own only.
    """
    global _unsafe
    _unsafe = enabled


def is_unsafe_deserialization() -> bool:
    """Whether `enable_unsafe_deserialization` was called."""
    return _unsafe


def public_module(obj: object) -> str:
    """The module a class is written down under: `synalinks.modules` for anything inside it."""
    parts = str(obj.__module__).split(".")
    return ".".join(parts[:2]) if parts[0] == "synalinks" else str(obj.__module__)


def find(module: str | None, name: str, registered: str | None, base: type | tuple[type, ...] = object) -> Any:
    """The class or function that a saved object names; where it names no module, this library's class of a base.

    Raises:
        ConfigurationError: it is none that a file may name.
    """
    for candidate in (registered, name):
        found = candidate and get_registered_object(candidate)
        if found is not None and found != "":
            return found
    found = exported(module, name) or _of_main(module, name) or (None if module else _of_base(name, base))
    if found is None and _unsafe and module:
        found = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part, None)
    if found is None and name in PART_OF:
        raise ConfigurationError(f"the file can't be loaded: {missing_message(module or 'synalinks', name)}")
    if found is None:
        raise ConfigurationError(
            f"the file names {name!r} of module {module!r}. A file may name what is registered with "
            "synalinks.saving.register_synalinks_serializable(), exported by synalinks, or defined in __main__. "
            f"Register it before loading, or pass custom_objects={{{registered or name!r}: ...}}"
        )
    return found


def exported(module: str | None, name: str) -> Any:
    """A class, or a function that files may name, that a public namespace of this library exports; or None."""
    root, _, namespace = (module or "").partition(".")
    if root != "synalinks" or namespace not in NAMESPACES:
        return None
    return _exports(namespace).get(name)


@functools.lru_cache(maxsize=len(NAMESPACES))
def _exports(namespace: str) -> Mapping[str, Any]:
    home = importlib.import_module(f"synalinks.{namespace}")
    functions = FUNCTIONS.get(namespace, frozenset())
    names = {*getattr(home, "__all__", ()), *vars(home)}
    found = {name: getattr(home, name) for name in sorted(names) if not name.startswith("_")}
    return {
        name: one
        for name, one in found.items()
        if (isinstance(one, type) or name in functions) and one.__module__.startswith("synalinks.")
    }


def _of_base(name: str, base: type | tuple[type, ...]) -> Any:
    """This library's only class of a name that is of a base, or else of the next one; or None."""
    homes = [exported(f"synalinks.{namespace}", name) for namespace in NAMESPACES]
    classes = {one for one in homes if isinstance(one, type)}
    for one in base if isinstance(base, tuple) else (base,):
        if len(found := [cls for cls in classes if issubclass(cls, one)]) == 1:
            return found[0]
    return None


def _of_main(module: str | None, name: str) -> Any:
    """A class or function that is defined in `__main__`, not one that is imported there."""
    if module not in (None, "__main__"):
        return None
    found: Any = sys.modules["__main__"]
    for part in name.split("."):
        found = vars(found).get(part) if hasattr(found, "__dict__") else None
        if getattr(found, "__module__", None) != "__main__":
            return None
    return found
