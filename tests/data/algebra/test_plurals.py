from __future__ import annotations

import pytest

from synalinks.data.algebra.plurals import plural, singular

PAIRS = [
    ("answer", "answers"),
    ("query", "queries"),
    ("key", "keys"),
    ("class", "classes"),
    ("box", "boxes"),
    ("match", "matches"),
    ("dish", "dishes"),
    ("status", "statuses"),
    ("response", "responses"),
    ("house", "houses"),
    ("size", "sizes"),
    ("movie", "movies"),
    ("cache", "caches"),
    ("analysis", "analyses"),
    ("hypothesis", "hypotheses"),
    ("child", "children"),
    ("person", "people"),
    ("criterion", "criteria"),
    ("index", "indices"),
    ("bus", "buses"),
    ("alias", "aliases"),
    ("id", "ids"),
    ("api", "apis"),
    ("gpu", "gpus"),
    ("message", "messages"),
    ("datum_tag", "datum_tags"),
]


@pytest.mark.parametrize(("one", "many"), PAIRS)
def test_singular_and_plural(one: str, many: str) -> None:
    assert plural(one) == many
    assert singular(many) == one
    assert singular(one) == one


@pytest.mark.parametrize("word", ["data", "feedback", "series", "news", "thinking"])
def test_words_without_a_plural(word: str) -> None:
    assert plural(word) == singular(word) == word


def test_only_the_last_word_changes() -> None:
    assert plural("queries_answer") == "queries_answers"
    assert singular("users_answers") == "users_answer"


def test_odd_names() -> None:
    assert singular("") == plural("") == ""
    assert singular("x_") == "x_"
    assert singular("s") == "s"
