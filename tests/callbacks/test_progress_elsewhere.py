"""Progress where no bar can be drawn: lines now and then in logs, one output in a notebook; units; failures."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import compiled, data, fit, provider_of
from synalinks._support.notebook_display import MOST_LINES, NotebookDisplay
from synalinks.callbacks import ProgbarLogger
from synalinks.callbacks.progress import log_text
from synalinks.errors import SampleRefused

SRC = Path(__file__).resolve().parents[2] / "src"


def begun(bar: ProgbarLogger, **params: Any) -> ProgbarLogger:
    bar.set_params({"epochs": 2, "steps": 4, "verbose": 1, **params})
    bar.on_epoch_begin(0)
    return bar


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    bar = begun(ProgbarLogger(lambda: "$0.0123", lambda: "$0.0123 of $0.50", lambda: 1761, lambda: 3))
    bar.on_train_batch_end(0, {"reward": 0.5})
    assert capsys.readouterr().out == "Epoch 1/2\n", "not so soon"
    monkeypatch.setattr("synalinks.callbacks.progress.LINE_EVERY", 0.0)
    bar.on_train_batch_end(1, {"reward": 0.5})
    said = capsys.readouterr().out
    assert said.startswith("2/4 - 0s left ")
    assert said.endswith("reward: 0.5000 - $0.0123 - 1,761 tokens - $0.0123 of $0.50 - 3 failed\n")


def test_a_long_step_is_seen_to_go_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synalinks.callbacks.progress.LINE_EVERY", 0.0)
    monkeypatch.setattr("synalinks.trainers.run_context.TICK", 0.01)

    async def slow(call: Any) -> Any:
        await asyncio.sleep(0.1)
        return synalinks.lm.Reply(text='{"answer": 1}', finish="stop")

    x, y = data(2)
    fit(compiled(), slow, x, y, batch_size=2, validation_split=0.0, verbose=2)
    assert "0/1 - 0s" in capsys.readouterr().out


def test_nothing_is_written_where_nothing_is_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    bar = begun(ProgbarLogger())
    bar.on_epoch_end(0, {})
    capsys.readouterr()
    bar.redraw()
    assert capsys.readouterr().out == "", "no run is under way"


def test_failed_calls_are_on_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    def rule(number: int, call: Any) -> Any:
        return SampleRefused("too long", kind="context_length") if number == 1 else {"answer": number}

    x, y = data(8)
    with pytest.warns(synalinks.LMWarning):
        fit(compiled(), provider_of(rule), x, y, batch_size=8, validation_split=0.0, verbose=2)
    assert " failed" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("total_tokens", 1761.0, "total_tokens: 1,761"),
        ("val_cost", 0.0123, "val_cost: $0.0123"),
        ("calls", 12.0, "calls: 12"),
        ("reward", 0.5, "reward: 0.5000"),
        ("cost", None, "cost: -"),
    ],
)
def test_counts_and_money_have_their_units(name: str, value: Any, text: str) -> None:
    assert log_text((name, value)) == text


def test_a_notebook_has_one_output_that_changes() -> None:
    display, shown = NotebookDisplay(), []

    class Handle:
        def update(self, obj: object, **kwargs: object) -> None:
            shown.append(repr(obj))

    display._handle = Handle()
    display.add("Epoch 1/2")
    display.draw("1/4 - <b>", 0.25)
    assert '<progress max="1" value="0.2500"></progress> 1/4 - &lt;b&gt;</pre>' in display._repr_html_()
    display.add("4/4 - done")
    assert shown == ["Epoch 1/2", "Epoch 1/2\n1/4 - <b>", "Epoch 1/2\n4/4 - done"]
    assert "<progress" not in display._repr_html_() and "4/4 - done" in display._repr_html_()
    for number in range(MOST_LINES):
        display.add(str(number))
    assert repr(display).startswith("... 2 lines\n0\n1\n")


def test_a_fit_in_a_kernel_makes_one_display() -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    tests = SRC.parent / "tests"
    code = f"""
import sys
sys.path[:0] = [{str(SRC)!r}, {str(tests)!r}]
import asyncio
import synalinks
from programs_under_test import compiled, data, provider_of, right
x, y = data(8)
program = await asyncio.to_thread(compiled)
with synalinks.use_provider(provider_of(right)):
    await program.fit(x, y, epochs=3, batch_size=2, validation_split=0.0)
"""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(book, timeout=60, kernel_name="python3").execute()
    displays = [one for one in book.cells[0].outputs if one.output_type == "display_data"]
    streams = [one for one in book.cells[0].outputs if one.output_type == "stream" and one.name == "stdout"]
    assert len(displays) == 1 and not streams, book.cells[0].outputs
    text = displays[0].data["text/plain"]
    assert text.splitlines()[0] == "Epoch 1/3" and text.splitlines()[-1].startswith("4/4 - ")
