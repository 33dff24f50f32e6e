"""Tests of RandomFewShot: what may become an example, how many, which ones, and when few-shot learning is off."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import Answer, Question, compiled, fit, solver
from synalinks.data import Instructions, Variable
from synalinks.errors import ConfigurationError
from synalinks.lm.core.call import Call
from synalinks.lm.providers.fake.scripted import ScriptedProvider, prompt_of
from synalinks.optimizers import Candidate, GreedyOptimizer, Step
from synalinks.optimizers.evolutionary.selection import choose


def variable(rewards: list[float | None]) -> Variable:
    records = [{"inputs": {"q": n}, "outputs": {"a": n}, "reward": r} for n, r in enumerate(rewards)]
    return Variable({"predictions": records}, data_model=Instructions, name="v")


def propose(rewards: list[float | None], seed: int = 0, **options: Any) -> list[int] | None:
    step = Step(0, 0, [], "", np.random.default_rng(seed))
    found = asyncio.run(synalinks.RandomFewShot(**options).propose(variable(rewards), step))
    return None if found is None else [example["inputs"]["q"] for example in found["examples"]]


def test_defaults() -> None:
    config = synalinks.RandomFewShot().get_config()
    wanted = {
        "nb_min_examples": 1,
        "nb_max_examples": 3,
        "sampling": "softmax",
        "sampling_temperature": 0.3,
        "population_size": 10,
        "reward_uncertainty": 0.25,
        "update_freq": "epoch",
    }
    assert {name: config[name] for name in wanted} == wanted


def test_only_predictions_with_a_positive_reward_are_drawn() -> None:
    for seed in range(30):
        found = propose([0.0, 1.0, None, 0.4, 0.0], seed)
        assert found and set(found) <= {1, 3}


def test_counts_are_uniform_between_the_bounds() -> None:
    counts = [len(propose([1.0] * 10, seed, nb_min_examples=2, nb_max_examples=4) or []) for seed in range(300)]
    assert set(counts) == {2, 3, 4}
    assert all(70 < counts.count(n) < 130 for n in (2, 3, 4))


def test_fewer_eligible_than_wanted_gives_all_of_them_and_none_no_proposal() -> None:
    assert sorted(propose([1.0, 0.0, 1.0], nb_min_examples=3, nb_max_examples=3) or []) == [0, 2]
    assert propose([0.0, None]) is None
    assert propose([]) is None


def test_both_at_zero_switches_few_shot_off() -> None:
    assert propose([1.0, 1.0], nb_min_examples=0, nb_max_examples=0) is None


def test_a_draw_of_none_proposes_a_prompt_without_examples() -> None:
    found = [propose([1.0], seed, nb_min_examples=0, nb_max_examples=1) for seed in range(20)]
    assert [] in found and [0] in found


def test_a_temperature_of_zero_takes_the_best() -> None:
    assert propose([0.2, 0.9, 0.5], nb_min_examples=2, nb_max_examples=2, sampling_temperature=0) == [1, 2]
    assert propose([0.2, 0.9, 0.5], nb_min_examples=2, nb_max_examples=2, sampling="best") == [1, 2]


def test_examples_carry_no_reward_and_come_from_the_seed() -> None:
    step = Step(0, 0, [], "", np.random.default_rng(0))
    found = asyncio.run(synalinks.RandomFewShot().propose(variable([1.0, 1.0]), step))
    assert found is not None and all(example["reward"] is None for example in found["examples"])
    assert propose([1.0] * 9, 3) == propose([1.0] * 9, 3)


@pytest.mark.parametrize(
    "options",
    [
        {"nb_min_examples": -1},
        {"nb_min_examples": 4},
        {"nb_max_examples": 2.5},
        {"sampling": "worst"},
        {"sampling_temperature": -1},
    ],
)
def test_arguments_that_cannot_be_right(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="RandomFewShot"):
        synalinks.RandomFewShot(**options)


def test_it_is_the_greedy_optimizer_under_its_known_name() -> None:
    assert issubclass(synalinks.RandomFewShot, GreedyOptimizer)
    again = synalinks.RandomFewShot.from_config(synalinks.RandomFewShot(nb_max_examples=5).get_config())
    assert again.nb_max_examples == 5


# --- how many ------------------------------------------------------------------------------------------------------


def test_within_an_epoch_no_count_comes_twice_before_each_has_come_once() -> None:
    async def counts(seed: int) -> list[int]:
        optimizer, rng, one = synalinks.RandomFewShot(), np.random.default_rng(seed), variable([1.0] * 10)
        found: list[int] = []
        for epoch in range(2):
            await optimizer.on_epoch_begin(epoch, [one])
            for step in range(4):
                proposed = await optimizer.propose(one, Step(epoch, step, [], "", rng))
                found.append(len(proposed["examples"]) if proposed else 0)
        return found

    found = [asyncio.run(counts(seed)) for seed in range(60)]
    assert all(set(each[:3]) == set(each[4:7]) == {1, 2, 3} for each in found)
    fourth = Counter(each[3] for each in found)  # and it is as open as the first
    assert set(fourth) == {1, 2, 3} and max(fourth.values()) < 35


# --- which ones: those nearest to the training inputs ----------------------------------------------------------------

TOPICS = ("apple pear plum", "copper iron zinc", "river lake sea")


def about(topic: int, n: int) -> dict[str, str]:
    return {"q": f"say what is case {n} about {TOPICS[topic]}"}


#: Three of each topic. Of the training inputs, four are about the first, two about the second, one about the third, and
#: ten about nothing that is known.
KNOWN = [about(topic, 10 * topic + n) for topic in (0, 1, 2) for n in range(3)]
INPUTS = [about(topic, 100 + n) for n, topic in enumerate((0, 0, 0, 0, 1, 1, 2))] + [
    {"q": f"else{n}"} for n in range(10)
]


def knowing(rewards: Sequence[float], examples: Sequence[Any] = ()) -> Variable:
    records = [{"inputs": i, "outputs": {"a": 1}, "reward": r} for i, r in zip(KNOWN, rewards, strict=True)]
    return Variable({"predictions": records, "examples": list(examples)}, data_model=Instructions, name="v")


def draw(one: Variable, seed: int = 0, inputs: Sequence[Any] = INPUTS, **options: Any) -> list[int]:
    step = Step(0, 0, [], "", np.random.default_rng(seed), inputs)
    found = asyncio.run(synalinks.RandomFewShot(**options).propose(one, step))
    assert found is not None
    return [KNOWN.index(example["inputs"]) for example in found["examples"]]


@pytest.mark.parametrize("seed", range(5))
def test_together_they_come_near_to_all_that_is_inputs_the_most_frequent_first(seed: int) -> None:
    one = knowing([1.0] * 9)
    topics = [i // 3 for i in draw(one, seed, nb_min_examples=3, nb_max_examples=3)]
    assert topics == [0, 1, 2]
    assert draw(one, seed, nb_max_examples=1)[0] // 3 == 0


def test_equally_near_ones_are_drawn_at_random() -> None:
    drawn = Counter(draw(knowing([1.0] * 9), seed, nb_max_examples=1)[0] for seed in range(90))
    assert set(drawn) == {0, 1, 2} and min(drawn.values()) > 15


def test_what_similarity_is_worth_is_the_softmax_of_the_reward() -> None:
    poor = knowing([0.2] * 3 + [1.0] * 6)  # exp(-0.8 / 0.3) = 0.07 of the similarity of those that are right
    assert [i // 3 for i in draw(poor, nb_min_examples=2, nb_max_examples=2)] == [1, 2]
    assert draw(poor, nb_max_examples=1, sampling_temperature=100)[0] // 3 == 0  # as good as equal
    cold = knowing([0.9] * 4 + [1.0] + [0.9] * 4)
    assert draw(cold, nb_max_examples=1, sampling_temperature=0) == [4]


def test_random_and_best_do_not_look_at_similarity() -> None:
    rewards = [0.5, 0.6, 0.7, 0.2, 0.3, 0.9, 0.1, 1.0, 0.8]
    for sampling in ("random", "best"):
        for seed in range(5):
            options = {"sampling": sampling, "nb_min_examples": 3, "nb_max_examples": 3}
            found = draw(knowing(rewards), seed, **options)
            assert found == draw(knowing(rewards), seed, inputs=(), **options)
            if sampling == "best":
                assert found == [7, 5, 8]
    firsts = Counter(draw(knowing([1.0] * 9), seed, sampling="random", nb_max_examples=1)[0] for seed in range(300))
    assert len(firsts) == 9 and min(firsts.values()) > 15


@pytest.mark.parametrize("inputs", [(), [{"q": "nothing alike"}, {"q": "else entirely"}]])
def test_where_similarity_tells_nothing_it_is_the_plain_softmax_draw(inputs: Sequence[Any]) -> None:
    rewards = [0.1, 0.9, 0.5, 0.3, 0.7, 1.0, 0.2, 0.6, 0.4]
    for seed in range(10):
        rng = np.random.default_rng(seed)
        rng.permutation(1)  # the deal of the count
        plain = choose(rewards, 3, "softmax", 0.3, rng)
        assert draw(knowing(rewards), seed, inputs, nb_min_examples=3, nb_max_examples=3) == plain


def test_where_the_nearest_are_in_the_prompt_already_the_draw_is_a_plain_one() -> None:
    options = {"nb_min_examples": 3, "nb_max_examples": 3}
    first = draw(knowing([1.0] * 9), **options)
    shown = [{"inputs": KNOWN[i], "outputs": {"a": 1}, "reward": None} for i in reversed(first)]
    again = [draw(knowing([1.0] * 9, shown), seed, **options) for seed in range(30)]
    assert any({i // 3 for i in found} != {0, 1, 2} for found in again)
    assert set(map(tuple, again)) - {tuple(first)}, "a step without a proposal teaches nothing"


# --- whether similarity has an effect --------------------------------------------------------------------------------


def trained(pays: bool, best: Sequence[int]) -> tuple[Any, Variable]:
    """An optimizer that has seen samples near its example do well, or badly; and its variable with the best known."""
    shown = [{"inputs": KNOWN[0], "outputs": {"a": 1}, "reward": None}]
    optimizer, one = synalinks.RandomFewShot(nb_max_examples=1), knowing([1.0] * 9, shown)
    one.path = "m/v"
    asyncio.run(optimizer.on_train_begin([one]))
    records = [{"inputs": about(n % 3, n), "reward": float((n % 3 == 0) == pays)} for n in range(200, 260)]
    asyncio.run(optimizer.propose(one, Step(0, 0, records, "", np.random.default_rng(0), INPUTS)))
    candidate = Candidate({"instructions": "", "examples": [{**shown[0], "inputs": KNOWN[i]} for i in best]})
    optimizer.add_scored(one, candidate, [1.0] * 4)
    return optimizer, one


def proposed(optimizer: Any, one: Variable) -> bool:
    step = Step(0, 1, [], "", np.random.default_rng(0), INPUTS)
    return asyncio.run(optimizer.propose(one, step)) is not None


def test_once_similarity_surely_pays_a_draw_that_comes_less_near_than_the_best_is_not_scored() -> None:
    assert not proposed(*trained(True, best=[0, 3, 6]))


def test_it_is_scored_while_that_is_not_sure_or_where_it_comes_as_near() -> None:
    assert proposed(*trained(False, best=[0, 3, 6]))
    assert proposed(*trained(True, best=[6]))
    assert proposed(*trained(True, best=[]))
    optimizer, one = trained(True, best=[0, 3, 6])
    optimizer.sampling = "random"
    assert proposed(optimizer, one)


def test_a_sample_that_is_itself_an_example_is_no_evidence() -> None:
    optimizer, one = trained(True, best=[0])
    known = optimizer.get_state()
    own = [{"inputs": KNOWN[0], "reward": 0.0}] * 50
    asyncio.run(optimizer.propose(one, Step(0, 1, own, "", np.random.default_rng(0), INPUTS)))
    assert optimizer.get_state() == known
    asyncio.run(
        optimizer.propose(one, Step(0, 1, [{"inputs": KNOWN[1], "reward": 0.0}], "", np.random.default_rng(0), INPUTS))
    )
    assert optimizer.get_state() != known


def test_what_training_showed_goes_on_after_a_crash_and_not_into_the_next_training() -> None:
    optimizer, _ = trained(True, best=[0, 3, 6])
    state = json.loads(json.dumps(optimizer.get_state()))
    again, other = trained(False, best=[0, 3, 6])
    assert proposed(again, other)
    again.set_state(state)
    assert again.get_state() == state and not proposed(again, other)
    asyncio.run(again.on_train_begin([other]))
    assert again.get_state() == {"effects": {}}
    again.set_state(None)


# --- in training ----------------------------------------------------------------------------------------------------


def asks(topic: int, n: int) -> str:
    return f"say what is case {n} about {TOPICS[topic]} number {n}"


def nearest(call: Call) -> Any:
    """Right where the prompt has an example of the question's topic; else about every fourth number only."""
    system, _, user = prompt_of(call.request).rpartition("<input>")
    number = int(re.findall(r"number (\d+)", user)[0])
    topic = next(text for text in TOPICS if text in user)
    return {"answer": number if topic in system or number % 4 == 0 else -1}


