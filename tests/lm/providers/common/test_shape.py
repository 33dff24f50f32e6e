"""Checks of shapes, and lenient readers of numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from synalinks.lm.providers.common.shape import Shape, ShapeError, check, count, dollars
from synalinks.lm.providers.common.vectors import float32_bytes

SHAPE: Shape = {"choices": [{"message": {"content": (str, list)}}], "model": str}


@pytest.mark.parametrize(
    "value", [{}, {"choices": None}, {"choices": []}, {"choices": [{"message": {"content": "x"}}]}]
)
def test_what_is_absent_or_empty_fits(value: object) -> None:
    check(value, SHAPE)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1], "the answer must be an object, got [1]"),
        ({"choices": {"a": 1}}, "choices must be a list, got {'a': 1}"),
        ({"choices": [None]}, "choices[0] must be an object, got None"),
        ({"choices": [{}, {"message": {"content": 17}}]}, "choices[1].message.content must be text or a list, got 17"),
        ({"model": ["x" * 100]}, f"model must be text, got ['{'x' * 75}..."),
    ],
)
def test_the_place_of_what_does_not_fit(value: object, message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        check(value, SHAPE)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3),
        (0, 0),
        ("12", 12),
        (12.0, 12),
        (-1, None),
        (True, None),
        ("x", None),
        (1.5, None),
        (None, None),
        ([1], None),
    ],
)
def test_counts(value: object, number: int | None) -> None:
    assert count(value) == number


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (0.25, Decimal("0.25")),
        ("0.25", Decimal("0.25")),
        (-1, None),
        ("nan", None),
        ("x", None),
        (True, None),
        ({}, None),
    ],
)
def test_dollars(value: object, amount: Decimal | None) -> None:
    assert dollars(value) == amount


@pytest.mark.parametrize("vector", [[None, 0.5], ["x"], "not base64", "AAA=", [[0.5]]])
def test_vectors_that_are_none(vector: object) -> None:
    with pytest.raises(ShapeError, match="a vector"):
        float32_bytes(vector)  # type: ignore[arg-type]
