"""Function: the operations between some symbols and others, as one operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks.data import SymbolicDataModel, tree
from synalinks.graph import Graph
from synalinks.modules import Operation
from synalinks.programs.functional_config import graph_from_config, graph_to_config
from synalinks.programs.graph_call import call_graph, symbolic_outputs
from synalinks.programs.reading import read_inputs


class Function(Operation):
    """The operations between inputs and outputs as one operation: a program without training, saving and hooks.

    Args:
        inputs: symbols, as `synalinks.Input` and awaited modules return them: one, or a list, tuple or dict.
        outputs: symbols that depend on them, in any such structure.
        name: made from the class name where None.
        description: the first line of the class's docstring where None.

    Raises:
        ConfigurationError: values that are not connected, or two operations of one name.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     text: str
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> question, answer = synalinks.Input(data_model=Question), synalinks.Input(data_model=Answer)
        >>> both = synalinks.Function(inputs=[question, answer], outputs=question + answer)
        >>> asyncio.run(both([Question(text="1 + 1"), Answer(answer="2")])).get_json()
        {'text': '1 + 1', 'answer': '2'}
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, description: str | None = None) -> None:
        super().__init__(name=name, description=description)
        self.functional_graph = Graph(inputs, outputs)

    @property
    def inputs(self) -> list[SymbolicDataModel]:
        """The symbolic inputs as a list."""
        return tree.flatten(self.functional_graph.inputs)

    @property
    def outputs(self) -> list[SymbolicDataModel]:
        """The symbolic outputs as a list."""
        return tree.flatten(self.functional_graph.outputs)

    @property
    def operations(self) -> list[Any]:
        """The operations in the order they run, each once; inputs first."""
        return self.functional_graph.operations

    async def call(self, inputs: Any) -> Any:
        """Run the operations on values for the inputs, in their structure."""
        return await call_graph(self.name, self.functional_graph, read_inputs(self.name, self.functional_graph, inputs))

    async def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs, as new symbols."""
        return symbolic_outputs(self.name, self.functional_graph, args)

    def get_config(self) -> dict[str, Any]:
        """Name, description, the operations and how they are connected."""
        return {"name": self.name, "description": self.description, **graph_to_config(self.functional_graph)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """The function that `get_config` described."""
        inputs, outputs = graph_from_config(config)
        return cls(inputs, outputs, name=config["name"], description=config["description"])
