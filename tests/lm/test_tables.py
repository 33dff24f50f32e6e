"""Tables at every width of a terminal, and without one."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from synalinks.lm import tables as module
from synalinks.lm.tables import text_table

HEADER = ["phase", "model", "calls", "tokens in", "tokens out", "as if"]
ROWS = [
    ["train", "openrouter/meta-llama/llama-3.3-70b-instruct", "1,234", "1,234,567", "12,345", "$12.34"],
    ["", "ollama/模型-名字:latest", "7", "-", "-", "$0.0000"],
]
FOOTER = [["total", "", "1,241", "1,234,567", "12,345", "$12.34"]]


def table(width: int | None) -> str:
    return text_table(HEADER, ROWS, FOOTER, numbers=range(2, 6), width=width)


@pytest.mark.parametrize("width", range(40, 201))
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(width: int) -> None:
    text = table(width)
    assert max(map(cell_len, text.splitlines())) <= width
    for number in ("1,234", "1,234,567", "12,345", "$12.34", "7", "1,241"):
        assert number in text.replace("\n", " ").split()


def test_wide_characters_take_two_columns() -> None:
    lines = table(None).splitlines()
    ends = {cell_len(line) for line in lines}
    assert len(ends) == 1  # every line ends with its last number, right-aligned


def test_labels_are_cut_before_rows_become_blocks() -> None:
    assert "  openrouter/meta-llama/llama-3" in table(80) and "…  " in table(80)
    assert table(40).splitlines()[:3] == [
        "train  openrouter/meta-llama/llama-3.3-…",
        "  calls 1,234  tokens in 1,234,567",
        "  tokens out 12,345  as if $12.34",
    ]


def test_a_repeated_label_is_written_out_in_blocks() -> None:
    assert "train  ollama/模型-名字:latest" in table(40)


def test_markup_and_emoji_in_a_label_are_text() -> None:
    text = text_table(["model", "n"], [["[red]a[/red] :smile:", "1"]], numbers=[1])
    assert "[red]a[/red] :smile:" in text


def test_without_a_terminal_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert "llama-3.3-70b-instruct" in table(None)


def test_the_width_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    assert module.terminal_width() == 60
    assert table(None) == table(60)
