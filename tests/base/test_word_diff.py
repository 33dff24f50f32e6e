"""The words that differ between two texts."""

from __future__ import annotations

import pytest

from synalinks._base.word_diff import parts, passages


@pytest.mark.parametrize(("before", "after"), [("", "a b"), ("a\nb\nc", "a\nB c\nc"), ("x " * 9000, "y " * 9000)])
def test_parts_give_both_texts_again(before: str, after: str) -> None:
    found = list(parts(before, after))
    assert "".join(text for kind, text in found if kind != "+") == before
    assert "".join(text for kind, text in found if kind != "-") == after


def test_passages_are_whole_lines() -> None:
    assert list(passages("a\nb\nc\n", "a\nc\nd\n")) == [
        [("", "a\n")], [("-", "b\n")], [("", "c\n")], [("+", "d\n")]
    ]  # fmt: skip
