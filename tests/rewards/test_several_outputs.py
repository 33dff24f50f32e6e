"""Tests of rewards of programs with several outputs: weights, masks, failed outputs, and rewards of whole batches."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Question, fit, lm, make, number_of
from synalinks.errors import ConfigurationError
from synalinks.lm.providers.fake.scripted import ScriptedProvider
from synalinks.rewards import BatchReward


class Note(synalinks.DataModel):
    """A remark."""

    note: str


def double(name: str = "double") -> Any:
    """Answers, and remarks on it."""

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question, name="q")
        answer = await synalinks.Generator(data_model=Answer, language_model=lm(), name="answer")(inputs)
        note = await synalinks.Generator(data_model=Note, language_model=lm(), name="note")(inputs)
        return synalinks.Program(inputs=inputs, outputs=[answer, note], name=name, description="Two.")

    return make(build)


def provider(failing: int = -1) -> ScriptedProvider:
    """Right answers, and remarks that are right for even numbers; the remark on one number fails."""

    def answer(call: Any) -> Any:
        number = number_of(call)
        if call.scope.module.endswith("answer"):
            return {"answer": number}
        return "no JSON" if number == failing else {"note": "fine" if number % 2 == 0 else "odd"}

    return ScriptedProvider(answer)


def data(count: int) -> tuple[list[Question], list[Any]]:
    x = [Question(question=f"number {n}") for n in range(count)]
    return x, [(Answer(answer=n), Note(note="fine")) for n in range(count)]


def evaluate(program: Any, count: int = 4, failing: int = -1, batch_size: int = 4) -> dict[str, Any]:
    x, y = data(count)
    with synalinks.use_provider(provider(failing)):
        return asyncio.run(program.evaluate(x, y, batch_size=batch_size, verbose=0))  # type: ignore[no-any-return]


class Half(BatchReward):
    """Full marks for the first half of a batch; remembers what it saw."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.saw: list[tuple[list[Any], list[Any]]] = []

    async def call(self, y_true: Any, y_pred: Any) -> list[float]:
        self.saw.append(([one.get_json() for one in y_true], [one.get_json() for one in y_pred]))
        return [float(place < len(y_pred) / 2) for place in range(len(y_pred))]


@pytest.mark.parametrize(("weights", "wanted"), [(None, 0.75), ([1, 1], 0.75), ([1, 3], 0.625), ([1, 0], 1.0)])
def test_the_reward_is_the_weighted_mean_of_the_outputs(weights: Any, wanted: float) -> None:
    program = double()
    program.compile(reward=["exact_match", synalinks.ExactMatch(in_mask=["note"])], reward_weights=weights)
    assert evaluate(program) == {"reward": wanted}


def test_one_reward_serves_all_outputs() -> None:
    program = double()
    program.compile(reward="exact_match")
    assert evaluate(program) == {"reward": 0.75}


def test_a_reward_of_whole_batches_may_be_one_of_several() -> None:
    program, half = double(), Half()
    program.compile(reward=["exact_match", half], reward_weights=[1, 3])
    # Samples 0 to 3 earn 1 by their answers; by their place, 1 1 0 0.
    assert evaluate(program) == {"reward": pytest.approx((1 + 1 + 0.25 + 0.25) / 4)}
    assert half.saw == [([{"note": "fine"}] * 4, [{"note": "fine"}, {"note": "odd"}] * 2)]


@pytest.mark.filterwarnings("ignore::synalinks.LMWarning")
def test_an_output_that_failed_is_worth_nothing_and_shifts_nobody() -> None:
    program, half = double(), Half()
    program.compile(reward=["exact_match", half], reward_weights=[1, 1], metrics=["exact_match"])
    # Notes of samples 0, 2 and 3 are there: the first two of them are the first half.
    found = evaluate(program, failing=1)
    assert found["reward"] == pytest.approx((1 + 0.5 + 1 + 0.5) / 4)
    assert found["exact_match"] == pytest.approx((4 + 2) / 8)
    assert [len(side) for side in half.saw[0]] == [3, 3]


