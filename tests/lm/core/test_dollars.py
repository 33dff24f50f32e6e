"""Money as text: one function for all of it, and no sum that is not nothing is shown as nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import synalinks
from cli.helpers import entry
from synalinks._concurrency import SystemClock
from synalinks.cli.bill import render
from synalinks.lm import Amount, Budget, BudgetTracker, Ledger, dollars_text
from synalinks.trainers.budgeting.amounts import shortage

#: Amounts, and the text of each.
AMOUNTS = {
    "0": "$0.0000",
    "1234.5": "$1,234.50",
    "1.84": "$1.84",
    "1": "$1.00",
    "0.99999": "$1.00",
    "0.5": "$0.5000",
    "0.0123": "$0.0123",
    "0.00123": "$0.0012",
    "0.000999": "$0.00100",
    "0.000123": "$0.00012",
    "0.0001": "$0.00010",
    "0.000012345": "$0.000012",
    "1e-12": "$0.0000000000010",
    "-0.5": "-$0.5000",
    "-1234.5": "-$1,234.50",
}
#: What is needed, what is left, and both as texts that differ.
COMPARED = [
    ("0.0123", "0.0042", "$0.0123", "$0.0042"),
    ("0.00420001", "0.0042", "$0.00420001", "$0.00420000"),
    ("1.251", "1.25", "$1.251", "$1.250"),
    ("0.00003", "0", "$0.000030", "$0.000000"),
    ("2", "2", "$2.00", "$2.00"),
]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_an_amount(amount: str) -> None:
    assert dollars_text(Decimal(amount)) == AMOUNTS[amount]


@given(st.decimals(Decimal("1e-12"), 1000, places=12))
def test_an_amount_is_never_rounded_away(amount: Decimal) -> None:
    shown = Decimal(dollars_text(amount).removeprefix("$").replace(",", ""))
    assert abs(shown - amount) <= amount * Decimal("0.05"), "its first digit is right"


@pytest.mark.parametrize(("first", "second", "text", "other"), COMPARED)
def test_amounts_that_are_compared_differ_as_text(first: str, second: str, text: str, other: str) -> None:
    one, two = Decimal(first), Decimal(second)
    assert (dollars_text(one, two), dollars_text(two, one)) == (text, other)


def test_tiny_sums_are_shown_in_bills_budgets_and_refusals() -> None:
    tiny = Decimal("0.0000123")
    tracker = BudgetTracker(Budget(usd="0.00002"), SystemClock())
    tracker.settled = Amount(tiny)
    bill = render("a.py", Ledger([entry(as_if=tiny, billed=tiny)]), 0.0, tracker=tracker)
    assert "spent   $0.000012" in bill and "as if live: $0.000012" in bill
    assert "$0.000012 of $0.000020 used" in bill
    need = Amount(Decimal("0.00001"))
    assert shortage(tracker, need, 0.0) == f"$0.0000100, and $0.0000077 of $0.000020 is left of the {tracker.name}"
    assert tracker.lacking(need) == "up to $0.0000100 needed, $0.0000077 of $0.000020 left"
    assert str(need) == "$0.000010, 0 tokens, 0 calls"


def formatted_amounts(path: Path) -> Iterator[int]:
    """Lines with an f-string in which a number with a format of its own follows a dollar sign."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            for before, value in zip(node.values, node.values[1:], strict=False):
                text = before.value if isinstance(before, ast.Constant) else ""
                if str(text).endswith("$") and isinstance(value, ast.FormattedValue):
                    yield node.lineno


def test_no_other_code_writes_money() -> None:
    """But for prices, which have all their digits, and ticks of an axis, which have as many as each other."""
    package = Path(synalinks.__file__).parent
    files = {path.relative_to(package).as_posix(): path for path in package.rglob("*.py")}
    found = {name for name, path in files.items() if list(formatted_amounts(path))}
    assert found == {"lm/core/dollars.py", "cli/prices.py", "_support/figures.py"}
