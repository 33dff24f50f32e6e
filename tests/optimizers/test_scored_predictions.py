"""Tests of evidence: predictions belong to samples, and nothing grows without bound."""

from __future__ import annotations

import random
from typing import Any

from synalinks import scope
from synalinks.data import Instructions, Variable
from synalinks.optimizers.scored_predictions import PREDICTIONS_KEPT, assign_rewards, begin_step, eligible, keep


def variable() -> Variable:
    made = Variable({}, data_model=Instructions, name="v")
    begin_step(made)
    return made


def record(question: int, answer: Any = 0) -> dict[str, Any]:
    return {"inputs": {"q": question}, "outputs": {"a": answer}, "reward": None}


def test_records_are_stamped_with_the_sample_of_the_task_that_adds_them() -> None:
    v = variable()
    with scope.enter(sample=3):
        v.get("current_predictions").append(record(1))
    v.get("current_predictions").append({**record(2), "sample": 7})
    assert [r["sample"] for r in v.get("current_predictions")] == [3, 7]


def test_rewards_go_by_sample_whatever_the_order() -> None:
    for seed in range(50):
        rng, v = random.Random(seed), variable()
        order = rng.sample(range(20), 20)
        failed = set(rng.sample(range(20), 5))
        for sample in order:
            if sample not in failed:
                with scope.enter(sample=sample):
                    v.get("current_predictions").append(record(sample))
        scored = assign_rewards(v, {sample: sample / 20 for sample in range(20)})
        assert [r["reward"] for r in scored] == [s / 20 for s in range(20) if s not in failed]
        assert all(r["inputs"]["q"] / 20 == r["reward"] for r in v.get("predictions"))
        assert v.get("nb_visit") == 15


def test_a_module_called_twice_for_a_sample_has_two_scored_records() -> None:
    v = variable()
    for sample in (0, 1):
        for turn in (0, 1):
            with scope.enter(sample=sample):
                v.get("current_predictions").append(record(10 * sample + turn))
    scored = assign_rewards(v, {0: 1.0, 1: 0.0})
    assert [(r["inputs"]["q"], r["reward"]) for r in scored] == [(0, 1.0), (1, 1.0), (10, 0.0), (11, 0.0)]
    assert (v.get("nb_visit"), v.get("cumulative_reward")) == (4, 2.0)


def test_a_branch_not_taken_has_no_visit() -> None:
    v = variable()
    assert assign_rewards(v, {0: 1.0}) == []
    assert (v.get("nb_visit"), v.get("cumulative_reward"), v.get("predictions")) == (0, 0.0, [])


def test_visits_are_counted_by_step_and_evidence_is_moved() -> None:
    v = variable()
    with scope.enter(sample=0):
        v.get("current_predictions").append(record(1))
    assign_rewards(v, {0: 1.0})
    assert v.get("current_predictions") == [] and len(v.get("predictions")) == 1
    assert "sample" not in v.get("predictions")[0]
    begin_step(v)
    assert (v.get("nb_visit"), v.get("cumulative_reward"), len(v.get("predictions"))) == (0, 0.0, 1)


def test_one_prediction_is_kept_for_each_input_the_best() -> None:
    rows = [{**record(1, a), "reward": r} for a, r in ((0, 0.2), (1, 0.9), (2, 0.9), (3, 0.1))]
    assert [(r["outputs"]["a"], r["reward"]) for r in keep([], rows)] == [(1, 0.9)]


def test_what_is_kept_has_a_bound_and_the_best_stay() -> None:
    rows = [{**record(n), "reward": float(n % 2)} for n in range(4 * PREDICTIONS_KEPT)]
    kept = keep([], rows)
    assert len(kept) == PREDICTIONS_KEPT
    assert {r["reward"] for r in kept} == {1.0}
    assert kept[-1]["inputs"]["q"] == 4 * PREDICTIONS_KEPT - 1


def test_eligible_are_those_with_a_positive_reward() -> None:
    v = variable()
    v.update({"predictions": [{**record(n), "reward": reward} for n, reward in enumerate((0.0, None, 0.1, 1.0))]})
    assert [r["inputs"]["q"] for r in eligible(v)] == [2, 3]
