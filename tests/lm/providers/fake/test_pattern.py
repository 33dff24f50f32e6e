"""Texts made of regular expressions."""

from __future__ import annotations

import re

import pytest

from synalinks.lm.forecast.synthetic import uniform
from synalinks.lm.providers.fake.pattern import matching


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]{2}-\d{4}$",
        r"^(foo|bar)+[^a-z]$",
        r"^\d{3}-\d{2}-\d{4}$",
        r"[^\s]+@[\w.]+\.(com|org)",
        r"^\S{3,5}$",
        r"^(a|b)\1$",
        r"^#[0-9a-fA-F]{6}$",
        r"^\W\D?$",
        r"^[\u4e00-\u4e05]{2}$",
        r"^.+?x*$",
    ],
)
def test_a_text_matches(pattern: str) -> None:
    made = {matching(pattern, lambda label, seed=seed: uniform(seed, label)) for seed in range(20)}  # type: ignore[misc]
    assert all(text is not None and re.search(pattern, text) for text in made)


def test_a_text_is_as_long_as_it_has_to_be() -> None:
    text = matching(r"^[a-z]+$", lambda label: 0.5, 20, 30)
    assert text is not None
    assert 20 <= len(text) <= 30
    assert matching(r"^a{3}$", lambda label: 0.5, 5) is None


@pytest.mark.parametrize("pattern", [r"^(?=a)b", "(", r"[^\s\S]"])
def test_nothing_is_made_of_what_is_not_understood(pattern: str) -> None:
    assert matching(pattern, lambda label: 0.5) is None
