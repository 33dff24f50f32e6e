"""Tests of what lasts as long as a session."""

from __future__ import annotations

import pytest

import synalinks
from programs_under_test import MODEL
from synalinks import session
from synalinks.config import default_language_model, get_seed
from synalinks.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("RAGAgent", "rag_agent"),
        ("Generator", "generator"),
        ("ChainOfThought", "chain_of_thought"),
        ("LMAsJudge", "lm_as_judge"),
    ],
)
def test_snake_case(name: str, snake: str) -> None:
    assert session.to_snake_case(name) == snake


def test_names_count_up_until_the_session_is_cleared() -> None:
    assert [session.auto_name("Thing") for _ in range(3)] == ["thing", "thing_1", "thing_2"]
    synalinks.clear_session()
    assert session.auto_name("Thing") == "thing"


def test_clearing_tells_those_who_asked() -> None:
    told: list[int] = []
    session.on_clear(lambda: told.append(1))
    synalinks.clear_session()
    session._on_clear.pop()
    assert told == [1]


def test_defaults_outlive_a_session() -> None:
    synalinks.set_default_language_model(MODEL)
    synalinks.clear_session()
    model = default_language_model()
    assert model is not None and model.model == MODEL


def test_seeds_are_whole_numbers() -> None:
    before = get_seed()
    synalinks.set_seed(7)
    assert get_seed() == 7
    session.set_setting("seed", before)
    for bad in (-1, 1.5, "x"):
        with pytest.raises(ConfigurationError, match="whole number"):
            synalinks.set_seed(bad)  # type: ignore[arg-type]


def test_changes_of_settings_end_with_their_block() -> None:
    session.set_setting("a", 1)
    with pytest.raises(KeyError), session.isolated_settings():
        session.set_setting("a", 2)
        session.set_setting("b", 3)
        raise KeyError
    assert (session.get_setting("a"), session.get_setting("b")) == (1, None)
    session.set_setting("a", None)
    assert session.get_setting("a", 5) == 5, "a fit must not draw by chance after a seed was taken back"


def test_a_forked_session_begins_with_the_names_and_settings_around_it_and_changes_neither() -> None:
    session.set_setting("a", 1)
    first = session.auto_name("forked")
    with session.forked_session():
        assert (session.get_setting("a"), session.auto_name("forked")) == (1, f"{first}_1")
        session.set_setting("a", 2)
        session.set_setting("b", 3)
        with session.forked_session():
            assert (session.get_setting("b"), session.auto_name("forked")) == (3, f"{first}_2")
        assert session.auto_name("forked") == f"{first}_2"
    assert (session.get_setting("a"), session.get_setting("b"), session.auto_name("forked")) == (1, None, f"{first}_1")
    session.set_setting("a", None)
