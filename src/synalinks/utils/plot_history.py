"""Plots of training: the logs of `fit` by epoch, alone, compared, and over several runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synalinks import scope
from synalinks._support import figures
from synalinks._support.log_values import is_money
from synalinks.errors import ConfigurationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric by epoch.

    Attributes:
        at: the epochs. means: a value for each.
        stds: standard deviations, or None where they are not drawn.
        counts: of how many runs each mean is.
    """

    at: np.ndarray[Any, Any]
    means: np.ndarray[Any, Any]
    stds: np.ndarray[Any, Any] | None
    counts: Sequence[int]

    @property
    def n(self) -> str:
        """The number of runs in words; nothing where no deviation is drawn."""
        if self.stds is None or not self.counts:
            return ""
        low, high = min(self.counts), max(self.counts)
        return f" (n = {low})" if low == high else f" (n = {low} to {high})"


Curves = dict[str, Curve]
_LINESTYLES = ("-", "--", ":", "-.")
#: Curves of a panel in which runs are compared: lines of a legend that fit beside it.
_MOST_CURVES = 16


def plot_history(
    history: object,
    to_file: str | Path = figures.Unasked("training_history.png"),
    to_folder: str | Path | None = None,
    xlabel: str = "Epochs",
    ylabel: str = "Scores",
    title: str = "Training history",
    grid: bool = True,
    metrics_filter: Sequence[str] | None = None,
    **options: Any,
) -> Path:
    """Draw a curve per metric; validation dashed, in the colour of its training curve. Gives the path.

    Args:
        history: what `fit` returned, or a dict of lists.
        to_file, to_folder: where to; the ending says the format.
        metrics_filter: names to draw; None draws all.
        options: passed to `Axes.plot`, e.g. `linewidth`.

    Raises:
        ConfigurationError: nothing to draw, an unknown metric, or a file that can't be written.
    """
    curves = _curves([history], metrics_filter, "plot_history", spread=False)
    return _draw({"": curves}, to_file, to_folder, xlabel, ylabel, title, grid, 0.0, _LINESTYLES, options)


def plot_history_with_mean_and_std(
    history_list: Sequence[object],
    to_file: str | Path = figures.Unasked("training_history_with_mean_and_std.png"),
    to_folder: str | Path | None = None,
    xlabel: str = "Epochs",
    ylabel: str = "Scores",
    title: str = "Training history with mean and std",
    grid: bool = True,
    alpha: float = 0.2,
    metrics_filter: Sequence[str] | None = None,
    **options: Any,
) -> Path:
    """Draw the mean of several runs with a band of one standard deviation (ddof=1). Gives the path.

    Args:
        history_list: what several `fit` returned; they may differ in length.
        alpha: how opaque the band is.
        to_file, to_folder, metrics_filter, options: as for `plot_history`.
    """
    curves = _curves(history_list, metrics_filter, "plot_history_with_mean_and_std", spread=True)
    return _draw({"": curves}, to_file, to_folder, xlabel, ylabel, title, grid, alpha, _LINESTYLES, options)


def plot_history_comparison(
    history_dict: Mapping[str, object],
    to_file: str | Path = figures.Unasked("training_history_comparison.png"),
    to_folder: str | Path | None = None,
    xlabel: str = "Epochs",
    ylabel: str = "Scores",
    title: str = "Training History Comparison",
    grid: bool = True,
    metrics_filter: Sequence[str] | None = None,
    linestyle_cycle: Sequence[str] | None = None,
    **options: Any,
) -> Path:
    """Draw runs side by side: a colour per run, a line style per metric. Gives the path.

    Args:
        history_dict: label -> what `fit` returned.
        linestyle_cycle: the line styles, in matplotlib's words.
        to_file, to_folder, metrics_filter, options: as for `plot_history`.
    """
    runs = {
        label: _curves([history], metrics_filter, "plot_history_comparison", spread=False)
        for label, history in figures.labelled(history_dict, "plot_history_comparison")
    }
    styles = linestyle_cycle or _LINESTYLES
    return _draw(runs, to_file, to_folder, xlabel, ylabel, title, grid, 0.0, styles, options)


def plot_history_comparison_with_mean_and_std(
    history_comparison_dict: Mapping[str, Sequence[object]],
    to_file: str | Path = figures.Unasked("training_history_comparison_with_mean_and_std.png"),
    to_folder: str | Path | None = None,
    xlabel: str = "Epochs",
    ylabel: str = "Scores",
    title: str = "Training History Comparison with Mean and Std",
    grid: bool = True,
    alpha: float = 0.2,
    metrics_filter: Sequence[str] | None = None,
    linestyle_cycle: Sequence[str] | None = None,
    **options: Any,
) -> Path:
    """Draw the means of several sets of runs, each with its band. Gives the path.

    Args:
        history_comparison_dict: label -> list of what `fit` returned.
        alpha, linestyle_cycle: as for the two plots this one joins.
        to_file, to_folder, metrics_filter, options: as for `plot_history`.
    """
    where = "plot_history_comparison_with_mean_and_std"
    runs = {
        label: _curves(histories, metrics_filter, where, spread=True)
        for label, histories in figures.labelled(history_comparison_dict, where)
    }
    styles = linestyle_cycle or _LINESTYLES
    return _draw(runs, to_file, to_folder, xlabel, ylabel, title, grid, alpha, styles, options)


