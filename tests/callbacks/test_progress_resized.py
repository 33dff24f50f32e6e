"""The bar in a real terminal that is made narrower and wider while a run goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = r"""
import shutil, sys, time
from synalinks.callbacks.progress import REDRAW, ProgbarLogger

bar = ProgbarLogger(tokens=lambda: 1761)
bar.set_params({"epochs": 1, "steps": 4, "verbose": 1})
print("\n" * 22 + "above", flush=True)  # tmux moves the first rows of a screen with room below out of it
bar.on_epoch_begin(0)
for step in range(4):
    time.sleep(REDRAW)  # a drawing that comes sooner after the one before is left out
    bar.on_train_batch_end(step, {"reward": 0.5, "a_metric_of_a_long_name": 0.25})
    if step == 2:
        print("printed meanwhile", flush=True)
    width = int(sys.stdin.readline())
    while shutil.get_terminal_size().columns != width:  # tmux tells a program after it has broken the lines anew
        time.sleep(0.01)
bar.on_epoch_end(0, {"reward": 0.5})
print("below", flush=True)
sys.stdin.readline()
"""


class Tmux:
    """A terminal of tmux, in which a program runs."""

    def __init__(self, folder: Path, *command: str) -> None:
        self._socket = str(folder / "tmux")
        self._run("new-session", "-d", "-x", "100", "-y", "24", *command)

    def _run(self, *arguments: str) -> str:
        command = ["tmux", "-f", "/dev/null", "-S", self._socket, *arguments]
        own = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "TMUX", "TERM")}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=own).stdout

    def shows(self, begins: list[str]) -> None:
        """Wait until its lines begin so."""
        latest = time.monotonic() + 60
        while True:
            lines = [line for line in self._run("capture-pane", "-p").splitlines() if line.strip()]
            if len(lines) == len(begins) and all(map(str.startswith, lines, begins)):
                return
            assert time.monotonic() < latest, "\n".join(lines)
            time.sleep(0.02)

    def step(self, width: int) -> None:
        """Give it another width, and the program a line."""
        self._run("resize-window", "-x", str(width), "-y", "24")
        self._run("send-keys", str(width), "Enter")

    def close(self) -> None:
        self._run("kill-server")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    script = tmp_path / "run.py"
    script.write_text(SCRIPT, encoding="utf-8")
    terminal = Tmux(tmp_path, f"stty -echo; exec {sys.executable} {script}")
    yield terminal
    terminal.close()


def test_a_narrower_and_a_wider_terminal_keep_no_rows_of_earlier_drawings(terminal: Tmux) -> None:
    terminal.shows(["above", "1/4 ", "reward"])
    terminal.step(40)
    terminal.shows(["above", "2/4 ", "reward", "a_metric", "1,761"])
    terminal.step(30)
    terminal.shows(["above", "printed", "3/4 ", "reward", "a_metric", "1,761"])
    terminal.step(200)
    terminal.shows(["above", "printed", "4/4 "])
    terminal.step(60)
    terminal.shows(["above", "printed", "4/4 - ", "below"])
