"""Sequential: a program that hands the output of each module to the next."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from synalinks._concurrency import run_sync
from synalinks.data import SymbolicDataModel
from synalinks.errors import ConfigurationError
from synalinks.graph import Graph
from synalinks.hooks import Hook
from synalinks.modules import InputModule, Module
from synalinks.programs.program import Program
from synalinks.saving import deserialize_synalinks_object, serialize_synalinks_object


class Sequential(Program):
    """A program of modules in a row.

    With a `synalinks.Input` in front it is built at once; without one by its first call, or by `await build(...)`.

    Args:
        modules: the modules, in order; an input may be the first.
        trainable: as for any module.
        name: made from the class name where None.
        description: what the program is for; it is needed.
        hooks: as for any module.

    Raises:
        ConfigurationError: no description, what is no module, a second input, or two modules of one name.

    Example:
        >>> class Text(synalinks.DataModel):
        ...     text: str
        ...
        >>> shout = synalinks.Lambda(lambda inputs: {"text": inputs["text"].upper()}, data_model=Text)
        >>> program = synalinks.Sequential(
        ...     [synalinks.Input(data_model=Text), shout, synalinks.Identity()], description="Shouts."
        ... )
        >>> asyncio.run(program(Text(text="hello"))).get_json()
        {'text': 'HELLO'}
    """

    def __init__(
        self,
        modules: Iterable[Module | SymbolicDataModel] | None = None,
        trainable: bool = True,
        name: str | None = None,
        description: str | None = None,
        hooks: Sequence[Hook] | None = None,
    ) -> None:
        if not description:
            raise ConfigurationError("Sequential(description=...) is missing: say in a sentence what the program does")
        super().__init__(name=name, description=description, trainable=trainable, hooks=hooks)
        self._row: list[Module] = []
        for module in modules or ():
            self.add(module, rebuild=False)
        self._rebuild()

    def add(self, module: Module | SymbolicDataModel, rebuild: bool = True) -> None:
        """Put a module behind the others.

        Args:
            module: a module, or what `synalinks.Input` returned.
            rebuild: whether the program is built again at once, where it has an input.

        Raises:
            ConfigurationError: no module, a module of a name that is there, or a second input.
        """
        if isinstance(module, SymbolicDataModel) and module.node is not None:
            module = module.node.operation  # type: ignore[assignment]  # what it is, is checked below
        if not isinstance(module, Module):
            raise ConfigurationError(
                f"{self.name}: only modules and synalinks.Input(...) are added to a Sequential, got "
                f"{type(module).__name__}: {module!r:.200}. Wrap a function as synalinks.Lambda(...)"
            )
        if any(module.name == other.name for other in self._row):
            raise ConfigurationError(
                f"{self.name}: a module called {module.name!r} is there already; give this one another name="
            )
        if isinstance(module, InputModule) and self._row:
            has = "an input" if isinstance(self._row[0], InputModule) else "modules"
            raise ConfigurationError(f"{self.name}: an input is the first of a Sequential, and there are {has} already")
        self._row.append(module)
        self._unbuild()
        if rebuild:
            self._rebuild()

    def pop(self, rebuild: bool = True) -> Module:
        """Take the last module away.

        Args:
            rebuild: as for `add`.

        Raises:
            ConfigurationError: there is none.
        """
        if not self._row:
            raise ConfigurationError(f"{self.name} has no modules to take one from")
        module = self._row.pop()
        self._unbuild()
        if rebuild:
            self._rebuild()
        return module

    @property
    def modules(self) -> list[Module]:
        """The modules in order, the input aside."""
        return [module for module in self._row if not isinstance(module, InputModule)]

    async def call(self, inputs: Any, training: bool = False) -> Any:
        """What the last module makes of what the others made; before it is built, of None."""
        if self.functional_graph is not None:
            return await super().call(inputs, training)
        self.built = False  # None has no schema to build with
        for module in self._row:
            inputs = await module(inputs, training=training)
        return inputs

    def _unbuild(self) -> None:
        self.functional_graph, self.built, self.output_spec = None, False, None

    def _rebuild(self) -> None:
        if len(self._row) > 1 and isinstance(self._row[0], InputModule):
            run_sync(self._connect())

    async def build(self, inputs: Any) -> None:
        """Connect the modules, behind an input of the schema given where there is none; None has no schema.

        Raises:
            ConfigurationError: no modules, or one that takes several inputs.
        """
        if inputs is None:
            return
        if not isinstance(inputs, SymbolicDataModel):
            raise ConfigurationError(f"{self.name}: a Sequential has one input, got {inputs!r:.200}")
        if not self._row or not isinstance(self._row[0], InputModule):
            self._row.insert(0, InputModule(schema=inputs.get_schema(), name=f"{self.name}_input"))
        await self._connect()

    async def _connect(self) -> None:
        first, *others = self._row
        if not others:
            raise ConfigurationError(f"{self.name} has no modules; add some before it is called")
        value = first.output
        for module in others:
            _check_one_input(self.name, module)
            value = await module(value)
        self.functional_graph = Graph(first.output, value)
        self.output_spec = value.to_symbolic_data_model() if isinstance(value, SymbolicDataModel) else None
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """Name, description and the modules in order; of a subclass that makes them itself, its arguments."""
        if type(self).__init__ is not Sequential.__init__ and "modules" not in self.named_arguments:
            return super().get_config()
        return {
            "name": self.name,
            "description": self.description,
            "trainable": self.trainable,
            "modules": [serialize_synalinks_object(module) for module in self._row],
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The program that `get_config` described; `custom_objects` are classes and functions by name."""
        if "modules" not in config:
            return super().from_config(config, custom_objects)
        modules = deserialize_synalinks_object(list(config["modules"]), custom_objects)
        return cls(**{**config, "modules": modules})


def _check_one_input(program: str, module: Module) -> None:
    """Refuse a module whose `call` can't do with one value."""
    parameters = inspect.signature(module.call).parameters.values()
    needed = [
        one.name
        for one in parameters
        if one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) > 1:
        raise ConfigurationError(
            f"{program}: the modules of a Sequential take one input, and {module.name} takes {needed}; connect it in a "
            "Program(inputs=..., outputs=...)"
        )
