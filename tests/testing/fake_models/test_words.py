"""Tokens and hashed vectors."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synalinks.testing.fake_models import words as _words


def cosine(left: str, right: str) -> float:
    return math.fsum(a * b for a, b in zip(_words.embed(left), _words.embed(right), strict=True))


@given(st.text(max_size=60))
def test_tokens_joined_are_the_text_and_no_more_than_its_bytes(text: str) -> None:
    tokens = _words.tokens(text)
    assert "".join(tokens) == text
    assert _words.count_tokens(text) == len(tokens) <= len(text.encode("utf-8", "surrogatepass"))


def test_a_token_is_four_word_characters_or_one_sign() -> None:
    assert _words.tokens("9 + 1 = ten, or so") == ["9", " +", " 1", " =", " ten", ",", " or", " so"]
    assert _words.count_tokens("thinking") == 2


@given(st.text(max_size=40))
def test_vectors_are_unit_vectors_of_exact_float32(text: str) -> None:
    vector = _words.embed(text)
    assert len(vector) == _words.DIMENSIONS
    assert math.isclose(math.hypot(*vector), 1.0, rel_tol=1e-6)
    assert list(struct.unpack(f"<{len(vector)}f", struct.pack(f"<{len(vector)}f", *vector))) == vector


def test_similar_texts_are_near_and_others_are_not() -> None:
    assert cosine("a cat sits on the mat", "a cat sat on the mat") > 0.7
    assert abs(cosine("a cat sits on the mat", "stock markets fell sharply")) < 0.2
    assert cosine("one two", "two one") < 0.99  # the order of words counts


def test_vectors_are_the_same_in_every_run() -> None:
    assert [round(number, 6) for number in _words.embed("hello") if number][:3] == pytest.approx(
        [0.06178, 0.06178, -0.06178], abs=1e-6
    )


def test_dimensions_cut_and_scale_again() -> None:
    short = _words.embed("hello provider", 16)
    assert len(short) == 16
    assert math.isclose(math.hypot(*short), 1.0, rel_tol=1e-6)
