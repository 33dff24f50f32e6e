"""The words that differ between two texts."""

from __future__ import annotations

from synalinks._base.word_diff import LONGEST
from synalinks.cli.cassette.word_diff import LINES, word_diff


def test_words_are_marked_where_they_stand() -> None:
    assert word_diff("rate the answer now", "rate this answer, now") == ["rate [-the-]{+this+} answer{+,+} now"]


def test_equal_texts_have_no_difference() -> None:
    assert word_diff("a\nb", "a\nb") == []


def test_lines_that_came_and_went_are_marked_whole() -> None:
    assert word_diff("a\nb\nc", "a\nc\nd") == ["[-b-]", "{+d+}"]


def test_what_stays_is_left_out_but_for_a_few_words() -> None:
    same = " ".join(f"w{i}" for i in range(100))
    (line,) = word_diff(f"one {same} two", f"uno {same} due")
    assert line == "[-one-]{+uno+} w0 w1 w2 w3 w4 w5 ... w94 w95 w96 w97 w98 w99 [-two-]{+due+}"
    (line,) = word_diff(f"{same} two {same}", f"{same} due {same}")
    assert line.split() == [
        "...",
        *(f"w{i}" for i in range(94, 100)),
        "[-two-]{+due+}",
        *(f"w{i}" for i in range(6)),
        "...",
    ]


def test_a_difference_without_end_is_cut() -> None:
    lines = word_diff("", "\n".join(map(str, range(100))))
    assert len(lines) == LINES + 1
    assert lines[-1] == f"... {100 - LINES} more lines differ"


def test_long_lines_that_differ_are_marked_whole() -> None:
    old, new = "x " * LONGEST, "y " * LONGEST
    assert word_diff(old, new) == [f"[-{old}-]", f"{{+{new}+}}"]
