"""Objects as JSON and back: `{"module", "class_name", "config", "registered_name"}`.

An object that several others hold (a language model) is written once and loaded as one object. What a file may name is
decided in `registry.find`.
"""

from __future__ import annotations

import enum
import inspect
import numbers
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pydantic import BaseModel

from synalinks import _json
from synalinks._support.keywords import refuse_misspelt_keywords
from synalinks.data import JsonDataModel, SymbolicDataModel
from synalinks.errors import ConfigurationError
from synalinks.saving import registry
from synalinks.saving.descriptions import describe_class, describe_function, describe_value

_PLAIN = (str, int, float, bool, type(None))


class _Mark(int):
    """The number of a module in descriptions that are not settled yet; no file has one."""


class Shared:
    """The objects of one file that may be held in several places."""

    def __init__(self, saved: list[dict[str, Any]] | None = None) -> None:
        self.saved: list[dict[str, Any]] = saved if saved is not None else []
        self._indices: dict[int, int] = {}
        self._loaded: dict[int, Any] = {}
        self._marks: dict[int, _Mark] = {}
        self._marked: list[tuple[Any, dict[str, Any]]] = []  # by mark; an id is of one object only while it lives
        self._again: dict[_Mark, int | None] = {}

    def save(self, obj: Any) -> dict[str, Any]:
        """A reference to `obj`, which is written at its first reference."""
        if id(obj) not in self._indices:
            index = self._indices[id(obj)] = len(self.saved)
            self.saved.append({})
            self.saved[index] = _describe(obj)
        return _reference(self._indices[id(obj)])

    def mention(self, obj: Any) -> dict[str, Any]:
        """A module's description where it comes first, and a reference where it comes again; see `settled`."""
        if id(obj) in self._marks:
            mark = self._marks[id(obj)]
            self._again.setdefault(mark, None)
            return _reference(mark)
        mark = self._marks[id(obj)] = _Mark(len(self._marked))
        described: dict[str, Any] = {"mark": mark}
        self._marked.append((obj, described))
        described.update(_describe(obj))
        return described

    def settled(self, value: Any) -> Any:
        """A description whose modules stand where they are mentioned; those mentioned again are in `saved`, once."""
        if isinstance(value, list):
            return [self.settled(item) for item in value]
        if not isinstance(value, dict):
            return value
        mark = value.get("config" if value.get("class_name") == _REFERENCE else "mark")
        if not isinstance(mark, _Mark) or mark not in self._again:
            return {key: self.settled(item) for key, item in value.items() if not isinstance(item, _Mark)}
        index = self._again[mark]
        if index is None:
            index = self._again[mark] = len(self.saved)
            self.saved.append({})
            _, described = self._marked[mark]
            self.saved[index] = {key: self.settled(item) for key, item in described.items() if key != "mark"}
        return _reference(index)

    def written(self, value: dict[str, Any], key: str) -> dict[str, Any]:
        """`settled`, with `saved` under a key of it."""
        whole = {**self.settled(value), key: self.saved}
        for index, one in enumerate(self.saved):  # some are added meanwhile
            self.saved[index] = self.settled(one)
        return whole

    def load(self, index: int, base: type | tuple[type, ...] = object) -> Any:
        """The object of a reference, made at its first use.

        Raises:
            ConfigurationError: the file has no such object, or one of another class.
        """
        if index not in self._loaded:
            if not isinstance(index, int) or not 0 <= index < len(self.saved):
                raise ConfigurationError(f"the file refers to the shared object {index!r}, of {len(self.saved)} in it")
            self._loaded[index] = _construct(self.saved[index], base)
        _check_class(type(self._loaded[index]), base)
        return self._loaded[index]


#: The class name of a reference to a shared object.
_REFERENCE = "__shared__"


def _reference(index: int) -> dict[str, Any]:
    return {"class_name": _REFERENCE, "config": index}


class _Clones:
    """The clones that one clone is made of, by the ids of what they are clones of."""

    def __init__(self) -> None:
        self.made: dict[int, Any] = {}
        self._described: dict[int, tuple[Any, dict[str, Any]]] = {}  # an id is of one object only while it lives

    def describe(self, obj: Any) -> dict[str, Any]:
        """The class and settings of a module, which `_construct` makes one clone of."""
        if id(obj) not in self._described:
            described = {"class_name": type(obj), "config": obj.get_config(), "origin": id(obj)}
            self._described[id(obj)] = obj, described
        return self._described[id(obj)][1]


_shared: ContextVar[Shared | None] = ContextVar("synalinks_shared", default=None)
_clones: ContextVar[_Clones | None] = ContextVar("synalinks_clones", default=None)


@contextmanager
def sharing(saved: list[dict[str, Any]] | None = None) -> Iterator[Shared]:
    """While the block lasts, a module is written and loaded once, however many others hold it.

    Those marked `shared_when_saved` are references everywhere. Others are, once the description is `settled`, where
    they come more than once.
    """
    shared = Shared(saved)
    token = _shared.set(shared)
    try:
        yield shared
    finally:
        _shared.reset(token)


