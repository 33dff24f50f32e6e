"""Counting tokens without a tokenizer."""

from __future__ import annotations

import pytest

from synalinks.lm.core.call import Request
from synalinks.lm.forecast.token_count import FRAME, MEDIA, MESSAGE, count_prompt, count_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("The quick brown fox jumps over the lazy dog.", 10),
        ('{"answer": 42}', 5),
        ("internationalization", 3),
        ("1234567", 3),
        ("a\n\nb", 3),
        ("\u4f60\u597d", 2),
        ("\u041f\u0440\u0438\u0432\u0435\u0442", 2),
    ],
)
def test_words_numbers_and_marks_are_counted(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


def test_a_prompt_has_messages_tools_and_media() -> None:
    plain = Request("chat", "m/x", messages=({"role": "user", "content": "one two"},))
    assert count_prompt(plain) == FRAME + MESSAGE + 2
    parts = [{"type": "text", "text": "one two"}, {"type": "image_url", "image_url": {"url": "data:..."}}]
    assert count_prompt(Request("chat", "m/x", messages=({"role": "user", "content": parts},))) == (
        FRAME + MESSAGE + 2 + MEDIA
    )
    tool = {"name": "add", "description": "Adds two numbers", "parameters": {}}
    assert count_prompt(Request("chat", "m/x", messages=plain.messages, tools=(tool,))) > count_prompt(plain) + 5
    assert count_prompt(Request("embed", "m/x", texts=("one two", ""))) == 3
