"""The table that `program.summary()` prints."""

from __future__ import annotations

import io
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from synalinks.data import SymbolicDataModel, Variable, tree
from synalinks.errors import ConfigurationError
from synalinks.graph import Graph
from synalinks.modules import Operation
from synalinks.programs.schema_text import field_lines

#: Characters of a line where no terminal says how many.
_WIDTH = 100
#: Characters of a column beside its text: a border and a space on both sides.
_BORDERS = 3


class Summarised(Protocol):
    """A program, or a module inside one, as the table shows it."""

    name: str
    description: str
    built: bool

    @property
    def variables(self) -> list[Variable]: ...

    @property
    def trainable_variables(self) -> list[Variable]: ...


class SummarisedProgram(Summarised, Protocol):
    """A program as the table shows it."""

    functional_graph: Graph | None
    optimizer: Any

    @property
    def operations(self) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class SummaryOptions:
    """What of a program is shown: see `Program.summary`."""

    line_length: int | None = None
    positions: Sequence[float] | None = None
    expand_nested: bool = False
    show_trainable: bool = False
    module_range: Sequence[str] | None = None


def summarise(program: SummarisedProgram, shown: SummaryOptions) -> str:
    """Title, description, a table of operations in the order they run, and the numbers of variables."""
    from rich.console import Console  # takes 60 ms; only tables need it
    from rich.table import Table

    width = shown.line_length or _terminal_width()
    connected = program.functional_graph is not None and not _is_row(program.functional_graph)
    columns = ["Module (type)", "Output Schema", "Vars #"]
    columns += ["Connected to"] * connected + ["Trainable"] * shown.show_trainable
    rows = []
    for operation, depth in _rows(program, shown):
        row = [_named(operation, depth), _schema(operation, program.functional_graph), str(len(_variables(operation)))]
        row += [_parents(operation, program.functional_graph)] * connected
        row += ["Y" if _is_trainable(operation) else "N"] * shown.show_trainable
        rows.append(row)
    if shown.positions is None:
        widths = _fitted([*zip(columns, *rows, strict=True)], width)
    else:
        widths = _between(shown.positions, width, len(columns))
    table = Table(show_lines=True)
    for column, size in zip(columns, widths, strict=True):
        table.add_column(column, width=size, overflow="fold", justify="right" if column == "Vars #" else "left")
    for row in rows:
        table.add_row(*row)
    file = io.StringIO()  # and not the notebook, where rich would show each line beside the text that is returned
    screen = Console(file=file, width=width, markup=False, emoji=False, highlight=False, force_jupyter=False)
    screen.print(f"Program: {program.name}" + ("" if program.built else " (not built)"))
    screen.print(f"description: {program.description!r}", soft_wrap=not (shown.line_length or sys.stdout.isatty()))
    if shown.positions is None and sum(widths) + _BORDERS * len(columns) + 1 > width:
        for row in rows:
            screen.print("\n".join(_block(columns, row)))
    else:
        screen.print(table)
    for line in _totals(program):
        screen.print(line)
    text: str = screen.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


def _is_row(graph: Graph) -> bool:
    """Whether each operation takes what the one above it gives, and nothing else."""
    return graph.is_chain and len(graph.flat_inputs) == 1 and all(len(node.parents) == 1 for node in graph.nodes)


def _terminal_width() -> int:
    return shutil.get_terminal_size((_WIDTH, 0)).columns if sys.stdout.isatty() else _WIDTH


def _fitted(columns: Sequence[Sequence[str]], line: int) -> list[int]:
    """Characters of each column: those of its longest line, or fewer where those do not fit, down to its words."""
    from rich.cells import cell_len  # as above

    lines = [[text for cell in cells for text in cell.split("\n")] for cells in columns]
    widths = [max(map(cell_len, texts)) for texts in lines]
    words = [max(map(_longest_word, texts)) for texts in lines]
    for _ in range(sum(widths) + _BORDERS * len(columns) + 1 - line):
        wider = [i for i in range(len(widths)) if widths[i] > words[i]]
        if wider:
            widths[max(wider, key=lambda i: widths[i])] -= 1
    return widths