@contextmanager
def cloning() -> Iterator[None]:
    """While the block lasts, a module is cloned once, however many others hold it.

    Those marked `shared_when_saved` are cloned as they are, in place of being written as JSON: what is never saved (a
    key, layers of one's own) is in the clone.
    """
    clones = _clones.get()
    token = _clones.set(_Clones() if clones is None else clones)
    try:
        yield
    finally:
        _clones.reset(token)


def is_cloning() -> bool:
    """Whether a clone is made, and not a file."""
    return _clones.get() is not None


def serialize_synalinks_object(obj: Any) -> Any:
    """The JSON of an object of this library, a class of data models, a function, or plain data.

    Raises:
        ConfigurationError: something that can't be written as data, such as a lambda.
    """
    if isinstance(obj, enum.Enum):
        return obj.value
    if isinstance(obj, _PLAIN):
        return obj
    if isinstance(obj, numbers.Real):  # of NumPy
        return _json.number(obj)
    if isinstance(obj, (list, tuple, set, frozenset)):
        return [serialize_synalinks_object(item) for item in obj]
    if isinstance(obj, Mapping):
        return {str(key): serialize_synalinks_object(value) for key, value in obj.items()}
    if isinstance(obj, (JsonDataModel, SymbolicDataModel)):
        return describe_value(obj)
    if _clones.get() is not None and isinstance(obj, (type, types.FunctionType)):
        return obj
    if isinstance(obj, type):
        return describe_class(obj)
    if isinstance(obj, types.FunctionType):
        return describe_function(obj)
    if hasattr(obj, "get_config"):
        clones, shared = _clones.get(), _shared.get()
        always = getattr(obj, "shared_when_saved", None)  # None: an object without state
        if always and clones is not None:
            if id(obj) not in clones.made:
                clones.made[id(obj)] = obj.clone(obj.name)
            return clones.made[id(obj)]
        if clones is not None and always is not None:
            return clones.describe(obj)
        if shared is not None and always is not None:
            return shared.save(obj) if always else shared.mention(obj)
        return _describe(obj)
    raise ConfigurationError(f"can't be saved as JSON: {type(obj).__name__} {obj!r}; give its class a get_config")


def _describe(obj: Any) -> dict[str, Any]:
    cls = type(obj)
    if _clones.get() is not None:
        return {"class_name": cls, "config": obj.get_config()}
    return {
        "module": registry.public_module(cls),
        "class_name": cls.__qualname__,
        "config": obj.get_config(),
        "registered_name": registry.get_registered_name(cls),
    }


def deserialize_synalinks_object(
    config: object, custom_objects: Mapping[str, object] | None = None, safe_mode: bool = True, **kwargs: object
) -> Any:
    """The object that `serialize_synalinks_object` described.

    Args:
        config: its JSON.
        custom_objects: classes and functions by name, for it and all that is in it.
        safe_mode: kept for programs that pass it; see `enable_unsafe_deserialization`.
        **kwargs: likewise.

    Raises:
        ConfigurationError: the JSON names what a file may not name (see `registry.find`).
        UnknownArgument: a further keyword that is nearly the name of an argument.
    """
    refuse_misspelt_keywords(kwargs, deserialize_synalinks_object)
    with registry.custom_object_scope(custom_objects or {}):
        return _deserialized(config)


def _deserialized(config: object) -> Any:
    if isinstance(config, list):
        return [_deserialized(item) for item in config]
    if not isinstance(config, Mapping):
        return config
    if not is_serialized(config):
        return {key: _deserialized(value) for key, value in config.items()}
    return _construct(config)


def is_serialized(value: object) -> bool:
    """Whether this is an object as `serialize_synalinks_object` writes it.

    Example:
        >>> from synalinks.saving import is_serialized
        >>> is_serialized({"class_name": "ExactMatch", "config": {}}), is_serialized({"answer": "exact_match"})
        (True, False)
    """
    return isinstance(value, Mapping) and "class_name" in value and "config" in value


def load_as(
    base: type | tuple[type, ...], config: Mapping[str, object], custom_objects: Mapping[str, object] | None = None
) -> Any:
    """The object of a config, which must be of a given class; any other is refused before it is made.

    Raises:
        ConfigurationError: it is of another class.
    """
    with registry.custom_object_scope(custom_objects or {}):
        return _construct(config, base)


