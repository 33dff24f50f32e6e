"""Program: a graph of modules that can be called, trained, saved and loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, overload

from synalinks import session
from synalinks._base import html as _html
from synalinks.data import SymbolicDataModel, tree
from synalinks.errors import ConfigurationError
from synalinks.graph import Graph
from synalinks.hooks import Hook
from synalinks.modules import Module
from synalinks.modules.core.building import as_symbols
from synalinks.modules.core.operation import Out, Symbols, awaited
from synalinks.programs import files, state
from synalinks.programs.diagram import diagram
from synalinks.programs.functional_config import GRAPH_KEYS, graph_from_config, graph_to_config
from synalinks.programs.graph_call import call_graph, symbolic_outputs
from synalinks.programs.reading import read_inputs, read_targets
from synalinks.programs.summary import SummaryOptions, summarise
from synalinks.saving import custom_object_scope, deserialize_synalinks_object, serialize_synalinks_object
from synalinks.trainers import Trainer


class _Loader:
    """`Program.load(path)` builds a program; `program.load(path)` loads saved variables into that one."""

    def __get__(self, program: Any, cls: Any) -> Any:
        if program is not None:
            return lambda path: files.load_variables_of(program, path)

        def load(path: str | Path, custom_objects: Mapping[str, object] | None = None) -> Any:
            """Build the program saved at `path`, with its variables and how it was compiled.

            Raises:
                ConfigurationError: no such file, no saved program, or classes that are not registered here.
            """
            return files.load(path, {cls.__qualname__: cls, **(custom_objects or {})})

        return load


class Program(Module[Out], Trainer):
    """A directed graph of modules between inputs and outputs, or a subclass with its own `call`.

    Args:
        inputs: what `synalinks.Input` returned: one, or a list, tuple or dict of them; a list of one is one.
        outputs: what awaited modules returned, in any such structure.
        name, description, trainable, hooks: as for any module.

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
    if TYPE_CHECKING:

        @classmethod
        def load(cls, path: str | Path, custom_objects: Mapping[str, Any] | None = None) -> Self:
            """Build the program saved at `path`; of a program, load its variables from there."""

    else:
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
        hooks: Sequence[Hook] | None = None,
    ) -> None:
        if (inputs is None) != (outputs is None):
            raise ConfigurationError("Program(inputs=..., outputs=...) needs both, or neither in a subclass")
        if "functional_graph" in vars(self):  # called again, inside build: what was set and compiled before stays
            self.name, self.description = name or self.name, description or self.description
        else:
            if name is None and inputs is not None and type(self) is Program:
                name = session.auto_name(session.GRAPH)
            Module.__init__(self, name=name, description=description, trainable=trainable, hooks=hooks)
            Trainer.__init__(self)
        self.functional_graph: Graph | None = None
        if inputs is not None:
            self.functional_graph = Graph(_unpacked(inputs), _unpacked(outputs))
            self.built = True

    def __getstate__(self) -> dict[str, Any]:
        # The graph comes first for the sake of its order; a fit under way stays with the original.
        return {"functional_graph": self.functional_graph, **vars(self), "fitting": None, "in_fit": False}

    def walk_state(self) -> Any:
        """The modules of the graph, or what a subclass holds."""
        if self.functional_graph is not None:
            yield from (operation for operation in self.functional_graph.operations if isinstance(operation, Module))
        yield from super().walk_state()

    if TYPE_CHECKING:

        @overload  # a program of several outputs gives as many symbols
        async def __call__(self, inputs: Symbols, *args: Any, **kwargs: Any) -> Any: ...
        @overload
        async def __call__(self, *args: Any, **kwargs: Any) -> Out: ...
        async def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    @property
    def modules(self) -> list[Module]:
        """The modules of the graph in the order they run, inputs first; a subclass's own otherwise."""
        if self.functional_graph is None:
            return self.submodules
        return [operation for operation in self.functional_graph.operations if isinstance(operation, Module)]

    @property
    def operations(self) -> list[Any]:
        """The operations of the graph in the order they run, those of the data algebra among them; a subclass's
        modules otherwise."""
        return list(self.submodules) if self.functional_graph is None else self.functional_graph.operations

    @property
    def inputs(self) -> list[SymbolicDataModel] | None:
        """The symbolic inputs as a list; None for a subclass with its own `call`."""
        return None if self.functional_graph is None else tree.flatten(self.functional_graph.inputs)

    @property
    def outputs(self) -> list[SymbolicDataModel] | None:
        """The symbolic outputs as a list; None for a subclass with its own `call`."""
        return None if self.functional_graph is None else tree.flatten(self.functional_graph.outputs)

    @property
    def output_structure(self) -> Any:
        """The symbolic outputs in the structure they were given in; None for a subclass with its own `call`."""
        return None if self.functional_graph is None else self.functional_graph.outputs

    @property
    def input(self) -> Any:
        """The symbolic inputs in the structure they were given in; of a subclass, as of any operation."""
        return super().input if self.functional_graph is None else self.functional_graph.inputs

    @property
    def output(self) -> Any:
        """The symbolic outputs likewise."""
        return super().output if self.functional_graph is None else self.functional_graph.outputs

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs, in the order of their values; empty for a subclass with its own `call`."""
        return [] if self.functional_graph is None else self.functional_graph.input_names

    @property
    def output_names(self) -> list[str]:
        """The names of the operations that make the outputs, likewise."""
        return [] if self.functional_graph is None else self.functional_graph.output_names

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
        return (
            super().as_input(value)
            if self.functional_graph is None
            else read_inputs(self.name, self.functional_graph, value)
        )

    def as_target(self, value: Any) -> Any:
        """A target in the structure of the graph's outputs; a dict of plain data is read by the output's schema."""
        return read_targets(self.functional_graph, value)

    async def call(self, inputs: Any, training: bool = False) -> Any:
        """Run the graph on values for the inputs, in their structure."""
        if self.functional_graph is None:
            raise ConfigurationError(
                f"{type(self).__name__} has neither a graph nor its own call: pass inputs= and outputs= to "
                "Program.__init__, or define `async def call(self, inputs, training=False)`"
            )
        return await call_graph(self.name, self.functional_graph, inputs)

    async def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs of the graph, as new symbols."""
        if self.functional_graph is None:
            return await super().compute_output_spec(*args, **kwargs)
        return symbolic_outputs(self.name, self.functional_graph, args)

    async def build_whole(self, inputs: Any) -> None:
        """Build this program and all modules below, so that their variables are there before the first call.

        Modules that are built by being called are called on symbols; where `call` needs real values they are built
        by the first real call.

        Args:
            inputs: an example, or anything with its schemas.
        """
        if not self.built:
            await awaited(self.build(inputs))
        if self.functional_graph is None:
            await self.build_inside((as_symbols(inputs),))

    # --- saving ------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Of a graph that was given to the constructor, its operations and how they are connected; else, of a subclass,
        the constructor's arguments."""
        if self.functional_graph is None or not (type(self) is Program or "inputs" in self.named_arguments):
            return super().get_config()
        others = {name: value for name, value in self.named_arguments.items() if name not in ("inputs", "outputs")}
        own = {name: getattr(self, name) for name in self.own_settings}
        return {**serialize_synalinks_object(others), **own, **graph_to_config(self.functional_graph)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The program that `get_config` described; `custom_objects` are classes and functions by name."""
        with custom_object_scope(custom_objects or {}):
            if "operations" not in config:
                return super().from_config(config)
            inputs, outputs = graph_from_config(config)
            others = {name: value for name, value in config.items() if name not in GRAPH_KEYS}
            return cls(inputs=inputs, outputs=outputs, **deserialize_synalinks_object(others))

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

    def get_state(self) -> dict[str, Any]:
        """The values of all variables by path, as files have them: those of the optimizer among them."""
        return state.state_of(self)

    def set_state(self, values: Mapping[str, Any]) -> None:
        """Put values back that `get_state` gave.

        Raises:
            ConfigurationError: paths that are not this program's.
        """
        state.set_state(self, values)

    def get_state_tree(self) -> dict[str, Any]:
        """The values of all variables as a tree: `{"trainable_variables": {"generator": {"state_generator": {...}}}}`.

        Its groups are `trainable_variables`, `non_trainable_variables`, `metrics_variables` and, once the program is
        compiled, `optimizer_trainable_variables` and `optimizer_non_trainable_variables`.
        """
        return state.state_tree(self)

    def set_state_tree(self, state_tree: Mapping[str, Any]) -> None:
        """Put the values of such a tree back; what it leaves out stays.

        Raises:
            ConfigurationError: a group, variable or field that is not this program's.
        """
        state.set_state_tree(self, state_tree)

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], object] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        module_range: Sequence[str] | None = None,
    ) -> None:
        """Print a table of the modules, their output schemas and their variables.

        Args:
            line_length: characters of a line; the width of the terminal where None, 100 elsewhere.
            positions: where each column ends: shares of the line up to 1, or characters.
            print_fn: called with the whole text, in place of `print`.
            expand_nested: whether the modules of programs inside are listed, too.
            show_trainable: whether a column says which modules training may change.
            module_range: names, or regular expressions, of the first and last module to show.

        Raises:
            ConfigurationError: no module is called as `module_range` says, or a position too few or too many.
        """
        shown = SummaryOptions(line_length, positions, expand_nested, show_trainable, module_range)
        (print_fn or print)(summarise(self, shown))

    def _repr_html_(self) -> str:
        modules = f"{len(self.modules)} modules, {len(self.trainable_variables)} trainable variables"
        shown = _html.folded("summary", _html.preformatted(summarise(self, SummaryOptions()))) if self.built else ""
        picture = "" if self.functional_graph is None else diagram(self.functional_graph, self.name)
        return _html.block(f"{type(self).__name__} {self.name}: {modules}", picture, shown)


def _unpacked(values: object) -> Any:
    """The only value of a list or tuple, which is called and answered without it."""
    return values[0] if isinstance(values, (list, tuple)) and len(values) == 1 else values
