"""Module: a unit of computation that may carry state, and the base of everything that is called."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, ClassVar

from synalinks import scope, session
from synalinks._support.copying import Copyable
from synalinks._support.keywords import refuse_unknown_keywords
from synalinks.data import (
    DataModel,
    JsonDataModel,
    Node,
    SymbolicDataModel,
    Variable,
    check_trainable_defaults,
    is_trainable,
    tree,
)
from synalinks.errors import ConfigurationError
from synalinks.hooks import Hook
from synalinks.initializers import Empty
from synalinks.modules.core.walking import direct_state, variables_of
from synalinks.saving import cloning, deserialize_synalinks_object, serialize_synalinks_object

_training: ContextVar[bool | None] = ContextVar("synalinks_training", default=None)
_call_id: ContextVar[str | None] = ContextVar("synalinks_call_id", default=None)
_call_ids = itertools.count(1)


class ModuleMeta(type):
    """The metaclass of modules: keeps constructor arguments, so that a module is saved without its own `get_config`."""

    @property
    def __signature__(cls) -> inspect.Signature:
        """The signature of the constructor, for `help` and editors, which would show `__call__` below."""
        whole = inspect.signature(cls.__init__)  # type: ignore[misc]
        return whole.replace(parameters=list(whole.parameters.values())[1:], return_annotation=whole.empty)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if kwargs:
            refuse_unknown_keywords(cls, kwargs, cls.__init__)  # type: ignore[misc]
        made = super().__call__(*args, **kwargs)
        if "constructor_arguments" not in vars(made):
            made.constructor_arguments = (args, kwargs)
        return made


class Module(Copyable, metaclass=ModuleMeta):
    """A unit of computation: awaited with data models, it returns data models.

    Subclasses write `async def call(self, inputs, training=False)` and, unless `call` can run on symbolic
    inputs, `compute_output_spec`. State is created with `add_variable` in `__init__` or `build`.

    Args:
        name: unique within a program; made from the class name where None.
        description: the first line of the class's docstring where None.
        trainable: whether optimizers may change its variables and those of its sub-modules.
        hooks: called before and after every call.

    Attributes:
        built: whether `build` has run.
        output_spec: the symbolic outputs of its first symbolic call, or None.

    `copy.deepcopy` and pickling copy a module with its sub-modules and variables; names stay. A subclass with a lock or
    a connection leaves it out in `__getstate__` and makes it anew in `__setstate__`.

    Example:
        >>> import asyncio, synalinks
        >>> class Text(synalinks.DataModel):
        ...     text: str
        >>> class Upper(synalinks.Module):
        ...     async def call(self, inputs, training=False):
        ...         return Text(text=inputs.get("text").upper())
        >>> asyncio.run(Upper()(Text(text="hello"))).get_json()
        {'text': 'HELLO'}
    """

    #: Whether several holders of one object are saved as holders of one object.
    shared_when_saved: ClassVar[bool] = False
    #: Whether a call of this module is a place in a run of its own.
    enters_scope: ClassVar[bool] = True
    _takes_training: ClassVar[bool] = False
    _training_default: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        parameter = inspect.signature(cls.call).parameters.get("training")
        cls._takes_training = parameter is not None
        cls._training_default = parameter is not None and parameter.default is True

    def __init__(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        trainable: bool = True,
        hooks: Sequence[Hook] | None = None,
    ) -> None:
        self.name = name or session.auto_name(type(self).__name__)
        self.description = description if description is not None else _first_line(type(self))
        self.trainable = trainable
        self.hooks: list[Hook] = list(hooks or ())
        self.built = False
        self.output_spec: Any = None
        self.own_variables: list[Variable] = []
        self._locked = False

    def __getattr__(self, name: str) -> Any:
        if name in ("own_variables", "_locked", "output_spec", "hooks", "built", "name"):
            raise RuntimeError(
                f"{type(self).__name__} was not initialised: call super().__init__(...) first in its __init__"
            )
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    # --- state -------------------------------------------------------------------------------------------

    def add_variable(
        self,
        initializer: Any = None,
        data_model: Any = None,
        trainable: bool = True,
        name: str | None = None,
        description: str | None = None,
    ) -> Variable:
        """Create a variable of this module.

        Args:
            initializer: its first value: a JSON object, or a callable such as `initializers.Empty(...)`; the
                data model's defaults where None.
            data_model: what its value obeys.
            trainable: whether optimizers may change it; without effect unless `data_model` is `Trainable`.
            name: what optimizers log and `get_variable` looks up.

        Raises:
            ConfigurationError: the module has been called already, or a field of a `Trainable` has no default.
        """
        if self._locked:
            raise ConfigurationError(
                f"{self.name}: a module's state is fixed once it has been called. Create variables in __init__, or "
                "in build(self, inputs) if they depend on the input's schema"
            )
        if initializer is None:
            initializer = Empty(data_model=data_model)
        if data_model is not None and is_trainable(data_model):
            check_trainable_defaults(data_model)
        variable = Variable(
            initializer,
            data_model=data_model,
            name=name or session.auto_name(f"variable_{self.name}"),
            description=description,
        )
        variable.trainable = trainable and is_trainable(variable)
        variable.path = f"{self.name}/{variable.name}"
        self.own_variables.append(variable)
        return variable

    def walk_state(self) -> Iterator[Any]:
        """The variables and modules among its own attributes."""
        return direct_state(self)

    @property
    def variables(self) -> list[Variable]:
        """All variables, sub-modules included, each once."""
        return variables_of(self, None)

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that optimizers may change."""
        return variables_of(self, True)

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that optimizers leave alone."""
        return variables_of(self, False)

    @property
    def submodules(self) -> list[Module]:
        """The modules among its own attributes."""
        return [found for found in self.walk_state() if isinstance(found, Module)]

    def get_variable(self, name: str | None = None, index: int | None = None) -> Variable:
        """One of `variables`, by name or by index.

        Raises:
            ConfigurationError: neither or both are given, or there is no such variable.
        """
        if (name is None) == (index is None):
            raise ConfigurationError(f"{self.name}.get_variable: give either name= or index=")
        variables = self.variables
        if index is not None:
            if not -len(variables) <= index < len(variables):
                raise ConfigurationError(f"{self.name} has {len(variables)} variables, got index {index}")
            return variables[index]
        for variable in variables:
            if name in (variable.name, variable.path):
                return variable
        known = ", ".join(variable.name for variable in variables) or "none"
        raise ConfigurationError(f"{self.name} has no variable {name!r}; it has {known}")

    # --- calling -----------------------------------------------------------------------------------------

    async def build(self, inputs: Any) -> None:
        """Create state that depends on the inputs; called once, before the first call.

        A subclass may write it sync or async. Its parameter is the symbolic input, or its schema where the
        parameter is called `input_schema`.
        """

    async def call(self, inputs: Any, training: bool = False) -> Any:
        """Compute the outputs for one example. Subclasses override it."""
        raise ConfigurationError(
            f"{type(self).__name__} does not define `async def call(self, inputs, training=False)`"
        )

    async def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic outputs for symbolic inputs; by default found by running `call` on the symbols."""
        try:
            outputs = await _maybe(self.call(*args, **kwargs))
        except (ValueError, AttributeError, TypeError) as error:
            raise ConfigurationError(
                f"{self.name} ({type(self).__name__}): its outputs can't be derived by running `call` on symbolic "
                f"inputs ({error}). Define `async def compute_output_spec(self, inputs, training=False)` that returns "
                "synalinks.SymbolicDataModel(data_model=...)"
            ) from error
        return tree.map_structure(_to_symbolic, outputs)

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if _has_symbol(args) or (kwargs and _has_symbol(kwargs)):
            return await self._call_symbolic(args, kwargs)
        args = tuple(map(_to_value, args))
        if not self.built:
            await self._build(args, kwargs)
        self._locked = True
        return await self._call_eager(args, kwargs)

    async def run_node(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a node of a graph (see `Node`)."""
        return await self._call_eager(args, kwargs)

    async def _call_eager(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        training = kwargs.pop("training", None)
        ambient = _training.get()
        if training is None:
            training = self._training_default if ambient is None else ambient
        if self._takes_training:
            kwargs["training"] = training
        flag = None if training == ambient else _training.set(training)
        place = scope.enter_module(self.name) if self.enters_scope else None
        try:
            if self.hooks:
                return await self._call_hooked(args, kwargs)
            return _to_output(await self.call(*args, **kwargs))
        finally:
            if place is not None:
                scope.leave(place)
            if flag is not None:
                _training.reset(flag)

    async def _call_hooked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call_id, parent = f"{self.name}-{next(_call_ids)}", _call_id.get()
        token = _call_id.set(call_id)
        try:
            for hook in self.hooks:
                hook.on_call_begin(call_id, parent, args, kwargs)
            try:
                outputs = _to_output(await self.call(*args, **kwargs))
            except BaseException as error:
                for hook in self.hooks:
                    hook.on_call_end(call_id, parent, exception=error)
                raise
            for hook in self.hooks:
                hook.on_call_end(call_id, parent, outputs=outputs)
            return outputs
        finally:
            _call_id.reset(token)

    async def _call_symbolic(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        args = tree.map_structure(_to_symbol, args)
        kwargs = tree.map_structure(_to_symbol, kwargs)
        if not self.built:
            await self._build(args, kwargs)
        outputs = await _maybe(self.compute_output_spec(*args, **kwargs))
        if self.output_spec is None:
            self.output_spec = tree.map_structure(SymbolicDataModel.to_symbolic_data_model, outputs)
        self._locked = True
        return Node(self, args, kwargs, outputs).outputs

    async def _build(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        symbols = tree.map_structure(_to_symbolic, args)
        parameters = list(inspect.signature(self.build).parameters)
        wants_schema = parameters[:1] == ["input_schema"]
        given = [symbol.get_schema() if wants_schema and symbol is not None else symbol for symbol in symbols]
        await _maybe(self.build(*given[: len(parameters)] if given else [None]))
        for hook in self.hooks:
            hook.set_module(self)
        self.built = True

    # --- saving ------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments of `from_config`: by default, those of the constructor.

        Raises:
            ConfigurationError: an argument that can't be written as JSON; the message says which.
        """
        arguments = _bind(type(self), getattr(self, "constructor_arguments", ((), {})))
        config: dict[str, Any] = {}
        for name, value in arguments.items():
            try:
                config[name] = serialize_synalinks_object(value)
            except ConfigurationError as error:
                raise ConfigurationError(
                    f"{self.name} ({type(self).__name__}) can't be saved: its argument {name!r}: {error}. Give the "
                    "class a get_config and from_config"
                ) from error
        return config | {name: getattr(self, name) for name in _OWN}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """A module made from what `get_config` returned."""
        accepted = _constructor(cls).parameters
        open_ended = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
        later = [] if open_ended else [name for name in _OWN if name in config and name not in accepted]
        arguments = {name: value for name, value in config.items() if name not in later}
        made = cls(**{name: deserialize_synalinks_object(value) for name, value in arguments.items()})
        for name in later:
            setattr(made, name, config[name])
        return made

    def clone(self, name: str | None = None) -> Any:
        """A new module of the same configuration under a name of its own."""
        with cloning():
            config = {**self.get_config(), "name": name or session.auto_name(type(self).__name__)}
            return type(self).from_config(config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


#: Attributes of every module, set after construction where the constructor does not take them.
_OWN = ("name", "description", "trainable")


def _constructor(cls: type) -> inspect.Signature:
    """The signature of the constructor, `self` included."""
    return inspect.signature(cls.__init__)  # type: ignore[misc]


def _bind(cls: type, arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> dict[str, Any]:
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
def _first_line(cls: type) -> str:
    return (inspect.getdoc(cls) or "").strip().partition("\n")[0]


async def _maybe(value: Any) -> Any:
    """Await what can be awaited: users may write such methods sync or async."""
    return await value if inspect.isawaitable(value) else value


def _has_symbol(value: Any) -> bool:
    if isinstance(value, JsonDataModel):
        return False
    if isinstance(value, SymbolicDataModel):
        return True
    if isinstance(value, (list, tuple)):
        return any(map(_has_symbol, value))
    if isinstance(value, dict):
        return any(map(_has_symbol, value.values()))
    return isinstance(value, type) and issubclass(value, DataModel)


def _to_value(value: Any) -> Any:
    """An eager argument as it is passed to `call`: data model instances become JSON data models."""
    if isinstance(value, JsonDataModel) or value is None:
        return value
    if isinstance(value, DataModel):
        return value.to_json_data_model()
    if isinstance(value, list):
        return [_to_value(item) for item in value]
    if isinstance(value, tuple):
        return tuple(_to_value(item) for item in value)
    if isinstance(value, dict):
        return {key: _to_value(item) for key, item in value.items()}
    return value


def _to_output(value: Any) -> Any:
    """The value of `call` as it is passed on."""
    return value if value is None or isinstance(value, JsonDataModel) else _to_value(value)


def _to_symbol(value: Any) -> Any:
    """A leaf of a symbolic call: classes of data models become symbols."""
    if isinstance(value, type) and issubclass(value, DataModel):
        return value.to_symbolic_data_model()
    return value


def _to_symbolic(value: Any) -> Any:
    if isinstance(value, (JsonDataModel, DataModel)):
        return value.to_symbolic_data_model()
    return _to_symbol(value)