def train_on_topics(sampling: str, seed: int, **options: Any) -> tuple[Any, ScriptedProvider]:
    rng = np.random.default_rng(7)
    pairs = [(int(rng.choice(3, p=[0.2, 0.4, 0.4])), n) for n in range(60)]
    x, y = [Question(question=asks(*pair)) for pair in pairs], [Answer(answer=n) for _, n in pairs]
    optimizer = synalinks.RandomFewShot(sampling=sampling, nb_max_examples=2)
    provider = ScriptedProvider(nearest, **options)
    program = compiled(solver(name=f"{sampling}{seed}"), optimizer=optimizer)
    fit(
        program,
        provider,
        x[:40],
        y[:40],
        batch_size=20,
        epochs=2,
        validation_data=(x[40:], y[40:]),
        seed=seed,
        minibatch_size=None,
    )
    return program, provider


def covered(program: Any) -> float:
    shown = str(program.trainable_variables[0].get("examples"))
    return sum(topic in shown for topic in TOPICS[1:]) / 2


def test_where_near_examples_help_they_are_found_sooner_than_by_chance() -> None:
    found = {kind: [covered(train_on_topics(kind, seed)[0]) for seed in range(6)] for kind in ("softmax", "random")}
    assert sum(found["softmax"]) / 6 == 1.0 > sum(found["random"]) / 6


