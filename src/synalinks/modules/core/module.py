"""Module: an operation that may carry state, and the base of everything that is called."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextvars import ContextVar
from types import CoroutineType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, overload
from weakref import WeakKeyDictionary

from pydantic import BaseModel

from synalinks import scope, session
from synalinks._support.keywords import refusing_unknown_keywords
from synalinks.data import (
    JsonDataModel,
    Node,
    SymbolicDataModel,
    Variable,
    check_trainable_defaults,
    current_path,
    in_symbolic_scope,
    is_trainable,
    name_scope,
    stateful,
    tree,
)
from synalinks.data.json_data_model import json_data_model_of
from synalinks.errors import ConfigurationError
from synalinks.hooks import ENTRY, Hook, any_everywhere, hooked
from synalinks.initializers import Empty
from synalinks.modules.core import arguments
from synalinks.modules.core.added_rewards import AddedRewards
from synalinks.modules.core.building import as_symbols, wrapped_build
from synalinks.modules.core.invocations import InvocationCounters
from synalinks.modules.core.operation import (
    Operation,
    Out,
    Symbols,
    awaited,
    has_symbol,
    to_output,
    to_symbol,
    to_symbolic,
    to_value,
)
from synalinks.modules.core.walking import direct_state, modules_below, variables_of

_training: ContextVar[bool | None] = ContextVar("synalinks_training", default=None)
#: The builds under way that calls began: the task of the call, and the event that its build has ended.
_builds: WeakKeyDictionary[Module[Any], tuple[asyncio.Task[Any] | None, asyncio.Event]] = WeakKeyDictionary()


class Module(Operation, InvocationCounters, AddedRewards, Generic[Out]):
    """A unit of computation: awaited with data models, it returns data models.

    Subclasses write `async def call(self, inputs, training=False)` and, unless `call` can run on symbolic
    inputs, `compute_output_spec`. State is created with `add_variable` in `__init__` or `build`; the first call, and a
    `build` of one's own, end that.

    Args:
        name: unique within a program; made from the class name where None.
        description: the first line of the class's own docstring where None.
        trainable: whether optimizers may change its variables and those of its sub-modules.
        hooks: called before and after every call.

    Attributes:
        built: whether `build` has run.
        build_spec: the symbols that it was built with, or None.
        output_spec: the symbolic outputs of its first symbolic call, or None.

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
    #: Whether hooks are called around its requests, which other modules make as well, and not around its calls.
    hooks_requests: ClassVar[bool] = False
    #: Whether its positional arguments may be texts and numbers.
    takes_plain_values: ClassVar[bool] = False
    own_settings = ("name", "description", "trainable")
    _takes_training: ClassVar[bool] = False
    _training_default: ClassVar[bool] = False
    #: Names of the parameters of `call`; None where it takes any keyword.
    _parameters: ClassVar[frozenset[str] | None] = frozenset({"inputs", "training"})
    _most_inputs: ClassVar[int] = 1

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        parameters = inspect.signature(cls.call).parameters
        parameter = parameters.get("training")
        any_keyword = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
        cls._parameters = None if any_keyword else frozenset(parameters)
        cls._takes_training = parameter is not None
        cls._most_inputs = arguments.most_inputs(parameters)
        cls._training_default = parameter is not None and parameter.default is True
        if "build" in vars(cls):
            cls.build = wrapped_build(cls.build)  # type: ignore[method-assign]

    @refusing_unknown_keywords
    def __init__(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        trainable: bool = True,
        hooks: Sequence[Hook] | None = None,
    ) -> None:
        super().__init__(name=name, description=description)
        self._trainable = trainable
        self.hooks: list[Hook] = list(hooks or ())
        for hook in self.hooks:
            hook.set_module(self)
        self.built = False
        self.build_spec: tuple[Any, ...] | None = None
        self.output_spec: Any = None
        self.own_variables: list[Variable] = []
        self.invocation_counts = {}
        self._locked = False
        self._building = False
        self._parent_path: str | None = None

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in _SET_BY_INIT:
                raise ConfigurationError(f"{type(self).__name__}: call super().__init__(...) first in its __init__")
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
        with self.name_scope():
            variable = Variable(
                initializer,
                data_model=data_model,
                name=name or session.auto_name(f"variable_{self.name}"),
                description=description,
            )
        variable.trainable = variable.may_be_trained = trainable and is_trainable(variable)
        self.own_variables.append(variable)
        return variable

    def name_scope(self) -> name_scope:
        """The block in which the module's variables, and modules built with it, get their paths.

        It hangs under the blocks that were open when it was first entered.
        """
        if self._parent_path is None:
            self._parent_path = current_path()
        return name_scope(self.name, caller=self, override_parent=self._parent_path)

    @property
    def trainable(self) -> bool:
        """Whether optimizers may change its variables and those of its sub-modules; setting it sets theirs."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        for variable in self.own_variables:
            variable.trainable = value and variable.may_be_trained
        for module in self.submodules:
            module.trainable = value

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

    async def build(self, *args: Any, **kwargs: Any) -> None:
        """Create state that depends on the inputs; it runs once, before the first call, or when a program awaits it.

        A subclass writes `async def build(self, inputs)`, or the same without `async`. Its parameters are the symbolic
        inputs, or their schemas where the first is called `input_schema`. Here, what is not built inside is built by
        running `call` on symbols, where that is possible.
        """
        symbols = tuple(map(as_symbols, args))
        with self.while_building(symbols):
            await self.build_inside(symbols)

    async def build_inside(self, symbols: tuple[Any, ...]) -> None:
        """Build the modules inside that are not built, by running `call` on symbols; one that reads values builds them
        at its first call."""
        if not all(module.built for module in modules_below(self)):
            with contextlib.suppress(ConfigurationError):
                self._set_output_spec(await awaited(self.compute_output_spec(*symbols)))

    @contextlib.contextmanager
    def while_building(self, symbols: tuple[Any, ...]) -> Iterator[None]:
        """A block in which the module is built with `symbols`; `super().build(...)` inside it is part of it."""
        if self._building:
            yield
            return
        self._building = True
        try:
            with stateful(), self.name_scope():
                yield
        finally:
            self._building = False
        self._set_built(symbols)
        self._locked = True

    def _set_built(self, symbols: tuple[object, ...]) -> None:
        self.build_spec = tree.map_structure(arguments.without_history, symbols)
        self.built = True

    def _set_output_spec(self, outputs: object) -> None:
        if self.output_spec is None:
            self.output_spec = tree.map_structure(arguments.without_history, outputs)

    async def _build(self, args: tuple[object, ...]) -> None:
        """Build before the first call; a module without a `build` of its own has nothing to do."""
        symbols = tree.map_structure(to_symbolic, args)
        if type(self).build is Module.build:
            self._set_built(symbols)
            return
        task = asyncio.current_task()
        while (under_way := _builds.get(self)) is not None and under_way[0] is not task:
            await under_way[1].wait()  # by a call beside this one, whose build waits for something
        if not self.built:
            _builds[self] = (task, ended := asyncio.Event())
            try:
                await awaited(self.build(*symbols))
            finally:
                del _builds[self]
                ended.set()

    async def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs for one example. Subclasses override it."""
        raise ConfigurationError(
            f"{type(self).__name__} does not define `async def call(self, inputs, training=False)`"
        )

    @overload
    async def __call__(self, inputs: Symbols, *args: Any, **kwargs: Any) -> SymbolicDataModel: ...
    @overload
    async def __call__(self, *args: Any, **kwargs: Any) -> Out: ...
    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) > self._most_inputs:
            args, kwargs = arguments.training_by_name(self.name, args, kwargs, self._most_inputs)
        if in_symbolic_scope():
            args, kwargs = tree.map_structure(to_symbolic, args), tree.map_structure(to_symbolic, kwargs)
        if len(args) == 1 and kwargs.keys() <= {"training"} and isinstance(args[0], JsonDataModel | BaseModel):
            args = (self.as_input(args[0]),)
        elif has_symbol(args) or (kwargs and has_symbol(kwargs)):
            return await self._call_symbolic(args, kwargs)
        else:
            if kwargs and not args:
                args, kwargs = arguments.fields_as_input(kwargs, self._parameters)
            kwargs = {name: arguments.keyword_as_input(value) for name, value in kwargs.items()}
            args = tuple(map(self.as_input, args))
            if not self.takes_plain_values:
                arguments.refuse_plain_values(self.name, args, kwargs)
        if self.built:
            self._locked = True
            return await self._call_eager(args, kwargs)
        await self._build(args)
        self._locked = True
        with self.name_scope():  # modules inside may be built by this call
            return await self._call_eager(args, kwargs)

    def as_input(self, value: Any) -> Any:
        """A positional argument as `call` takes it: models, and dicts that are no plain values, as data models."""
        if isinstance(value, BaseModel):
            return json_data_model_of(value)
        return to_value(value) if self.takes_plain_values else arguments.to_input(value)

    def run_node(self, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
        """Run as a node of a graph (see `Node`)."""
        return self._call_eager(args, kwargs)

    async def _call_eager(self, args: tuple[object, ...], kwargs: dict[str, Any]) -> Any:
        training = kwargs.pop("training", None)
        ambient = _training.get()
        if training is None:
            training = self._training_default if ambient is None else ambient
        if self._takes_training:
            kwargs["training"] = training
        flag = None if training == ambient else _training.set(training)
        place = scope.enter_module(self.name) if self.enters_scope else None
        entry = ENTRY.set(self) if ambient is None else None  # no module around this one
        started = time.perf_counter_ns() if ambient is None else 0
        if ambient is None and self.has_added:
            self.clear_rewards()
        try:
            if not self.hooks_requests and (self.hooks or any_everywhere()):
                return await hooked(self, lambda: self._outputs(args, kwargs), args, kwargs)
            outputs = self.call(*args, **kwargs)
            outputs = await (outputs if type(outputs) is CoroutineType else awaited(outputs))
            return outputs if type(outputs) is JsonDataModel else to_output(outputs)
        finally:
            if place is not None:
                scope.leave(place)
            if flag is not None:
                _training.reset(flag)
            if entry is not None:
                ENTRY.reset(entry)
                self.count_invocation(time.perf_counter_ns() - started)

    async def _outputs(self, args: tuple[object, ...], kwargs: dict[str, Any]) -> Any:
        return to_output(await awaited(self.call(*args, **kwargs)))

    async def _call_symbolic(self, args: tuple[object, ...], kwargs: dict[str, Any]) -> Any:
        args, kwargs = tree.map_structure(to_symbol, args), tree.map_structure(to_symbol, kwargs)
        if not self.built:
            await self._build(args)
        with self.name_scope():
            outputs = await awaited(self.compute_output_spec(*args, **kwargs))
        self._set_output_spec(outputs)
        self._locked = True
        return Node(self, args, kwargs, outputs).outputs


#: What constructors of `Module` and `Program` set: without it, `super().__init__()` was left out.
_SET_BY_INIT = frozenset(
    {"own_variables", "_locked", "_trainable", "output_spec", "hooks", "built", "name", "functional_graph"}
)
