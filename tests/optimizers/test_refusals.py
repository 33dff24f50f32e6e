"""Tests of what is refused of proposals before anything is spent on them."""

from __future__ import annotations

import pytest

import synalinks
from programs_under_test import compiled, data, fit, lm, phases
from synalinks.lm.providers.fake.scripted import prompt_of
from synalinks.optimizers.refusals import normal, refusal
from synalinks.testing import ScriptedProvider

NOW = {"instructions": "Answer the question."}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "instructions is empty"),
        (" ,;\n", "instructions is empty"),
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


@pytest.mark.parametrize("text", [", ", "", "go " * 30])
def test_omega_refuses_what_is_degenerate_with_a_warning_and_does_not_score_it(text: str) -> None:
    program = compiled(optimizer=synalinks.OMEGA(language_model=lm(), algorithm="ga", use_chain_of_thought=False))
    before = program.trainable_variables[0].get("instructions")
    provider = ScriptedProvider(
        lambda call: {"instructions": text} if "current_variable" in prompt_of(call.request) else {"answer": 1}
    )
    with pytest.warns(UserWarning, match="a proposal for .* is refused: instructions"):
        fit(program, provider, *data(8), validation_split=0.25)
    assert program.trainable_variables[0].get("instructions") == before
    assert "candidate" not in phases(provider)