def _construct(saved: Mapping[str, Any], base: type | tuple[type, ...] = object) -> Any:
    name, config = saved.get("class_name"), saved.get("config")
    if isinstance(name, type):  # a clone: JSON holds no classes
        return _cloned(name, config, saved.get("origin"))
    if name == _REFERENCE:
        shared = _shared.get()
        if shared is None:
            raise ConfigurationError("a reference to a shared object outside the file it belongs to")
        return shared.load(int(config) if isinstance(config, int) else -1, base)
    if not isinstance(name, str) or not isinstance(config, Mapping):
        raise ConfigurationError(f"a saved object has a class_name and a config, got {sorted(map(str, saved))}")
    if name in ("__json_data_model__", "__symbolic_data_model__"):
        return _load_value(config, symbolic=name == "__symbolic_data_model__")
    registered = _name(saved, "registered_name", optional=True)
    if name == "__class__":
        return _load_class(config, registered)
    if name == "function":
        return _load_function(config, registered)
    cls = registry.find(_name(saved, "module", optional=True), name, registered, base)
    if not inspect.isclass(cls) or not hasattr(cls, "from_config"):
        raise ConfigurationError(f"{name!r} is not a class with from_config, so it can't be loaded")
    _check_class(cls, base)
    try:
        return cls.from_config(config)
    except (TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(f"the config of {name} in the file makes none: {error!r:.300}") from error


def _check_class(cls: type, base: type | tuple[type, ...]) -> None:
    """Refuse an object of another class than a place of the file is for.

    Raises:
        ConfigurationError: naming both.
    """
    if not issubclass(cls, base):
        wanted = " or ".join(one.__name__ for one in (base if isinstance(base, tuple) else (base,)))
        raise ConfigurationError(f"the file has a {cls.__qualname__} where a {wanted} belongs")


def _cloned(cls: Any, config: Any, origin: int | None) -> Any:
    """The clone that is described; one for each module."""
    clones = _clones.get()
    if clones is None or origin is None:
        return cls.from_config(config)
    if origin not in clones.made:
        clones.made[origin] = cls.from_config(config)
    return clones.made[origin]


def constructed(cls: type, config: Mapping[str, Any]) -> Any:
    """An object of a class, made of its settings as JSON.

    `{**super().get_config(), ...}` has all settings of the base, also those that the class sets by itself; an object
    has to have these by then.

    Raises:
        ConfigurationError: the class has another value of a setting that its constructor does not take.
    """
    taken = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    any_keyword = any(one.kind is one.VAR_KEYWORD for one in taken.values())
    given = {name: deserialize_synalinks_object(value) for name, value in config.items()}
    own = {name: value for name, value in given.items() if any_keyword or name in taken}
    made = cls(**own)
    for name, value in given.items():
        if name in own or (hasattr(made, name) and getattr(made, name) == value):
            continue
        if name not in ("name", "description"):
            raise ConfigurationError(
                f"{cls.__name__} takes no {name!r}, and the saved one has {name}={value!r}: give its constructor the "
                "argument, or the class a from_config"
            )
        setattr(made, name, value)  # it may be an automatic one, counted up
    return made


def _load_value(config: Mapping[str, Any], symbolic: bool) -> JsonDataModel | SymbolicDataModel:
    """A value, or a symbolic one, of a saved schema.

    Raises:
        ConfigurationError: there are no such schema and JSON.
    """
    schema, name = config.get("schema"), _name(config, "name", optional=True)
    if not isinstance(schema, Mapping) or not (symbolic or isinstance(config.get("json"), Mapping)):
        raise ConfigurationError(f"a saved value has a schema and JSON, which are objects, got {sorted(config)}")
    if symbolic:
        return SymbolicDataModel(schema=dict(schema), name=name)
    return JsonDataModel(schema=dict(schema), json=config["json"], name=name)


def _name(saved: Mapping[str, Any], field: str, optional: bool = False) -> Any:
    """A name that a saved object gives in a field.

    Raises:
        ConfigurationError: it is no text.
    """
    found = saved.get(field)
    if not isinstance(found, str) and not (optional and found is None):
        raise ConfigurationError(f"a saved object has text as its {field}, got {found!r:.100}")
    return found


def _named(config: Mapping[str, Any]) -> tuple[str | None, str]:
    """Module and name of a class or function."""
    return _name(config, "module", optional=True), _name(config, "name")


def _load_class(config: Mapping[str, Any], registered: str | None) -> Any:
    """The class itself if the program has it; else a symbolic model of the saved schema."""
    try:
        found = registry.find(*_named(config), registered)
    except ConfigurationError:
        if "schema" not in config:
            raise
        return SymbolicDataModel(schema=config["schema"], name=config.get("name"))
    if not (inspect.isclass(found) and issubclass(found, (BaseModel, enum.Enum))) and not hasattr(found, "get_config"):
        raise ConfigurationError(f"{config['name']!r} is not a class a saved program may use")
    return found


def _load_function(config: Mapping[str, Any], registered: str | None) -> Any:
    found = registry.find(*_named(config), registered)
    if not isinstance(found, types.FunctionType):
        raise ConfigurationError(f"{config['name']!r} of {config['module']!r} is not a plain function")
    return found
