"""Tests of what all plots share."""

from __future__ import annotations

import builtins
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks._support import figures
from synalinks.errors import ConfigurationError
from synalinks.utils import plot_metrics, plot_metrics_comparison
from utils.drawn import PNG, catch, words


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"pip install 'synalinks-replay\[plots\]'"):
        plot_metrics({"reward": 0.5}, to_folder=tmp_path)


def test_matplotlib_is_not_loaded_until_something_is_drawn_and_pyplot_never(tmp_path: Path) -> None:
    code = (
        "import sys, synalinks.utils as utils\n"
        "assert 'matplotlib' not in sys.modules\n"
        f"utils.plot_metrics({{'reward': 0.5}}, to_folder={str(tmp_path)!r})\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules\n"
    )
    source = Path(figures.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(source), "HOME": str(tmp_path)})


@pytest.mark.parametrize(("ending", "begins"), [("png", PNG), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_the_ending_says_the_format_and_the_folder_is_made(tmp_path: Path, ending: str, begins: bytes) -> None:
    path = plot_metrics({"reward": 0.5}, to_file=f"new.{ending}", to_folder=tmp_path / "a" / "b")
    assert path == tmp_path / "a" / "b" / f"new.{ending}"
    assert path.read_bytes().startswith(begins)


def test_drawing_the_same_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (plot_metrics({"reward": 0.5}, to_file=tmp_path / f"{i}.png") for i in range(2))
    assert first.read_bytes() == second.read_bytes()


def test_an_unknown_format_and_a_place_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"can't draw 'plot.doc': its ending must be one of .*png"):
        plot_metrics({"reward": 0.5}, to_file="plot.doc", to_folder=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="can't make the folder"):
        plot_metrics({"reward": 0.5}, to_folder=tmp_path / "file" / "below")
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(ConfigurationError, match="can't write the picture"):
        plot_metrics({"reward": 0.5}, to_file="taken.png", to_folder=tmp_path)


def test_scores_up_to_one_share_a_panel_and_larger_ones_have_their_own() -> None:
    maxima = {"tokens": 900.0, "reward": 1.0, "val_reward": 0.4, "val_tokens": 80.0, "seconds": 2.0}
    assert figures.panels_of(maxima) == [["reward", "val_reward"], ["tokens", "val_tokens"], ["seconds"]]


def test_values_are_written_as_short_as_they_can_be_told_apart() -> None:
    written = [figures.short(value) for value in (0.5, 12.3, 123456.0, float("nan"), 0.0021, 120.0, 0.0)]
    assert written == ["0.500", "12.30", "123,456", "unknown", "0.0021", "120", "0.000"]


def test_amounts_never_share_an_axis_with_scores_however_small_they_are() -> None:
    panels = figures.panels_of(
        {"cost": 0.002, "reward": 0.8, "cache_hit_rate": 0.5, "val_cost": 0.001, "error_rate": 0}
    )
    assert panels == [["reward", "cache_hit_rate", "error_rate"], ["cost", "val_cost"]]


def test_the_axis_of_small_amounts_ends_a_little_above_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    caught = catch(monkeypatch)
    plot_metrics_comparison({"one": {"cost": 0.0021}, "two": {"cost": 0.0021}}, to_folder=tmp_path)
    assert [axes.get_ylim()[1] < 0.003 for axes in caught[0].axes] == [True]


def test_an_unknown_value_is_written_at_the_foot_of_its_bar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    caught = catch(monkeypatch)
    plot_metrics({"cost": None}, to_folder=tmp_path)  # type: ignore[dict-item]
    assert words(caught[0].axes[0]) == ["unknown"]


def test_a_default_name_that_is_taken_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reward_curve.png").write_bytes(b"mine")
    with pytest.warns(UserWarning, match=r"reward_curve.png is kept; this plot is reward_curve_2.png. Give to_file="):
        assert figures.picture_path(figures.Unasked("reward_curve.png"), None) == Path("reward_curve_2.png")
    (tmp_path / "reward_curve_2.png").write_bytes(b"mine")
    with pytest.warns(UserWarning, match="reward_curve_3.png"):
        figures.picture_path(figures.Unasked("reward_curve.png"), None)
    assert figures.picture_path("reward_curve.png", None) == Path("reward_curve.png"), "asked for"
    assert figures.picture_path(figures.Unasked("reward_curve.png"), tmp_path) == tmp_path / "reward_curve.png"


@pytest.mark.parametrize("name", [name for name in dir(synalinks.utils) if "comparison" in name and "plot_" in name])
def test_comparisons_without_labels_say_what_they_take(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} takes a dict of label"):
        getattr(synalinks.utils, name)([{"reward": 1.0}])
