"""Plain tables, counts and sizes."""

from __future__ import annotations

from decimal import Decimal

from synalinks.cli.table import count, price, render, size


def test_numbers_stand_to_the_right_and_empty_columns_are_left_out() -> None:
    text = render(("model", "failed", "rows"), [("a/long", "", "1"), ("b", "", "1,000")], ("total", "", "1,001"))
    assert text.splitlines() == [
        "model    rows",
        "------  -----",
        "a/long      1",
        "b       1,000",
        "------  -----",
        "total   1,001",
    ]


def test_counts_prices_and_sizes_read_well() -> None:
    assert count(1, "row") == "1 row" and count(1234, "row") == "1,234 rows"
    assert count(2, "entry", "entries") == "2 entries"
    assert price(None) == "?" and price(Decimal("0.25")) == "$0.2500"
    assert [size(n) for n in (0, 999, 1000, 999_949, 999_950, 2_500_000_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "999.9 kB",
        "1.0 MB",
        "2.5 GB",
    ]