def _longest_word(line: str) -> int:
    """Characters of the longest word of a line, and of what it is indented by."""
    from rich.cells import cell_len  # as above

    return len(line) - len(line.lstrip()) + max(map(cell_len, line.split()), default=0)


def _block(columns: Sequence[str], row: Sequence[str]) -> Iterator[str]:
    """A row as lines, for terminals too narrow for a table."""
    yield row[0]
    yield from (f"  {line}" for line in row[1].splitlines())
    for name, cell in zip(columns[2:], row[2:], strict=True):
        if cell:
            yield f"  {name}: {cell.replace(chr(10), ', ')}"


def _between(positions: Sequence[float], line: int, count: int) -> list[int]:
    """Characters of each column that ends at these positions."""
    ends = [int(end * line) if positions[-1] <= 1 else int(end) for end in positions]
    if len(ends) != count or any(b - a < 4 for a, b in zip([0, *ends], ends, strict=False)):
        raise ConfigurationError(
            f"summary(positions={list(positions)}): give the end of each of the {count} columns, ascending by at least "
            "4 characters"
        )
    return [end - start - _BORDERS for start, end in zip([0, *ends], ends, strict=False)]


def _rows(program: SummarisedProgram, shown: SummaryOptions) -> Iterator[tuple[Any, int]]:
    """The operations to show, with their depth in programs inside programs."""
    for operation in _in_range(program.operations, shown.module_range):
        yield operation, 0
        if shown.expand_nested:
            yield from _nested(operation, 1)


def _nested(operation: object, depth: int) -> Iterator[tuple[Any, int]]:
    for inner in getattr(operation, "operations", ()):
        yield inner, depth
        yield from _nested(inner, depth + 1)


def _in_range(operations: list[Any], names: Sequence[str] | None) -> list[Any]:
    if names is None:
        return operations
    if isinstance(names, str) or len(names) != 2:
        raise ConfigurationError(f"summary(module_range={names!r}): give the names of the first and the last module")
    found = []
    for name in names:
        places = [i for i, one in enumerate(operations) if one.name == name or re.fullmatch(name, one.name)]
        if not places:
            known = ", ".join(one.name for one in operations)
            raise ConfigurationError(f"summary(module_range=...): no module is called {name!r}; there are {known}")
        found.append(places)
    start, end = sorted((min(found[0]), max(found[1])))
    return operations[start : end + 1]


def _named(operation: Any, depth: int) -> str:
    return f"{'  ' * depth}{operation.name} ({type(operation).__name__})"


def _schema(operation: object, graph: Graph | None) -> str:
    """The fields of what an operation gives: of its nodes in the graph, else of its first symbolic call."""
    outputs: Any = getattr(operation, "output_spec", None)
    if graph is not None:
        outputs = next((node.outputs for node in graph.nodes if node.operation is operation), outputs)
    if outputs is None and isinstance(operation, Operation):
        outputs = getattr(operation, "outputs", None)
    values = [leaf for leaf in tree.flatten(outputs) if isinstance(leaf, SymbolicDataModel)]
    return "\n".join(line for value in values for line in _lines(value))


def _lines(value: SymbolicDataModel) -> Iterator[str]:
    schema = value.get_schema()
    indent = ""
    if "title" in schema:
        yield f"{schema['title']}:"
        indent = "  "
    for line in field_lines(schema):
        yield indent + line


def _parents(operation: object, graph: Graph | None) -> str:
    nodes = [] if graph is None else [node for node in graph.nodes if node.operation is operation]
    parents = [value for node in nodes for value in node.parents]
    return "\n".join(
        dict.fromkeys(value.name if value.node is None else value.node.operation.name for value in parents)
    )


def _variables(operation: object) -> list[Variable]:
    return getattr(operation, "variables", [])


def _is_trainable(operation: object) -> bool:
    return bool(getattr(operation, "trainable", False))


def _totals(program: SummarisedProgram) -> Iterator[str]:
    every, trainable = len(program.variables), len(program.trainable_variables)
    yield f" Total variables: {every}"
    yield f" Trainable variables: {trainable}"
    yield f" Non-trainable variables: {every - trainable}"
    if program.optimizer is not None:
        yield f" Optimizer variables: {len(program.optimizer.variables)}"