@pytest.mark.filterwarnings("ignore::synalinks.LMWarning")
def test_a_program_without_any_answer_counts_for_all_outputs() -> None:
    class Silent(synalinks.Program):
        """Gives both, or nothing."""

        async def call(self, inputs: Any, training: bool = False) -> Any:
            number = int(inputs.get("question").split()[-1])
            return None if number == 1 else [Answer(answer=number), Note(note="fine")]

    program = Silent(name="silent")
    program.compile(reward=["exact_match", Half()], metrics=["exact_match", synalinks.metrics.PassAtK()])
    x, y = data(3)
    assert asyncio.run(program.evaluate(x, y, verbose=0)) == {
        "exact_match": pytest.approx(4 / 6),
        "pass_at_k": pytest.approx(4 / 6),
        "reward": pytest.approx((1 + 0 + 0.5) / 3),
    }


def test_masks_belong_to_their_output_and_are_checked_when_compiled() -> None:
    program = double()
    with pytest.raises(ConfigurationError, match="did you mean 'note'"):
        program.compile(reward=["exact_match", synalinks.ExactMatch(in_mask=["notte"])])
    with pytest.raises(ConfigurationError, match="in_mask"):
        program.compile(reward=[synalinks.ExactMatch(in_mask=["note"]), "exact_match"])


def test_numbers_that_do_not_fit_say_so() -> None:
    program = double()
    for wrong in ([1], [1, -1], [0, 0], [float("nan"), 1], [float("inf"), 1]):
        with pytest.raises(ConfigurationError, match="reward_weights=.*one weight, 0 or above"):
            program.compile(reward=["exact_match", "exact_match"], reward_weights=wrong)
    program.compile(reward=["exact_match"] * 3)
    with pytest.raises(ConfigurationError, match="3 rewards for a program of 2 outputs"):
        evaluate(program)


def test_training_with_a_reward_of_batches_on_one_output() -> None:
    program = double()
    program.compile(optimizer=synalinks.RandomFewShot(), reward=["exact_match", Half()], reward_weights=[1, 1])
    x, y = data(6)
    history = fit(program, provider(), x, y, batch_size=2, validation_split=0.33, shuffle=False)
    assert history.history["reward"] == [0.75] and history.history["val_reward"] == [0.75]
    saved = json.dumps(program.get_compile_config())
    assert "Half" in saved


def test_a_masked_metric_measures_the_outputs_that_have_the_field() -> None:
    answers, notes = (synalinks.ExactMatch(in_mask=[field], name=field) for field in ("answer", "note"))
    program = double()
    program.compile(reward="exact_match", metrics=[answers, notes, "exact_match"])
    # Every answer is right, every other note.
    assert evaluate(program) == {"answer": 1.0, "note": 0.5, "exact_match": 0.75, "reward": 0.75}


@pytest.mark.filterwarnings("ignore::synalinks.LMWarning")
def test_a_masked_metric_finds_its_output_where_others_failed() -> None:
    program = double()
    program.compile(reward="exact_match", metrics=[synalinks.ExactMatch(in_mask_pattern="^no", name="notes")])
    assert evaluate(program, failing=0, batch_size=1)["notes"] == pytest.approx(1 / 4)


def test_a_metric_whose_mask_names_a_field_of_no_output_is_refused() -> None:
    program = double()
    with pytest.raises(ConfigurationError, match="names 'nota', but Answer has no such field"):
        program.compile(reward="exact_match", metrics=[synalinks.ExactMatch(in_mask=["nota"])])


def test_the_target_of_a_measured_output_must_have_the_field_too() -> None:
    program = double()
    program.compile(reward=["exact_match", None], metrics=[synalinks.ExactMatch(in_mask=["answer"])])
    x, _ = data(2)
    y = [(Note(note="fine"), Answer(answer=n)) for n in range(2)]
    with synalinks.use_provider(provider()), pytest.raises(ConfigurationError, match="target: .* but Note has no such"):
        asyncio.run(program.evaluate(x, y, verbose=0))


