"""Plots of evaluations: bars of metrics, alone, compared, and over several runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synalinks._support import figures
from synalinks._support.log_values import is_money
from synalinks.errors import ConfigurationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Metrics beside one another, and bars; beyond that a panel folds into rows.
_MOST_PLACES, _MOST_BARS = 12, 24
#: Points of a line, and of a letter in one that stands upright; and of the height of a panel, at the least.
_LINE, _LETTER, _POINTS = 13.0, 6.0, 150.0
#: Metrics on a line under the panels.
_SAID = 3
#: Share of the place of a group that its bars fill together.
_FILL = 0.8
#: Share of a figure's width that bars are drawn on, beside a legend; inches that a value above a bar takes.
_DRAWN, _VALUE_WIDTH = 0.7, 0.5


@dataclass(frozen=True, slots=True)
class Bar:
    """A metric.

    Attributes:
        mean: its mean. std: the standard deviation, or None where it is not drawn.
        count: of how many evaluations.
    """

    mean: float
    std: float | None
    count: int

    @property
    def n(self) -> str:
        """The number of evaluations in words; nothing where no deviation is drawn."""
        return "" if self.std is None else f" (n = {self.count})"

    def text(self, name: str, gap: str = " ") -> str:
        """The value as it is written above the bar, and its deviation."""
        money = is_money(name)
        text = figures.short(self.mean, money=money)
        if self.std is None or self.mean != self.mean:
            return text
        return f"{text}{gap}± {figures.short(self.std, self.mean, money=money)}"


Bars = dict[str, Bar]


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
    runs = {
        label: _bars([one], metrics_filter, where, spread=False) for label, one in figures.labelled(metrics_dict, where)
    }
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
        label: _bars(several, metrics_filter, where, spread=True)
        for label, several in figures.labelled(metrics_comparison_dict, where)
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
        bars[name] = Bar(float(np.mean(values)), std if spread else None, len(values))
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
    options: Mapping[str, object],
) -> Path:
    if not runs:
        raise ConfigurationError(f"{title}: there is nothing to compare; no evaluation was given")
    names = list(dict.fromkeys(name for bars in runs.values() for name in bars))
    panels = figures.panels_of({name: max(bars[name].mean for bars in runs.values() if name in bars) for name in names})
    panels, lone = _without_lone(panels, len(runs))
    rows = [row for panel in panels for row in _folded(panel, len(runs))]
    figure, all_axes = figures.new_panels(len(rows), title)
    if lone:
        [bars] = runs.values()
        said = [f"{name}  {bars[name].text(name)}" for name in lone]
        lines = ["     ".join(said[start : start + _SAID]) for start in range(0, len(said), _SAID)]
        figure.supxlabel("\n".join(lines), fontsize=10, color=figures.INK, parse_math=False)
    for row, axes in zip(rows, all_axes, strict=True):
        _draw_panel(axes, runs, row, show_values, bar_width, capsize, options)
        money, label = all(map(is_money, row)), ylabel if row[0] in panels[0] else ""
        figures.style_axes(axes, xlabel if axes is all_axes[-1] else "", label, grid, money)
    return figures.save_figure(figure, to_file, to_folder)


def _without_lone(panels: list[list[str]], runs: int) -> tuple[list[list[str]], list[str]]:
    """The panels, and metrics that would have a panel for a single bar beside others: they are written as text."""
    several = [panel for panel in panels if len(panel) * runs > 1]
    if not several:
        return panels[:1], [name for panel in panels[1:] for name in panel]
    return several, [name for panel in panels if panel not in several for name in panel]


def _folded(panel: Sequence[str], runs: int) -> Iterator[Sequence[str]]:
    """The rows of a panel, about as long as one another, so that names and values can be read."""
    most = max(1, min(_MOST_PLACES, _MOST_BARS // runs))
    rows = -(-len(panel) // most)
    for row in range(rows):
        yield panel[len(panel) * row // rows : len(panel) * (row + 1) // rows]


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
    found = [bars[name] for bars in runs.values() for name in panel if name in bars]
    low, high = figures.limits(panel, [bar.mean for bar in found])
    tops, written, cut = [0.0], [(0.0, 0.0)], False
    places = max(2, len(panel) + 0.5)
    room = figures.PANEL_WIDTH * _DRAWN / places  # inches of a place
    for run, (label, bars) in enumerate(runs.items()):
        offset = (run - (len(runs) - 1) / 2) * width
        for place, name in enumerate(panel):
            if name not in bars:
                continue
            bar = bars[name]
            color = figures.PALETTE[(place if alone else run) % len(figures.PALETTE)]
            first = name == next(one for one in panel if one in bars)
            look = {"width": width * 0.94, "color": color, "label": f"{label}{bar.n}" if first and not alone else None}
            axes.bar(place + offset, bar.mean, **{**look, **options})
            std = bar.std or 0.0
            below, above = max(bar.mean - std, low), min(bar.mean + std, high)  # NaN stays NaN
            if bar.std is not None:
                whisker = [[bar.mean - below], [above - bar.mean]]
                axes.errorbar(place + offset, bar.mean, yerr=whisker, fmt="none", ecolor=figures.INK, capsize=capsize)
                cut |= bar.mean - bar.std < low or bar.mean + bar.std > high
            tops.append(above)
            if show_values:
                level = width * room > _VALUE_WIDTH
                text = bar.text(name, "\n" if level else " ")
                _write(axes, text, (place + offset, above), 0 if level else 90)
                lines = _LINE * (text.count("\n") + 1) if level else _LETTER * len(text)
                written.append((above, lines))
    if any(bar.std is not None for bar in found):
        what = f"n = {found[0].count}; whiskers" if alone else "whiskers"
        figures.note(axes, figures.spread_note(what, low, high, cut))
    figures.set_heights(axes, [*tops, *(bar.mean for bar in found)], amounts=all(map(figures.is_amount, panel)))
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, max(top, *(end + points / _POINTS * (top - bottom) for end, points in written if end == end)))
    middle = (len(panel) - 1) / 2
    axes.set_xlim(middle - places / 2, middle + places / 2)
    tilted = sum(map(len, panel)) > 60
    axes.set_xticks(range(len(panel)), panel, rotation=25 if tilted else 0, ha="right" if tilted else "center")
    figures.legend(axes, 0 if alone else len(runs))


def _write(axes: Axes, text: str, above: tuple[float, float], rotation: float) -> None:
    """A value above a bar; one that is not known at its foot."""
    place = above if above[1] == above[1] else (above[0], 0.0)
    look: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "fontsize": 8.5, "color": figures.INK}
    axes.annotate(text, place, (0, 3), rotation=rotation, parse_math=False, **look)
