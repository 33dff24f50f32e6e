"""The script that compiles a program for two Gemini models, unmodified, with neither network nor key."""

from __future__ import annotations

from pathlib import Path

from guides.scripts import WITHOUT_NETWORK, run


def test_it_runs_without_network_or_key_and_prints_its_lines(shared: Path, tmp_path: Path) -> None:
    printed = run("-c", WITHOUT_NETWORK, shared / "seeds" / "reward_metrics_optimizers.py", cwd=tmp_path)
    lines = printed.splitlines()
    assert lines[:2] == ["Example: Program Compilation", "Program compiled successfully!"]
    shown = dict(line.split(": ", 1) for line in lines[2:])
    assert list(shown) == ["Reward", "Optimizer", "Metrics"]
    assert "CosineSimilarity" in shown["Reward"]
    assert "RandomFewShot" in shown["Optimizer"]
    assert "F1Score" in shown["Metrics"]
    assert list(tmp_path.iterdir()) == [], "observability that is asked for writes nothing where it can't be had"
