"""What looks like a key is never printed."""

from __future__ import annotations

import pytest

from synalinks._secrets import SECRETS, SHORT, brief, scrubbed

KEYS = [
    "sk-proj-" + "a1B2" * 8,
    "sk-ant-api03-" + "x" * 30,
    "gsk_" + "a" * 40,
    "xai-" + "b" * 40,
    "AIza" + "c" * 35,
    "hf_" + "d" * 34,
    "ghp_" + "e" * 36,
    "AKIA" + "F" * 16,
    "xoxb-1234567890-abc",
    "-----BEGIN RSA PRIVATE KEY-----",
    "eyJ" + "a" * 12 + ".eyJ" + "b" * 12 + "." + "c" * 12,
    "Bearer " + "t" * 24,
    "https://me:hunter2@",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_taken_out_of_a_text(key: str) -> None:
    assert scrubbed(f"the server said: {key} is wrong").count(key) == 0
    assert "<secret>" in scrubbed(f"x {key} y")


def test_every_form_has_an_example() -> None:
    assert len(KEYS) >= len(SECRETS)
    assert all(any(pattern.search(f" {key} ") for key in KEYS) for pattern in SECRETS.values())


@pytest.mark.parametrize("text", ["sk-1", "a task-oriented answer", "https://api.openai.com:443/v1", "hf_small"])
def test_what_only_resembles_one_stays(text: str) -> None:
    assert scrubbed(text) == text


def test_an_error_in_brief_is_one_short_line_without_keys() -> None:
    said = brief(ValueError(f"bad key {KEYS[0]}\n  try   again"))
    assert said == "bad key <secret> try again"
    assert len(brief(ValueError("x" * 1000))) == SHORT
    assert brief(ValueError()) == "ValueError"