def _logs(history: object, where: str) -> tuple[dict[str, list[float]], list[int]]:
    """Logs by name, and the epochs they stand for, from 1."""
    logs = getattr(history, "history", history)
    if not isinstance(logs, Mapping):
        raise ConfigurationError(f"{where} takes what fit returned, or a dict of lists; got {type(history).__name__}")
    length = max((len(values) for values in logs.values()), default=0)
    epochs = [scope.counted("epoch", epoch) for epoch in getattr(history, "epoch", ())]
    return dict(logs), epochs if len(epochs) == length else list(range(1, length + 1))


def _curves(histories: Sequence[object], wanted: Sequence[str] | None, where: str, spread: bool) -> Curves:
    if isinstance(histories, Mapping) or not hasattr(histories, "__len__"):
        raise ConfigurationError(f"{where} takes a list of histories, got {type(histories).__name__}")
    found = [_logs(history, where) for history in histories]
    names = figures.chosen((name for logs, _ in found for name in logs), wanted, where)
    curves: Curves = {}
    for name in names:
        at: dict[int, list[float]] = {}
        for logs, epochs in found:
            values = logs.get(name, [])
            # A metric with fewer values than epochs was measured every so many epochs (`validation_freq`).
            every = len(epochs) // max(1, len(values))
            for i, value in enumerate(values):
                at.setdefault(epochs[(i + 1) * every - 1], []).append(figures.number(value))
        places = sorted(at)
        means = np.array([np.mean(at[place]) for place in places])
        stds = np.array([np.std(at[place], ddof=1) if len(at[place]) > 1 else 0.0 for place in places])
        curves[name] = Curve(np.array(places), means, stds if spread else None, [len(at[place]) for place in places])
    return curves


def _draw(
    runs: Mapping[str, Curves],
    to_file: str | Path,
    to_folder: str | Path | None,
    xlabel: str,
    ylabel: str,
    title: str,
    grid: bool,
    alpha: float,
    linestyles: Sequence[str],
    options: Mapping[str, object],
) -> Path:
    if not runs:
        raise ConfigurationError(f"{title}: there is nothing to compare; no run was given")
    names = list(dict.fromkeys(name for curves in runs.values() for name in curves))
    maxima = {name: max(_highest(curves[name]) for curves in runs.values() if name in curves) for name in names}
    scales = figures.panels_of(maxima)
    most = len(figures.PALETTE) if len(runs) == 1 else max(1, _MOST_CURVES // (2 * len(runs)))
    panels = [part for scale in scales for part in _folded(scale, most)]
    figure, all_axes = figures.new_panels(len(panels), title)
    for panel, axes in zip(panels, all_axes, strict=True):
        _draw_panel(axes, runs, panel, alpha, linestyles, options)
        money, label = all(map(is_money, panel)), ylabel if panel[0] in scales[0] else panel[0]
        figures.style_axes(axes, xlabel if axes is all_axes[-1] else "", label, grid, money)
    return figures.save_figure(figure, to_file, to_folder)


def _folded(names: Sequence[str], most: int) -> list[list[str]]:
    """Names in panels of so many metrics at most, each beside its `val_` one: no two curves look alike."""
    bases = list(dict.fromkeys(name.removeprefix("val_") for name in names))
    parts = [bases[begin : begin + most] for begin in range(0, len(bases), most)]
    return [[name for name in names if name.removeprefix("val_") in part] for part in parts]


def _draw_panel(
    axes: Axes,
    runs: Mapping[str, Curves],
    panel: Sequence[str],
    alpha: float,
    linestyles: Sequence[str],
    options: Mapping[str, Any],
) -> None:
    from matplotlib.ticker import MaxNLocator  # optional: here only where a figure is

    alone = list(runs) == [""]
    bases = list(dict.fromkeys(name.removeprefix("val_") for name in panel))
    values: list[float] = []
    epochs: set[int] = set()
    count, cut = 0, False
    means = [mean for curves in runs.values() for name in panel if name in curves for mean in curves[name].means]
    low, high = figures.limits(panel, means)
    band: dict[str, Any] = {"alpha": alpha, "linewidth": 0}
    for run, (label, curves) in enumerate(runs.items()):
        for style, name in enumerate(panel):
            if name not in curves:
                continue
            curve = curves[name]
            color = figures.PALETTE[(bases.index(name.removeprefix("val_")) if alone else run) % len(figures.PALETTE)]
            linestyle = _LINESTYLES[name.startswith("val_")] if alone else linestyles[style % len(linestyles)]
            look = {"color": color, "linestyle": linestyle, "marker": "os"[name.startswith("val_")], "markersize": 4.5}
            text = (name if alone else f"{label}: {name}") + curve.n
            axes.plot(curve.at, curve.means, **{**look, "label": text, **options})
            values.extend(curve.means)
            if curve.stds is not None:
                below, above = curve.means - curve.stds, curve.means + curve.stds
                axes.fill_between(curve.at, np.maximum(below, low), np.minimum(above, high), **band, color=color)
                values.extend(np.minimum(above, high))
                cut |= bool((below < low).any() or (above > high).any())
            epochs.update(int(epoch) for epoch in curve.at)
            count += 1
    if any(curves[name].stds is not None for curves in runs.values() for name in panel if name in curves):
        figures.note(axes, figures.spread_note("bands", low, high, cut))
    figures.set_heights(axes, values, amounts=all(map(figures.is_amount, panel)))
    axes.set_xlim(min(epochs, default=1) - 0.25, max(epochs, default=1) + 0.25)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1))
    figures.legend(axes, count)


def _highest(curve: Curve) -> float:
    return max((float(value) for value in curve.means if value == value), default=0.0)
