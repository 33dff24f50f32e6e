"""Picture of a program: by Graphviz if it is installed, by matplotlib if not."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synalinks._base.warning import warn
from synalinks._support import figures
from synalinks.utils.layers import Layout, lay_out
from synalinks.utils.program_graph import (
    COLORS,
    TRAINABLE,
    Box,
    ProgramGraph,
    Shown,
    check_rankdir,
    dot_text,
    frame_text,
    graph_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: All in points.
_TITLE_SIZE, _NAME_SIZE, _LINE_SIZE = 11.0, 9.0, 9.0
_PAD, _LEADING, _GAP, _RANK_GAP, _MARGIN = 9.0, 1.4, 26.0, 34.0, 14.0
_LEAST_WIDTH = 96.0
#: Seconds; Graphviz lays out a hundred boxes in well under one.
_DOT_PATIENCE = 60.0


def program_to_dot(
    program: Any,
    show_schemas: bool = False,
    show_defs: bool = False,
    show_module_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_trainable: bool = False,
) -> str:
    """The program as text in Graphviz's language.

    Args:
        program: a built program.
        show_schemas, show_defs, show_module_names, rankdir, expand_nested, dpi, show_trainable: as for
            `plot_program`.
        subgraph: give a frame with the program's name, to stand in a larger graph.

    Raises:
        ConfigurationError: no program, one not built, or an unknown direction.
    """
    check_rankdir(rankdir)
    shown = Shown(show_schemas, show_module_names, show_defs, show_trainable, expand_nested)
    graph = graph_of(program, shown)
    return frame_text(graph, program.name) if subgraph else dot_text(graph, rankdir, dpi)


def plot_program(
    program: Any,
    to_file: str | Path | None = None,
    to_folder: str | Path | None = None,
    show_schemas: bool = False,
    show_module_names: bool = True,
    show_defs: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_trainable: bool = False,
) -> Path:
    """Draw a program: a box per operation, arrows where data flow. Gives the path.

    Args:
        program: a built program.
        to_file, to_folder: where to; `<name of the program>.png` if None. The ending says the format.
        show_schemas: list the fields of what each operation gives.
        show_module_names: write the name of each operation under its class.
        show_defs: with the schemas, list those they refer to.
        rankdir: `TB`, `BT`, `LR` or `RL`: where the data flow to.
        expand_nested: list the modules of a program that is itself a module.
        dpi: dots per inch.
        show_trainable: say of each module with variables whether training may change them.

    Raises:
        ConfigurationError: no program, one not built, an unknown direction, or a file that can't be written.
    """
    check_rankdir(rankdir)
    shown = Shown(show_schemas, show_module_names, show_defs, show_trainable, expand_nested)
    graph = graph_of(program, shown)
    path = figures.picture_path(to_file or figures.Unasked(f"{program.name}.png"), to_folder)
    if _draw_with_dot(dot_text(graph, rankdir, dpi), path):
        return figures.Picture(path)
    return _draw(graph, path, rankdir, dpi)


def _draw_with_dot(text: str, path: Path) -> bool:
    """Whether Graphviz drew it: it need not be installed."""
    dot = shutil.which("dot")
    if dot is None:
        return False
    command = [dot, f"-T{path.suffix[1:] or 'png'}", "-o", str(path)]
    try:
        subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=_DOT_PATIENCE)
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().partition("\n")[0] or f"exit code {error.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    else:
        return True
    warn(f"Graphviz could not draw {path.name} ({reason}); drawn with matplotlib instead")
    return False


def _draw(graph: ProgramGraph, path: Path, rankdir: str, dpi: int) -> Path:
    figures.matplotlib()
    sizes = [_size(box) for box in graph.boxes]
    sideways = rankdir in ("LR", "RL")
    layout = lay_out([size[::-1] if sideways else size for size in sizes], graph.edges, _GAP, _RANK_GAP)
    width, height = (layout.height, layout.width) if sideways else (layout.width, layout.height)
    width, height = width + 2 * _MARGIN, height + 2 * _MARGIN
    figure = figures.new_figure(width / 72, height / 72)  # a unit of the axes is a point
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    _draw_all(axes, graph, sizes, layout, rankdir, (width, height))
    return figures.save_figure(figure, path, None, dpi)


def _draw_all(
    axes: Axes,
    graph: ProgramGraph,
    sizes: Sequence[tuple[float, float]],
    layout: Layout,
    rankdir: str,
    whole: tuple[float, float],
) -> None:
    def turned(point: tuple[float, float]) -> tuple[float, float]:
        across, along = point[0] + _MARGIN, point[1] + _MARGIN
        if rankdir == "TB":
            return across, along
        if rankdir == "BT":
            return across, whole[1] - along
        return (along, across) if rankdir == "LR" else (whole[0] - along, across)

    for path in layout.paths:
        _draw_edge(axes, [turned(point) for point in path], rankdir in ("LR", "RL"))
    for box, center, size in zip(graph.boxes, layout.centers, sizes, strict=True):
        _draw_box(axes, box, turned(center), size)


def _draw_edge(axes: Axes, points: Sequence[tuple[float, float]], sideways: bool) -> None:
    """A curve that leaves and enters boxes along the flow."""
    from matplotlib.patches import FancyArrowPatch  # optional: here only where a figure is
    from matplotlib.path import Path as Curve

    vertices, codes = [points[0]], [Curve.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = ((x0 + x1) / 2, (y0 + y1) / 2)
        bends = [(middle[0], y0), (middle[0], y1)] if sideways else [(x0, middle[1]), (x1, middle[1])]
        vertices += [*bends, (x1, y1)]
        codes += [Curve.CURVE4] * 3
    look: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 10, "color": "#777777", "linewidth": 1.2}
    axes.add_patch(FancyArrowPatch(path=Curve(vertices, codes), zorder=1, **look))


def _draw_box(axes: Axes, box: Box, center: tuple[float, float], size: tuple[float, float]) -> None:
    from matplotlib.patches import FancyBboxPatch  # as above

    fill, border = COLORS[box.kind]
    color = TRAINABLE if box.trainable else border
    left, top = center[0] - size[0] / 2, center[1] - size[1] / 2
    head = _title_height(box)
    shape: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=5", "linewidth": 1.3}
    axes.add_patch(FancyBboxPatch((left, top), *size, facecolor="white", edgecolor="none", zorder=2, **shape))
    outline = FancyBboxPatch((left, top), *size, facecolor="none", edgecolor=color, zorder=4, **shape)
    # The coloured head is cut to the rounded outline.
    rectangle = FancyBboxPatch(
        (left, top), size[0], head, boxstyle="square,pad=0", linewidth=0, facecolor=fill, zorder=3
    )
    axes.add_patch(rectangle)
    axes.add_patch(outline)
    rectangle.set_clip_path(outline)
    y = top + _PAD
    for index, line in enumerate(box.title):
        step = (_NAME_SIZE if index else _TITLE_SIZE) * _LEADING
        look: dict[str, Any] = {"fontsize": _NAME_SIZE, "color": "#555555"}
        if not index:
            look = {"fontsize": _TITLE_SIZE, "color": figures.INK, "fontweight": "bold"}
        axes.text(center[0], y + step / 2, line, ha="center", va="center", zorder=5, parse_math=False, **look)
        y += step
    y += _PAD
    for section in box.sections:
        axes.plot([left, left + size[0]], [y, y], color=color, linewidth=0.8, zorder=4, solid_capstyle="butt")
        y += _PAD * 0.7
        for line in section:
            step = _LINE_SIZE * _LEADING
            look = {"fontsize": _LINE_SIZE, "color": figures.INK, "zorder": 5, "parse_math": False}
            axes.text(left + _PAD, y + step / 2, line, ha="left", va="center", **look)
            y += step
        y += _PAD * 0.7


def _title_height(box: Box) -> float:
    return 2 * _PAD + (_TITLE_SIZE + _NAME_SIZE * (len(box.title) - 1)) * _LEADING


def _size(box: Box) -> tuple[float, float]:
    """Width and height of a box, points."""
    widths = [_text_width(line, _NAME_SIZE if i else _TITLE_SIZE, not i) for i, line in enumerate(box.title)]
    widths += [_text_width(line, _LINE_SIZE, False) for section in box.sections for line in section]
    lines = sum(_PAD * 1.4 + len(section) * _LINE_SIZE * _LEADING for section in box.sections)
    return max(_LEAST_WIDTH, max(widths) + 2 * _PAD), _title_height(box) + lines


def _text_width(text: str, size: float, bold: bool) -> float:
    from matplotlib.font_manager import FontProperties  # as above
    from matplotlib.textpath import TextPath

    if not text.strip():
        return 0.0
    font = FontProperties(weight="bold" if bold else "normal")
    return float(TextPath((0, 0), text, size=size, prop=font, usetex=False).get_extents().x1)
