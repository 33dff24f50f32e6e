"""Expressions are searched as Python does, and none takes exponential time."""

from __future__ import annotations

import re
import time

import pytest

from synalinks._base.patterns import searcher
from synalinks.errors import ConfigurationError

TEXTS = ["", "a", "answer", "answer_2", "thinking", "gr\u00f6\u00dfe", "aaaa", "a1b2", "x" * 300, "no answer"]


@pytest.mark.parametrize(
    "pattern",
    [
        "answer",
        "^a",
        "a$",
        "^(answer|thinking)$",
        r"\w+",
        r"^\w+$",
        r"\d",
        "a{2,3}",
        "(a)|b",
        "^[a-z_]*$",
        ".*_2",
        "(?i)A",
    ],
)
def test_what_is_found_is_what_python_finds(pattern: str) -> None:
    assert [searcher(pattern)(text) for text in TEXTS] == [re.search(pattern, text) is not None for text in TEXTS]


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "^(a|a)*$",
        "^(a|aa)+$",
        "(.*)*b$",
        "^(a?){60}a{60}b",
        "a?" * 60 + "a" * 60 + "b",
        ".*.*.*.*.*b$",
        "^(?=(a+)+$)b",
        r"^(a+)+\1b$",
        "(a*)*" * 9 + "b",
    ],
)
def test_no_expression_takes_exponential_time(pattern: str) -> None:
    begun = time.process_time()
    assert not searcher(pattern)("a" * 60 + "!")
    assert not searcher(pattern)("a" * 20_000 + "!")
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("pattern", ["(", "*", "(" * 5_000 + ")" * 5_000, "(?P<x>", "a" + "{2}" * 3])
def test_what_is_no_expression_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="no regular expression"):
        searcher(pattern)
