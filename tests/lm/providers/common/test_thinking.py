"""Thinking in tags, in whole answers and in streamed ones."""

from __future__ import annotations

import pytest

from synalinks.lm.core.call import Delta
from synalinks.lm.providers.common.streaming import Pieces
from synalinks.lm.providers.common.thinking import untagged

CASES = [
    ("plain", ("plain", "")),
    ("<think>a\nb</think>\n\nanswer", ("answer", "a\nb")),
    ("  <think>a</think>answer", ("answer", "a")),
    ("<think>cut", ("", "cut")),
    ("<think></think>answer", ("answer", "")),
    ("say <think>x</think>", ("say <think>x</think>", "")),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_whole_answer(text: str, expected: tuple[str, str]) -> None:
    assert untagged(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I add.\n</think>\n4", ("4", "I add.\n")),
        ("</think>4", ("4", "")),
        ("close it with </think> then", ("close it with </think> then", "")),
        ('{"say": "a</think>"}', ('{"say": "a</think>"}', "")),
    ],
)
def test_a_closing_tag_alone(text: str, expected: tuple[str, str]) -> None:
    assert untagged(text) == expected


@pytest.mark.parametrize(("text", "expected"), CASES)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_streamed_answer_is_taken_apart_in_the_same_way(text: str, expected: tuple[str, str], size: int) -> None:
    got: list[Delta] = []
    pieces = Pieces(got.append)
    for start in range(0, len(text), size):
        pieces.add(Delta(text[start : start + size]))
    pieces.end()
    assert ("".join(piece.text for piece in got), "".join(piece.reasoning for piece in got)) == expected
    assert pieces.chunks == got
