"""Tests of the evolutionary base: which parents, when mutation and when crossover, and a zero temperature."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import data, fit, provider_of, right, solver
from synalinks.data import Instructions, Variable
from synalinks.errors import ConfigurationError
from synalinks.optimizers import EvolutionaryOptimizer, Step
from synalinks.optimizers.candidates import Candidate


class Evolve(EvolutionaryOptimizer):
    """Mutates by marking, crosses over by joining; asks no model."""

    async def mutate(self, variable: Variable, parent: Candidate, step: Step) -> Mapping[str, Any] | None:
        return {"instructions": f"{parent.fields['instructions']}'"}

    async def cross(
        self, variable: Variable, parent: Candidate, other: Candidate, step: Step
    ) -> Mapping[str, Any] | None:
        return {"instructions": f"{parent.fields['instructions']}x{other.fields['instructions']}"}


def variable(pool: Mapping[str, float], now: str = "a") -> Variable:
    best = [{"instructions": t, "examples": [], "reward": r, "reward_count": 4} for t, r in pool.items()]
    value = {
        "instructions": now,
        "best_candidates": best,
        "seed_candidates": [{"instructions": "seed", "examples": []}],
    }
    return Variable(value, data_model=Instructions, name="v")


def selected(pool: Mapping[str, float], times: int = 400, **options: Any) -> Counter[str]:
    optimizer, rng, holder = Evolve(**options), np.random.default_rng(0), variable(pool)
    return Counter(asyncio.run(optimizer.select_candidate(holder, rng)).fields["instructions"] for _ in range(times))


def proposals(epochs: int, pool: Mapping[str, float], times: int = 400, **options: Any) -> Counter[str]:
    optimizer, holder = Evolve(**options), variable(pool)
    optimizer.progress.update({"epochs": epochs})
    step = Step(epochs, 0, [], "", np.random.default_rng(0))

    async def one() -> str:
        found = await optimizer.propose(holder, step)
        assert found is not None
        return str(found["instructions"])

    return Counter(asyncio.run(one()) for _ in range(times))


def test_parents_are_drawn_by_reward() -> None:
    found = selected({"good": 0.9, "poor": 0.0})
    assert 0.9 < found["good"] / 400 < 0.98  # exp(0.9 / 0.3) to 1 is 0.953


def test_a_higher_temperature_explores_more_and_zero_takes_the_best() -> None:
    pool = {"good": 0.9, "poor": 0.0}
    assert selected(pool, selection_temperature=3.0)["poor"] > 2 * selected(pool)["poor"]
    assert selected(pool, selection_temperature=0) == {"good": 400}
    assert selected({"one": 0.5, "two": 0.5}, selection_temperature=0).keys() == {"one", "two"}


def test_other_ways_to_select() -> None:
    assert selected({"poor": 0.1, "good": 0.9}, selection="best") == {"good": 400}
    assert 150 < selected({"good": 0.9, "poor": 0.1}, selection="random")["poor"] < 250


def test_a_seed_is_the_parent_where_nothing_has_been_scored() -> None:
    assert selected({}) == {"seed": 400}


@pytest.mark.parametrize(("rate", "epochs", "share"), [(0.02, 10, 0.2), (0.02, 20, 0.4), (0.02, 0, 0.0), (1.0, 3, 1.0)])
def test_the_chance_of_crossover_is_the_rate_times_the_epochs(rate: float, epochs: int, share: float) -> None:
    found = proposals(epochs, {"a": 0.5, "b": 0.5}, merging_rate=rate)
    assert set(found) <= {"a'", "axb"}
    assert found["axb"] / 400 == pytest.approx(share, abs=0.07)


def test_crossover_wants_another_candidate() -> None:
    assert proposals(50, {"a": 0.9}, merging_rate=1.0) == {"a'": 400}
    assert proposals(50, {"a": 0.9, "b": 0.1}, merging_rate=1.0) == {"axb": 400}


def test_the_other_parent_is_drawn_by_reward_too() -> None:
    found = proposals(50, {"a": 1.0, "good": 0.9, "poor": 0.0}, merging_rate=1.0)
    assert found["axgood"] > 8 * found["axpoor"] > 0


def test_epochs_are_counted_and_history_is_filled_in_a_fit() -> None:
    made = solver()
    made.compile(optimizer=Evolve("ollama/p", merging_rate=1.0), reward=synalinks.ExactMatch())
    fit(made, provider_of(right), *data(12), epochs=3, batch_size=4)
    assert made.optimizer.epochs == 3
    assert made.trainable_variables[0].get("history")


def test_the_sessions_model_is_taken_when_training_begins_and_not_before() -> None:
    optimizer = Evolve()
    with pytest.raises(ConfigurationError, match="Evolve has no language model"):
        asyncio.run(optimizer.on_train_begin([variable({})]))
    synalinks.set_default_language_model("ollama/later")
    asyncio.run(optimizer.on_train_begin([variable({})]))
    assert optimizer.language_model is not None and optimizer.language_model.model == "ollama/later"


@pytest.mark.parametrize("name", ["mutate", "cross"])
def test_a_subclass_that_leaves_one_out_is_told(name: str) -> None:
    optimizer, step = EvolutionaryOptimizer(), Step(0, 0, [], "", np.random.default_rng(0))
    arguments: list[Any] = [variable({}), {}, step] if name == "mutate" else [variable({}), {}, {}, step]
    with pytest.raises(ConfigurationError, match=f"async def {name}"):
        asyncio.run(getattr(optimizer, name)(*arguments))


def test_it_is_the_same_after_saving() -> None:
    made = Evolve("ollama/p", 0.5, 0.1, "best", 0, 0.3, 20, 0.1, "evolve", "Evolves.", "batch")
    again = Evolve.from_config(made.get_config())
    assert again.get_config() == made.get_config()
    assert (again.language_model.model, again.population_size, again.update_freq) == ("ollama/p", 20, "batch")
