"""Tests of what notebooks show: each representation is whole, escaped, and says its figures."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import synalinks
from programs_under_test import Answer, Question, compiled, data, fit, provider_of, right
from synalinks._base import html as _html
from synalinks.callbacks import History
from synalinks.errors import ConfigurationError
from synalinks.lm import Figures, Forecast, Range
from synalinks.lm.forecast.forecast import Row
from synalinks.optimizers import Candidate
from synalinks.optimizers.search import Notes

EVIL = "<script>alert('x')</script> & \"quoted\""
EMPTY = {"circle", "line", "path", "polyline", "rect", "br"}


class _Checked(HTMLParser):
    """Refuses tags that are not closed in order, and scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        assert tag != "script"
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in EMPTY:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def text_of(value: object) -> str:
    parser = _Checked()
    parser.feed(value if isinstance(value, str) else value._repr_html_())  # type: ignore[attr-defined]
    parser.close()
    assert parser.open == []
    return " ".join(parser.texts)


@pytest.fixture(scope="module")
def history() -> History:
    return fit(compiled(), provider_of(right), *data(12), epochs=2, validation_split=0.25)


def test_a_history_shows_its_curve_its_epochs_and_the_bill(history: History) -> None:
    shown = text_of(history)
    assert "History, 2 epochs" in shown and "val_reward" in shown
    assert "val_reward 1 at epoch 2" in shown, "a point of the curve says its value"
    assert f"Ledger, {len(history.ledger):,} calls" in shown
    assert text_of(History())


def test_a_ledger_shows_what_its_table_has(history: History) -> None:
    words = text_of(history.ledger)
    for line in history.ledger.table().splitlines():
        for cell in line.split("  "):
            assert cell.strip(" -") in words
    assert text_of(synalinks.Ledger()).strip() == "Ledger, 0 calls"


def test_a_ledger_as_a_pandas_table(history: History) -> None:
    pytest.importorskip("pandas")
    frame = history.ledger.to_pandas()
    assert len(frame) == len(history.ledger) and set(frame["phase"]) >= {"train", "validation"}
    totals = history.ledger.by("phase")
    assert frame.groupby("phase")["input_fresh"].size().to_dict() == {key: one.calls for key, one in totals.items()}
    assert float(frame["as_if"].sum()) == pytest.approx(float(history.ledger.total.as_if.known))


def test_a_history_as_a_pandas_table(history: History) -> None:
    pytest.importorskip("pandas")
    frame = history.to_pandas()
    assert list(frame.index) == [1, 2] and frame.index.name == "epoch"
    assert list(frame["val_reward"]) == history.history["val_reward"]
    assert int(frame["calls"].sum()) == history.ledger.total.calls
    assert History().to_pandas().empty


def test_without_pandas_the_error_says_what_to_install(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    for ask in (history.to_pandas, history.ledger.to_pandas):
        with pytest.raises(ConfigurationError, match=r"pip install pandas"):
            ask()


def test_a_program_is_a_diagram_with_all_its_boxes() -> None:
    program = compiled()
    shown = text_of(program)
    for operation in program.operations:
        assert operation.name[:20] in shown
    assert "question: string" in shown and "answer: integer" in shown and "summary" in shown
    assert program._repr_html_().count("<rect") == len(program.operations)


def test_a_program_that_is_not_built_is_shown_without_a_diagram() -> None:
    class Own(synalinks.Program):
        async def call(self, inputs: object, training: bool = False) -> object:
            return inputs

    assert "0 modules" in text_of(Own(name="own"))


def test_a_forecast_shows_its_rows_and_notes() -> None:
    row = Row("train", EVIL, Figures(calls=Range(10, 12, 14)))
    shown = text_of(Forecast((row,), notes=("a note",)))
    assert EVIL in shown and "10 - 14" in shown and "a note" in shown
    assert "no calls to models" in text_of(Forecast(()))


@pytest.mark.parametrize("value", [Question(question=EVIL), Question(question=EVIL).to_json_data_model()])
def test_results_show_their_fields_and_run_nothing(value: object) -> None:
    shown = text_of(value)
    assert EVIL in shown and "Question" in shown


def test_a_result_that_is_very_long_is_cut() -> None:
    assert len(Question(question="x" * 100_000)._repr_html_()) < 6_000
    assert "2 fields" not in text_of(Answer(answer=4)) and "4" in text_of(Answer(answer=4))


def test_candidates_show_what_changed_word_by_word() -> None:
    note = {
        "candidate": "abc", "parents": ["def"], "outcome": "kept", "reward": 0.75, "reward_count": 8,
        "before": {"v": {"instructions": "Be brief. <b>"}}, "changed": {"v": {"instructions": "Be exact. <b>"}},
    }  # fmt: skip
    html = Notes([note])._repr_html_()
    assert ">brief</del>" in html and ">exact</ins>" in html and "&lt;b&gt;" in html
    assert "1 from def (abc): kept, reward 0.750 on 8 samples" in text_of(html)
    assert "1 candidate" in text_of(html)


def test_a_candidate_shows_its_fields_and_scores() -> None:
    shown = text_of(Candidate({"instructions": EVIL, "examples": []}).scored([1.0, 0.5]))
    assert EVIL in shown and "reward 0.750 on 2 samples" in shown


def test_a_chart_of_one_point_and_of_none() -> None:
    assert "<circle" in _html.line_chart({"reward": [(1, 0.5)], "none": []}, "epoch", "a curve")
    assert _html.line_chart({"reward": []}, "epoch", "a curve") == ""


def test_a_plot_shows_its_picture(history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    png = synalinks.utils.plot_reward_curve(history, tmp_path / "curve.png")
    svg = synalinks.utils.plot_reward_curve(history, tmp_path / "curve.svg")
    assert png._repr_png_()[1:4] == b"PNG" and png._repr_svg_() is None  # type: ignore[attr-defined]
    assert "<svg" in svg._repr_svg_() and svg._repr_png_() is None  # type: ignore[attr-defined]
    monkeypatch.chdir(tmp_path)
    assert synalinks.utils.plot_costs(history) == Path("training_costs.png"), "a script without a name has the default"
    assert Path("training_costs.png").exists()
