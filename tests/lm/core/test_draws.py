"""The rule of draws: one's own answer first, then one nobody has taken, then a new one."""

from __future__ import annotations

import random
import sys
import threading
import tracemalloc
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synalinks import clear_session
from synalinks.lm.core import draws as module
from synalinks.lm.core.draws import Counts, Draws, Place, Places
from synalinks.lm.runtime import current
from synalinks.scope import Scope

HERE, THERE = Scope(sample=1), Scope(sample=2)


def test_a_call_gets_the_answer_given_at_its_own_place() -> None:
    draws = Draws()
    places = Places([(HERE, 0), (THERE, 0), (HERE, 1)])
    assert draws.pick("d", places, (HERE, 1)) == 2
    assert draws.pick("d", places, (THERE, 0)) == 1
    assert draws.pick("d", places, (HERE, 0)) == 0


def test_failing_that_the_first_nobody_has_taken_and_then_none() -> None:
    draws = Draws()
    places = Places([(HERE, 0), (THERE, 0)])
    assert [draws.pick("d", places, (Scope(sample=n), 0)) for n in (7, 8, 9)] == [0, 1, None]
    assert draws.pick("other", places, (HERE, 0)) == 0, "each request has its own answers"
    draws.clear()
    assert draws.pick("d", places, (THERE, 0)) == 1


def test_ordinals_count_calls_of_one_request_at_one_place() -> None:
    draws = Draws()
    asked = [(HERE, "d"), (HERE, "d"), (THERE, "d"), (HERE, "other"), (HERE, "d")]
    for kept in (True, False):  # calls of which no answer is kept are counted apart
        assert [draws.ordinal(*one, kept) for one in asked] == [0, 1, 0, 0, 2]


def test_calls_of_which_no_answer_is_kept_take_no_memory_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 100)
    draws = Draws()

    def ask(count: int, kept: bool) -> list[int]:
        return [draws.ordinal(Scope(sample=number), "d", kept) for number in range(count)]

    assert ask(1000, kept=True) == [0] * 1000
    assert ask(1000, kept=True) == [1] * 1000, "what answers are chosen by is never dropped"
    for times in range(5):  # the latest are counted on from one table to the next
        assert ask(60, kept=False) == [times] * 60
        draws.ordinal(Scope(sample=1000 + times), "d", kept=False)
    ask(10_000, kept=False)
    assert draws._recent.size + draws._older.size <= 200
    assert draws.ordinal(HERE, "d", kept=False) == 0


@given(st.lists(st.integers(0, 5), max_size=60))
def test_counts_go_on_from_older_ones(numbers: list[int]) -> None:
    counts, older, expected = Counts(), Counts(), Counter[int]()
    for place, number in enumerate(numbers):
        if place % 20 == 10:
            counts, older = Counts(), counts
            expected = Counter({one: older.times(one) for one in expected})
        assert counts.add(number, older) == expected[number or 1]
        expected[number or 1] += 1
        assert counts.times(number) == expected[number or 1]
    assert counts.size == len({number or 1 for number in numbers if counts.times(number)})


@given(st.lists(st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1), max_size=400), st.integers(1, 4))
def test_counts_are_those_of_a_dict(numbers: list[int], times: int) -> None:
    counts, expected = Counts(), Counter[int]()
    for number in numbers * times:
        same = number or 1  # the one number that shares a place
        assert counts.add(number) == expected[same]
        expected[same] += 1


def test_a_count_takes_few_bytes_and_no_call_waits_for_a_large_table() -> None:
    counts, calls = Counts(), 100_000
    tracemalloc.start()
    try:
        for number in range(calls):
            assert counts.add(hash((number, "x"))) == 0
        assert tracemalloc.get_traced_memory()[0] / calls < 25
    finally:
        tracemalloc.stop()
    assert max(map(len, counts._tables)) <= 4 * calls / len(counts._tables)


@given(st.lists(st.tuples(st.sampled_from([HERE, THERE]), st.integers(0, 3)), unique=True), st.integers(0, 99))
def test_a_replay_gives_everybody_the_same_in_any_order(places: list[Place], seed: int) -> None:
    order = random.Random(seed).sample(range(len(places)), len(places))
    draws = Draws()
    assert [draws.pick("d", Places(places), places[index]) for index in order] == order
    assert draws.taken("d") == set(order)


def test_what_a_run_asked_for_itself_is_its_own() -> None:
    draws = Draws()
    draws.take("d", 0)
    assert draws.pick("d", Places([(HERE, 0)]), (HERE, 0)) is None


def test_an_answer_is_taken_once_until_it_is_given_back() -> None:
    draws = Draws()
    assert [draws.take("d", number, HERE) for number in (0, 1, 0)] == [True, True, False]
    assert (draws.has_taken("d", 1), draws.has_taken("d", 2), draws.first_free("d")) == (True, False, 2)
    draws.give_back("d", 0)
    assert (draws.first_free("d"), draws.take("d", 0), draws.first_free("d")) == (0, True, 2)


@given(st.lists(st.integers(0, 120)), st.lists(st.integers(0, 120), max_size=9))
def test_the_first_free_number_is_that_of_a_set(taken: list[int], given_back: list[int]) -> None:
    draws, expected = Draws(), set(taken)
    for number in taken:
        draws.take("d", number)
        draws.first_free("d")
    for number in given_back:
        draws.give_back("d", number)
        expected.discard(number)
    assert draws.first_free("d") == next(number for number in range(200) if number not in expected)


@pytest.mark.parametrize("at_own_place", [True, False])
def test_equal_requests_take_as_many_steps_each_however_many_there_are(at_own_place: bool) -> None:
    def lines(count: int) -> float:
        places = Places((Scope(sample=number), 0) for number in range(count))
        asking = [(Scope(sample=number if at_own_place else -1), 0) for number in range(count)]
        draws, run = Draws(), Counter[str]()

        def note(frame: object, event: str, value: object) -> Any:
            run[event] += 1
            return note

        tool = sys.gettrace()
        sys.settrace(note)
        try:
            found = [draws.pick("d", places, place) for place in asking]
        finally:
            sys.settrace(tool)
        assert found == list(range(count))
        return run["line"] / count

    assert lines(1_000) < 1.1 * lines(250)


def test_a_session_begins_with_nothing_taken() -> None:
    current().draws.take("d", 0)
    current().draws.ordinal(HERE, "d")
    clear_session(free_memory=False)
    assert current().draws.taken("d") == frozenset()
    assert current().draws.ordinal(HERE, "d") == 0


def test_threads_get_ordinals_of_their_own() -> None:
    draws, found = Draws(), []

    def work() -> None:
        for _ in range(500):
            found.append(draws.ordinal(HERE, "d"))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(2000))
