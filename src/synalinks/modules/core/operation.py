"""Operation: something that is awaited with data models, on values and on symbols alike."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypeVar

from pydantic import BaseModel

from synalinks import session
from synalinks._support.copying import Copyable
from synalinks._support.keywords import refuse_unknown_keywords, refusing_unknown_keywords
from synalinks._support.signature import ConstructorSignature
from synalinks.data import (
    JsonDataModel,
    Node,
    StatelessScope,
    SymbolicDataModel,
    SymbolicScope,
    first_node,
    in_symbolic_scope,
    is_data_model,
    is_meta_class,
    tree,
)
from synalinks.data.convert import as_operand
from synalinks.data.json_data_model import json_data_model_of
from synalinks.errors import ConfigurationError
from synalinks.saving import cloning, deserialize_synalinks_object, serialize_synalinks_object

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    #: What a call gives: `class Two(synalinks.Module[tuple[JsonDataModel, ...]])` states another one.
    Out = TypeVarWithDefault("Out", default=JsonDataModel | None)
else:
    Out = TypeVar("Out")

Symbol: TypeAlias = SymbolicDataModel | type[BaseModel]
#: An input of which a module makes a node of a graph.
Symbols: TypeAlias = Symbol | Sequence[Symbol] | Mapping[str, Symbol]


class Operation(Copyable):
    """Something that is awaited with data models: with values it gives values, with symbols a node of a graph.

    Subclasses write `async def call(self, inputs)` and, unless `call` can run on symbolic inputs,
    `compute_output_spec`. A `Module` is an operation with state, training and hooks.

    Args:
        name: unique within a program; made from the class name where None.
        description: the first line of the class's own docstring where None.

    Attributes:
        constructor_arguments: what it was made with, so that it is saved without a `get_config` of its own.

    `copy.deepcopy` and pickling copy an operation with all it holds; names stay. A subclass with a lock or a
    connection leaves it out in `__getstate__` and makes it anew in `__setstate__`.

    Example:
        >>> class Text(synalinks.DataModel):
        ...     text: str
        ...
        >>> class Upper(synalinks.Operation):
        ...     async def call(self, inputs):
        ...         return Text(text=inputs.get("text").upper())
        ...
        ...     async def compute_output_spec(self, inputs):
        ...         return synalinks.SymbolicDataModel(data_model=Text)
        ...
        >>> asyncio.run(Upper()(Text(text="hello"))).get_json()
        {'text': 'HELLO'}
        >>> list(asyncio.run(Upper()(synalinks.Input(data_model=Text))).keys())
        ['text']
    """

    constructor_arguments: tuple[tuple[Any, ...], dict[str, Any]]
    __signature__ = ConstructorSignature()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if kwargs:
            refuse_unknown_keywords(cls, kwargs, cls.__init__)
        made = super().__new__(cls)
        made.constructor_arguments = (args, kwargs)
        return made

    @refusing_unknown_keywords
    def __init__(self, *, name: str | None = None, description: str | None = None) -> None:
        self.name = name or session.auto_name(type(self).__name__)
        # the docstring of a base class describes other operations as well
        self.description = description if description is not None else first_line(vars(type(self)).get("__doc__"))

    def __getstate__(self) -> Any:
        # Arguments come last: an error of copying names the attribute that one of them became.
        state: Any = super().__getstate__()
        attributes, *slots = state if isinstance(state, tuple) else (state,)
        attributes = {name: attributes[name] for name in sorted(attributes, key="constructor_arguments".__eq__)}
        return (attributes, *slots) if slots else attributes

    # --- calling -----------------------------------------------------------------------------------------

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if in_symbolic_scope():
            args, kwargs = tree.map_structure(to_symbolic, args), tree.map_structure(to_symbolic, kwargs)
        if has_symbol(args) or (kwargs and has_symbol(kwargs)):
            return await self._call_symbolic(args, kwargs)
        return await self.run_node(*map(to_value, args), **kwargs)

    async def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs for one example. Subclasses override it."""
        raise ConfigurationError(f"{type(self).__name__} does not define `async def call(self, inputs)`")

    async def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic outputs for symbolic inputs; by default found by running `call` on the symbols.

        `call` runs in a `StatelessScope` and a `SymbolicScope`: it changes no variable, and no model is called.
        """
        try:
            with StatelessScope(), SymbolicScope():
                outputs = await awaited(self.call(*args, **kwargs))
        except (ValueError, AttributeError, TypeError) as error:
            raise ConfigurationError(
                f"{self.name} ({type(self).__name__}): its outputs can't be derived by running `call` on symbolic "
                f"inputs ({error}). Define `async def compute_output_spec(self, inputs, training=False)` that returns "
                "synalinks.SymbolicDataModel(data_model=...)"
            ) from error
        return tree.map_structure(to_symbolic, outputs)

    async def run_node(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a node of a graph (see `Node`)."""
        return to_output(await awaited(self.call(*args, **kwargs)))

    async def _call_symbolic(self, args: tuple[object, ...], kwargs: dict[str, Any]) -> Any:
        args, kwargs = tree.map_structure(to_symbol, args), tree.map_structure(to_symbol, kwargs)
        return Node(self, args, kwargs, await awaited(self.compute_output_spec(*args, **kwargs))).outputs

    @property
    def input(self) -> Any:
        """The symbolic input of its first use in a graph, or the list of them.

        Raises:
            AttributeError: it has not been used in a graph that is still there.
        """
        parents = self._first_node().parents
        return parents[0] if len(parents) == 1 else list(parents)

    @property
    def output(self) -> Any:
        """The symbolic output of its first use in a graph, in the structure it was returned in.

        Raises:
            AttributeError: it has not been used in a graph that is still there.
        """
        return self._first_node().outputs

    def _first_node(self) -> Node:
        found = first_node(self)
        if found is None:
            raise AttributeError(
                f"{self.name} has no symbolic input and output: it has not been awaited with synalinks.Input(...), or "
                "that graph is no longer in use"
            )
        return found

    # --- saving ------------------------------------------------------------------------------------------

    #: Attributes set after construction where the constructor does not take them.
    own_settings: ClassVar[tuple[str, ...]] = ("name", "description")

    @property
    def named_arguments(self) -> dict[str, Any]:
        """What the constructor was given, by name, hooks aside: these are of a run, and not saved."""
        given = _bind(type(self), self.constructor_arguments)
        return {name: value for name, value in given.items() if name != "hooks"}

    def get_config(self) -> dict[str, Any]:
        """The arguments of `from_config`: by default, those of the constructor.

        Raises:
            ConfigurationError: an argument that can't be written as JSON; the message says which.
        """
        config: dict[str, Any] = {}
        for name, value in self.named_arguments.items():
            try:
                config[name] = serialize_synalinks_object(value)
            except ConfigurationError as error:
                raise ConfigurationError(
                    f"{self.name} ({type(self).__name__}) can't be saved: its argument {name!r}: {error}. Give the "
                    "class a get_config and from_config"
                ) from error
        return config | {name: getattr(self, name) for name in self.own_settings}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """An operation made from what `get_config` returned."""
        accepted = _constructor(cls).parameters
        open_ended = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
        later = [] if open_ended else [name for name in cls.own_settings if name in config and name not in accepted]
        arguments = {name: value for name, value in config.items() if name not in later}
        made = cls(**{name: deserialize_synalinks_object(value) for name, value in arguments.items()})
        for name in later:
            setattr(made, name, config[name])
        return made

    def clone(self, name: str | None = None) -> Any:
        """A new one of the same configuration under a name of its own."""
        with cloning():
            config = {**self.get_config(), "name": name or session.auto_name(type(self).__name__)}
            return type(self).from_config(config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _constructor(cls: type) -> inspect.Signature:
    """The signature of the constructor, `self` included."""
    return inspect.signature(cls.__init__)  # type: ignore[misc]


def _bind(cls: type, arguments: tuple[tuple[object, ...], dict[str, object]]) -> dict[str, Any]:
    args, kwargs = arguments
    signature = _constructor(cls)
    bound = signature.bind(None, *args, **kwargs).arguments
    flat: dict[str, Any] = {}
    for name, value in list(bound.items())[1:]:
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            flat.update(value)
        else:
            flat[name] = value
    return flat


@functools.cache
def first_line(doc: str | None) -> str:
    """The first line of a docstring."""
    return inspect.cleandoc(doc or "").strip().partition("\n")[0]


async def awaited(value: object) -> Any:
    """Await what can be awaited: users may write such methods sync or async."""
    return await value if inspect.isawaitable(value) else value


def has_symbol(value: object) -> bool:
    """Whether a nested argument holds a symbolic value, or a class of data models."""
    if isinstance(value, JsonDataModel | BaseModel):
        return False
    if isinstance(value, SymbolicDataModel):
        return True
    if isinstance(value, (list, tuple)):
        return any(map(has_symbol, value))
    if isinstance(value, dict):
        return any(map(has_symbol, value.values()))
    return isinstance(value, type) and is_meta_class(value)


def to_value(value: object) -> Any:
    """A structure as it is passed to `call`: instances of data models, and of pydantic's, become JSON data models."""
    if isinstance(value, JsonDataModel) or value is None:
        return value
    if isinstance(value, BaseModel):
        return json_data_model_of(value)
    if isinstance(value, list):
        return [to_value(item) for item in value]
    if isinstance(value, tuple):
        return tuple(to_value(item) for item in value)
    if isinstance(value, dict):
        return {key: to_value(item) for key, item in value.items()}
    return value


def to_output(value: object) -> Any:
    """The value of `call` as it is passed on.

    Raises:
        ConfigurationError: a coroutine that was not awaited.
    """
    if inspect.iscoroutine(value):
        value.close()
        raise ConfigurationError("`call` returned a coroutine, which was not awaited; write `return await ...` in it")
    return value if value is None or isinstance(value, JsonDataModel) else to_value(value)


def to_symbol(value: object) -> Any:
    """A leaf of a symbolic call: classes of data models become symbols."""
    return as_operand(value) if is_meta_class(value) else value


def to_symbolic(value: object) -> Any:
    """A leaf as a symbol where it is a data model: what stands for it in a trace."""
    if isinstance(value, JsonDataModel) or is_data_model(value):
        return as_operand(value).to_symbolic_data_model()
    return to_symbol(value)
