"""The training loop, sentence by sentence (section 1), on a stand-in server where calls are counted."""

from __future__ import annotations

import inspect
import io
import json
import re
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import Answer, Fresh, Question, Speaker, data, fit, make, provider_of, right
from semantics.scenes import Log, always, asked, attempts, compiled, server, shown, train
from synalinks import optimizers
from synalinks.callbacks import Callback
from synalinks.data import Variable
from synalinks.errors import ConfigurationError
from synalinks.optimizers import Step
from synalinks.testing import ChatRequest


def test_the_parameters_of_fit_and_their_defaults() -> None:
    found = {name: p.default for name, p in inspect.signature(synalinks.Program.fit).parameters.items()}
    found.pop("self")
    assert list(found.items()) == [
        ("x", None), ("y", None), ("batch_size", 1), ("minibatch_size", 4), ("epochs", 1), ("verbose", "auto"),
        ("callbacks", None), ("validation_split", 0.1), ("validation_data", None), ("shuffle", True),
        ("initial_epoch", 0), ("steps_per_epoch", None), ("validation_steps", None), ("validation_batch_size", 32),
        ("validation_freq", 1), ("seed", None), ("budget", None), ("resume", False),
            ("calls", None), ("test_data", None), ("max_failed_share", 0.5), ("distribution", None),
    ]  # fmt: skip


# --- the order of a fit ----------------------------------------------------------------------------------------------


def test_hooks_and_phases_come_in_the_order_that_is_written() -> None:
    log = Log()

    def answer(number: int, call: Any) -> Any:
        log.note("call", call.scope.phase)
        return {"answer": number}

    program = compiled(log.optimizer(), log.reward())
    x, y = data(6)
    fit(
        program,
        provider_of(answer),
        x,
        y,
        batch_size=2,
        validation_split=1 / 3,
        minibatch_size=1,
        callbacks=[log.callback()],
    )

    def step(candidates: int) -> list[Any]:
        scored = [("call", "candidate"), ("reward", "reward")] * candidates
        return [
            ("callback", "train_batch_begin"), ("optimizer", "on_batch_begin", None),
            ("call", "train"), ("reward", "reward"), ("optimizer", "assign_rewards", None),
            ("optimizer", "propose", "optimizer"), *scored,
            ("optimizer", "on_batch_end", "optimizer"), ("callback", "train_batch_end"),
        ]  # fmt: skip

    begin = [
        ("optimizer", "on_train_begin", None), ("callback", "train_begin"),
        ("optimizer", "on_epoch_begin", None), ("callback", "epoch_begin"),
    ]  # fmt: skip
    validation = [
        ("callback", "test_begin"), ("callback", "test_batch_begin"), ("call", "validation"), ("reward", "reward"),
        ("callback", "test_batch_end"), ("callback", "test_end"),
    ]  # fmt: skip
    end = [
        ("optimizer", "on_epoch_end", "optimizer"), ("callback", "epoch_end"),
        ("optimizer", "on_train_end", None), ("callback", "train_end"),
    ]  # fmt: skip
    # The second step may draw the sample that its parent was scored on in the first one: then only the child is asked.
    first, second = step(2), step(2 if log.events.count(("call", "candidate")) == 4 else 1)
    assert log.events == [*begin, *first, *second, *validation, *end]


def test_the_forward_pass_is_told_that_it_trains_and_no_other_is() -> None:
    told: list[tuple[str | None, bool]] = []

    class Telling(Speaker):
        async def call(self, inputs: Any, training: bool = False) -> Any:
            told.append((synalinks.scope.current().phase, training))
            return await super().call(inputs, training)

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        return synalinks.Program(inputs=inputs, outputs=await Telling(name="t")(inputs), name="p")

    program = make(build)
    program.compile(optimizer=Words(), reward="exact_match")
    fit(program, provider_of(right), *data(8), batch_size=2, validation_split=0.5)
    assert set(told) == {("train", True), ("candidate", False), ("validation", False)}


class Words(Fresh):
    """Proposes personas nobody has seen before."""

    async def propose(self, variable: Variable, step: Step) -> Mapping[str, Any] | None:
        self.count += 1
        return {"persona": "x" * (self.count + 20)}


