"""Tests of the pool of candidates: found by content, the best at hand, bounded in what it keeps and in what it does."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import pytest

from synalinks.data import Instructions, Variable
from synalinks.optimizers.candidates import Candidate, Scores
from synalinks.optimizers.evolutionary import population as module
from synalinks.optimizers.evolutionary.population import Population
from synalinks.optimizers.paired import Paired
from synalinks.optimizers.search import Answer, State
from synalinks.trainers.search.memory import Memory


def empty(size: int = 2) -> Population:
    return Population(Variable({}, data_model=Instructions, name="v"), size, 0.25)


def text(name: Any) -> Candidate:
    return Candidate({"instructions": str(name), "examples": []})


def names(saved: list[dict[str, Any]]) -> list[str]:
    return [candidate["instructions"] for candidate in saved]


def test_it_is_a_view_of_the_variables_own_lists() -> None:
    population = empty()
    population.learn(text("a"), [1.0])
    assert names(population.variable.get("candidates")) == ["a"]
    population.replace(population.candidates)
    value = population.variable.get_json()
    assert (names(value["best_candidates"]), value["candidates"]) == (["a"], [])
    assert Population(population.variable, 2, 0.25).best == Candidate.from_json(value["best_candidates"][0])


def test_evidence_of_equal_candidates_comes_together() -> None:
    population = empty()
    population.learn(text("a"), [1.0, 0.0])
    population.learn(text("a").scored([0.9]), [1.0, 1.0])
    population.learn(text("a"), [])
    assert [(c.scores.reward, c.scores.count) for c in population.newcomers] == [(0.75, 4)]
    assert [(c["reward"], c["reward_count"]) for c in population.variable.get("candidates")] == [(0.75, 4)]
    population.replace(population.candidates)
    population.learn(text("a"), [1.0])
    assert (population.newcomers, population.members[0].scores.count) == ([], 5)
    assert population.variable.get("best_candidates")[0]["reward_count"] == 5


def test_candidates_that_differ_in_their_examples_only_are_two() -> None:
    population = empty()
    population.learn(text("a"), [1.0])
    population.learn(text("a").with_fields({"examples": [{"inputs": 1, "outputs": 2, "reward": None}]}), [1.0])
    assert len(population.newcomers) == 2


def test_the_best_is_always_the_one_a_ranking_would_find() -> None:
    rng, population = random.Random(0), empty()
    assert population.best is None
    for _ in range(300):
        population.learn(text(rng.randrange(12)), [float(rng.random() < 0.5)])
        assert population.best is not None
        found = population.best.scores.lower_bound(0.25)
        assert found == max(candidate.scores.lower_bound(0.25) for candidate in population.candidates)
        assert population.best in population.candidates
        assert population.variable.get("candidates") == [candidate.to_json() for candidate in population.newcomers]


def test_the_rewards_at_hand_are_those_of_the_pool() -> None:
    rng, population = random.Random(1), empty()
    for step in range(300):
        population.learn(text(rng.randrange(12)), [float(rng.random() < 0.5)])
        if step % 40 == 39:
            population.replace(population.ranked(population.candidates)[:5])
        members = population.members
        assert population.rewards.tolist() == [one.scores.reward for one in members]
        assert [population.place_of(one) for one in members] == list(range(len(members)))
        assert [population.member(place) for place in range(len(members))] == members
        assert all(population.place_of(one) is None for one in population.newcomers)
        assert list(population.newest_first()) == [*population.newcomers[::-1], *members]


def test_newcomers_are_thinned_out_and_the_good_ones_stay() -> None:
    population = empty(size=3)
    for n in range(5000):
        population.learn(text(n), [n % 997 / 997])
        assert len(population.newcomers) <= module.NEWCOMERS
    assert population.best is not None and population.best.scores.reward == pytest.approx(996 / 997)
    assert min(c.scores.reward for c in population.newcomers if c.fields["instructions"] < "4800") > 0.8
    assert len(population._places) <= module.NEWCOMERS + 3  # nothing else remembers them


def test_a_large_population_has_room_for_itself_twice() -> None:
    assert empty(500).limit == 1000 and empty(10).limit == module.NEWCOMERS


def test_a_step_does_the_same_work_however_many_steps_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in candidates that are ranked, so that the machine's mood has no say."""
    ranked: list[int] = []
    original = Scores.lower_bound

    def counted(scores: Scores, uncertainty: float) -> float:
        ranked.append(1)
        return original(scores, uncertainty)

    monkeypatch.setattr(Scores, "lower_bound", counted)
    population = empty()

    def work(steps: range) -> int:
        ranked.clear()
        for n in steps:
            population.learn(text(n), [0.5])
        return len(ranked)

    work(range(1000))
    assert work(range(9000, 10000)) <= 1.2 * work(range(1000, 2000))


# --- which one is better ---------------------------------------------------------------------------------------------


def ranking(population: Population) -> list[Any]:
    return [one.fields["instructions"] for one in population.ranked(population.candidates)]


def compared(rewards: dict[str, dict[int, float]]) -> Population:
    """A pool of candidates whose rewards are known by sample; the first is measured first."""
    population, memory = empty(9), Memory()
    population.paired = partial(memory.paired, 0)
    for name, found in rewards.items():
        memory.add(State({"v": text(name)}), [Answer(case, reward) for case, reward in found.items()])
        population.learn(text(name), list(found.values()))
    return population