def test_one_masked_reward_for_all_outputs_says_how_to_reward_some() -> None:
    with pytest.raises(ConfigurationError, match="Note has no such field.*serves all 2 outputs.*one reward per output"):
        double().compile(reward=synalinks.ExactMatch(in_mask=["answer"]))


# --- by output -------------------------------------------------------------------------------------------------


def named(outputs: Any = dict) -> Any:
    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question, name="q")
        answer = await synalinks.Generator(data_model=Answer, language_model=lm(), name="answer")(inputs)
        note = await synalinks.Generator(data_model=Note, language_model=lm(), name="note")(inputs)
        made = {"value": answer, "remark": note} if outputs is dict else outputs([answer, note])
        return synalinks.Program(inputs=inputs, outputs=made, name="named", description="Two.")

    return make(build)


def named_data(count: int) -> tuple[list[Question], list[Any]]:
    x, y = data(count)
    return x, [{"value": answer, "remark": note} for answer, note in y]


def measured(program: Any, x: Any, y: Any) -> Any:
    with synalinks.use_provider(provider()):
        return asyncio.run(program.evaluate(x, y, batch_size=4, verbose=0))


def test_rewards_weights_and_metrics_by_the_keys_of_the_outputs() -> None:
    program = named()
    program.compile(
        reward={"remark": synalinks.ExactMatch(in_mask=["note"]), "value": "exact_match"},
        reward_weights={"value": 3, "remark": 1},
        metrics={"remark": ["exact_match", synalinks.metrics.F1Score()], "value": synalinks.metrics.BinaryAccuracy()},
    )
    assert measured(program, *named_data(4)) == {
        "remark_exact_match": 0.5,
        "remark_f1_score": 0.5,
        "reward": 0.875,
        "value_binary_accuracy": 1.0,
    }


def test_by_the_names_of_modules_or_the_order_of_a_list() -> None:
    program = named(list)
    x, y = data(4)
    wanted = {"answer_exact_match": 1.0, "note_exact_match": 0.5, "reward": 0.75}
    program.compile(reward={"note": "exact_match", "answer": "exact_match"}, metrics=[["exact_match"]] * 2)
    assert measured(program, x, y) == wanted
    program.compile(reward=["exact_match"] * 2, metrics={"answer": "exact_match", "note": ["exact_match"]})
    assert measured(program, x, y) == wanted


def test_an_output_may_be_without_a_reward() -> None:
    program = named(list)
    x, y = data(4)
    for reward, weights in (
        ([None, "exact_match"], None),
        ({"note": "exact_match"}, [5, 1]),
        ([None, "exact_match"], [2]),
    ):
        program.compile(reward=reward, reward_weights=weights)
        assert measured(program, x, y) == {"reward": 0.5}
    assert program.reward[0] is None and program.reward[1].name == "exact_match"


def test_what_is_by_output_is_saved_and_loaded(tmp_path: Any) -> None:
    program = named()
    program.compile(
        reward={"remark": "exact_match"}, metrics={"remark": ["exact_match"], "value": ["exact_match", "f1_score"]}
    )
    wanted = measured(program, *named_data(4))
    program.save(tmp_path / "named.json")
    again = synalinks.Program.load(tmp_path / "named.json")
    assert measured(again, *named_data(4)) == wanted
    assert sorted(wanted) == ["remark_exact_match", "reward", "value_exact_match", "value_f1_score"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reward": {"remarks": "exact_match"}}, r"compile\(reward=\{'remarks': ...\}\): did you mean 'remark'"),
        ({"metrics": {"valu": ["exact_match"]}}, r"compile\(metrics=\{'valu': ...\}\): did you mean 'value'"),
        ({"metrics": [["exact_match"]]}, r"has 1 lists for the outputs \['remark', 'value'\]"),
        ({"metrics": "exact_match"}, r"a list of metrics is needed; write metrics=\[...\]"),
        ({"reward": {"value": "exact_match"}, "reward_weights": {"other": 1}}, "reward_weights"),
    ],
)
def test_what_names_no_output_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        named().compile(**arguments)
