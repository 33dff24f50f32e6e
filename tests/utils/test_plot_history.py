"""Tests of the plots of training: what is drawn, and where."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest

from synalinks.callbacks import History
from synalinks.errors import ConfigurationError
from synalinks.utils import (
    plot_history,
    plot_history_comparison,
    plot_history_comparison_with_mean_and_std,
    plot_history_with_mean_and_std,
)
from utils.drawn import PNG, catch, legend, words

LOGS = {"reward": [0.2, 0.6, 0.8], "val_reward": [0.3, 0.5, 0.7]}
OTHER = {"reward": [0.4, 0.8, 0.9], "val_reward": [0.1, 0.2, 0.3]}


def curves(axes: Any) -> dict[str, list[tuple[float, float]]]:
    return {
        line.get_label(): [(float(x), float(y)) for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)]
        for line in axes.lines
    }


def test_a_curve_per_metric_by_epoch_from_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    history = History()
    for epoch in range(3):
        history.on_epoch_end(epoch, {name: values[epoch] for name, values in LOGS.items()})
    path = plot_history(history, to_folder=tmp_path)
    assert path == tmp_path / "training_history.png"
    assert path.read_bytes().startswith(PNG)
    [axes] = caught[0].axes
    assert curves(axes) == {name: list(zip([1.0, 2.0, 3.0], values, strict=True)) for name, values in LOGS.items()}
    assert legend(axes) == ["reward", "val_reward"]
    assert (axes.get_xlabel(), axes.get_ylabel(), caught[0].get_suptitle()) == ("Epochs", "Scores", "Training history")
    low, high = axes.get_ylim()
    assert low == 0.0
    assert 1.0 < high < 1.1


def test_validation_is_dashed_in_the_colour_of_its_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    plot_history({**LOGS, "f1": [0.1, 0.2, 0.3]}, to_folder=tmp_path)
    reward, validation, f1 = caught[0].axes[0].lines
    assert reward.get_color() == validation.get_color() != f1.get_color()
    assert [line.get_linestyle() for line in (reward, validation, f1)] == ["-", "--", "-"]


def test_epochs_of_a_resumed_run_keep_their_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    history = History()
    for epoch in (4, 5):
        history.on_epoch_end(epoch, {"reward": 0.5})
    plot_history(history, to_folder=tmp_path)
    assert [x for x, _ in curves(caught[0].axes[0])["reward"]] == [5.0, 6.0]


def test_validation_every_second_epoch_stands_at_those(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    plot_history({"reward": [0.1, 0.2, 0.3, 0.4], "val_reward": [0.5, 0.6]}, to_folder=tmp_path)
    assert curves(caught[0].axes[0])["val_reward"] == [(2.0, 0.5), (4.0, 0.6)]


def test_only_the_metrics_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    plot_history(LOGS, to_folder=tmp_path, metrics_filter=["val_reward"], linewidth=5)
    assert list(curves(caught[0].axes[0])) == ["val_reward"]
    assert caught[0].axes[0].lines[0].get_linewidth() == 5


def test_a_metric_of_another_scale_has_a_panel_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    plot_history({**LOGS, "tokens": [12000.0, 9000.0, 15000.0]}, to_folder=tmp_path)
    scores, tokens = caught[0].axes
    assert scores.get_ylim()[1] < 1.1
    assert tokens.get_ylim()[1] > 15000
    assert tokens.get_ylabel() == "tokens"


def test_mean_and_band_over_runs_of_different_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    short = {"reward": [0.6]}
    plot_history_with_mean_and_std([LOGS, OTHER, short], to_folder=tmp_path, metrics_filter=["reward"])
    [axes] = caught[0].axes
    assert [y for _, y in curves(axes)["reward (n = 2 to 3)"]] == pytest.approx([0.4, 0.7, 0.85])
    assert words(axes) == ["bands: one standard deviation"]
    band = axes.collections[0].get_paths()[0].vertices
    at_one = [y for x, y in band if x == 1.0]
    std = statistics.stdev([0.2, 0.4, 0.6])  # n - 1 in the denominator
    assert (min(at_one), max(at_one)) == pytest.approx((0.4 - std, 0.4 + std))


def test_a_comparison_has_a_colour_per_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    plot_history_comparison({"a $1": LOGS, "b $2": OTHER}, to_folder=tmp_path, linestyle_cycle=["-", ":"])
    [axes] = caught[0].axes
    assert legend(axes) == ["a $1: reward", "a $1: val_reward", "b $2: reward", "b $2: val_reward"]
    assert len({line.get_color() for line in axes.lines}) == 2
    assert [line.get_linestyle() for line in axes.lines] == ["-", ":", "-", ":"]


def test_a_comparison_of_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    plot_history_comparison_with_mean_and_std({"a": [LOGS, OTHER], "b": [OTHER]}, to_folder=tmp_path)
    [axes] = caught[0].axes
    assert [y for _, y in curves(axes)["a: reward (n = 2)"]] == pytest.approx([0.3, 0.7, 0.85])
    assert len(axes.collections) == 4


def test_a_band_ends_where_scores_do_and_money_is_in_dollars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    runs = [{"reward": [0.6], "cost_usd": [0.001]}, {"reward": [1.0], "cost_usd": [0.005]}]
    plot_history_with_mean_and_std(runs, to_folder=tmp_path)
    scores, money = caught[0].axes
    band = [y for _, y in scores.collections[0].get_paths()[0].vertices]
    assert (min(band), max(band)) == pytest.approx((0.8 - statistics.stdev([0.6, 1.0]), 1.0))
    assert words(scores) == ["bands: one standard deviation, cut to [0, 1]"]
    caught[0].draw_without_rendering()
    assert money.get_yticklabels()[0].get_text().startswith("$0")


def test_what_is_no_history_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="takes what fit returned, or a dict of lists; got int"):
        plot_history(3, to_folder=tmp_path)
    with pytest.raises(ConfigurationError, match="takes a list of histories, got dict"):
        plot_history_with_mean_and_std(LOGS, to_folder=tmp_path)
    with pytest.raises(ConfigurationError, match="nothing to draw"):
        plot_history(History(), to_folder=tmp_path)
    with pytest.raises(ConfigurationError, match=r"metrics_filter names \['rewards'\]; there are \['reward', 'val_rew"):
        plot_history(LOGS, to_folder=tmp_path, metrics_filter=["rewards"])
    with pytest.raises(ConfigurationError, match="nothing to compare"):
        plot_history_comparison({}, to_folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_thirty_metrics_fold_into_panels_whose_legends_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    names = [f"{which}metric_{number}" for number in range(30) for which in ("", "val_")]
    plot_history({name: [0.2, 0.6] for name in names}, to_folder=tmp_path)
    panels = [list(curves(axes)) for axes in caught[0].axes]
    assert [name for panel in panels for name in panel] == names and len(panels) == 5
    for axes, panel in zip(caught[0].axes, panels, strict=True):
        assert {name.removeprefix("val_") for name in panel} <= set(panel)
        looks = {(line.get_color(), line.get_linestyle()) for line in axes.lines}
        assert len(looks) == len(panel), "no two curves look alike"


def test_many_runs_are_compared_by_a_metric_a_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    plot_history_comparison({f"run {number}": {**LOGS, "f1": [0.1]} for number in range(8)}, to_folder=tmp_path)
    assert [len(axes.lines) for axes in caught[0].axes] == [16, 8]