def two_speakers(optimizer: Any) -> Any:
    """A program of two variables: it answers with the lengths of two personas, added up."""

    class Both(synalinks.Module):
        async def call(self, inputs: Any, training: bool = False) -> Any:
            return Answer(answer=sum(value.get("answer") for value in inputs))

        async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
            return synalinks.SymbolicDataModel(data_model=Answer)

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        one, two = await Speaker("one", name="one")(inputs), await Speaker("three", name="two")(inputs)
        return synalinks.Program(inputs=inputs, outputs=await Both(name="both")([one, two]), name="p")

    program = make(build)
    program.compile(optimizer=optimizer, reward="exact_match")
    return program


def test_a_step_writes_a_candidate_into_every_variable_and_updates_one() -> None:
    seen: list[list[str]] = []
    proposed: list[str] = []

    class Noting(Words):
        async def on_batch_begin(self, step: int, epoch: int, trainable_variables: Any) -> None:
            for variable in trainable_variables:
                variable.update({"persona": "left over"})
            await super().on_batch_begin(step, epoch, trainable_variables)
            seen.append([variable.get("persona") for variable in trainable_variables])

        async def propose(self, variable: Variable, step: Step) -> Mapping[str, Any] | None:
            proposed.append(variable.name)
            return await super().propose(variable, step)

    program = two_speakers(Noting())
    fit(program, provider_of(right), *data(6), epochs=2, batch_size=2, validation_split=1 / 3)
    assert seen == [["one", "three"]] * 4
    assert len(proposed) == 4 and set(proposed) == {"persona_one", "persona_two"}