@pytest.mark.parametrize("first", [", ", "Answer briefly."])
def test_more_samples_make_no_candidate_better(first: str) -> None:
    """As a real model had it: the better one on the fifteen shared samples is the one that was measured on fifteen."""
    hard, easy = [0.4] * 15, [0.526] * 30
    known = {", ": dict(enumerate(hard + easy)), "Answer briefly.": dict(enumerate([0.505] * 15))}
    population = compared({name: known[name] for name in sorted(known, key=lambda name: name != first)})
    assert [round(one.scores.reward, 3) for one in population.newcomers] in ([0.484, 0.505], [0.505, 0.484])
    bounds = {one.fields["instructions"]: one.scores.lower_bound(0.25) for one in population.newcomers}
    assert bounds[", "] > bounds["Answer briefly."]
    assert ranking(population) == ["Answer briefly.", ", "]
    assert population.best is not None and population.best.fields["instructions"] == "Answer briefly."


def test_of_equal_candidates_and_of_too_few_shared_samples_the_lower_bounds_decide() -> None:
    few = module.ENOUGH - 1
    lucky = dict.fromkeys(range(few), 1.0)
    sure = {**dict.fromkeys(range(few), 0.9), **dict.fromkeys(range(10, 60), 1.0)}
    assert ranking(compared({"lucky": lucky, "sure": sure})) == ["sure", "lucky"]
    assert ranking(compared({"lucky": {**lucky, few: 1.0}, "sure": {**sure, few: 0.9}})) == ["lucky", "sure"]
    less, more = dict.fromkeys(range(8), 0.5), dict.fromkeys(range(16), 0.5)
    assert ranking(compared({"less": less, "more": more})) == ["more", "less"]


def test_parents_are_drawn_by_rewards_on_the_samples_of_the_best() -> None:
    """Four easy samples make no parent likelier than those that answer the hard ones as well."""
    whole = {case: 1.0 if case < 4 else 0.5 for case in range(20)}  # the first four are easy
    easy = dict.fromkeys(range(4), 1.0)
    worse = dict.fromkeys(range(4), 0.9)
    hard = dict.fromkeys(range(4, 8), 0.5)
    unshared = dict.fromkeys(range(40, 44), 0.7)
    known = {"whole": whole, "easy": easy, "worse": worse, "hard": hard, "unshared": unshared}
    population = compared(known)
    population.replace(sorted(population.candidates, key=lambda one: list(known).index(one.fields["instructions"])))
    assert population.rewards.tolist() == pytest.approx([0.6, 0.6, 0.5, 0.6, 0.7])
    assert [one.count for one in population.comparable(population.members)] == [20, 4, 4, 4, 4]
    population.learn(text("worse"), [1.0])
    population.learn(text("unshared"), [0.2])
    assert population.rewards.tolist() == pytest.approx([0.6, 0.6, 0.5, 0.6, 0.6])
    population.learn(text("whole"), [0.0])
    assert population.rewards[:2].tolist() == pytest.approx([12 / 21, 12 / 21])
    alone = Population(population.variable, 9, 0.25)  # no rewards are known by sample
    assert alone.rewards.tolist() == pytest.approx([12 / 21, 1.0, 4.6 / 5, 0.5, 0.6])


@pytest.mark.parametrize("seed", range(8))
def test_what_was_compared_before_is_what_would_be_found_anew(seed: int) -> None:
    """States of two variables, answers that come bit by bit and some of them again, states that are dropped."""
    rng, memory, texts = random.Random(seed), Memory(), [text(name) for name in "abc"]
    for _ in range(200):
        state = State({"v": rng.choice(texts), "w": rng.choice(texts)})
        memory.add(state, [Answer(rng.randrange(6), rng.random()) for _ in range(rng.randrange(1, 4))])
        if rng.random() < 0.02:
            memory.keep_only([{one.key for one in texts[:2]}, {one.key for one in texts}])
        anew = Memory()
        anew.set_state(memory.get_state())
        place, one, other = rng.randrange(2), rng.choice(texts).key, rng.choice(texts).key
        assert memory.paired(place, one, other) == anew.paired(place, one, other)


def test_candidates_are_compared_where_all_other_variables_held_the_same() -> None:
    memory, one, other = Memory(), text("one"), text("other")
    for own, beside, rewards in ((one, "a", [1.0, 0.5]), (other, "a", [0.0, 0.5]), (other, "b", [1.0, 1.0, 1.0])):
        state = State({"v": own, "w": text(beside)})
        memory.add(state, [Answer(case, reward) for case, reward in enumerate(rewards)])
    assert memory.paired(0, one.key, other.key) == Paired(2, 1.0, 1.0)
    assert memory.paired(1, text("a").key, text("b").key) == Paired(2, -1.5, 0.75)
    memory.keep_only([{other.key}, {text("a").key, text("b").key}])
    assert not memory.paired(0, one.key, other.key).count and memory.paired(1, text("a").key, text("b").key).count


def test_where_no_rewards_are_known_by_sample_lower_bounds_decide() -> None:
    population = empty()
    population.learn(text("lucky"), [1.0])
    population.learn(text("sure"), [0.95] * 100)
    assert ranking(population) == ["sure", "lucky"] and population.best == population.candidates[1]
    greedy = Population(population.variable, 2, 0.0)
    assert ranking(greedy) == ["lucky", "sure"]
    assert [one.scores.count for one in greedy.ranked([text("never scored"), *greedy.candidates])] == [1, 100, 0]


def test_equal_candidates_keep_the_order_in_which_they_came() -> None:
    population = empty()
    for name in ("one", "two", "three"):
        population.learn(text(name), [1.0])
    assert ranking(population) == ["one", "two", "three"] and population.best == population.candidates[0]
