"""What a picture of a program shows: a box per operation, the lines in it, and the edges; and its Graphviz text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

from synalinks.data import tree
from synalinks.errors import ConfigurationError
from synalinks.graph import Graph
from synalinks.modules import Module
from synalinks.programs import Program
from synalinks.programs.schema_text import field_lines

Kind = Literal["input", "module", "operator"]
#: Fill and border of a box, by kind.
COLORS: dict[Kind, tuple[str, str]] = {
    "input": ("#E5F3EC", "#009E73"),
    "module": ("#E6F0F8", "#0072B2"),
    "operator": ("#F2F2F2", "#777777"),
}
#: Border, and mark, of a module that training may change.
TRAINABLE = "#D55E00"
RANKDIRS = ("TB", "BT", "LR", "RL")
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Box:
    """One operation.

    Attributes:
        title: its class, and its name if asked for.
        sections: lines under the title, in groups that a rule divides.
        trainable: whether training may change it; None if that is not shown.
    """

    kind: Kind
    title: tuple[str, ...]
    sections: tuple[tuple[str, ...], ...] = ()
    trainable: bool | None = None


@dataclass(slots=True)
class ProgramGraph:
    """Boxes, and edges between them by index. Parents come before children."""

    boxes: list[Box] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of each operation: see `plot_program`."""

    schemas: bool = False
    names: bool = False
    defs: bool = False
    trainable: bool = False
    nested: bool = False


def graph_of(program: object, shown: Shown) -> ProgramGraph:
    """The boxes and edges of a program; one box for a subclass with its own `call`.

    Raises:
        ConfigurationError: not a program, or one that is not built yet.
    """
    if not isinstance(program, Program):
        raise ConfigurationError(f"a picture shows a Program, got {type(program).__name__}")
    if not program.built:
        raise ConfigurationError(
            f"the program {program.name!r} is not built yet, so there is nothing to show: `await program.build(...)` "
            "with the data model of its input, or call it once"
        )
    found = ProgramGraph()
    if program.functional_graph is None:
        found.boxes.append(_box(program, None, shown))
        return found
    made_by = _inputs(program.functional_graph, found, shown)
    for node in program.functional_graph.nodes:
        here = len(found.boxes)
        found.boxes.append(_box(node.operation, node.outputs, shown))
        edges = ((made_by[id(value)], here) for value in node.parents)
        found.edges.extend(dict.fromkeys(edges))
        made_by.update((id(value), here) for value in tree.flatten(node.outputs))
    return found


def _inputs(graph: Graph, found: ProgramGraph, shown: Shown) -> dict[int, int]:
    """Boxes for the inputs; gives the box of each symbolic value by its identity."""
    made_by: dict[int, int] = {}
    for value in graph.flat_inputs:
        if id(value) in made_by:
            continue
        made_by[id(value)] = len(found.boxes)
        name = value.node.operation.name if value.node is not None else value.name
        title = ("Input", name) if shown.names else ("Input",)
        found.boxes.append(Box("input", title, tuple(_schema_lines(value, shown))))
    return made_by


def _box(operation: Any, outputs: Any, shown: Shown) -> Box:
    is_module = isinstance(operation, Module)
    title = (type(operation).__name__, operation.name) if shown.names else (type(operation).__name__,)
    sections: list[tuple[str, ...]] = []
    for value in tree.flatten(outputs) if outputs is not None else ():
        sections.extend(_schema_lines(value, shown))
    if not is_module:
        return Box("operator", title, tuple(sections))
    trainable = None
    if shown.trainable and operation.variables:
        count, of = len(operation.trainable_variables), len(operation.variables)
        trainable = count > 0
        some = "" if count == of else f": {count} of {of} variables"
        sections.append((f"trainable{some}" if trainable else "frozen",))
    if shown.nested and isinstance(operation, Program):
        sections.append(tuple(_short(f"{type(module).__name__}  {module.name}") for module in operation.modules))
    return Box("module", title, tuple(sections), trainable)


def _schema_lines(value: Any, shown: Shown) -> Iterator[tuple[str, ...]]:
    """The fields of what an operation gives and, if asked for, those of the schemas it refers to."""
    if not shown.schemas:
        return
    schema = value.get_schema()
    yield _fields(schema)
    if shown.defs:
        for name, inner in schema.get("$defs", {}).items():
            yield (f"{name}:", *(f"  {line}" for line in _fields(inner)))


def _fields(schema: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(map(_short, field_lines(schema)))


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def check_rankdir(rankdir: str) -> None:
    """Refuse a direction that Graphviz does not support.

    Raises:
        ConfigurationError: naming those it supports.
    """
    if rankdir not in RANKDIRS:
        raise ConfigurationError(f"rankdir={rankdir!r}: the directions are {', '.join(RANKDIRS)}")


def dot_text(graph: ProgramGraph, rankdir: str = "TB", dpi: int = 200) -> str:
    """The graph in Graphviz's language; boxes are HTML-like labels.

    Source of the language: graphviz.org, "DOT Language" and "Node Shapes: HTML-Like Labels".
    """
    lines = [
        "digraph program {",
        f'  graph [rankdir={rankdir}, dpi={dpi}, pad=0.25, nodesep=0.4, ranksep=0.5, bgcolor="white"];',
        '  node [shape=plain, fontname="Helvetica", fontsize=11, fontcolor="#222222"];',
        '  edge [color="#777777", arrowsize=0.7];',
    ]
    return "\n".join([*lines, *_statements(graph, "n"), "}", ""])


def frame_text(graph: ProgramGraph, name: str) -> str:
    """The graph as a subgraph with a frame and a name, whose nodes have names of their own."""
    word = re.sub(r"\W", "_", name)
    lines = [f"subgraph cluster_{word} {{", f'  label="{name}"; style=rounded; color="#999999"; node [shape=plain];']
    return "\n".join([*lines, *_statements(graph, f"{word}_"), "}", ""])


def _statements(graph: ProgramGraph, prefix: str) -> list[str]:
    nodes = [f"  {prefix}{index} [label=<{_html(box)}>];" for index, box in enumerate(graph.boxes)]
    return [*nodes, *(f"  {prefix}{start} -> {prefix}{end};" for start, end in graph.edges)]


def _html(box: Box) -> str:
    fill, border = COLORS[box.kind]
    first, *others = (escape(line) for line in box.title)
    title = f"<B>{first}</B>" + "".join(f'<BR/><FONT COLOR="#666666">{line}</FONT>' for line in others)
    rows = [f'<TR><TD BGCOLOR="{fill}">{title}</TD></TR>']
    for section in box.sections:
        if section:
            text = "".join(f'{escape(line)}<BR ALIGN="LEFT"/>' for line in section)
            rows.append(f'<TR><TD BALIGN="LEFT" ALIGN="LEFT">{text}</TD></TR>')
    color = TRAINABLE if box.trainable else border
    style = 'BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="6"'
    return f'<TABLE {style} COLOR="{color}" BGCOLOR="white">{"".join(rows)}</TABLE>'
