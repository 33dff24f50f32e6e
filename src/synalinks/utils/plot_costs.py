"""Plot of what a training cost: dollars and calls by epoch and phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synalinks import scope
from synalinks._support import figures
from synalinks.errors import ConfigurationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Phases in the order of a step; others follow. Each keeps its colour in every plot.
_PHASES = ("train", "reward", "optimizer", "candidate", "validation", "metric")
#: Share of its colour that is left to what was not paid, or not asked anew; the rest is white.
_PALE = 0.35
_WIDTH = 0.36


def plot_costs(
    history: object,
    to_file: str | Path = figures.Unasked("training_costs.png"),
    to_folder: str | Path | None = None,
    xlabel: str = "Epochs",
    title: str = "What the training cost",
    grid: bool = True,
) -> Path:
    """Draw two panels: dollars, billed beside as if live, and calls, those answered for nothing pale. Gives the path.

    Args:
        history: what `fit` returned.
        to_file, to_folder: where to; the ending says the format.

    Raises:
        ConfigurationError: no history, no calls in it, or a file that can't be written.
    """
    rows: list[dict[str, Any]] | None = getattr(history, "costs", None)
    if rows is None:
        raise ConfigurationError(f"plot_costs takes what fit returned, got {type(history).__name__}")
    if not rows:
        raise ConfigurationError("plot_costs: the history holds no call of a model, so there is nothing to draw")
    epochs = sorted({row["epoch"] for row in rows}, key=lambda epoch: (epoch is None, epoch))
    phases = sorted({row["phase"] for row in rows}, key=_order)
    figure, (money, calls) = figures.new_panels(2, title)
    _draw_money(money, rows, epochs, phases)
    _draw_calls(calls, rows, epochs, phases)
    for axes, label in ((money, "Dollars"), (calls, "Calls")):
        figures.style_axes(axes, xlabel if axes is calls else "", label, grid, money=axes is money)
        axes.set_xlim(-0.75, len(epochs) - 0.25)
        axes.set_xticks(
            range(len(epochs)), ["outside" if epoch is None else scope.shown("epoch", epoch) for epoch in epochs]
        )
    return figures.save_figure(figure, to_file, to_folder)


def _order(phase: str | None) -> tuple[int, str]:
    return (_PHASES.index(phase) if phase in _PHASES else len(_PHASES), str(phase))


def _color(phase: str | None, pale: bool) -> tuple[float, ...]:
    color = figures.PALETTE[_order(phase)[0] % len(figures.PALETTE)]
    parts = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return tuple(1.0 - _PALE * (1.0 - part) if pale else part for part in parts)


def _stack(
    axes: Axes,
    places: Sequence[float],
    heights: Mapping[Any, Sequence[float]],
    base: Sequence[float] | None = None,
    pale: bool = False,
    labelled: bool = False,
) -> list[float]:
    """Bars on one another, one colour per phase; gives where they end."""
    tops = list(base or [0.0] * len(places))
    for phase, values in heights.items():
        axes.bar(
            places,
            values,
            _WIDTH * 0.94,
            bottom=tops,
            color=_color(phase, pale),
            label=(phase or "outside a phase") if labelled else None,
        )
        tops = [top + value for top, value in zip(tops, values, strict=True)]
    return tops


def _sums(
    rows: Sequence[Mapping[str, Any]], epochs: Sequence[Any], phases: Sequence[Any], of: Any
) -> dict[Any, list[float]]:
    """For each phase a value per epoch."""
    table = {(row["epoch"], row["phase"]): float(of(row)) for row in rows}
    return {phase: [table.get((epoch, phase), 0.0) for epoch in epochs] for phase in phases}


def _draw_money(axes: Axes, rows: Sequence[Mapping[str, Any]], epochs: Sequence[Any], phases: Sequence[Any]) -> None:
    billed = _sums(rows, epochs, phases, lambda row: row["billed"])
    as_if = _sums(rows, epochs, phases, lambda row: row["as_if"])
    unknown = sum(row["unpriced"] for row in rows)
    same = billed == as_if
    places = [float(place) for place in range(len(epochs))]
    left = places if same else [place - _WIDTH / 2 for place in places]
    size = _sum_size(len(epochs), pairs=not same)
    _write(axes, left, _stack(axes, left, billed, labelled=True), _dollars, size)
    if not same:
        right = [place + _WIDTH / 2 for place in places]
        _write(axes, right, _stack(axes, right, as_if, pale=True), _dollars, size)
        figures.note(axes, "left: billed; right, pale: as if live")
    highest = max((sum(values) for values in zip(*as_if.values(), strict=True)), default=0.0)
    if highest == 0.0:
        axes.set_ylim(0, 1)
        axes.set_yticks([0])
        says = "No call has a known price" if unknown else "No call cost anything"
        axes.text(0.5, 0.5, says, transform=axes.transAxes, ha="center", va="center", color=figures.INK)
    if unknown and highest:
        note = f"at least: {unknown:,} {'call has' if unknown == 1 else 'calls have'} no known price"
        figures.note(axes, note, right=False)
    figures.legend(axes, len(phases))


def _draw_calls(
    axes: Axes, rows: Sequence[Mapping[str, object]], epochs: Sequence[object], phases: Sequence[object]
) -> None:
    asked = _sums(rows, epochs, phases, lambda row: row["calls"] - row["hits"])
    hits = _sums(rows, epochs, phases, lambda row: row["hits"])
    places = [float(place) for place in range(len(epochs))]
    tops = _stack(axes, places, asked)
    free = any(any(values) for values in hits.values())
    _write(
        axes, places, _stack(axes, places, hits, tops, pale=True), lambda value: f"{value:,.0f}", _sum_size(len(epochs))
    )
    axes.yaxis.set_major_formatter("{x:,.0f}")
    if free:
        figures.note(axes, "pale: answered by sharing, cache or cassette")


def _sum_size(epochs: int, pairs: bool = False) -> float:
    """Size of the sums above bars, in points; 0 where they would run into one another."""
    if epochs > (6 if pairs else 10):
        return 0.0
    return 6.5 if pairs and epochs > 4 else 8.0


def _write(axes: Axes, places: Sequence[float], tops: Sequence[float], text: Any, size: float) -> None:
    """Sums above the bars, as long as there is room for them; and room for them above the highest."""
    axes.set_ylim(0, max(axes.get_ylim()[1], 1.14 * max(tops, default=0.0)))
    for place, top in zip(places, tops if size else (), strict=bool(size)):
        look: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "fontsize": size, "parse_math": False}
        axes.annotate(text(top), (place, top), (0, 3), **look)


_dollars = partial(figures.short, money=True)
