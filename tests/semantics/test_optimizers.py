"""Optimizers, sentence by sentence (section 3): candidates, evidence, temperatures, RandomFewShot, OMEGA."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

import synalinks
from omega_under_test import OmegaProvider, inputs_of, omega, program
from programs_under_test import Answer, Fresh, Question, data, fit, learner, make, provider_of, solver
from semantics import scenes
from semantics.scenes import always, asked, attempts, compiled, server, shown, train
from synalinks.callbacks import Callback
from synalinks.data import Variable
from synalinks.modules import LMWarning
from synalinks.optimizers import Optimizer, Step
from synalinks.optimizers.candidates import Candidate, Scores
from synalinks.testing import ChatRequest

SIZES: dict[str, Any] = {"batch_size": 5, "validation_split": 0.5, "minibatch_size": None}


def state(made: Any) -> Any:
    return made.trainable_variables[0].get_json()


# --- candidates and their evidence -----------------------------------------------------------------------------------


class Told(Optimizer):
    """Proposes instructions from a list, one a step."""

    texts: Sequence[str] = ()

    async def propose(self, variable: Variable, step: Step) -> Mapping[str, Any] | None:
        number = self.iterations
        return {"instructions": self.texts[number]} if number < len(self.texts) else None


def told(*texts: str, **options: Any) -> Told:
    made = Told(**options)
    made.texts = texts
    return made


def test_evidence_is_the_mean_over_all_samples_of_minibatches_and_validation() -> None:
    """A candidate proposed twice is one; its rewards add up, weighted by samples."""

    def third(number: int, request: ChatRequest) -> int:
        return number if number % 3 == 0 else -1

    with server(third) as running:
        made = compiled(told("a", "a", "b"))
        x, y = data(21)  # 9 to train on in 3 steps; of the 12 to validate 4 are right
        train(made, x, y, batch_size=3, validation_split=12 / 21, minibatch_size=4)
        requests = list(running.requests)
    by_text: dict[str, list[int]] = {}
    for request in requests:
        if asked(request) >= 9:
            by_text.setdefault(shown(request).split("\n")[1], []).append(asked(request))
    found = {c["instructions"]: (c["reward"], c["reward_count"]) for c in state(made)["best_candidates"]}
    assert set(found) == set(by_text) and {"a", "b"} < set(found)
    for text, numbers in by_text.items():
        rewards = [float(number % 3 == 0) for number in numbers]
        assert found[text] == (pytest.approx(sum(rewards) / len(rewards)), len(rewards)), text
    validated = state(made)["instructions"]
    assert found[validated][1] >= 12 and sorted(set(by_text[validated])) == list(range(9, 21))


def test_ranks_are_by_the_lower_confidence_bound_so_one_lucky_sample_does_not_win() -> None:
    """`lucky` is right on whatever one sample it is tried on, and never after that."""
    tried: list[str] = []

    def law(number: int, request: ChatRequest) -> int:
        text = re.findall(r"lucky|steady", request.system)
        if text == ["lucky"]:
            tried.append("lucky")
            return number if len(tried) <= 1 else -1
        return number if number % 10 else -1

    with server(law):
        made = compiled(told("steady", "lucky"))
        train(made, *data(40), batch_size=1, steps_per_epoch=2, validation_split=0.5, minibatch_size=1, shuffle=False)
    found = state(made)["best_candidates"]
    bounds = [candidate["reward"] - 0.25 / candidate["reward_count"] ** 0.5 for candidate in found]
    assert bounds == sorted(bounds, reverse=True)
    assert Scores(1.0, 1).lower_bound(0.25) == 0.75
    assert state(made)["instructions"] == found[0]["instructions"]
    assert Optimizer().reward_uncertainty == 0.25


def test_what_a_pooled_candidate_was_scored_on_is_not_asked_again_in_later_epochs() -> None:
    """Each of two candidates comes back as the parent; neither is paid for twice on a sample it knows."""

    class Alternate(Fresh):
        async def select_candidate(self, variable: Variable, rng: Any) -> Any:
            members = self.populations[variable.path].members
            return (
                members[self.iterations % len(members)] if members else (await super().select_candidate(variable, rng))
            )

    with server(always) as running:
        train(compiled(Alternate()), *data(20), epochs=6, **SIZES)
        scored = [(shown(r), asked(r)) for r in running.requests if asked(r) >= 10]
    again = len(scored) - len(set(scored))
    assert again <= 6 * 10, "only the validation of each epoch asks what was asked before"


# --- which variable --------------------------------------------------------------------------------------------------


def test_the_variable_that_does_worse_is_updated_more_often() -> None:
    """Two generators side by side, one of which is asked for half of the samples only, which it gets wrong."""
    updated: list[str] = []

    class Noting(Fresh):
        async def propose(self, variable: Variable, step: Step) -> Mapping[str, Any] | None:
            updated.append(variable.name)
            return None

    class Turn(synalinks.Module):
        """Sends odd questions to one module and even ones to the other."""

        def __init__(self, odd: Any, even: Any) -> None:
            super().__init__(name="turn")
            self.odd, self.even = odd, even

        async def call(self, inputs: Any, training: bool = False) -> Any:
            number = int(inputs.get("question").split()[-1])
            return await (self.odd if number % 2 else self.even)(inputs, training=training)

        async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
            return synalinks.SymbolicDataModel(data_model=Answer)

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        odd, even = (
            synalinks.Generator(data_model=Answer, language_model="ollama/stand-in", name=name)
            for name in ("odd", "even")
        )
        return synalinks.Program(inputs=inputs, outputs=await Turn(odd, even)(inputs), name="p")

    def law(number: int, request: ChatRequest) -> int:
        return -1 if number % 2 else number

    for temperature, share in ((0.3, 0.966), (0, 1.0)):
        updated.clear()
        with server(law):
            made = make(build)
            made.compile(optimizer=Noting(sampling_temperature=temperature), reward="exact_match")
            train(made, *data(8), epochs=15, batch_size=4, shuffle=False, validation_split=0)
        assert len(updated) == 30  # and P(odd) = 1 / (1 + exp(-1 / 0.3)) = 0.966
        assert updated.count("state_odd") / 30 == pytest.approx(share, abs=0.07)


# --- temperatures of 0 -----------------------------------------------------------------------------------------------


def test_zero_temperatures_are_the_greedy_limit_in_a_whole_fit() -> None:
    made = omega(
        mutation_temperature=0,
        crossover_temperature=0.0,
        selection_temperature=0,
        merging_rate=1.0,
        update_freq="batch",
    )
    w = OmegaProvider()
    trained = program(made)
    history = fit(trained, w, *data(20), epochs=3, **SIZES)
    assert {call.request.options["temperature"] for call in w.proposals} == {0}
    assert history.history["val_reward"][-1] > 0.2
    greedy = solver()
    greedy.compile(optimizer=synalinks.RandomFewShot(sampling_temperature=0.0), reward="exact_match")
    assert fit(greedy, provider_of(learner), *data(20), epochs=2, **SIZES).history["val_reward"][-1] == 1.0


def test_at_zero_the_best_parent_is_always_the_one_that_is_improved() -> None:
    w = OmegaProvider()
    trained = program(omega(selection_temperature=0, algorithm="ga"))
    best: list[set[str]] = []

    class Noting(Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            members = state(trained)["best_candidates"]
            most = max((member["reward"] for member in members), default=0.0)
            best.append({member["instructions"] for member in members if member["reward"] == most})

    fit(trained, w, *data(20), epochs=4, callbacks=[Noting()], **SIZES)
    for call in w.proposals:
        if call.scope.epoch:
            assert inputs_of(call)["current_variable"]["instructions"] in best[call.scope.epoch]
    assert all(len(found) <= 2 for found in best) and len(state(trained)["best_candidates"]) > 6


# --- RandomFewShot ---------------------------------------------------------------------------------------------------


def test_random_few_shot_makes_no_call_of_its_own_and_leaves_instructions_alone() -> None:
    with server() as running:
        made = compiled(synalinks.RandomFewShot())
        before = state(made)["instructions"]
        history = train(made, *data(20), epochs=3, **SIZES)
        assert {entry.scope.phase for entry in history.ledger} == {"train", "candidate", "validation"}
        assert len(history.ledger) == running.requests.number
    assert {candidate["instructions"] for candidate in state(made)["best_candidates"]} == {before}
    assert 1 <= len(state(made)["examples"]) <= 3


def test_examples_are_right_predictions_each_for_another_input() -> None:
    with server() as running:
        made = compiled(synalinks.RandomFewShot(nb_min_examples=3, nb_max_examples=3))
        train(made, *data(20), epochs=3, **SIZES)
        prompts = {shown(request) for request in running.requests}
    for prompt in prompts:
        found = re.findall(r'"number (\d+)"\}\s*</input>\s*<output>\s*\{"answer":\s*(-?\d+)\}', prompt)
        assert all(number == answer for number, answer in found), "only what scored above 0 is shown"
        assert len({number for number, _ in found}) == len(found) <= 3
    assert any("<examples>" in prompt for prompt in prompts)


def test_both_counts_at_zero_switch_it_off() -> None:
    with server() as running:
        made = compiled(synalinks.RandomFewShot(nb_min_examples=0, nb_max_examples=0))
        train(made, *data(20), epochs=2, **SIZES)
        assert running.requests.number == 2 * (10 + 10), "no candidates, so nothing but training and validation"
    assert state(made)["examples"] == []


# --- OMEGA -----------------------------------------------------------------------------------------------------------


def test_crossover_takes_two_different_parents_as_often_as_the_rate_times_the_epochs() -> None:
    """On the stand-in: none in the first epoch, and all of them once the rate times the epochs is 1."""
    with server(attempts) as running:
        optimizer = synalinks.OMEGA("", "ollama/p", "ollama/e", merging_rate=0.5)
        train(compiled(optimizer), *data(20), epochs=4, **SIZES)
        seen = [json.loads(r.body["messages"][-1]["content"].split("<input>")[-1].split("</input>")[0])
                for r in running.requests if r.model == "p"]  # fmt: skip
    crossed = ["other_variable" in one for one in seen]
    assert len(crossed) == 8 and not any(crossed[:2]) and all(crossed[4:])
    assert all(one["other_variable"] != one["current_variable"] for one in seen if "other_variable" in one)
    assert optimizer.epochs == 4


def test_a_broken_proposal_costs_a_warning_and_no_scoring() -> None:
    def broken(seen: Any, request: ChatRequest) -> dict[str, Any]:
        return {"instruction": "the field has another name"}

    with server(always, broken) as running:
        made = compiled(synalinks.OMEGA("", synalinks.LanguageModel("ollama/p", retry=1), "ollama/e"))
        before = dict(state(made))
        with pytest.warns(LMWarning, match="breaks its schema|more calls failed"):
            history = train(made, *data(8), batch_size=2, validation_split=0.25)
        assert running.requests.models["stand-in"].calls == 6 + 2
    assert state(made)["instructions"] == before["instructions"] and history.history["val_reward"] == [1.0]


def test_the_proposer_sees_what_the_variable_is_for() -> None:
    class Manner(synalinks.Trainable):
        """How the clerk decides."""

        rule: str = synalinks.Field(default="guess", description="What to go by")

    class Clerk(synalinks.Module):
        def __init__(self) -> None:
            super().__init__(name="clerk")
            self.state = self.add_variable(data_model=Manner, name="manner")

        async def call(self, inputs: Any, training: bool = False) -> Any:
            answer = Answer(answer=0)
            if training:
                record = {"inputs": inputs.get_json(), "outputs": answer.get_json(), "reward": None}
                self.state.get("current_predictions").append(record)
            return answer

        async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
            return synalinks.SymbolicDataModel(data_model=Answer)

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        return synalinks.Program(inputs=inputs, outputs=await Clerk()(inputs), name="office")

    w = OmegaProvider(lambda call: {"thinking": "", "rule": f"rule {call.scope.step}"})
    made = make(build)
    made.compile(optimizer=omega(), reward="exact_match")
    fit(made, w, *data(8), batch_size=2, validation_split=0.25)
    seen = inputs_of(w.proposals[0])
    assert seen["variable_description"] == "How the clerk decides." and seen["current_variable"] == {"rule": "guess"}
    schema = w.proposals[0].request.schema
    assert schema is not None and list(schema.value["properties"]) == ["thinking", "rule"]


# --- names instead of objects ----------------------------------------------------------------------------------------


def test_names_serve_wherever_an_object_does() -> None:
    made = solver("ollama/test")
    made.compile(
        optimizer="random_few_shot", reward="exact_match", metrics=["exact_match", "f1_score", "CosineSimilarity"]
    )
    assert isinstance(made.optimizer, synalinks.RandomFewShot) and isinstance(made.reward, synalinks.ExactMatch)
    assert [metric.name for metric in made.metrics] == ["reward", "exact_match", "f1_score", "cosine_similarity"]
    search = synalinks.OMEGA(language_model="ollama/p", embedding_model="ollama/e")
    assert (search.language_model.model, search.embedding_model.model) == ("ollama/p", "ollama/e")
    made.compile(optimizer="OMEGA", reward="CosineSimilarity")
    assert isinstance(made.optimizer, synalinks.OMEGA) and isinstance(made.reward, synalinks.CosineSimilarity)
    for wrapper in (
        synalinks.metrics.MeanMetricWrapper(fn="exact_match"),
        synalinks.metrics.PassAtK(reward="exact_match"),
    ):
        assert isinstance(getattr(wrapper, "fn", None) or wrapper.reward, synalinks.ExactMatch)
    judge = synalinks.rewards.LMAsJudge(language_model="ollama/judge")
    assert judge.critic.generator.language_model.model == "ollama/judge"
    assert synalinks.CosineSimilarity(embedding_model="ollama/e").embedding_model.model == "ollama/e"
    assert synalinks.LanguageModel("ollama/a", fallback="ollama/b").fallback.model == "ollama/b"


def test_what_the_user_writes_into_a_variable_after_a_fit_is_what_the_next_fit_starts_from() -> None:
    with server(attempts) as running:
        made = compiled(Fresh())
        train(made, *data(20), epochs=1, batch_size=5)
        made.trainable_variables[0].update({"instructions": "By hand: attempt 7", "examples": []})
        running.reset()
        train(made, *data(20), epochs=1, batch_size=5)
        assert "By hand" in shown(running.requests[0])


@pytest.mark.parametrize("update_freq", ["epoch", "batch"])
def test_every_seed_is_tried(update_freq: Any) -> None:
    with server(attempts) as running:
        made = asyncio.run(scenes.solver(seed_instructions=[f"seed {n}" for n in range(4)]))
        made.compile(optimizer=Fresh(update_freq=update_freq), reward="exact_match")
        train(made, *data(20), epochs=1, batch_size=5, validation_split=0.2)
        seen = {found for request in running.requests for found in re.findall(r"seed \d", shown(request))}
    assert seen == {f"seed {n}" for n in range(4)}


def test_the_program_holds_what_the_validation_measured_not_a_newcomer_with_luck() -> None:
    """Luck: the law knows nothing better than attempt 3, but scores whatever comes later fully on few samples."""
    made = compiled(Fresh())
    optimizer, [variable] = made.optimizer, made.trainable_variables
    asyncio.run(optimizer.on_train_begin([variable]))
    measured, lucky = (Candidate.of(variable).with_fields({"instructions": text}) for text in ("measured", "lucky"))
    optimizer.add_validated(variable, measured, [1.0] * 84 + [0.0] * 16)
    optimizer.add_scored(variable, lucky, [1.0] * 8)
    asyncio.run(optimizer.on_epoch_end(0, [variable]))
    assert variable.get("instructions") == "measured"
    assert variable.get("best_candidates")[0]["instructions"] == "lucky", "by the lower bound, as candidates are ranked"
    asyncio.run(optimizer.on_train_end([variable]))
    assert variable.get("instructions") == "measured"
    optimizer.add_scored(variable, lucky, [1.0] * 8)  # an epoch without a validation
    asyncio.run(optimizer.on_epoch_end(1, [variable]))
    assert variable.get("instructions") == "lucky"
