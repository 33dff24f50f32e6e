"""ARC-AGI, versions 1 and 2: grids of ten colours, and the rule behind them to be found from a few pairs.

Source: Chollet, "On the Measure of Intelligence", arXiv:1911.01547, and "ARC-AGI-2", arXiv:2505.11831; a file a task,
of github.com/fchollet/ARC-AGI and github.com/arcprize/ARC-AGI-2 (Apache 2.0).
"""

from __future__ import annotations

import itertools
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from synalinks import _json
from synalinks._base.files import read_whole
from synalinks._json import JsonObject
from synalinks._support import figures
from synalinks.data import DataModel, Field, JsonDataModel
from synalinks.datasets.dataset import Array, object_array
from synalinks.datasets.download import Remote, local_file
from synalinks.errors import ConfigurationError, DataError, MissingFileError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

Arrays = tuple[Array, Array]
Color = Literal[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
Grid = list[list[Color]]
Example = DataModel | JsonDataModel | JsonObject

_URLS = {
    1: "https://raw.githubusercontent.com/fchollet/ARC-AGI/refs/heads/master/data",
    2: "https://raw.githubusercontent.com/arcprize/ARC-AGI-2/refs/heads/main/data",
}
#: The colours that the tasks are shown in where they are published, from 0 to 9.
_COLORS = (
    *("#000000", "#0074D9", "#FF4136", "#2ECC40", "#FFDC00"),
    *("#AAAAAA", "#F012BE", "#FF851B", "#7FDBFF", "#870C25"),
)


class ARCAGITask(DataModel):
    """A pair of grids."""

    input_grid: Grid = Field(description="The grid before, row by row; a colour is a number from 0 to 9")
    output_grid: Grid = Field(description="The grid after, row by row")


class ARCAGIInput(DataModel):
    """Pairs of grids that share a rule, and a grid to apply it to."""

    examples: list[ARCAGITask] = Field(description="Pairs of grids that share a rule")
    input_grid: Grid = Field(description="The grid to apply the rule to, row by row; a colour is a number from 0 to 9")


class ARCAGIOutput(DataModel):
    """The grid that the rule gives."""

    output_grid: Grid = Field(description="The grid after, row by row; a colour is a number from 0 to 9")


def default_instructions() -> str:
    """Instructions for a program that solves the tasks."""
    return (
        "Find the rule that turns each input grid of the examples into its output grid, and apply it to the input grid."
    )


def get_input_data_model() -> type[DataModel]:
    """The data model of tasks: `examples` and `input_grid`."""
    return ARCAGIInput


def get_output_data_model() -> type[DataModel]:
    """The data model of solutions: `output_grid`."""
    return ARCAGIOutput


def get_arcagi1_training_task_names() -> list[str]:
    """The names of the 400 training tasks of ARC-AGI-1."""
    return _names(1, "training")


def get_arcagi1_evaluation_task_names() -> list[str]:
    """The names of the 400 evaluation tasks of ARC-AGI-1."""
    return _names(1, "evaluation")


def get_arcagi2_training_task_names() -> list[str]:
    """The names of the 1,000 training tasks of ARC-AGI-2."""
    return _names(2, "training")


def get_arcagi2_evaluation_task_names() -> list[str]:
    """The names of the 120 evaluation tasks of ARC-AGI-2."""
    return _names(2, "evaluation")


def load_data(
    task_name: str,
    filepath: str | Path | None = None,
    arc_version: int = 1,
    one_leave_out: bool = True,
    permutation: bool = False,
    repeat: int = 1,
    curriculum_learning: bool = True,
) -> tuple[Arrays, Arrays]:
    """`((x_train, y_train), (x_test, y_test))` of one task: object arrays of data models.

    The file comes from `SYNALINKS_DATA_DIR` (`arcagi/<version>/training/<task>.json` or `.../evaluation/...`), else
    from an earlier download, else it is downloaded once.

    Args:
        task_name: the task.
        filepath: the task's file, in the place of the published one.
        arc_version: 1 or 2.
        one_leave_out: whether each training pair is shown with the others as examples, and the test pairs with all;
            else none has examples.
        permutation: whether the examples of each training pair come in every order: 6 examples have 720.
        repeat: how many times each training pair follows itself.
        curriculum_learning: whether the training pairs are sorted by the size of the grid that is to be found.

    Raises:
        ConfigurationError: another version, an unknown task, or `repeat` below 1.
        DataError: a file that is missing and can't be downloaded, or is no task.

    Example:
        ```python
        (x_train, y_train), (x_test, y_test) = synalinks.datasets.arcagi.load_data(task_name="62c24649")
        ```
    """
    if repeat < 1:
        raise ConfigurationError(f"load_data(repeat={repeat!r}): at least 1 is needed")
    train, test = _pairs(_file_of(task_name, filepath, arc_version))
    shown: list[tuple[ARCAGIInput, ARCAGIOutput]] = []
    for number, pair in enumerate(train):
        others = [*train[:number], *train[number + 1 :]] if one_leave_out else []
        for order in itertools.permutations(others) if permutation else [others]:
            shown += [_example(pair, list(order))] * repeat
    if curriculum_learning:
        shown.sort(key=lambda one: sum(map(len, one[1].output_grid)))
    return _arrays(shown), _arrays([_example(pair, train if one_leave_out else []) for pair in test])


def plot_task(
    x: Example | None = None,
    y_true: Example | None = None,
    y_pred: Example | None = None,
    task_name: str | None = None,
    to_file: str | None = None,
    to_folder: str | Path | None = None,
    figsize: tuple[float, float] = (12, 6),
    cmap: Colormap | None = None,
    grid_color: str = "white",
    grid_linewidth: float = 0.8,
    title_fontsize: float = 11,
    label_fontsize: float = 9,
) -> Path:
    """Draw a task: a row for each example, and one for the grid with its solution and the predicted one.

    Args:
        x, y_true, y_pred: the task, its solution and a prediction; data models or dicts, one of the last two at least.
        task_name: the title of the picture, and its file's name.
        to_file, to_folder: where the picture goes: `<task>.png`, else `arc_agi_task.png`.
        figsize: width and height in inches.
        cmap: colours in the place of the published ones.
        grid_color, grid_linewidth: of the lines between cells.
        title_fontsize, label_fontsize: of the title above a grid, and of the size beside it.

    Returns:
        The picture's path.

    Raises:
        ConfigurationError: no task, neither solution nor prediction, Matplotlib is not installed, or a place that can't
            be written.
    """
    if x is None or (y_true is None and y_pred is None):
        raise ConfigurationError("plot_task needs x, and y_true or y_pred or both")
    task = _plain(x)
    rows = [
        [(f"Example {number}: input", one["input_grid"]), (f"Example {number}: output", one["output_grid"])]
        for number, one in enumerate(task["examples"], start=1)
    ]
    last = [("Input", task["input_grid"])]
    last += [
        (title, _plain(y)["output_grid"])
        for title, y in (("Solution", y_true), ("Prediction", y_pred))
        if y is not None
    ]
    figure = figures.new_figure(*figsize)
    panels = figure.subplots(len(rows) + 1, 3, squeeze=False)
    from matplotlib.colors import ListedColormap  # optional: here only where a figure is

    colors = ListedColormap(_COLORS) if cmap is None else cmap
    for axes in panels.flat:
        axes.set_axis_off()
    for line, drawn in zip(panels, [*rows, last], strict=True):
        for axes, (title, grid) in zip(line, drawn, strict=False):
            axes.set_title(title, fontsize=title_fontsize, color=figures.INK)
            _draw(axes, grid, colors, grid_color, grid_linewidth, label_fontsize)
    if task_name:
        figure.suptitle(task_name, color=figures.INK, parse_math=False)
    return figures.save_figure(figure, to_file or figures.Unasked(f"{task_name or 'arc_agi_task'}.png"), to_folder)


def _draw(axes: Axes, grid: Grid, cmap: Colormap, color: str, width: float, fontsize: float) -> None:
    height, across = len(grid), max(map(len, grid), default=0)
    axes.set_axis_on()
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(f"{height} x {across}", fontsize=fontsize, color=figures.INK)
    if across:
        axes.imshow([[*row, *[0] * (across - len(row))] for row in grid], cmap=cmap, vmin=0, vmax=9)
        axes.vlines([at - 0.5 for at in range(1, across)], -0.5, height - 0.5, color, linewidth=width)
        axes.hlines([at - 0.5 for at in range(1, height)], -0.5, across - 0.5, color, linewidth=width)


@cache
def _tasks() -> JsonObject:
    text = resources.files("synalinks.datasets").joinpath("arcagi_tasks.json").read_text(encoding="utf-8")
    return _json.exact(text)  # type: ignore[no-any-return]


def _names(version: int, part: str) -> list[str]:
    return _tasks()[str(version)][part].split()  # type: ignore[no-any-return]


def _file_of(task: str, filepath: str | Path | None, version: int) -> Path:
    if filepath is not None:
        return Path(filepath)
    if version not in _URLS:
        raise ConfigurationError(f"`arc_version` is 1 or 2, got {version!r}")
    for part in ("training", "evaluation"):
        if task in _names(version, part):
            name = f"{part}/{task}.json"
            return local_file(Remote("arcagi", f"{version}/{name}", f"{_URLS[version]}/{name}"))
    raise ConfigurationError(f"The task {task!r} is not recognized: ARC-AGI-{version} has no task of this name")


def _pairs(path: Path) -> tuple[list[ARCAGITask], list[ARCAGITask]]:
    """The training and the test pairs of a file."""
    if not path.is_file():
        raise MissingFileError(f"Could not find the task's file {path}")
    try:
        task = _json.exact(read_whole(path))
        train, test = (
            [ARCAGITask(input_grid=pair["input"], output_grid=pair["output"]) for pair in task[part]]
            for part in ("train", "test")
        )
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}") from error
    except KeyError as error:
        raise DataError(f"{path} is no task of ARC-AGI: there is no {error}") from error
    except (ValueError, TypeError) as error:
        raise DataError(f"{path} is no task of ARC-AGI: {error}") from error
    return train, test


def _example(pair: ARCAGITask, examples: list[ARCAGITask]) -> tuple[ARCAGIInput, ARCAGIOutput]:
    inputs = ARCAGIInput(examples=examples, input_grid=pair.input_grid)
    return inputs, ARCAGIOutput(output_grid=pair.output_grid)


def _arrays(examples: list[tuple[ARCAGIInput, ARCAGIOutput]]) -> Arrays:
    return object_array([x for x, _ in examples]), object_array([y for _, y in examples])


def _plain(value: Example) -> JsonObject:
    return value if isinstance(value, dict) else value.get_json()
