"""Plots of evaluations: bars of metrics, alone, compared, and over several runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synalinks._support import figures
from synalinks.errors import ConfigurationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: name -> (mean, standard deviation or None)
Bars = dict[str, tuple[float, float | None]]
#: Share of the place of a group that its bars fill together.
_FILL = 0.8
#: Share of a figure's width that bars are drawn on, beside a legend; inches that a value above a bar takes.
_DRAWN, _VALUE_WIDTH = 0.7, 0.5


def plot_metrics(
    metrics: Mapping[str, float],
    to_file: str | Path = figures.Unasked("evaluation_metrics.png"),
    to_folder: str | Path | None = None,
    xlabel: str = "Metrics",
    ylabel: str = "Scores",
    title: str = "Evaluation metrics",
    grid: bool = True,
    metrics_filter: Sequence[str] | None = None,
    **options: Any,
) -> Path:
    """Draw a bar per metric, with its value. Gives the path.

    Args:
        metrics: what `evaluate` returned.
        to_file, to_folder: where to; the ending says the format.
        metrics_filter: names to draw; None draws all.
        options: passed to `Axes.bar`, e.g. `color`.

    Raises:
        ConfigurationError: nothing to draw, an unknown metric, or a file that can't be written.
    """
    bars = _bars([metrics], metrics_filter, "plot_metrics", spread=False)
    return _draw({"": bars}, to_file, to_folder, xlabel, ylabel, title, grid, True, 0.5, 0, options)


def plot_metrics_with_mean_and_std(
    metrics_list: Sequence[Mapping[str, float]],
    to_file: str | Path = figures.Unasked("evaluation_metrics_with_mean_and_std.png"),
    to_folder: str | Path | None = None,
    xlabel: str = "Metrics",
    ylabel: str = "Scores",
    title: str = "Evaluation metrics with mean and std",
    grid: bool = True,
    show_values: bool = False,
    capsize: float = 5,
    metrics: Sequence[str] | None = None,
    **options: Any,
) -> Path:
    """Draw the mean of several evaluations, with a whisker of one standard deviation (ddof=1). Gives the path.

    Args:
        metrics_list: what several `evaluate` returned.
        show_values: write mean and deviation above each bar.
        capsize: width of the whisker's ends, points.
        metrics: names to draw; None draws all.
        to_file, to_folder, options: as for `plot_metrics`.
    """
    bars = _bars(metrics_list, metrics, "plot_metrics_with_mean_and_std", spread=True)
    return _draw({"": bars}, to_file, to_folder, xlabel, ylabel, title, grid, show_values, 0.5, capsize, options)


def plot_metrics_comparison(
    metrics_dict: Mapping[str, Mapping[str, float]],
    to_file: str | Path = figures.Unasked("evaluation_metrics_comparison.png"),
    to_folder: str | Path | None = None,
    xlabel: str = "Metrics",
    ylabel: str = "Scores",
    title: str = "Metrics Comparison",
    grid: bool = True,
    metrics_filter: Sequence[str] | None = None,
    bar_width: float = 0.35,
    **options: Any,
) -> Path:
    """Draw evaluations side by side, a colour each, with their values. Gives the path.

    Args:
        metrics_dict: label -> what `evaluate` returned.
        bar_width: of a bar, in places of the axis; less where there are many.
        to_file, to_folder, metrics_filter, options: as for `plot_metrics`.
    """
    where = "plot_metrics_comparison"
    runs = {label: _bars([one], metrics_filter, where, spread=False) for label, one in metrics_dict.items()}
    return _draw(runs, to_file, to_folder, xlabel, ylabel, title, grid, True, bar_width, 0, options)


def plot_metrics_comparison_with_mean_and_std(
    metrics_comparison_dict: Mapping[str, Sequence[Mapping[str, float]]],
    to_file: str | Path = figures.Unasked("evaluation_metrics_comparison_with_mean_and_std.png"),
    to_folder: str | Path | None = None,
    xlabel: str = "Metrics",
    ylabel: str = "Scores",
    title: str = "Metrics Comparison with Mean and Std",
    grid: bool = True,
    show_values: bool = False,
    capsize: float = 5,
    metrics_filter: Sequence[str] | None = None,
    bar_width: float = 0.35,
    **options: Any,
) -> Path:
    """Draw the means of several sets of evaluations side by side, each with its whisker. Gives the path.

    Args:
        metrics_comparison_dict: label -> list of what `evaluate` returned.
        show_values, capsize, bar_width: as for the two plots this one joins.
        to_file, to_folder, metrics_filter, options: as for `plot_metrics`.
    """
    where = "plot_metrics_comparison_with_mean_and_std"
    runs = {
        label: _bars(several, metrics_filter, where, spread=True) for label, several in metrics_comparison_dict.items()
    }
    return _draw(runs, to_file, to_folder, xlabel, ylabel, title, grid, show_values, bar_width, capsize, options)


def _bars(several: Sequence[Mapping[str, float]], wanted: Sequence[str] | None, where: str, spread: bool) -> Bars:
    if isinstance(several, Mapping) or not all(isinstance(one, Mapping) for one in several):
        raise ConfigurationError(
            f"{where} takes what evaluate returned, dicts of metric to value; got {several!r:.200}"
        )
    bars: Bars = {}
    for name in figures.chosen((name for one in several for name in one), wanted, where):
        values = [figures.number(one[name]) for one in several if name in one]
        std = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        bars[name] = (float(np.mean(values)), std if spread else None)
    return bars


def _draw(
    runs: Mapping[str, Bars],
    to_file: str | Path,
    to_folder: str | Path | None,
    xlabel: str,
    ylabel: str,
    title: str,
    grid: bool,
    show_values: bool,
    bar_width: float,
    capsize: float,
    options: Mapping[str, Any],
) -> Path:
    if not runs:
        raise ConfigurationError(f"{title}: there is nothing to compare; no evaluation was given")
    names = list(dict.fromkeys(name for bars in runs.values() for name in bars))
    panels = figures.panels_of({name: max(bars[name][0] for bars in runs.values() if name in bars) for name in names})
    figure, all_axes = figures.new_panels(len(panels), title)
    for panel, axes in zip(panels, all_axes, strict=True):
        _draw_panel(axes, runs, panel, show_values, bar_width, capsize, options)
        figures.style_axes(axes, xlabel if axes is all_axes[-1] else "", ylabel if panel is panels[0] else "", grid)
    return figures.save_figure(figure, to_file, to_folder)


def _draw_panel(
    axes: Axes,
    runs: Mapping[str, Bars],
    panel: Sequence[str],
    show_values: bool,
    bar_width: float,
    capsize: float,
    options: Mapping[str, Any],
) -> None:
    width = min(bar_width, _FILL / len(runs))
    alone = list(runs) == [""]
    heights = [0.0]
    places = max(2, len(panel) + 0.5)
    room = figures.PANEL_WIDTH * _DRAWN / places  # inches of a place
    for run, (label, bars) in enumerate(runs.items()):
        offset = (run - (len(runs) - 1) / 2) * width
        for place, name in enumerate(panel):
            if name not in bars:
                continue
            mean, std = bars[name]
            color = figures.PALETTE[(place if alone else run) % len(figures.PALETTE)]
            first = name == next(one for one in panel if one in bars)
            look = {"width": width * 0.94, "color": color, "label": label if first and not alone else None}
            axes.bar(place + offset, mean, **{**look, **options})
            if std is not None:
                axes.errorbar(place + offset, mean, yerr=std, fmt="none", ecolor=figures.INK, capsize=capsize)
            heights.append(mean + (std or 0.0))
            if show_values:
                level = width * room > _VALUE_WIDTH
                text = figures.short(mean)
                if std is not None and mean == mean:
                    text += f"{chr(10) if level else ' '}± {figures.short(std, mean)}"
                above = (place + offset, 0.0 if mean != mean else mean + (std or 0.0))
                place_of: dict[str, Any] = {
                    "textcoords": "offset points",
                    "ha": "center",
                    "fontsize": 8.5,
                    "color": figures.INK,
                }
                axes.annotate(text, above, (0, 3), rotation=0 if level else 90, **place_of)
    lowest = min((bars[name][0] for bars in runs.values() for name in panel if name in bars), default=0.0)
    figures.set_heights(axes, [*heights, lowest], amounts=all(map(figures.is_amount, panel)))
    middle = (len(panel) - 1) / 2
    axes.set_xlim(middle - places / 2, middle + places / 2)
    tilted = sum(map(len, panel)) > 60
    axes.set_xticks(range(len(panel)), panel, rotation=25 if tilted else 0, ha="right" if tilted else "center")
    figures.legend(axes, 0 if alone else len(runs))