def test_a_seed_gives_the_same_examples_and_calls() -> None:
    (one, first), (other, second) = (train_on_topics("softmax", 3) for _ in range(2))
    shown = [program.trainable_variables[0].get("examples") for program in (one, other)]
    assert shown[0] == shown[1] and len(first.calls) == len(second.calls)


class Looking(synalinks.optimizers.Optimizer):
    """Notes what it is told of the training samples."""

    seen: list[Any] = []

    async def propose(self, variable: Variable, step: Step) -> None:
        self.seen.append(step.training_inputs)


def looking(count: int, stream: bool = False) -> list[Any]:
    """What the steps of an epoch of batches of 2 show of so many training samples."""
    x, y = [Question(question=f"number {n}") for n in range(count)], [Answer(answer=n) for n in range(count)]
    held_out = [Question(question="number -1")] * 2, [Answer(answer=1)] * 2
    Looking.seen = []
    provider = ScriptedProvider(lambda call: {"answer": 1})
    batches = ((np.array(x[n : n + 2], object), np.array(y[n : n + 2], object)) for n in range(0, count, 2))
    data = (batches,) if stream else (x, y)
    fit(compiled(optimizer=Looking()), provider, *data, batch_size=2, shuffle=False, validation_data=held_out)
    assert all(list(value) == ["question"] for inputs in Looking.seen for value in inputs)
    return [[int(value["question"].split()[1]) for value in inputs] for inputs in Looking.seen]


def test_a_proposal_sees_the_training_inputs_and_none_of_the_validation_and_no_target() -> None:
    assert looking(4) == [[0, 1, 2, 3]] * 2 and Looking.seen[0] is Looking.seen[1]
    assert looking(4, stream=True) == [[0, 1], [2, 3]]


def test_of_many_training_inputs_a_drawn_part_is_seen() -> None:
    (first, *others), (again, *_) = looking(450), looking(450)
    assert len(first) == 400 == len(set(first)) and first == sorted(first) == again and first[-1] > 400
    assert all(one == first for one in others)
