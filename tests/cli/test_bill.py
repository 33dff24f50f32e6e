"""The bill: every figure a person looks for, and nothing that is not so."""

from __future__ import annotations

from decimal import Decimal

from cli.helpers import entry
from synalinks._concurrency import SystemClock
from synalinks.cli.bill import CassetteFacts, render
from synalinks.lm.budget.layer import Amount, Budget, BudgetTracker
from synalinks.lm.core.call import NO_USAGE
from synalinks.lm.ledger.ledger import Ledger


def line(text: str, label: str) -> str:
    (found,) = (one for one in text.splitlines() if one.startswith(f"  {label} "))
    return found.removeprefix(f"  {label}").strip()


def test_calls_are_told_by_where_their_answers_came_from() -> None:
    free = {"billed": Decimal(0), "attempts": 0}
    ledger = Ledger(
        [
            entry(),
            entry(source="cassette", billed=Decimal(0), attempts=3),
            entry(source="cache", **free),
            entry(source="cache", **free),
            entry(source="shared", **free),
        ]
    )
    text = render("a.py", ledger, 1.25)
    assert text.splitlines()[0] == "The bill of a.py"
    assert line(text, "calls") == "5 (1 live, 1 from the cassette, 2 from the cache, 1 shared, 2 retries)"
    assert line(text, "hits") == "4 of 5 (80 %)"
    assert line(text, "tokens") == "5,000 in, 100 out"
    assert line(text, "spent") == "$0.0100"
    assert line(text, "saved") == "$0.0400 (as if live: $0.0500)"
    assert line(text, "time") == "1.2 s"
    assert "failed" not in text


def test_what_is_not_known_is_said_and_never_counted_as_nothing() -> None:
    unpriced = entry(as_if=None, billed=None, usage=NO_USAGE)
    text = render("a.py", Ledger([entry(), unpriced]), 0.0)
    assert line(text, "spent") == "at least $0.0100, 1 call unpriced"
    assert line(text, "tokens") == "1,000 in, 20 out (1 call gave no count)"
    replayed = render("a.py", Ledger([entry(as_if=None, billed=Decimal(0), source="cassette")]), 0.0)
    assert line(replayed, "spent") == "$0.0000"
    assert line(replayed, "saved") == "at least $0.0000, 1 call unpriced (as if live: at least $0.0000)"


def test_failures_are_counted_by_kind() -> None:
    ledger = Ledger([entry(error="timeout"), entry(error="connection"), entry(error="timeout"), entry()])
    assert line(render("a.py", ledger, 0.0), "failed") == "3 (1 connection, 2 timeout)"


def test_a_run_of_epochs_is_broken_down_by_epoch_and_phase() -> None:
    ledger = Ledger([entry(epoch=0, phase="train"), entry(epoch=1, phase="validation")])
    table, _, words = ledger.table("epoch", "phase").partition("\n\n")
    assert render("a.py", ledger, 0.0).endswith(f"\n\n{table}") and "2 calls" in words, "no figure twice"
    assert "epoch" not in render("a.py", Ledger([entry(phase="predict")]), 0.0)


def test_a_run_without_calls_says_so_in_one_line() -> None:
    assert render("a.py", Ledger(), 3725.0).splitlines() == [
        "The bill of a.py",
        "  calls   none",
        "  time    1 h 02 min",
    ]
    assert "2 min 05 s" in render("a.py", Ledger(), 125.0)


def test_budget_and_cassette_have_their_lines() -> None:
    tracker = BudgetTracker(Budget(usd="0.5"), SystemClock())
    tracker.settled = Amount(Decimal("0.25"))
    cassette = CassetteFacts("t.jsonl", "new_episodes", 3, 2, 1)
    text = render("a.py", Ledger([entry()]), 0.0, cassette=cassette, tracker=tracker)
    assert line(text, "budget") == "$0.2500 of $0.5000 used"
    assert line(text, "cassette") == "t.jsonl (record mode new_episodes): 3 played, 2 recorded, 1 unplayed"
    tracker.uncertain = Amount(Decimal("0.125"))
    tracker.note_end("at epoch=0 phase=train")
    tracker.reopen()
    assert line(render("a.py", Ledger(), 0.0, tracker=tracker), "budget") == (
        "$0.2500 of $0.5000 used; $0.1250 of it an upper bound; it ended the run at epoch=0 phase=train"
    )


def test_what_moved_and_what_the_cassette_lacks_is_told_where_there_is_some() -> None:
    cassette = CassetteFacts(
        "t.jsonl", "none", 3, 0, 1, moved=2, near=1, price="about $0.0100 (mean of 4 rows of the same model)"
    )
    assert line(render("a.py", Ledger(), 0.0, cassette=cassette), "cassette") == (
        "t.jsonl (record mode none): 3 played (2 from another place), 0 recorded, 1 unplayed; "
        "not on it: 1 near, 0 missing; "
        "asking costs about $0.0100 (mean of 4 rows of the same model)"
    )


def test_a_budget_of_mode_expected_says_what_it_may_have_gone_over_by() -> None:
    tracker = BudgetTracker(Budget(usd="0.02", mode="expected"), SystemClock())
    tracker.take(Amount(Decimal("0.001"), 10, 1), Amount(Decimal("0.05"), 500, 1))
    said = line(render("a.py", Ledger([entry()]), 0.0, tracker=tracker), "budget")
    assert said == "$0.0000 of $0.0200 used; mode 'expected': at worst $0.0300 over it could not be excluded"
    tracker.give_back(Amount(Decimal("0.001"), 10, 1), Amount(Decimal("0.05"), 500, 1), Amount(Decimal("0.03"), 300, 1))
    said = line(render("a.py", Ledger([entry()]), 0.0, tracker=tracker), "budget")
    assert said.startswith("$0.0300 of $0.0200 used; $0.0100 over it; mode 'expected': at worst $0.0300")
