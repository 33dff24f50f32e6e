"""Tests of probabilities of values: from the tokens of an answer, in the forms of two APIs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from synalinks.lm.core.reply import Reply
from synalinks.lm.logprobs import TokenLogprob, token_logprobs, value_probabilities


def token(text: str, probability: float = 1.0, **others: float) -> TokenLogprob:
    return TokenLogprob(text, math.log(probability), {name: math.log(p) for name, p in others.items()})


def probabilities(tokens: list[TokenLogprob], *values: Any) -> list[float] | None:
    found = value_probabilities(tokens, "choice", values)
    return None if found is None else [round(one, 4) for one in found]


HEAD = [token('{"'), token("choice"), token('": "')]


def test_the_other_tokens_in_its_place_count_for_the_values_that_begin_with_them() -> None:
    tokens = [*HEAD, token("easy", 0.6, hard=0.3, nonsense=0.1), token('"}')]
    assert probabilities(tokens, "easy", "hard") == [0.6667, 0.3333]


def test_values_of_several_tokens_are_told_apart_where_they_differ() -> None:
    tokens = [*HEAD, token("very", 0.8, not_=0.2), token(" easy", 0.75, **{" hard": 0.25}), token('"}')]
    tokens[3] = token("very", 0.8, **{"not": 0.2})
    assert probabilities(tokens, "very easy", "very hard", "not clear") == [0.6, 0.2, 0.2]


def test_a_token_in_which_several_values_begin_is_shared() -> None:
    tokens = [*HEAD, token("easy", 0.5, hard=0.5)]
    assert probabilities(tokens, "easy", "hard sums", "hard words") == [0.5, 0.25, 0.25]


def test_a_token_across_the_beginning_counts_by_what_is_behind_it() -> None:
    tokens = [token('{"choice'), token('":"e', 0.7, **{'":"h': 0.2, '": ': 0.1}), token('asy"}')]
    assert probabilities(tokens, "easy", "hard") == [0.7778, 0.2222]


def test_booleans_and_numbers_end_where_no_digit_follows() -> None:
    tokens = [*HEAD[:2], token('": '), token("true", 0.9, false=0.1), token("}")]
    assert probabilities(tokens, True, False) == [0.9, 0.1]
    tokens = [*HEAD[:2], token('": '), token("1", 0.9, **{"2": 0.1}), token("0", 0.5, **{"}": 0.5}), token("}")]
    assert probabilities(tokens, 1, 2, 10) == [0.45, 0.1, 0.45]


def test_the_last_field_of_the_name_counts() -> None:
    tokens = [token('<think>{"choice": "hard"}</think>'), *HEAD, token("easy", 1.0), token('"}')]
    assert probabilities(tokens, "easy", "hard") == [1.0, 0.0]


@pytest.mark.parametrize(
    "tokens", [[], [token("easy")], HEAD, [*HEAD, token("medium")], [*HEAD[:2], token('":'), token(" 0")]]
)
def test_tokens_that_do_not_say_give_none(tokens: list[TokenLogprob]) -> None:
    assert probabilities(tokens, "easy", "hard") is None


def test_both_forms_of_log_probabilities_are_read() -> None:
    said = [
        {
            "token": "easy",
            "logprob": -0.5,
            "top_logprobs": [{"token": "easy", "logprob": -0.5}, {"token": "hard", "logprob": -1}],
        }
    ]
    for form in ({"content": said}, said):
        (found,) = token_logprobs(Reply("", extra={"logprobs": form}))
        assert (found.text, found.logprob, found.others) == ("easy", -0.5, {"hard": -1.0})


@pytest.mark.parametrize(
    "extra",
    [
        None,
        {},
        {"logprobs": None},
        {"logprobs": {"tokens": ["a"]}},
        {"logprobs": ["a"]},
        {"logprobs": [{"token": "a"}]},
    ],
)
def test_an_unknown_form_has_no_tokens(extra: Any) -> None:
    assert token_logprobs(Reply("", extra=extra)) == ()
