"""Tests of known rewards: by state and sample, and only of states that can come back."""

from __future__ import annotations

from synalinks.data import Instructions, Variable
from synalinks.optimizers import Candidate
from synalinks.trainers.data.data import Sample
from synalinks.trainers.scoring import Scores

SAMPLES = [Sample(index, None) for index in range(3)]


def variables(*texts: str) -> list[Variable]:
    return [Variable({"instructions": text}, data_model=Instructions, name=f"v{n}") for n, text in enumerate(texts)]


def key(text: str) -> str:
    return Candidate.of(variables(text)[0]).key


def test_a_state_is_what_all_variables_hold() -> None:
    scores = Scores()
    one, other = scores.state(variables("a", "b")), scores.state(variables("b", "a"))
    assert one == scores.state(variables("a", "b")) != other
    scores.add(one, SAMPLES[:2], [1.0, 0.0])
    assert scores.unknown(one, SAMPLES) == SAMPLES[2:] and scores.unknown(other, SAMPLES) == SAMPLES


def test_states_are_forgotten_once_a_variable_can_not_hold_its_part_again() -> None:
    scores = Scores()
    states = {text: scores.state(variables(*text)) for text in ("ab", "ac", "xb")}
    for state in states.values():
        scores.add(state, SAMPLES, [1.0] * 3)
    scores.keep_only([{key("a")}, {key("b"), key("c")}])
    assert [text for text, state in states.items() if not scores.unknown(state, SAMPLES)] == ["ab", "ac"]
    scores.keep_only([set(), set()])
    assert scores.get_state() == []


def test_what_is_known_survives_saving() -> None:
    scores, again = Scores(), Scores()
    scores.add(scores.state(variables("a")), SAMPLES[:1], [0.5])
    again.set_state(scores.get_state())
    assert again.get_state() == scores.get_state() and again.unknown(key("a"), SAMPLES) == SAMPLES[1:]
