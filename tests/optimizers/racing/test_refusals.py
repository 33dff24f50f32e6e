"""Tests of what is refused of proposals before anything is spent on them."""

from __future__ import annotations

import pytest

from synalinks.optimizers.racing.refusals import normal, refusal

NOW = {"instructions": "Answer the question."}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "instructions is empty"),
        (" ,;\n", "instructions is empty"),
        ("Yes", "instructions is one word"),
        ("  answer THE question ", "tried before"),
        ("Be brief!", "tried before"),
        ("go " * 30, "instructions repeats itself"),
        ("Read the text first. " * 6, "instructions repeats itself"),
        ("Answer in words of one syllable, " + "and so on " * 60 + "always.", "longer than 300 characters"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    tried = {normal({"instructions": "Be brief"})}
    assert refusal({"instructions": text}, NOW, 300, tried) == reason


def test_not_refused() -> None:
    assert refusal({"instructions": "Answer the question in French."}, NOW, 300, set()) is None
    assert refusal({"plan": ["read", "think"], "depth": 3}, {"plan": [], "depth": 2}, 300, set()) is None
    assert refusal({}, NOW, 300, set()) == "nothing proposed"
