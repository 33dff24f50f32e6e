from __future__ import annotations

import pytest

from synalinks.data.algebra import keys
from synalinks.errors import ConfigurationError


def test_base_name_drops_number_and_plural() -> None:
    assert keys.base_name("user_answers_12") == "user_answer"
    assert keys.base_name("_1") == "_1"


def test_numbers_count_up_from_one() -> None:
    assert keys.renames(["x", "x_1"], ["x", "y"]) == {"x": "x_2", "y": "y"}


def test_a_numbered_name_goes_on_counting() -> None:
    four = ["answer", "answer_1"]
    assert list(keys.renames(four, four).values()) == ["answer_2", "answer_3"]


def test_groups_join_singular_plural_and_numbered() -> None:
    found = keys.groups(["query", "answers", "answer_3", "note_4"])
    assert [(group.name, group.members, group.many) for group in found] == [
        ("query", ("query",), False),
        ("answers", ("answers", "answer_3"), True),
        ("note", ("note_4",), False),
    ]


def test_mask_matches_by_base_name_or_pattern() -> None:
    test = keys.mask_of(["answers"], "^th")
    assert test("answer_2") and test("thinking_1") and not test("query")
    assert not keys.mask_of(None, None)("query")


@pytest.mark.parametrize("mask", ["answer", 3, [1]])
def test_a_mask_is_a_list_of_names(mask: object) -> None:
    with pytest.raises(ConfigurationError, match="list of field names"):
        keys.mask_of(mask, None)  # type: ignore[arg-type]


def test_a_bad_pattern_is_shown() -> None:
    with pytest.raises(ConfigurationError, match=r"'\(' is no regular expression"):
        keys.mask_of(None, "(")
