"""Tests of packing inputs and targets."""

from __future__ import annotations

import pytest

from synalinks.errors import DataError
from synalinks.utils import pack_x_y, unpack_x_y


@pytest.mark.parametrize(
    ("x", "y"), [("q", "a"), ("q", None), (["q", "p"], None), (["q", "p"], ["a", "b"]), ((), None)]
)
def test_unpacking_undoes_packing(x: object, y: object) -> None:
    assert unpack_x_y(pack_x_y(x, y)) == (x, y)


def test_forms_of_a_batch() -> None:
    assert pack_x_y("q") == "q"
    assert unpack_x_y(["q", "a"]) == ("q", "a")
    assert unpack_x_y(("q",)) == ("q", None)
    for bad in ((), (1, 2, 3)):
        with pytest.raises(DataError, match=r"a batch is x, \(x,\) or \(x, y\)"):
            unpack_x_y(bad)