def test_validation_measures_the_best_candidate_on_every_sample_once() -> None:
    """And what it measured stays in the program: after the step, after the epoch, after the fit."""
    left: list[str] = []

    class Noting(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            left.append(self.program.trainable_variables[0].get("instructions"))

        on_test_begin = on_epoch_end = lambda self, *args: Noting.on_train_batch_end(self, 0)  # type: ignore[assignment]

    with server(attempts) as running:
        program = compiled(Fresh())
        train(
            program, *data(20), epochs=2, batch_size=5, validation_split=0.5, minibatch_size=None, callbacks=[Noting()]
        )
        requests = list(running.requests)
    # Each later attempt is better, so the best candidate is always the last one: attempts 1 to 4, two steps an epoch.
    assert left == [
        "attempt 1",
        "attempt 2",
        "attempt 2",
        "attempt 2",
        "attempt 3",
        "attempt 4",
        "attempt 4",
        "attempt 4",
    ]
    assert program.trainable_variables[0].get("instructions") == "attempt 4"
    for last, best in ((50, "attempt 2"), (len(requests), "attempt 4")):
        validation = requests[last - 10 : last]
        assert {re.findall(r"attempt \d", shown(request))[0] for request in validation} == {best}
        assert sorted(map(asked, validation)) == list(range(10, 20))


def test_a_worse_child_does_not_stay_in_the_program() -> None:
    """Every attempt is wrong about everything, what it began with is right about half."""
    left: list[str] = []

    def worse(number: int, request: ChatRequest) -> int:
        return number if number % 2 and "attempt" not in request.system else -1

    class Noting(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            left.append(self.program.trainable_variables[0].get("instructions").split()[0])

    with server(worse):
        train(
            compiled(Fresh()), *data(20), epochs=2, batch_size=5, validation_split=0.5, minibatch_size=None,
            callbacks=[Noting()],
        )  # fmt: skip
    assert left == ["Answer"] * 4


def test_nothing_is_scored_where_nothing_was_proposed() -> None:
    never = [Answer(answer=-9)] * 8  # so nothing is eligible as an example
    with server() as running:
        history = train(compiled(), data(8)[0], never, epochs=2, batch_size=2, validation_split=0.25)
        assert running.requests.number == 2 * (6 + 2)
    assert {entry.scope.phase for entry in history.ledger} == {"train", "validation"}


# --- what an epoch costs ---------------------------------------------------------------------------------------------


class Counting(Callback):
    """Counts the requests that the server has seen at the end of each epoch."""

    def __init__(self, running: Any) -> None:
        super().__init__()
        self.running = running
        self.at: list[int] = [0]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.at.append(self.running.requests.total)

    @property
    def epochs(self) -> list[int]:
        return [after - before for before, after in zip(self.at, self.at[1:], strict=False)]


@pytest.mark.parametrize(("batch_size", "minibatch_size"), [(1, 4), (4, 3), (3, None), (12, 100)])
@pytest.mark.parametrize("kind", [synalinks.RandomFewShot, Fresh])
def test_an_epoch_makes_no_more_requests_than_the_formula_allows(
    kind: Any, batch_size: int, minibatch_size: int | None
) -> None:
    """Counted at the server: every request there is one of the ledger, and there is no other."""
    with server() as running:
        counting = Counting(running)
        history = train(
            compiled(kind()), *data(18), epochs=3, batch_size=batch_size, minibatch_size=minibatch_size,
            validation_split=1 / 3, callbacks=[counting],
        )  # fmt: skip
        requests = list(running.requests)
    steps = -(-12 // batch_size)
    bound = 12 + 2 * steps * min(minibatch_size or 6, 6) + 6
    assert all(count <= bound for count in counting.epochs)
    assert len(history.ledger) == len(requests) == sum(counting.epochs)
    candidates = [entry for entry in history.ledger if entry.scope.phase == "candidate"]
    assert len({(entry.digest, entry.scope.sample) for entry in candidates}) == len(candidates), "nothing twice"


def test_the_exact_number_of_requests_where_every_proposal_is_new() -> None:
    with server(attempts) as running:
        counting = Counting(running)
        train(
            compiled(Fresh()), *data(20), epochs=3, batch_size=5, validation_split=0.5, minibatch_size=None,
            callbacks=[counting],
        )  # fmt: skip
    # 10 to train on; 10 for each of two children; 10 for the first parent, later ones are known; 10 to validate.
    assert counting.epochs == [10 + 20 + 10 + 10, 10 + 20 + 10, 10 + 20 + 10]


def test_money_calls_and_tokens_are_in_the_ledger_and_not_among_the_logs() -> None:
    synalinks.set_price("ollama/stand-in", input=1, output=2)
    try:
        with server() as running:
            history = train(compiled(), *data(12), epochs=2, batch_size=4, validation_split=0.25)
            counts = running.requests.models["stand-in"]
    finally:
        synalinks.set_price("ollama/stand-in")
    assert list(history.history) == ["reward", "val_reward"]
    rows = history.costs
    assert [(row["epoch"], row["phase"]) for row in rows] == [
        (epoch, phase) for epoch in (0, 1) for phase in ("candidate", "train", "validation")
    ]
    assert sum(row["calls"] for row in rows) == counts.calls
    assert sum(row["input_tokens"] for row in rows) == counts.prompt_tokens
    assert sum(row["output_tokens"] for row in rows) == counts.completion_tokens
    money = float((counts.prompt_tokens + 2 * counts.completion_tokens) / Decimal(1_000_000))
    assert sum(row["billed"] for row in rows) == pytest.approx(money) and money > 0
    assert json.loads(json.dumps(rows)) == rows, "plain JSON, so a data frame can be made of it"


# --- when the pool changes -------------------------------------------------------------------------------------------


def parents(update_freq: Any, epochs: int = 2) -> list[str]:
    """What the training passes of each step were made with."""
    with server(attempts) as running:
        train(
            compiled(Fresh(update_freq=update_freq)), *data(20), epochs=epochs, batch_size=5, validation_split=0.5,
            minibatch_size=None, shuffle=False,
        )  # fmt: skip
        found = [(asked(r), re.findall(r"attempt \d|Answer with", shown(r))[0]) for r in running.requests]
    return [text for number, text in found if number in (0, 5)]


def test_the_state_does_not_drift_within_an_epoch() -> None:
    assert parents("epoch") == ["Answer with", "Answer with", "attempt 2", "attempt 2"]


def test_with_batch_updates_the_search_is_as_deep_as_there_are_steps() -> None:
    assert parents("batch") == ["Answer with", "attempt 1", "attempt 2", "attempt 3"]


@pytest.mark.parametrize("kind", [optimizers.RandomFewShot, optimizers.GreedyOptimizer, optimizers.OMEGA, Fresh])
def test_every_optimizer_takes_update_freq(kind: Any) -> None:
    assert kind().update_freq == "epoch"
    assert kind(update_freq="batch").update_freq == "batch"
    assert kind(update_freq="batch").get_config()["update_freq"] == "batch"
    with pytest.raises(ConfigurationError, match="'epoch' or 'batch'"):
        kind(update_freq="step")


# --- logs ------------------------------------------------------------------------------------------------------------


def test_keys_in_the_order_of_the_guide_and_a_short_batch_weighs_less() -> None:
    metric = synalinks.metrics.MeanMetricWrapper(fn="exact_match", name="mean_reward")
    x, y = data(7)
    y[0], y[6] = Answer(answer=-5), Answer(answer=-5)  # one wrong among the 5 to train on, one of the 2 to validate
    with server(always):
        history = train(
            compiled(metrics=[metric]),
            x,
            y,
            batch_size=4,
            shuffle=False,
            validation_split=0.25,
            validation_batch_size=1,
        )
    assert list(history.history) == ["mean_reward", "reward", "val_mean_reward", "val_reward"]
    assert history.history == {"mean_reward": [0.8], "reward": [0.8], "val_mean_reward": [0.5], "val_reward": [0.5]}


def test_the_two_plain_lines_of_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    metric = synalinks.metrics.MeanMetricWrapper(fn="exact_match", name="mean_reward")
    with server(always):
        train(compiled(metrics=[metric]), *data(8), epochs=2, validation_split=0.2, verbose="auto")
    lines = capsys.readouterr().out.splitlines()
    logs = "".join(rf" - {name}: 1\.0000" for name in ("mean_reward", "reward", "val_mean_reward", "val_reward"))
    wanted = rf"6/6 - \d+s \d+(s|ms|us)/step{logs}"
    assert [lines[0], lines[2]] == ["Epoch 1/2", "Epoch 2/2"] and len(lines) == 4
    for line in (lines[1], lines[3]):
        assert re.fullmatch(wanted, line), line


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("price", "budget"), [(0, None), (5, None), (5, "0.50")])
def test_the_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, price: int, budget: str | None) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr("synalinks.callbacks.progress.REDRAW", 0.0)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    synalinks.set_price("ollama/stand-in", input=price, output=price)
    try:
        with server(always):
            train(compiled(), *data(6), verbose=1, budget=budget)
    finally:
        synalinks.set_price("ollama/stand-in")
    text = re.sub(r"\x1b\[[0-9;?]*[A-JL-Za-z]", "", screen.getvalue())
    drawn = [part.strip() for part in text.split("\r\x1b[2K") if "━" in part]
    assert len(drawn) >= 5
    for bar in drawn:
        assert re.search(r"\d/5 .*━.* \d+s left \d+(s|ms|us)/step - reward: 1\.0000", bar), bar
        assert bool(re.search(r" - \$0\.\d+ - [\d,]+ tokens", bar)) == bool(price)
        assert bool(re.search(r" - \$0\.\d+ of \$0\.5000$", bar)) == bool(budget)
    assert not budget or drawn[0].split("- ")[-1] != drawn[-1].split("- ")[-1], "the money moves"


# --- data ------------------------------------------------------------------------------------------------------------


def test_every_form_of_data_is_the_same_training() -> None:
    x, y = data(8)
    ax, ay = np.array(x, dtype="object"), np.array(y, dtype="object")

    class Rows(synalinks.datasets.Dataset):
        def _iter_rows(self) -> Any:
            return iter([{"question": q.question, "answer": a.answer} for q, a in zip(x, y, strict=True)])

    rows = Rows(input_data_model=Question, output_data_model=Answer, batch_size=2)
    given = [
        (ax, ay), (x, y), (tuple(x), y),
        (lambda: iter([(ax[i : i + 2], ay[i : i + 2]) for i in range(0, 8, 2)]),), (rows,),
    ]  # fmt: skip
    outcomes = []
    for form in given:
        with server():
            history = train(
                compiled(), *form, batch_size=2, epochs=2, shuffle=False, validation_data=data(4, 20), seed=3
            )
        outcomes.append((history.history, history.ledger.to_dicts(timings=False)))  # the same questions, in order
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_a_stream_is_looked_into_without_losing_its_first_batch() -> None:
    """So that what a program, its masks and its state need of an example is known before the first call."""

    class Late(synalinks.Program):
        """Makes its state when it is built."""

        async def build(self, inputs: Any) -> None:
            self.answer = synalinks.Generator(data_model=Answer, language_model="ollama/stand-in", name="late")

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return await self.answer(inputs, training=training)

    x, y = data(4)
    with server() as running:
        program = Late(name="late")
        program.compile(optimizer=Fresh(), reward="exact_match")
        train(program, iter([(x[:2], y[:2]), ([], []), (x[2:], y[2:])]), validation_data=data(2, 20))
        assert [asked(request) for request in running.requests if asked(request) < 4][:2] in ([0, 1], [1, 0])
        assert {asked(request) for request in running.requests} == {0, 1, 2, 3, 20, 21}
