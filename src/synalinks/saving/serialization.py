"""Objects as JSON and back: `{"module", "class_name", "config", "registered_name"}`.

An object that several others hold (a language model) is written once and loaded as one object.
"""

from __future__ import annotations

import enum
import inspect
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from synalinks.data import DataModel, JsonDataModel, SymbolicDataModel
from synalinks.errors import ConfigurationError
from synalinks.saving import registry

_PLAIN = (str, int, float, bool, type(None))


class Shared:
    """The objects of one file that may be held in several places."""

    def __init__(self, saved: list[dict[str, Any]] | None = None) -> None:
        self.saved: list[dict[str, Any]] = saved if saved is not None else []
        self._indices: dict[int, int] = {}
        self._loaded: dict[int, Any] = {}

    def save(self, obj: Any) -> dict[str, Any]:
        """A reference to `obj`, which is written the first time it is met."""
        if id(obj) not in self._indices:
            index = self._indices[id(obj)] = len(self.saved)
            self.saved.append({})
            self.saved[index] = _describe(obj)
        return {"class_name": "__shared__", "config": self._indices[id(obj)]}

    def load(self, index: int, custom_objects: Mapping[str, Any] | None) -> Any:
        """The object a reference stands for, made the first time it is asked for."""
        if index not in self._loaded:
            self._loaded[index] = _construct(self.saved[index], custom_objects)
        return self._loaded[index]


_shared: ContextVar[Shared | None] = ContextVar("synalinks_shared", default=None)


@contextmanager
def sharing(saved: list[dict[str, Any]] | None = None) -> Iterator[Shared]:
    """While the block lasts, objects marked `shared_when_saved` are written and loaded once."""
    shared = Shared(saved)
    token = _shared.set(shared)
    try:
        yield shared
    finally:
        _shared.reset(token)


def serialize_synalinks_object(obj: Any) -> Any:
    """The JSON of an object of this library, a class of data models, a function, or plain data.

    Raises:
        ConfigurationError: something that can't be written as data, such as a lambda.
    """
    if isinstance(obj, enum.Enum):
        return obj.value
    if isinstance(obj, _PLAIN):
        return obj
    if isinstance(obj, (list, tuple, set, frozenset)):
        return [serialize_synalinks_object(item) for item in obj]
    if isinstance(obj, Mapping):
        return {str(key): serialize_synalinks_object(value) for key, value in obj.items()}
    if isinstance(obj, (JsonDataModel, SymbolicDataModel)):
        return _describe_value(obj)
    if isinstance(obj, type):
        return _describe_class(obj)
    if isinstance(obj, types.FunctionType):
        return _describe_function(obj)
    if hasattr(obj, "get_config"):
        shared = _shared.get()
        if shared is not None and getattr(obj, "shared_when_saved", False):
            return shared.save(obj)
        return _describe(obj)
    raise ConfigurationError(f"can't be saved as JSON: {type(obj).__name__} {obj!r}; give its class a get_config")


def _describe(obj: Any) -> dict[str, Any]:
    cls = type(obj)
    return {
        "module": registry.public_module(cls),
        "class_name": cls.__qualname__,
        "config": obj.get_config(),
        "registered_name": registry.get_registered_name(cls),
    }


def _describe_value(obj: JsonDataModel | SymbolicDataModel) -> dict[str, Any]:
    config: dict[str, Any] = {"schema": obj.get_schema(), "name": obj.name}
    if isinstance(obj, JsonDataModel):
        config["json"] = obj.get_json()
    return {"class_name": f"__{'json' if 'json' in config else 'symbolic'}_data_model__", "config": config}


def _describe_class(cls: type) -> dict[str, Any]:
    config: dict[str, Any] = {"module": registry.public_module(cls), "name": cls.__qualname__}
    if issubclass(cls, DataModel):
        config["schema"] = cls.get_schema()
    return {"class_name": "__class__", "config": config, "registered_name": registry.get_registered_name(cls)}


def _describe_function(fn: types.FunctionType) -> dict[str, Any]:
    if "<" in fn.__qualname__ and registry.get_registered_name(fn) == fn.__name__:
        raise ConfigurationError(
            f"{fn.__qualname__} can't be saved: lambdas and local functions have no name to be found by. Define it "
            "at the top of a module, or register it with synalinks.saving.register_synalinks_serializable()"
        )
    config = {"module": registry.public_module(fn), "name": fn.__qualname__}
    return {"class_name": "function", "config": config, "registered_name": registry.get_registered_name(fn)}


def deserialize_synalinks_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """What `serialize_synalinks_object` wrote, as an object again.

    Args:
        config: its JSON.
        custom_objects: classes and functions by name.
        safe_mode: kept for programs that pass it; loading never runs code from the file either way.
    """
    if isinstance(config, list):
        return [deserialize_synalinks_object(item, custom_objects) for item in config]
    if not isinstance(config, Mapping):
        return config
    if "class_name" not in config or "config" not in config:
        return {key: deserialize_synalinks_object(value, custom_objects) for key, value in config.items()}
    return _construct(config, custom_objects)


def _construct(saved: Mapping[str, Any], custom_objects: Mapping[str, Any] | None) -> Any:
    name, config = saved["class_name"], saved["config"]
    if name == "__shared__":
        shared = _shared.get()
        if shared is None:
            raise ConfigurationError("a reference to a shared object outside the file it belongs to")
        return shared.load(config, custom_objects)
    if name == "__json_data_model__":
        return JsonDataModel(schema=config["schema"], json=config["json"], name=config["name"])
    if name == "__symbolic_data_model__":
        return SymbolicDataModel(schema=config["schema"], name=config["name"])
    registered = saved.get("registered_name")
    if name == "__class__":
        return _load_class(config, registered, custom_objects)
    if name == "function":
        return _load_function(config, registered, custom_objects)
    cls = registry.find(saved.get("module"), name, registered, custom_objects)
    if not inspect.isclass(cls) or not hasattr(cls, "from_config"):
        raise ConfigurationError(f"{name!r} is not a class with from_config, so it can't be loaded")
    return cls.from_config(config)


def _load_class(config: Mapping[str, Any], registered: str | None, custom: Mapping[str, Any] | None) -> Any:
    """The class itself if the program has it; else a symbolic model of the saved schema."""
    try:
        found = registry.find(config["module"], config["name"], registered, custom)
    except ConfigurationError:
        if "schema" not in config:
            raise
        return SymbolicDataModel(schema=config["schema"], name=config["name"])
    if not (inspect.isclass(found) and issubclass(found, (DataModel, enum.Enum))) and not hasattr(found, "get_config"):
        raise ConfigurationError(f"{config['name']!r} is not a class a saved program may use")
    return found


def _load_function(config: Mapping[str, Any], registered: str | None, custom: Mapping[str, Any] | None) -> Any:
    found = registry.find(config["module"], config["name"], registered, custom)
    if not isinstance(found, types.FunctionType):
        raise ConfigurationError(f"{config['name']!r} of {config['module']!r} is not a plain function")
    return found
