"""Tests of what rewards say of one state against another, and of which rewards are kept."""

from __future__ import annotations

import json

from synalinks.data import Instructions, Variable
from synalinks.optimizers import Candidate
from synalinks.optimizers.evidence import Evidence, Paired


def test_only_shared_samples_that_are_not_left_out_count() -> None:
    first, second = {1: 1.0, 2: 1.0, 3: 0.0, 4: 1.0}, {2: 0.0, 3: 0.0, 4: 0.0, 5: 1.0}
    paired = Paired.of(first, second, leave_out={4})
    assert (paired.count, paired.total, paired.total_in_units) == (2, 1.0, 1.0)


def test_units_are_those_of_the_rewards() -> None:
    paired = Paired.of({1: 0.52, 2: 0.51}, {1: 0.5, 2: 0.51})
    assert abs(paired.total_in_units - 1.0) < 1e-9 and abs(paired.mean_in_units - 0.5) < 1e-9


def test_nothing_shared_says_nothing() -> None:
    nothing = Paired.of({}, {})
    assert nothing.total_in_units == nothing.mean_in_units == 0.0


# --- by state ----------------------------------------------------------------------------------------------------


def variables(*texts: str) -> list[Variable]:
    return [Variable({"instructions": text}, data_model=Instructions, name=f"v{n}") for n, text in enumerate(texts)]


def key(text: str) -> str:
    return Candidate.of(variables(text)[0]).key


def test_a_state_is_what_all_variables_hold() -> None:
    evidence = Evidence()
    one, other = evidence.state(variables("a", "b")), evidence.state(variables("b", "a"))
    assert one == evidence.state(variables("a", "b")) != other
    evidence.add(one, [0, 1], [1.0, 0.0])
    assert evidence.known(one) == {0: 1.0, 1: 0.0} and not evidence.known(other)


def test_states_are_forgotten_once_a_variable_can_not_hold_its_part_again() -> None:
    evidence = Evidence()
    states = {text: evidence.state(variables(*text)) for text in ("ab", "ac", "xb")}
    for state in states.values():
        evidence.add(state, range(3), [1.0] * 3)
    evidence.keep_only([{key("a")}, {key("b"), key("c")}])
    assert [text for text, state in states.items() if evidence.known(state)] == ["ab", "ac"]
    evidence.keep_only([set(), set()])
    assert evidence.get_state() == []


def test_what_is_known_survives_saving() -> None:
    evidence, again = Evidence(), Evidence()
    evidence.add(("a", "b"), [3], [0.5])
    evidence.add(("a", "c"), [], [])
    again.set_state(json.loads(json.dumps(evidence.get_state())))
    assert again.get_state() == evidence.get_state() and again.known(("a", "b")) == {3: 0.5}
