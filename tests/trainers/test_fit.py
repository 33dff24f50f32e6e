"""Tests of the training loop: order, counts, logs, randomness, pools."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any

import pytest

import synalinks
from programs_under_test import (
    Add,
    Answer,
    Fresh,
    Persona,
    Question,
    Speaker,
    compiled,
    data,
    fit,
    has_examples,
    learner,
    lm,
    make,
    number_of,
    phases,
    provider_of,
    right,
    solver,
)
from synalinks.data import Variable
from synalinks.errors import ConfigurationError, DataError
from synalinks.lm.core.call import Call
from synalinks.optimizers import Optimizer, Step


def test_without_an_optimizer_it_warns_and_returns_an_empty_history() -> None:
    program, provider = solver(), provider_of(right)
    program.compile(reward=synalinks.ExactMatch())
    x, y = data(4)
    with pytest.warns(UserWarning, match="without an optimizer"):
        history = fit(program, provider, x, y)
    assert (history.history, history.epoch, provider.calls) == ({}, [], [])


def test_history_has_the_keys_of_the_guide_in_their_order() -> None:
    program = compiled(
        metrics=[synalinks.metrics.MeanMetricWrapper(fn=synalinks.rewards.exact_match, name="mean_reward")]
    )
    x, y = data(6)
    history = fit(program, provider_of(learner), x, y, epochs=2, validation_split=0.34)
    assert list(history.history) == ["mean_reward", "reward", "val_mean_reward", "val_reward"]
    assert all(len(values) == 2 for values in history.history.values())
    assert history.epoch == [0, 1]
    assert program.history is history


def test_progress_is_two_plain_lines_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    program = compiled(metrics=["exact_match"])
    x, y = data(8)
    fit(program, provider_of(right), x, y, epochs=2, validation_split=0.25, verbose="auto")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2" and len(lines) == 4
    logs = " - exact_match: 1.0000 - reward: 1.0000 - val_exact_match: 1.0000 - val_reward: 1.0000"
    for line in (lines[1], lines[3]):
        assert line.startswith("6/6 - 0s ") and line.endswith(f"/step{logs}")
    fit(program, provider_of(right), x, y, verbose=0)
    assert capsys.readouterr().out == ""


def test_validation_is_the_last_fraction_taken_before_shuffling() -> None:
    provider = provider_of(right)
    x, y = data(10)
    fit(compiled(), provider, x, y, validation_split=0.3, epochs=3, seed=5)
    seen: dict[str, set[int]] = {"train": set(), "validation": set(), "candidate": set()}
    for call in provider.calls:
        seen[str(call.scope.phase)].add(number_of(call))
    assert seen["train"] == set(range(7))
    assert seen["validation"] == {7, 8, 9}
    assert seen["candidate"] <= {7, 8, 9}


def order_of(**options: Any) -> list[list[int]]:
    provider = provider_of(right)
    x, y = data(9)
    fit(compiled(), provider, x, y, epochs=2, validation_split=0, **options)
    train = [call for call in provider.calls if call.scope.phase == "train"]
    return [[number_of(call) for call in train if call.scope.epoch == epoch] for epoch in (0, 1)]


def test_the_order_is_drawn_from_the_seed_anew_each_epoch() -> None:
    one, two = order_of(seed=5), order_of(seed=5)
    assert one == two and one[0] != one[1]
    assert [sorted(epoch) for epoch in one] == [list(range(9))] * 2
    assert order_of(seed=6) != one
    assert order_of(shuffle=False) == [list(range(9))] * 2


def test_the_session_seed_is_used_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(synalinks.session._settings, "seed", 6)
    assert order_of(seed=None) == order_of(seed=6)


def test_a_fit_touches_no_global_generator() -> None:
    import random

    import numpy as np

    before = (random.getstate(), np.random.get_state()[1].tolist())  # type: ignore[index, union-attr]  # noqa: NPY002
    order_of(seed=5)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # type: ignore[index, union-attr]  # noqa: NPY002


def test_train_logs_are_weighted_by_sample_and_measured_on_the_training_samples() -> None:
    x, y = data(5)
    y[4] = Answer(answer=-7)  # the only wrong one, alone in the last batch
    wrong = (data(2, 10)[0], [Answer(answer=-1)] * 2)
    history = fit(
        compiled(metrics=["exact_match"]), provider_of(right), x, y, batch_size=4, shuffle=False, validation_data=wrong
    )
    assert history.history == {"exact_match": [0.8], "reward": [0.8], "val_exact_match": [0.0], "val_reward": [0.0]}


def test_validation_data_in_place_of_a_split() -> None:
    provider = provider_of(right)
    x, y = data(4)
    fit(compiled(), provider, x, y, validation_data=data(3, 20))
    assert sorted(number_of(c) for c in provider.calls if c.scope.phase == "validation") == [20, 21, 22]
    assert sorted(number_of(c) for c in provider.calls if c.scope.phase == "train") == [0, 1, 2, 3]
    with pytest.raises(DataError, match="a pair"):
        fit(compiled(), provider, x, y, validation_data=(x, y, y))
    with pytest.raises(DataError, match="validation x is empty"):
        fit(compiled(), provider, x, y, validation_data=([], []))
    for bad in (1.0, -0.1):
        with pytest.raises(DataError, match="validation_split"):
            fit(compiled(), provider, x, y, validation_split=bad)


@pytest.mark.parametrize(("batch_size", "minibatch_size"), [(1, 2), (3, 4), (4, 100), (7, None)])
@pytest.mark.parametrize("update_freq", ["epoch", "batch"])
def test_an_epoch_costs_what_the_formula_says_and_nothing_is_scored_twice(
    batch_size: int, minibatch_size: int | None, update_freq: Any
) -> None:
    provider = provider_of(right)
    program = compiled(optimizer=Fresh(update_freq=update_freq))
    x, y = data(20)
    n_train, n_val, epochs = 15, 5, 3
    fit(
        program,
        provider,
        x,
        y,
        validation_split=0.25,
        batch_size=batch_size,
        minibatch_size=minibatch_size,
        epochs=epochs,
    )
    steps = math.ceil(n_train / batch_size)
    mini = min(minibatch_size or n_val, n_val)
    for epoch in range(epochs):
        calls = [call for call in provider.calls if call.scope.epoch == epoch]
        assert len(calls) <= n_train + 2 * steps * mini + n_val
        found = [call.scope.phase for call in calls]
        assert found.count("train") == n_train and found.count("validation") == n_val
    # Every child is new: mini calls a step. A parent is asked on samples it has not been scored on.
    asked = [(call.request.digest, call.scope.sample) for call in provider.calls if call.scope.phase == "candidate"]
    assert len(asked) == len(set(asked))
    children = {call.request.messages[0]["content"] for call in provider.calls if call.scope.phase == "candidate"}
    assert len(children) >= epochs * steps
    assert set(phases(provider)) == {"train", "candidate", "validation"}


def test_exactly_two_thirds_of_the_bound_are_used_where_the_parent_is_known() -> None:
    provider = provider_of(right)
    x, y = data(12)
    fit(compiled(optimizer=Fresh()), provider, x, y, validation_split=0.34, minibatch_size=None, epochs=2)
    # 7 training samples, 5 for validation: the first parent is scored on 5 once, each of 7 children on 5.
    assert phases(provider) == {"train": 14, "candidate": 5 + 7 * 5 + 7 * 5, "validation": 10}


def test_parent_and_child_are_scored_on_the_same_minibatch() -> None:
    provider = provider_of(right)
    x, y = data(30)
    fit(compiled(optimizer=Fresh()), provider, x, y, validation_split=0.5, batch_size=15, minibatch_size=4)
    scored: dict[str, set[int]] = {}
    for call in provider.calls:
        if call.scope.phase == "candidate":
            scored.setdefault(str(call.request.messages[0]["content"]), set()).add(number_of(call))
    one, two = scored.values()
    assert one == two and len(one) == 4 and one <= set(range(15, 30))


def test_without_validation_data_candidates_are_scored_on_the_batch() -> None:
    provider = provider_of(right)
    x, y = data(4)
    history = fit(compiled(optimizer=Fresh()), provider, x, y, validation_split=0, batch_size=2)
    assert phases(provider) == {"train": 4, "candidate": 8}
    assert list(history.history) == ["reward"]


def parents(update_freq: Any) -> list[str]:
    """The instructions that each training call was made with, in a provider where later attempts are better."""

    def better(number: int, call: Call) -> Any:
        found = str(call.request.messages[0]["content"]).rpartition("attempt ")[2].split()[0]
        level = int(found) if found.isdigit() else 0
        return {"answer": number if number % 10 < level else -1}

    provider = provider_of(better)
    x, y = data(30)
    program = compiled(optimizer=Fresh(update_freq=update_freq))
    fit(program, provider, x, y, epochs=2, validation_split=0.67, minibatch_size=None, batch_size=3, shuffle=False)
    train = [call for call in provider.calls if call.scope.phase == "train"]
    seen: dict[tuple[Any, Any], str] = {}
    for call in train:
        text = str(call.request.messages[0]["content"]).split("\n")[1]
        assert seen.setdefault((call.scope.epoch, call.scope.step), text) == text
    return list(seen.values())


def test_the_pool_changes_at_epoch_boundaries_by_default() -> None:
    found = parents("epoch")
    first, second = found[:3], found[3:]
    assert len(set(first)) == 1 and first[0].startswith("Answer with")
    assert set(second) == {"attempt 3"}


def test_with_batch_updates_each_step_starts_from_the_best_so_far() -> None:
    assert parents("batch")[1:] == [f"attempt {n}" for n in range(1, 6)]


def test_training_shows_in_the_validation_reward_and_stays_in_the_program() -> None:
    program = compiled()
    x, y = data(20)
    history = fit(program, provider_of(learner), x, y, epochs=3, validation_split=0.4, minibatch_size=None)
    assert history.history["reward"][0] == 0.5
    assert history.history["reward"][-1] == history.history["val_reward"][-1] == 1.0
    variable = program.trainable_variables[0]
    assert 1 <= len(variable.get("examples")) <= 3
    assert variable.get("best_candidates")[0]["reward"] == 1.0
    assert variable.get("current_predictions") == []
    with synalinks.use_provider(provider := provider_of(learner)):
        assert asyncio.run(program(Question(question="number 3"))).get("answer") == 3
    assert has_examples(provider.calls[0])


def test_sets_of_examples_are_candidates_of_their_own() -> None:
    program = compiled()
    x, y = data(20)
    fit(program, provider_of(learner), x, y, epochs=2, validation_split=0.4, minibatch_size=None)
    pool = program.trainable_variables[0].get("best_candidates")
    assert len({candidate["instructions"] for candidate in pool}) == 1
    shown = [str([example["inputs"] for example in candidate["examples"]]) for candidate in pool]
    assert len(set(shown)) == len(shown) == 10  # the first set drawn does not stand in the way of later ones


def test_variables_of_one_name_are_updated_one_at_a_time_and_of_one_path_refused() -> None:
    class Named(synalinks.Module):
        """A variable whose name is not its own."""

        def __init__(self, name: str) -> None:
            super().__init__(name=name)
            self.state = self.add_variable(data_model=Persona, name="persona")

        async def call(self, inputs: Any, training: bool = False) -> Any:
            record = {"inputs": inputs.get_json(), "outputs": {"answer": 1}, "reward": None}
            self.state.get("current_predictions").append(record)
            return inputs

        async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
            return synalinks.SymbolicDataModel(data_model=Question)

    class Stern(Optimizer):
        """Writes one persona."""

        async def propose(self, variable: Variable, step: Step) -> Mapping[str, Any] | None:
            asked.append(variable.path)
            return {"persona": "stern"}

    async def build(*names: str) -> synalinks.Program:
        value = inputs = synalinks.Input(data_model=Question)
        for name in names:
            nested = synalinks.Input(data_model=Question)
            inner = synalinks.Program(inputs=nested, outputs=await Named(name)(nested))
            value = await inner(value)
        return synalinks.Program(inputs=inputs, outputs=value, name="p")

    asked: list[str] = []
    x, _ = data(3)
    program = compiled(make(lambda: build("one", "two")), optimizer=Stern())
    fit(program, provider_of(right), x, x, validation_split=0, shuffle=False, steps_per_epoch=1)
    one, two = program.trainable_variables
    assert len(asked) == 1 and {one.path, two.path} == {"one/persona", "two/persona"}
    pools = [len(v.get("best_candidates")) for v in (one, two)]
    assert sorted(pools) == [1, 2]  # both know the parent, one the child
    with pytest.raises(ConfigurationError, match="two variables have the path 'same/persona'"):
        fit(compiled(make(lambda: build("same", "same"))), provider_of(right), x, x)


def test_validation_evidence_is_folded_into_the_candidate_it_measured() -> None:
    program = compiled(optimizer=synalinks.RandomFewShot(nb_min_examples=0, nb_max_examples=0))
    x, y = data(6)
    fit(program, provider_of(learner), x, y, validation_split=0.33, epochs=2)
    best = program.trainable_variables[0].get("best_candidates")
    assert [(c["reward"], c["reward_count"]) for c in best] == [(0.5, 4)]  # two validations of two samples


def test_a_candidate_that_was_lucky_on_its_minibatch_falls_behind_once_validated() -> None:
    """Right on the minibatch of the first step only; the validation of the epoch tells."""

    def lucky(number: int, call: Call) -> Any:
        return {
            "answer": -1
            if call.scope.phase == "validation" and "attempt" in call.request.messages[0]["content"]
            else number
        }

    program = compiled(optimizer=Fresh())
    x, y = data(12)
    y[11] = Answer(answer=-5)
    fit(program, provider_of(lucky), x, y, validation_split=0.5, minibatch_size=1, batch_size=6, epochs=3)
    best = program.trainable_variables[0].get("best_candidates")
    bounds = [c["reward"] - 0.25 / math.sqrt(c["reward_count"]) for c in best]
    assert bounds == sorted(bounds, reverse=True)
    assert program.trainable_variables[0].get("instructions") == best[0]["instructions"]


def test_evidence_of_a_parent_counts_for_all_variables_so_that_a_bad_child_never_wins() -> None:
    class Worse(Optimizer):
        async def propose(self, variable: Variable, step: Step) -> Mapping[str, Any] | None:
            return {"persona": "xx"}

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        one, two = await Speaker("good", name="one")(inputs), await Speaker("good", name="two")(inputs)
        both = await Both(name="both")([one, two])
        return synalinks.Program(inputs=inputs, outputs=both, name="p")

    class Both(synalinks.Module):
        async def call(self, inputs: Any, training: bool = False) -> Any:
            return Answer(answer=sum(value.get("answer") for value in inputs))

        async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
            return synalinks.SymbolicDataModel(data_model=Answer)

    program = make(build)
    program.compile(optimizer=Worse(), reward=synalinks.ExactMatch())
    x, _ = data(12)
    for seed in range(5):
        fit(
            program,
            provider_of(right),
            x,
            [Answer(answer=8)] * 12,
            seed=seed,
            epochs=2,
            minibatch_size=None,
            validation_split=0.25,
        )
        assert [v.get("persona") for v in program.trainable_variables] == ["good", "good"]


def test_validation_runs_every_so_many_epochs() -> None:
    provider = provider_of(right)
    x, y = data(4)
    history = fit(compiled(), provider, x, y, epochs=4, validation_freq=2, validation_split=0.25)
    assert len(history.history["val_reward"]) == 2 and len(history.history["reward"]) == 4
    assert {c.scope.epoch for c in provider.calls if c.scope.phase == "validation"} == {1, 3}


def test_steps_and_epochs_can_be_limited() -> None:
    provider = provider_of(right)
    x, y = data(8)
    history = fit(
        compiled(), provider, x, y, epochs=3, initial_epoch=1, steps_per_epoch=2, validation_steps=1,
        validation_batch_size=1, validation_split=0.5, batch_size=1,
    )  # fmt: skip
    assert history.epoch == [1, 2]
    found = phases(provider)
    assert (found["train"], found["validation"]) == (4, 2)


@pytest.mark.parametrize("name", ["batch_size", "minibatch_size", "validation_batch_size", "validation_freq"])
def test_sizes_below_one_are_refused(name: str) -> None:
    x, y = data(4)
    with pytest.raises(ConfigurationError, match=f"{name}=0"):
        fit(compiled(), provider_of(right), x, y, **{name: 0})


def test_a_program_without_trainable_variables_says_so_before_any_call() -> None:
    provider = provider_of(right)
    x, y = data(4)
    with pytest.raises(ConfigurationError, match="no trainable variables"):
        fit(compiled(solver(trainable=False)), provider, x, y)
    assert provider.calls == []


def test_a_mask_that_names_no_field_is_refused_before_any_call() -> None:
    provider, program = provider_of(right), solver()
    with pytest.raises(ConfigurationError, match="answer"):
        program.compile(reward=synalinks.ExactMatch(in_mask=["anser"]))

    class Wrong(synalinks.DataModel):
        """No answer in it."""

        result: int

    program = compiled(reward=synalinks.ExactMatch(in_mask=["answer"]))
    with pytest.raises(ConfigurationError, match="target"):
        fit(program, provider, data(2)[0], [Wrong(result=1), Wrong(result=2)])
    assert provider.calls == []


def test_a_custom_module_with_state_is_trained_as_the_guide_says() -> None:
    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        return synalinks.Program(
            inputs=inputs, outputs=await Add(0, name="a")(await Speaker(name="s")(inputs)), name="p"
        )

    class Longer(Optimizer):
        async def propose(self, variable: Variable, step: Step) -> Mapping[str, Any] | None:
            assert [record["reward"] for record in step.records] == [0.0, 0.0]
            assert [record["target"] for record in step.records] == [{"answer": 11}] * 2
            assert step.description == "Custom."
            return {"persona": "x" * 11}

    program = make(build)
    program.description = "Custom."
    program.compile(optimizer=Longer(), reward=synalinks.ExactMatch())
    x, _ = data(4)
    fit(program, provider_of(right), x, [Answer(answer=11)] * 4, batch_size=2, validation_split=0.5)
    assert program.trainable_variables[0].get("persona") == "x" * 11
    assert isinstance(program.trainable_variables[0], Variable) and Persona is not None


def test_two_fits_from_one_seed_end_in_the_same_program() -> None:
    states = []
    for _ in range(2):
        synalinks.clear_session()
        program = compiled(solver(lm(name="m")))
        x, y = data(20)
        history = fit(program, provider_of(learner), x, y, epochs=3, seed=11, batch_size=4)
        states.append((program.get_state_tree(), history.history, history.ledger.to_dicts(timings=False)))
    assert states[0][:2] == states[1][:2]
