"""Tests of the plot of rewards against cost."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from synalinks.callbacks import History
from synalinks.callbacks.reward_curve import CurvePoint
from synalinks.errors import ConfigurationError
from synalinks.lm.ledger.ledger import Money
from synalinks.utils import plot_reward_curve
from utils.drawn import PNG, catch, legend


def history(epochs: int = 2, steps: int = 3, val: bool = True, unknown: int = 0) -> History:
    found, calls = History(), 0
    for epoch in range(epochs):
        for step in [*range(steps), None]:
            calls += 10
            reward = 0.4 + 0.1 * epoch + 0.01 * (step or 0)
            scores = (reward, reward + 0.2 if val and step is None else None)
            money = Money(Decimal(calls) / 1000, unknown)
            found.reward_curve.append(CurvePoint(epoch, step, calls, 100 * calls, money, *scores))
    return found


def test_steps_are_a_line_an_epoch_and_validations_are_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    path = plot_reward_curve(history(), to_folder=tmp_path)
    assert path == tmp_path / "reward_curve.png"
    assert path.read_bytes().startswith(PNG)
    (axes,) = caught[0].axes
    assert [list(line.get_xdata()) for line in axes.lines] == [[10, 20, 30], [50, 60, 70], [40, 80]]
    assert legend(axes) == ["reward, mean of the epoch so far", "val_reward"]
    assert axes.get_xlabel() == "Calls so far"


@pytest.mark.parametrize(("cost", "at"), [("tokens", [4000, 8000]), ("usd", [0.04, 0.08])])
def test_against_tokens_and_dollars(cost: str, at: list[float], tmp_path: Path, monkeypatch: Any) -> None:
    caught = catch(monkeypatch)
    plot_reward_curve(history(), to_folder=tmp_path, cost=cost)
    assert list(caught[0].axes[0].lines[-1].get_xdata()) == at


def test_trainings_are_compared_by_their_validations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    plot_reward_curve({"few shot": history(), "no validation": history(3, val=False)}, to_folder=tmp_path)
    (axes,) = caught[0].axes
    assert legend(axes) == ["few shot", "no validation"]
    assert [len(line.get_xdata()) for line in axes.lines] == [2, 3]


def test_what_can_not_be_drawn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="takes what fit returned, or a mapping.*got dict"):
        plot_reward_curve({"a": {"reward": [1.0]}}, to_folder=tmp_path)
    with pytest.raises(ConfigurationError, match="holds no step"):
        plot_reward_curve(History(), to_folder=tmp_path)
    with pytest.raises(ConfigurationError, match="calls, tokens, usd"):
        plot_reward_curve(history(), to_folder=tmp_path, cost="seconds")
    with pytest.raises(ConfigurationError, match="the price of 3 calls is not known"):
        plot_reward_curve(history(unknown=3), to_folder=tmp_path, cost="usd")
