"""Plot of what a training gained for what it cost: rewards against calls, tokens or dollars."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from synalinks._support import figures
from synalinks.callbacks.reward_curve import CurvePoint
from synalinks.errors import ConfigurationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What the reward can be drawn against, and what the axis is called.
COSTS = {"calls": "Calls so far", "tokens": "Tokens so far", "usd": "Dollars so far, as if live"}


def plot_reward_curve(
    history: object,
    to_file: str | Path = figures.Unasked("reward_curve.png"),
    to_folder: str | Path | None = None,
    xlabel: str | None = None,
    ylabel: str = "Reward",
    title: str = "Reward for what it cost",
    grid: bool = True,
    cost: str = "calls",
) -> Path:
    """Draw rewards against cost: steps as a pale line for each epoch, validations as points. Gives the path.

    Args:
        history: what `fit` returned; or a mapping of labels to such, to compare trainings at equal cost by their
            validations (their epochs, where they have none).
        to_file, to_folder: where to; the ending says the format.
        cost: `calls`, `tokens` or `usd`; all as if live.

    Raises:
        ConfigurationError: no history, none of its steps is known, an unknown cost, dollars that are not known, or a
            file that can't be written.
    """
    if cost not in COSTS:
        raise ConfigurationError(f"plot_reward_curve(cost={cost!r}): the reward is drawn against {', '.join(COSTS)}")
    runs = history if isinstance(history, Mapping) else {"": history}
    curves = {label: _curve_of(one) for label, one in runs.items()}
    if not any(curves.values()):
        raise ConfigurationError(
            "plot_reward_curve: the history holds no step of a training, so there is nothing to draw"
        )
    figure, (axes,) = figures.new_panels(1, title)
    values: list[float] = []
    for place, (label, curve) in enumerate(curves.items()):
        values += _draw_one(axes, curve, cost) if list(runs) == [""] else _draw_run(axes, label, curve, cost, place)
    figures.style_axes(axes, COSTS[cost] if xlabel is None else xlabel, ylabel, grid)
    figures.set_heights(axes, values)
    axes.set_xlim(left=0)
    if cost == "usd":
        figures.dollar_axis(axes.xaxis)
    else:
        axes.xaxis.set_major_formatter("{x:,.0f}")
    figures.legend(axes, len(axes.get_legend_handles_labels()[0]))
    return figures.save_figure(figure, to_file, to_folder)


def _curve_of(history: object) -> list[CurvePoint]:
    found = getattr(history, "reward_curve", None)
    if not isinstance(found, list):
        raise ConfigurationError(
            f"plot_reward_curve takes what fit returned, or a mapping of labels to such; got {type(history).__name__}"
        )
    return found


def _cost(point: CurvePoint, cost: str) -> float:
    if cost != "usd":
        return float(getattr(point, cost))
    if point.as_if.unknown:
        raise ConfigurationError(
            f"plot_reward_curve(cost='usd'): the price of {point.as_if.unknown:,} calls is not known; state it with "
            "synalinks.set_price, or draw against calls or tokens"
        )
    return float(point.as_if.known)


def _draw_one(axes: Axes, curve: list[CurvePoint], cost: str) -> list[float]:
    """The steps of each epoch as a line, the validations as points joined."""
    steps: dict[int, tuple[list[float], list[float]]] = {}
    for point in curve:
        if point.step is not None and point.reward is not None:
            at, rewards = steps.setdefault(point.epoch, ([], []))
            at.append(_cost(point, cost))
            rewards.append(point.reward)
    values = []
    for number, (at, rewards) in enumerate(steps.values()):
        label = "reward, mean of the epoch so far" if number == 0 else None
        axes.plot(at, rewards, color=figures.PALETTE[4], linewidth=2.4, label=label, marker=".", markersize=7)
        values += rewards
    return values + _draw_points(axes, curve, cost, "val_reward", "val_reward", figures.PALETTE[0])


def _draw_run(axes: Axes, label: str, curve: list[CurvePoint], cost: str, place: int) -> list[float]:
    """One line of a comparison: the validations, or the epochs' rewards where there are none."""
    name = "val_reward" if any(point.val_reward is not None for point in curve) else "reward"
    return _draw_points(axes, curve, cost, name, label, figures.PALETTE[place % len(figures.PALETTE)])


def _draw_points(axes: Axes, curve: list[CurvePoint], cost: str, name: str, label: str, color: str) -> list[float]:
    """The figures at the ends of epochs."""
    ends = [point for point in curve if point.step is None and getattr(point, name) is not None]
    values = [float(getattr(point, name)) for point in ends]
    if ends:
        at = [_cost(point, cost) for point in ends]
        axes.plot(at, values, color=color, marker="o", markersize=5.5, linewidth=1.6, label=label)
    return values
