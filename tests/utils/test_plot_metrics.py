"""Tests of the plots of evaluations."""

from __future__ import annotations

import statistics
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from synalinks.errors import ConfigurationError
from synalinks.utils import (
    plot_metrics,
    plot_metrics_comparison,
    plot_metrics_comparison_with_mean_and_std,
    plot_metrics_with_mean_and_std,
)
from utils.drawn import PNG, catch, colliding, legend, words

RUNS = [{"reward": 0.4, "f1": 0.7}, {"reward": 0.5, "f1": 0.7}, {"reward": 0.9, "f1": 0.7}]


def heights(axes: Any) -> list[float]:
    return [float(bar.get_height()) for bar in axes.patches]


def whiskers(axes: Any) -> list[tuple[float, float]]:
    found = []
    for container in axes.containers:
        for collection in getattr(container, "lines", (None, None, ()))[2]:
            found += [(float(segment[0][1]), float(segment[1][1])) for segment in collection.get_segments()]
    return found


def test_a_bar_per_metric_with_its_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    path = plot_metrics({"reward": 0.4, "f1": 0.7}, to_folder=tmp_path, title="One")
    assert path == tmp_path / "evaluation_metrics.png"
    assert path.read_bytes().startswith(PNG)
    [axes] = caught[0].axes
    assert heights(axes) == [0.4, 0.7]
    assert words(axes) == ["0.400", "0.700"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["reward", "f1"]
    assert caught[0].get_suptitle() == "One"


def test_means_with_whiskers_of_one_deviation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    plot_metrics_with_mean_and_std(RUNS, to_folder=tmp_path, show_values=True)
    [axes] = caught[0].axes
    assert heights(axes) == pytest.approx([0.6, 0.7])
    std = statistics.stdev([0.4, 0.5, 0.9])  # n - 1 in the denominator
    assert whiskers(axes)[0] == pytest.approx((0.6 - std, 0.6 + std))
    assert words(axes) == [f"0.600\n± {std:.3f}", "0.700\n± 0.000", "n = 3; whiskers: one standard deviation"]


def test_a_whisker_ends_where_scores_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    plot_metrics_with_mean_and_std([{"f1": 0.6}, {"f1": 1.0}], to_folder=tmp_path)
    [axes] = caught[0].axes
    assert whiskers(axes)[0] == pytest.approx((0.8 - statistics.stdev([0.6, 1.0]), 1.0))
    assert words(axes) == ["n = 2; whiskers: one standard deviation, cut to [0, 1]"]


def test_one_run_has_no_spread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    plot_metrics_with_mean_and_std(RUNS[:1], to_folder=tmp_path, metrics=["f1"])
    assert heights(caught[0].axes[0]) == [0.7]
    assert whiskers(caught[0].axes[0]) == [(0.7, 0.7)]
    assert words(caught[0].axes[0]) == ["n = 1; whiskers: one standard deviation"]


def test_compared_bars_stand_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    plot_metrics_comparison({"before": RUNS[0], "after": RUNS[2]}, to_folder=tmp_path)
    [axes] = caught[0].axes
    assert legend(axes) == ["before", "after"]
    before, _, after, _ = axes.patches
    assert before.get_x() + before.get_width() <= after.get_x()
    assert before.get_facecolor() != after.get_facecolor()


def test_many_compared_bars_do_not_run_into_the_next_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    plot_metrics_comparison({f"run {i}": RUNS[0] for i in range(6)}, to_folder=tmp_path)
    bars = sorted(caught[0].axes[0].patches, key=lambda bar: float(bar.get_x()))
    assert all(left.get_x() + left.get_width() <= right.get_x() for left, right in pairwise(bars))


def test_a_comparison_of_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    runs = {"before": RUNS[:2], "after": RUNS[1:]}
    path = plot_metrics_comparison_with_mean_and_std(runs, to_folder=tmp_path, metrics_filter=["reward"])
    assert path.name == "evaluation_metrics_comparison_with_mean_and_std.png"
    assert heights(caught[0].axes[0]) == pytest.approx([0.45, 0.7])
    assert len(whiskers(caught[0].axes[0])) == 2
    assert legend(caught[0].axes[0]) == ["before (n = 2)", "after (n = 2)"]


def test_compared_amounts_have_panels_of_their_own_with_dollars_at_those_of_money(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caught = catch(monkeypatch)
    one = {"reward": 0.4, "cost_usd": 0.0123, "total_tokens": 123456.0}
    plot_metrics_comparison({"a": one, "b": {**one, "cost_usd": 0.02}}, to_folder=tmp_path)
    scores, money, tokens = caught[0].axes
    assert heights(scores) == [0.4, 0.4]
    assert words(money) == ["$0.0123", "$0.0200"] and words(tokens) == ["123,456", "123,456"]
    caught[0].draw_without_rendering()
    assert money.get_yticklabels()[0].get_text().startswith("$0")


def test_a_single_bar_is_text_under_the_panels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    metrics = {"reward": 0.4, "f1": 0.5, "total_tokens": 123456.0, "cost_usd": 0.0123}
    plot_metrics(metrics, to_folder=tmp_path)
    [axes] = caught[0].axes
    assert heights(axes) == [0.4, 0.5]
    assert caught[0].get_supxlabel() == "total_tokens  123,456     cost_usd  $0.0123"
    plot_metrics({"reward": 0.4}, to_folder=tmp_path)
    assert heights(caught[1].axes[0]) == [0.4]


def test_many_metrics_fold_into_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = catch(monkeypatch)
    plot_metrics({f"metric {i}": 0.5 for i in range(25)}, to_folder=tmp_path)
    assert [len(axes.patches) for axes in caught[0].axes] == [8, 8, 9]


def test_what_is_no_evaluation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="dicts of metric to value"):
        plot_metrics_with_mean_and_std(RUNS[0], to_folder=tmp_path)
    with pytest.raises(ConfigurationError, match="dicts of metric to value"):
        plot_metrics_comparison({"a": 0.4}, to_folder=tmp_path)  # type: ignore[dict-item]
    with pytest.raises(ConfigurationError, match="nothing to draw"):
        plot_metrics({}, to_folder=tmp_path)
    with pytest.raises(ConfigurationError, match="metrics_filter names"):
        plot_metrics(RUNS[0], to_folder=tmp_path, metrics_filter=["recall"])
    with pytest.raises(ConfigurationError, match="nothing to compare"):
        plot_metrics_comparison({}, to_folder=tmp_path)


@pytest.mark.parametrize(("runs", "metrics"), [(1, 4), (2, 1), (2, 4), (3, 3), (7, 2)])
def test_values_above_bars_do_not_run_into_one_another(
    runs: int, metrics: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caught = catch(monkeypatch)
    several = [{f"metric {i}": 0.4 + 0.1 * i + shift for i in range(metrics)} for shift in (0.0, 0.05)]
    compared = {f"model {run}": several for run in range(runs)}
    plot_metrics_comparison_with_mean_and_std(compared, to_folder=tmp_path, show_values=True)
    [axes] = caught[0].axes
    assert len(words(axes)) == runs * metrics + 1
    assert colliding(axes) == []
