"""Program: a graph of modules that can be called, trained, saved and loaded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar

from synalinks.data import JsonDataModel, SymbolicDataModel, tree
from synalinks.errors import ConfigurationError, DataError
from synalinks.graph import Graph
from synalinks.modules import Module
from synalinks.modules.core.building import as_symbols
from synalinks.modules.core.operation import awaited
from synalinks.programs import files
from synalinks.programs.functional_config import graph_from_config, graph_to_config
from synalinks.programs.reading import read_inputs, read_targets
from synalinks.programs.summary import summarise
from synalinks.trainers import Trainer


class _Loader:
    """`Program.load(path)` builds a program; `program.load(path)` loads saved variables into that one."""

    def __get__(self, program: Program | None, cls: type[Program]) -> Any:
        if program is not None:
            return lambda path: files.load_variables_of(program, path)

        def load(path: str | Path, custom_objects: Mapping[str, Any] | None = None) -> Any:
            """Build the program saved at `path`, with its variables and how it was compiled.

            Raises:
                ConfigurationError: no such file, no saved program, or classes that are not registered here.
            """
            return files.load(path, {cls.__qualname__: cls, **(custom_objects or {})})

        return load


class Program(Module, Trainer):
    """A directed graph of modules between inputs and outputs, or a subclass with its own `call`.

    Args:
        inputs: what `synalinks.Input` returned: one, or a list, tuple or dict of them.
        outputs: what awaited modules returned, in any such structure.
        name, description, trainable: as for any module.

    Raises:
        ConfigurationError: inputs without outputs, values that are not connected, two modules of one name.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     text: str
        ...
        >>> class Upper(synalinks.Module):
        ...     async def call(self, inputs, training=False):
        ...         return Question(text=inputs.get("text").upper()).to_json_data_model()
        ...
        ...     async def compute_output_spec(self, inputs, training=False):
        ...         return synalinks.SymbolicDataModel(data_model=Question)
        ...
        >>> question = synalinks.Input(data_model=Question)
        >>> program = synalinks.Program(inputs=question, outputs=asyncio.run(Upper()(question)))
        >>> asyncio.run(program(Question(text="hello"))).get_json()
        {'text': 'HELLO'}
    """

    #: A program is the run itself, not a place in it: modules are placed by their own names.
    enters_scope: ClassVar[bool] = False
    load = _Loader()
    name: str
    description: str
    built: bool

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        name: str | None = None,
        description: str | None = None,
        trainable: bool = True,
    ) -> None:
        if (inputs is None) != (outputs is None):
            raise ConfigurationError("Program(inputs=..., outputs=...) needs both, or neither in a subclass")
        if "graph" in vars(self):  # called again, inside build: what was set and compiled before stays
            self.name, self.description = name or self.name, description or self.description
        else:
            Module.__init__(self, name=name, description=description, trainable=trainable)
            Trainer.__init__(self)
        self.graph: Graph | None = None
        if inputs is not None:
            self.graph = Graph(inputs, outputs)
            self.built = True

    def __getstate__(self) -> dict[str, Any]:
        # The graph comes first for the sake of its order; a fit under way stays with the original.
        return {"graph": self.graph, **vars(self), "fitting": None, "in_fit": False}

    def walk_state(self) -> Any:
        """The modules of the graph, or what a subclass holds."""
        if self.graph is not None:
            yield from (operation for operation in self.graph.operations if isinstance(operation, Module))
        yield from super().walk_state()

    @property
    def modules(self) -> list[Module]:
        """The modules of the graph in the order they run, inputs first; a subclass's own otherwise."""
        if self.graph is None:
            return self.submodules
        return [operation for operation in self.graph.operations if isinstance(operation, Module)]

    @property
    def operations(self) -> list[Any]:
        """The operations of the graph in the order they run, those of the data algebra among them; a subclass's
        modules otherwise."""
        return list(self.submodules) if self.graph is None else self.graph.operations

    @property
    def inputs(self) -> Any:
        """The symbolic inputs; None for a subclass with its own `call`."""
        return None if self.graph is None else self.graph.inputs

    @property
    def outputs(self) -> Any:
        """The symbolic outputs; None for a subclass with its own `call`."""
        return None if self.graph is None else self.graph.outputs

    def get_module(self, name: str | None = None, index: int | None = None) -> Module:
        """One of `modules`, by name or by index.

        Raises:
            ConfigurationError: neither or both are given, or there is no such module.
        """
        if (name is None) == (index is None):
            raise ConfigurationError(f"{self.name}.get_module: give either name= or index=")
        modules = self.modules
        if index is not None and -len(modules) <= index < len(modules):
            return modules[index]
        for module in modules:
            if name is not None and module.name == name:
                return module
        known = ", ".join(module.name for module in modules) or "none"
        raise ConfigurationError(f"{self.name} has no module {name if name is not None else index!r}; it has {known}")

    def as_input(self, value: Any) -> Any:
        """An input in the structure of the graph's inputs; a dict of plain data has the schema of the input it is for.

        Raises:
            DataError: a dict that an input's class or schema refuses.
        """
        return super().as_input(value) if self.graph is None else read_inputs(self.name, self.graph, value)

    def as_target(self, value: Any) -> Any:
        """A target in the structure of the graph's outputs; a dict of plain data is read by the output's schema."""
        return read_targets(self.outputs, value)

    async def call(self, inputs: Any, training: bool = False) -> Any:
        """Run the graph on values for the inputs, in their structure."""
        if self.graph is None:
            raise ConfigurationError(
                f"{type(self).__name__} has neither a graph nor its own call: pass inputs= and outputs= to "
                "Program.__init__, or define `async def call(self, inputs, training=False)`"
            )
        if inputs is None:
            return None
        return await self.graph.run(self._values(self.graph, inputs))

    def _values(self, graph: Graph, inputs: Any) -> list[Any]:
        """One value per input of the graph.

        Raises:
            DataError: another number of values than inputs, or a value of another schema.
        """
        if isinstance(inputs, dict) and not isinstance(graph.inputs, dict):
            names = graph.input_names
            if set(inputs) != set(names):
                raise DataError(f"{self.name} has the inputs {names}, got {sorted(inputs)}")
            values = [inputs[name] for name in names]
        else:
            values = [inputs] if isinstance(inputs, JsonDataModel) else tree.flatten(inputs)
        if len(values) != len(graph.flat_inputs):
            raise DataError(f"{self.name} takes {len(graph.flat_inputs)} inputs, got {len(values)}")
        for symbol, value in zip(graph.flat_inputs, values, strict=True):
            _check_value(self.name, symbol, value)
        return values

    async def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs of the graph, as new symbols."""
        if self.graph is None:
            return await super().compute_output_spec(*args, **kwargs)
        given = tree.flatten(args)
        if len(given) != len(self.graph.flat_inputs):
            raise ConfigurationError(f"{self.name} takes {len(self.graph.flat_inputs)} inputs, got {len(given)}")
        for symbol, value in zip(self.graph.flat_inputs, given, strict=True):
            _check_fields(self.name, symbol, list(value.keys()))
        return tree.map_structure(lambda value: SymbolicDataModel(schema=value.get_schema()), self.graph.outputs)

    async def build_whole(self, inputs: Any) -> None:
        """Build this program and all modules below, so that their variables are there before the first call.

        Modules that are built by being called are called on symbols; where `call` needs real values they are built
        by the first real call.

        Args:
            inputs: an example, or anything with its schemas.
        """
        if not self.built:
            await awaited(self.build(inputs))
        if self.graph is None:
            await self.build_inside((as_symbols(inputs),))

    # --- saving ------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Name, description and, for a graph, its operations and how they are connected."""
        if self.graph is None:
            return super().get_config()
        own = {"name": self.name, "description": self.description, "trainable": self.trainable}
        return {**own, **graph_to_config(self.graph)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """The program that `get_config` described."""
        if "operations" not in config:
            return super().from_config(config)
        inputs, outputs = graph_from_config(config)
        own = {name: config[name] for name in ("name", "description", "trainable")}
        return Program(inputs=inputs, outputs=outputs, **own)

    def save(self, filepath: str | Path, overwrite: bool = True) -> None:
        """Write architecture, variables and compilation as JSON: the same state gives the same bytes.

        Raises:
            ConfigurationError: not a `.json` path, a file that is there and may not be overwritten, or
                something that can't be written as JSON.
        """
        files.save(self, filepath, overwrite)

    def save_variables(self, filepath: str | Path, overwrite: bool = True) -> None:
        """Write the variables alone, as `.variables.json`."""
        files.save_variables(self, filepath, overwrite)

    def load_variables(self, filepath: str | Path) -> None:
        """Load variables from a `.variables.json` or a saved program of the same architecture."""
        files.load_variables_of(self, filepath)

    def to_json(self) -> str:
        """The architecture as JSON text, without variables."""
        return files.architecture_json(self)

    def get_state_tree(self) -> dict[str, Any]:
        """The values of all variables by path, JSON."""
        return files.state_of(self)

    def set_state_tree(self, state: Mapping[str, Any]) -> None:
        """Put values back by path.

        Raises:
            ConfigurationError: paths that are not this program's.
        """
        files.set_state(self, state)

    def summary(self) -> None:
        """Print a table of the modules, their output schemas and their variables."""
        counts = len(self.variables), len(self.trainable_variables)
        print(summarise(f"Program: {self.name}", self.description, self.modules, *counts))


def _check_value(program: str, symbol: SymbolicDataModel, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, JsonDataModel):
        raise DataError(
            f"{program} takes data models, got {type(value).__name__}: {value!r}. "
            "Wrap it in a DataModel, or write a dict of its fields"
        )
    if value.get_schema() is not symbol.get_schema():
        _check_fields(program, symbol, value.keys())


def _check_fields(program: str, symbol: SymbolicDataModel, given: Collection[str]) -> None:
    """Refuse a value, or a symbol, without a field that an input requires.

    Raises:
        DataError: naming what is missing.
    """
    wanted = symbol.get_schema()
    missing = set(wanted.get("required", ())).difference(given)
    if missing:
        raise DataError(
            f"{program}: the input {symbol.name!r} needs {sorted(wanted.get('properties', {}))}, got "
            f"{sorted(given)}; missing {sorted(missing)}"
        )
