"""Tests of what a training remembers of the states of a program."""

from __future__ import annotations

import json

from synalinks.data import Instructions, Variable
from synalinks.optimizers import Answer, State
from synalinks.trainers.search.memory import Memory


def state(*texts: str) -> State:
    variables = [
        Variable({"instructions": text}, data_model=Instructions, name=f"v{n}") for n, text in enumerate(texts)
    ]
    return State.of(variables)


def key(text: str) -> str:
    (candidate,) = state(text).candidates.values()
    return candidate.key


def rewards(memory: Memory, of: State) -> dict[int, float]:
    return {case: answer.reward for case, answer in memory.known(of).items()}


def test_a_state_is_what_all_variables_hold() -> None:
    memory, one, other = Memory(), state("a", "b"), state("b", "a")
    assert one.keys == state("a", "b").keys != other.keys
    memory.add(one, [Answer(0, 1.0), Answer(1, 0.0)])
    assert rewards(memory, one) == {0: 1.0, 1: 0.0} and not memory.known(other)


def test_states_are_forgotten_once_a_variable_can_not_hold_its_part_again() -> None:
    memory, states = Memory(), {text: state(*text) for text in ("ab", "ac", "xb")}
    for one in states.values():
        memory.add(one, [Answer(case, 1.0) for case in range(3)])
    memory.keep_only([{key("a")}, {key("b"), key("c")}])
    assert [text for text, one in states.items() if memory.known(one)] == ["ab", "ac"]
    memory.keep_only([set(), set()])
    assert memory.get_state() == []


def test_what_is_known_survives_saving_and_a_search_that_begins_again_gets_it_when_it_asks() -> None:
    memory, again, one = Memory(), Memory(), state("a", "b")
    memory.add(one, [Answer(3, 0.5), Answer(4, 1.0, "well", {"answer": 1}, {"v0": [{"inputs": {}, "outputs": {}}]})])
    again.set_state(json.loads(json.dumps(memory.get_state())))
    assert again.get_state() == memory.get_state() and again.known(one) == memory.known(one)
    again.begin_again()
    assert not again.known(one) and again.again(one, 4) == memory.known(one)[4] and again.again(one, 4) is None
    assert list(again.known(one)) == [4]
