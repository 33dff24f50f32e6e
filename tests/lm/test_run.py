"""Tests of the run as the code above the LM layer sees it: budgets, earmarks, events and snapshots."""

from __future__ import annotations

from pathlib import Path

import pytest

import synalinks
from synalinks.errors import ConfigurationError
from synalinks.lm import NOTHING, Amount, Client, Earmarks, current_run


def test_budgets_are_those_of_the_open_blocks() -> None:
    assert current_run().budgets == ()
    with synalinks.use_budget("5") as outer, synalinks.use_budget("1") as inner:
        assert current_run().budgets == (outer, inner)
        other = current_run().new_tracker(synalinks.Budget(calls=1), "budget of its own")
        with current_run().use_tracker(other):
            assert current_run().budgets == (outer, inner, other)


def test_earmarks_of_several_holders_add_up_and_are_released_one_by_one() -> None:
    with synalinks.use_budget(synalinks.Budget(calls=10)) as tracker:
        one, other = Earmarks(), Earmarks()
        one.set(tracker, Amount(calls=4))
        other.set(tracker, Amount(calls=3))
        one.set(tracker, Amount(calls=1))
        assert tracker.left.calls == 6
        one.release()
        assert tracker.left.calls == 7
        other.release()
        assert tracker.aside == NOTHING


def test_a_price_is_checked_under_open_budgets_and_under_those_to_come() -> None:
    client = Client("openai/no-such-model")
    current_run().check_price(client)
    with pytest.raises(ConfigurationError, match="price is unknown"):
        current_run().check_price(client, [synalinks.Budget(usd=1)])
    with synalinks.use_budget(1), pytest.raises(ConfigurationError, match="price is unknown"):
        current_run().check_price(client)


def test_an_event_is_recorded_and_found_again_in_the_replay(tmp_path: Path) -> None:
    budget = synalinks.Budget(calls=3)
    with synalinks.use_budget(budget) as tracker, synalinks.use_cassette(tmp_path / "a.jsonl", record_mode="all"):
        run = current_run()
        assert not run.replays
        assert run.recorded_event("part/not-begun", [tracker]) is None
        run.record_event("part/not-begun", "no room", tracker)
    with synalinks.use_budget(budget) as tracker, synalinks.use_cassette(tmp_path / "a.jsonl", record_mode="none"):
        run = current_run()
        assert run.replays
        assert run.recorded_event("part/other", [tracker]) is None
        assert run.recorded_event("part/not-begun", [tracker]) == (0, "no room")
        run.record_event("part/other", "a replay records nothing", tracker)


def test_a_snapshot_goes_back_into_the_run() -> None:
    before, snapshot = current_run().snapshot(), {"a" * 64: [0, 2]}
    current_run().restore(snapshot, 0)
    assert current_run().snapshot() == snapshot
    current_run().restore(before, 0)
    assert current_run().snapshot() == before
