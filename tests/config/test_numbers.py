"""Tests of the constants that programs read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import synalinks
from synalinks import backend, config
from synalinks.errors import ConfigurationError
from synalinks.session import isolated_settings


@pytest.fixture(autouse=True)
def own_settings() -> Iterator[None]:
    with isolated_settings():
        yield


def test_what_a_program_reads_where_it_set_nothing() -> None:
    assert (config.epsilon(), config.floatx(), config.backend(), config.get_seed()) == (
        1e-7,
        "float32",
        "pydantic",
        123,
    )
    assert np.zeros(1, dtype=backend.floatx()).dtype == np.float32


def test_what_was_set_is_read_under_every_name() -> None:
    config.set_epsilon(1e-3)
    backend.set_floatx("float64")
    synalinks.set_seed(7)
    config.set_backend("pydantic")
    synalinks.clear_session()
    assert (backend.epsilon(), config.floatx(), synalinks.get_seed(), backend.backend()) == (
        1e-3,
        "float64",
        7,
        "pydantic",
    )


@pytest.mark.parametrize(
    ("setter", "bad", "says"),
    [
        ("set_epsilon", 0, "small number above 0"),
        ("set_epsilon", "1e-7", "small number above 0"),
        ("set_epsilon", True, "small number above 0"),
        ("set_floatx", "int8", "'float16', 'float32', 'float64'"),
        ("set_floatx", None, "'float16', 'float32', 'float64'"),
        ("set_backend", "torch", "the only backend is 'pydantic'"),
        ("set_seed", True, "whole number"),
    ],
)
def test_what_is_refused(setter: str, bad: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        getattr(config, setter)(bad)


def test_numbers_count_up_by_prefix_until_the_session_is_cleared() -> None:
    assert [backend.get_uid("a"), backend.get_uid("a"), backend.get_uid("b"), backend.get_uid()] == [1, 2, 1, 1]
    synalinks.clear_session()
    assert backend.get_uid("a") == 1
