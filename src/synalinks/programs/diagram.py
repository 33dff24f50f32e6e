"""A program as a diagram for notebooks: boxes in the order that values flow, arrows between them, as SVG."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from synalinks.data import tree
from synalinks.graph import Graph
from synalinks.modules import Module
from synalinks.programs.schema_text import field_lines

#: Sizes in pixels, and characters that fit a box.
_WIDTH, _LINE, _PAD, _GAP, _CHARACTERS = 220, 17, 9, 34, 29
#: Fields that are listed of one box.
_FIELDS = 6
#: Border by kind of box.
_COLORS = {"input": "#009E73", "module": "#0072B2", "trainable": "#D55E00", "operation": "#777777"}
_MARKER = (
    '<defs><marker id="synalinks-arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#888"/></marker></defs>'
)


@dataclass(slots=True)
class _Box:
    kind: str
    title: str
    name: str
    fields: list[str]
    parents: list[int] = field(default_factory=list)
    depth: int = 0
    left: float = 0.0
    top: float = 0.0

    @property
    def height(self) -> float:
        return 2 * _PAD + _LINE * (2 + len(self.fields))


def diagram(graph: Graph, name: str) -> str:
    """The graph as SVG."""
    boxes = _boxes(graph)
    rows: dict[int, list[_Box]] = {}
    for box in boxes:
        rows.setdefault(box.depth, []).append(box)
    width = max(len(row) for row in rows.values()) * (_WIDTH + _GAP) + _GAP
    top = 6.0
    for _, row in sorted(rows.items()):
        begin = (width - len(row) * (_WIDTH + _GAP) + _GAP) / 2
        for place, box in enumerate(row):
            box.left, box.top = begin + place * (_WIDTH + _GAP), top
        top += max(box.height for box in row) + _GAP
    height = top - _GAP + 6
    shapes = [_arrow(boxes[parent], box) for box in boxes for parent in box.parents]
    shapes += [_drawn(box) for box in boxes]
    style = f'style="max-width:100%;width:{width:.0f}px;height:auto;display:block;font:12px sans-serif"'
    label = f'role="img" aria-label="{escape(f"diagram of the program {name}")}"'
    return f'<svg viewBox="0 0 {width:.0f} {height:.0f}" {label} {style}>{_MARKER}{"".join(shapes)}</svg>'


def _boxes(graph: Graph) -> list[_Box]:
    boxes: list[_Box] = []
    made_by: dict[int, int] = {}
    for value in graph.flat_inputs:
        if id(value) not in made_by:
            made_by[id(value)] = len(boxes)
            boxes.append(_Box("input", "Input", value.name, _fields(value.get_schema())))
    for node in graph.nodes:
        outputs = tree.flatten(node.outputs)
        fields = [line for value in outputs for line in _fields(value.get_schema())]
        box = _Box(_kind(node.operation), type(node.operation).__name__, node.operation.name, fields)
        box.parents = list(dict.fromkeys(made_by[id(value)] for value in node.parents))
        box.depth = 1 + max(boxes[parent].depth for parent in box.parents)
        made_by.update((id(value), len(boxes)) for value in outputs)
        boxes.append(box)
    return boxes


def _kind(operation: object) -> str:
    if not isinstance(operation, Module):
        return "operation"
    return "trainable" if operation.trainable_variables else "module"


def _fields(schema: dict[str, object]) -> list[str]:
    lines = list(field_lines(schema))
    return lines if len(lines) <= _FIELDS else [*lines[: _FIELDS - 1], f"... {len(lines) - _FIELDS + 1} more fields"]


def _arrow(start: _Box, end: _Box) -> str:
    x, y, to_x, to_y = start.left + _WIDTH / 2, start.top + start.height, end.left + _WIDTH / 2, end.top - 1
    if end.depth > start.depth + 1 and start.left == end.left:  # around the boxes between
        x, to_x, y = start.left + _WIDTH, end.left + _WIDTH, start.top + start.height / 2
        to_y = end.top + end.height / 2
        curve = f"C{x + _GAP - 6:.0f},{y:.0f} {x + _GAP - 6:.0f},{to_y:.0f}"
    else:
        middle = (y + to_y) / 2
        curve = f"C{x:.0f},{middle:.0f} {to_x:.0f},{middle:.0f}"
    path = f"M{x:.0f},{y:.0f} {curve} {to_x:.0f},{to_y:.0f}"
    return f'<path d="{path}" fill="none" stroke="#888" stroke-width="1.4" marker-end="url(#synalinks-arrow)"/>'


def _drawn(box: _Box) -> str:
    color = _COLORS[box.kind]
    x, y = box.left + _PAD, box.top + _PAD + 12
    lines = [
        f'<rect x="{box.left:.0f}" y="{box.top:.0f}" width="{_WIDTH}" height="{box.height:.0f}" rx="6" '
        f'fill="{color}" fill-opacity=".08" stroke="{color}" stroke-width="1.5"/>',
        _text(x, y, box.title, "font-weight:bold"),
        _text(x, y + _LINE, box.name, "opacity:.7"),
    ]
    lines += [_text(x, y + _LINE * (2 + number), line, "") for number, line in enumerate(box.fields)]
    return "".join(lines)


def _text(x: float, y: float, text: str, style: str) -> str:
    short = text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 1]}…"
    title = "" if short == text else f"<title>{escape(text)}</title>"
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="currentColor" style="{style}">{escape(short)}{title}</text>'
