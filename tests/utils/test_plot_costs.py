"""Tests of the plot of what a training cost."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synalinks.callbacks import History
from synalinks.errors import ConfigurationError
from synalinks.utils import plot_costs
from utils.drawn import PNG, catch, colliding, legend, words


def row(epoch: int | None, phase: str | None, calls: int, hits: int = 0, price: str = "0.01", unknown: int = 0) -> Any:
    return {
        "epoch": epoch,
        "phase": phase,
        "calls": calls,
        "hits": hits,
        "billed": float(price) * (calls - hits),
        "as_if": float(price) * calls,
        "unpriced": unknown,
    }


def drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *rows: Any) -> Any:
    caught = catch(monkeypatch)
    path = plot_costs(SimpleNamespace(costs=list(rows)), to_folder=tmp_path)
    assert path == tmp_path / "training_costs.png"
    assert path.read_bytes().startswith(PNG)
    return caught[0].axes


def test_money_and_calls_by_epoch_and_phase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(0, "validation", 4), row(0, "train", 10), row(1, "train", 20), row(1, "validation", 4)]
    money, calls = drawn(monkeypatch, tmp_path, *rows)
    assert legend(money) == ["train", "validation"]
    assert words(money) == ["$0.1400", "$0.2400"]
    assert words(calls) == ["14", "24"]
    assert [label.get_text() for label in calls.get_xticklabels()] == ["1", "2"]
    assert sum(bar.get_height() for bar in money.patches) == pytest.approx(0.38)


def test_billed_stands_beside_as_if_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    money, calls = drawn(monkeypatch, tmp_path, row(0, "train", 200, hits=50), row(1, "train", 200, hits=200))
    assert words(money) == ["$1.50", "$0.0000", "$2.00", "$2.00", "left: billed; right, pale: as if live"]
    assert [bar.get_height() for bar in calls.patches] == [150, 0, 50, 200]
    assert words(calls)[-1].startswith("pale:")


def test_unknown_prices_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    money, _ = drawn(monkeypatch, tmp_path, row(0, "train", 10, unknown=3))
    assert "at least: 3 calls have no known price" in words(money)


@pytest.mark.parametrize(("unknown", "says"), [(0, "No call cost anything"), (10, "No call has a known price")])
def test_a_run_without_dollars_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unknown: int, says: str
) -> None:
    money, calls = drawn(monkeypatch, tmp_path, row(0, "train", 10, price="0", unknown=unknown))
    assert says in words(money)
    assert words(calls) == ["10"]


def test_calls_outside_of_epochs_and_phases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    money, calls = drawn(monkeypatch, tmp_path, row(None, None, 2), row(0, "train", 1))
    assert [label.get_text() for label in calls.get_xticklabels()] == ["1", "outside"]
    assert legend(money) == ["train", "outside a phase"]


def test_what_is_no_history_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="takes what fit returned, got dict"):
        plot_costs({}, to_folder=tmp_path)
    with pytest.raises(ConfigurationError, match="holds no call of a model"):
        plot_costs(History(), to_folder=tmp_path)


@pytest.mark.parametrize("epochs", [1, 4, 5, 8, 30])
def test_sums_above_bars_do_not_run_into_one_another(
    epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no room for them any more, they are left out; the axis still tells."""
    rows = [row(epoch, "train", 184, hits=epoch, price="0.002", unknown=1) for epoch in range(epochs)]
    money, calls = drawn(monkeypatch, tmp_path, *rows)
    assert colliding(money) == [] == colliding(calls)
    assert ("184" in words(calls)) == (epochs < 30) and ("$0.3680" in words(money)) == (epochs < 8)
    top = max(bar.get_y() + bar.get_height() for bar in calls.patches)
    assert calls.get_ylim()[1] > 1.1 * top, "there is room above the highest"
