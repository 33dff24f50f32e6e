"""Faults that programs written for other implementations work around, each shown right here."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import (
    Answer,
    Question,
    compiled,
    data,
    fit,
    learner,
    lm,
    make,
    phases,
    provider_of,
    right,
    solver,
)
from synalinks.callbacks import Callback, EarlyStopping
from synalinks.data import Variable
from synalinks.errors import ConfigurationError
from synalinks.optimizers import EvolutionaryOptimizer, Optimizer


def test_a_fit_without_validation() -> None:
    history = fit(compiled(), provider_of(right), *data(4), validation_split=0)
    assert history.history == {"reward": [1.0]}


def test_a_step_runs_no_evaluation_besides() -> None:
    provider = provider_of(right)
    fit(compiled(), provider, *data(10), epochs=2, batch_size=4, validation_split=0.2)
    found = phases(provider)
    assert found["train"] == 16 and found["validation"] == 2 * 2
    assert found.get("candidate", 0) <= 2 * 2 * 2 * 2  # parent and child, on two samples, of two steps, in two epochs


def test_training_logs_are_of_the_training_samples() -> None:
    x, y = data(10)
    history = fit(compiled(), provider_of(learner), x, [*y[:8], Answer(answer=-9), Answer(answer=-9)])
    assert history.history["reward"][0] > history.history["val_reward"][0] == 0.0


def test_every_epoch_sees_the_whole_of_a_generator() -> None:
    x, y = data(9)

    def batches() -> Any:
        for start in range(0, 9, 3):
            yield np.array(x[start : start + 3], dtype="object"), np.array(y[start : start + 3], dtype="object")

    provider = provider_of(right)
    fit(compiled(), provider, batches, epochs=3)
    assert Counter(call.scope.epoch for call in provider.calls if call.scope.phase == "train") == {0: 9, 1: 9, 2: 9}


def test_early_stopping_as_it_is_made_by_default() -> None:
    history = fit(compiled(), provider_of(right), *data(4), epochs=3, callbacks=[EarlyStopping()])
    assert (history.epoch, history.stopped_by) == ([0], "callback")
    with pytest.warns(UserWarning, match="which the logs don't hold"):
        fit(compiled(), provider_of(right), *data(4), epochs=2, callbacks=[EarlyStopping(monitor="val_nothing")])


def test_callbacks_of_a_prediction_have_the_program_and_their_own_hooks() -> None:
    log: list[Any] = []

    class Notes(Callback):
        def on_predict_begin(self, logs: Any = None) -> None:
            log.append(("predict", self.program.name))

        def on_test_begin(self, logs: Any = None) -> None:
            log.append("test")

    with synalinks.use_provider(provider_of(right)):
        asyncio.run(compiled(solver(name="adder")).predict(data(2)[0], verbose=0, callbacks=[Notes()]))
    assert log == [("predict", "adder")]


def test_programs_compiled_with_any_reward_can_be_saved(tmp_path: Any) -> None:
    judge = synalinks.LMAsJudge(language_model="ollama/judge")
    for reward in (synalinks.CosineSimilarity(embedding_model="ollama/all-minilm"), judge):
        program = compiled(reward=reward)
        program.save(tmp_path / "program.json")
        again = synalinks.Program.load(tmp_path / "program.json")
        assert type(again.reward) is type(reward) and again.reward.get_config() == reward.get_config()


def test_several_predictions_of_a_sample_all_have_its_reward() -> None:
    class Twice(synalinks.Program):
        """Answers twice, and returns the second."""

        def __init__(self) -> None:
            super().__init__(name="twice")
            self.generator = synalinks.Generator(data_model=Answer, language_model=lm(), name="generator")

        async def call(self, inputs: Any, training: bool = False) -> Any:
            await self.generator(inputs, training=training)
            return await self.generator(inputs, training=training)

    program = Twice()
    program.compile(optimizer=synalinks.RandomFewShot(), reward="exact_match")
    fit(program, provider_of(learner), *data(6), epochs=2, batch_size=3)
    predictions = program.trainable_variables[0].get("predictions")
    assert predictions and all(one["reward"] in (0.0, 1.0) for one in predictions)


def test_few_shot_goes_beyond_its_first_set_of_examples() -> None:
    seen: set[str] = set()

    class Notes(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            value = self.program.trainable_variables[0].get_json()
            seen.update(json.dumps(one["examples"]) for one in (*value["candidates"], *value["best_candidates"]))

    fit(compiled(), provider_of(learner), *data(12), epochs=3, batch_size=4, callbacks=[Notes()])
    assert len(seen) > 2


def test_epochs_are_counted_and_history_is_filled_so_that_crossover_has_its_chance() -> None:
    class Louder(EvolutionaryOptimizer):
        async def mutate(self, variable: Any, parent: Any, step: Any) -> Any:
            return {"instructions": parent.fields["instructions"] + "!"}

        async def cross(self, variable: Any, parent: Any, other: Any, step: Any) -> Any:
            self.crossed = True
            return {"instructions": other.fields["instructions"] + "?"}

    program = compiled(optimizer=Louder(language_model=lm(), merging_rate=1.0))
    fit(program, provider_of(learner), *data(8), epochs=3, batch_size=2)
    assert program.optimizer.epochs == 3 and program.optimizer.crossed
    assert program.trainable_variables[0].get("history")


def test_a_variable_that_was_never_visited_comes_first_and_one_is_updated_at_a_time() -> None:
    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question)
        first = await synalinks.Generator(data_model=Answer, language_model=lm(), name="first")(inputs)
        both = await synalinks.Generator(data_model=Answer, language_model=lm(), name="second")(inputs + first)
        return synalinks.Program(inputs=inputs, outputs=both)

    class Notes(Optimizer):
        async def propose(self, variable: Variable, step: Any) -> Any:
            self.names = [*getattr(self, "names", []), variable.name]
            return {"instructions": f"{variable.name} {step.step}"}

    program = make(build)
    program.compile(optimizer=Notes(), reward="exact_match")
    fit(program, provider_of(right), *data(8), epochs=2, batch_size=2)
    assert {*program.optimizer.names} == {variable.name for variable in program.trainable_variables}


def test_methods_of_a_program_that_training_would_not_call_are_refused() -> None:
    class Own(synalinks.Program):
        """Has a reward of its own."""

        async def compute_reward(self, x: Any = None, y: Any = None, y_pred: Any = None) -> float:
            return 1.0

    with pytest.raises(ConfigurationError, match="Own.compute_reward would never be called; give compile a reward"):
        Own().compile(reward="exact_match")


def test_rewards_may_be_plain_functions_and_show_their_masks() -> None:
    class Plain(synalinks.rewards.Reward):
        def call(self, y_true: Any, y_pred: Any) -> float:  # type: ignore[override]
            return 0.5

    class PlainBatch(synalinks.rewards.BatchReward):
        def call(self, y_true: Any, y_pred: Any) -> list[float]:  # type: ignore[override]
            return [0.5] * len(y_pred)

    reward = Plain(in_mask=["answer"], out_mask_pattern="note")
    assert asyncio.run(reward(None, Answer(answer=1))) == 0.5
    assert asyncio.run(PlainBatch().compute_batch([None] * 2, [Answer(answer=1)] * 2)) == [0.5, 0.5]
    for masked in (reward, synalinks.metrics.F1Score(in_mask=["answer"], out_mask_pattern="note")):
        assert (masked.in_mask, masked.out_mask, masked.in_mask_pattern) == (["answer"], None, None)
        assert masked.out_mask_pattern == "note"


def test_a_reward_and_an_optimizer_in_serialised_form() -> None:
    program = compiled()
    reward = synalinks.rewards.serialize(synalinks.rewards.ExactMatch(in_mask=["answer"]))
    optimizer = synalinks.optimizers.serialize(synalinks.optimizers.RandomFewShot(nb_max_examples=2))
    program.compile(reward=reward, optimizer=optimizer)
    assert isinstance(program.reward, synalinks.rewards.ExactMatch) and program.reward.in_mask == ["answer"]
    assert program.optimizer.nb_max_examples == 2
    assert fit(program, provider_of(right), *data(4)).history["reward"] == [1.0]


def test_datasets_of_files_train_and_validate(tmp_path: Path) -> None:
    x, y = data(4)
    lines = ["q,a", *(f"{one.question},{other.answer}" for one, other in zip(x, y, strict=True))]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    rows = synalinks.CSVDataset(
        tmp_path / "rows.csv",
        input_data_model=Question,
        input_template='{"question": {{ q | string | tojson }}}',
        output_data_model=Answer,
        output_template='{"answer": {{ a }}}',
        batch_size=2,
    )
    history = fit(compiled(), provider_of(right), rows, epochs=2, validation_data=rows)
    assert history.history == {"reward": [1.0, 1.0], "val_reward": [1.0, 1.0]}
