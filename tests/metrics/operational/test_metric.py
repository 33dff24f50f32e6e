"""Tests of operational metrics: what each row of the table adds up, over which calls, and what unknown makes of it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from decimal import Decimal
from typing import Any

import pytest

import synalinks
from programs_under_test import Fresh, compiled, data, fit, number_of, solver
from synalinks import metrics
from synalinks.errors import ServerError
from synalinks.lm import AttemptCosts
from synalinks.lm.core.call import Reply, Usage
from synalinks.lm.ledger.amounts import ENTRY_AMOUNTS
from synalinks.lm.ledger.ledger import Entry, Ledger
from synalinks.lm.pricing import pricing
from synalinks.lm.providers.fake.scripted import ScriptedProvider
from synalinks.metrics.operational import classes as operational_classes
from synalinks.metrics.operational.metric import Invocations
from synalinks.metrics.operational.table import CHAT, EMBEDDING, EVERY, PROGRAM, classes
from synalinks.scope import Scope

PRICED = "openai/operational-test"
USAGE = Usage(
    input_fresh=10,
    input_cache_read=30,
    input_cache_write_5m=4,
    input_cache_write_1h=6,
    output_text=5,
    output_reasoning=15,
)


class Run:
    """A program as metrics see it."""

    def __init__(self) -> None:
        self.run_ledger = Ledger()
        self.program_invocations = Invocations()


def entry(**changes: Any) -> Entry:
    place = {name: changes.pop(name) for name in ("epoch", "step", "phase", "sample") if name in changes}
    values: dict[str, Any] = {
        "scope": Scope(**{"phase": "train", **place}), "draw": 0, "kind": "chat", "model": "m", "provider": "p",
        "source": "live", "usage": USAGE, "as_if": Decimal("0.25"), "billed": Decimal("0.25"),
        "seconds": 3.0, "attempts": 1, "finish": "stop", "error": None,
        "caller": 1, "digest": "d",
        "begun": 0.0, "latency": 2.0,
    }  # fmt: skip
    return Entry(**{**values, **changes})


FAILED: dict[str, Any] = {"usage": Usage(), "latency": None, "error": "timeout", "as_if": Decimal("0.05")}
#: Two answers side by side, one later, streamed, from a fallback; and the failed call that it stands in for.
CALLS: list[dict[str, Any]] = [
    {"begun": 0.0, "sample": 0},
    {"begun": 1.0, "sample": 1},
    {**FAILED, "begun": 10.0, "seconds": 1.0, "sample": 2},
    {"begun": 11.0, "seconds": 4.0, "latency": 4.0, "first_token": 0.5, "is_fallback": True, "sample": 2},
]


def value(name: str, *calls: dict[str, Any], **all_of: Any) -> Any:
    """What a metric makes of calls."""
    run, metric = Run(), metrics.get(name)
    metric.bind_program(run)
    for call in calls:
        run.run_ledger.record(entry(**{**call, **all_of}))
    return metric.result()


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("cost", 0.8),  # 3 * 0.25 and 0.05 for the one that failed
        ("input_tokens", 150),
        ("output_tokens", 60),
        ("total_tokens", 210),
        ("cached_tokens", 90),
        ("cache_creation_tokens", 30),
        ("reasoning_tokens", 45),
        ("cache_hit_rate", 0.6),
        ("reasoning_token_share", 0.75),
        ("failed_calls", 1),
        ("error_rate", 0.25),
        ("fallback_activations", 1),
        ("throughput", 4 / 9),  # 0 to 4 and 10 to 15 seconds
        ("tokens_per_second", 60 / 8),
        ("avg_cost_per_call", 0.8 / 3),
        ("avg_input_tokens_per_call", 50),
        ("avg_output_tokens_per_call", 20),
        ("avg_total_tokens_per_call", 70),
        ("avg_cached_tokens_per_call", 30),
        ("avg_cache_creation_tokens_per_call", 10),
        ("avg_reasoning_tokens_per_call", 15),
        ("avg_latency", 8 / 3),
        ("avg_time_to_first_token", 0.5),
        ("avg_time_to_last_token", 4.0),
        ("avg_trajectory_time_to_first_token", 1.5),  # the failed call took the first second
    ],
)
def test_figures_of_chat_calls(name: str, wanted: float) -> None:
    assert value(name, *CALLS) == pytest.approx(wanted)
    own = next(row for made, _, row in classes() if made == type(metrics.get(name)).__name__)
    if own.phases == EVERY:
        for phase in ("reward", "optimizer"):
            stem = name.removeprefix("avg_")
            other = f"{'avg_' if stem != name else ''}{phase}_{stem}"
            assert value(other, *CALLS, phase=phase) == pytest.approx(wanted)
            assert value(other, *CALLS) == 0.0 == value(name, *CALLS, phase=phase)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("embedding_cost", 0.8),
        ("embedding_tokens", 150),
        ("embedding_vectors", 6),
        ("embedding_cached_tokens", 90),
        ("embedding_cache_hit_rate", 0.6),
        ("embedding_failed_calls", 1),
        ("embedding_error_rate", 0.25),
        ("embedding_fallback_activations", 1),
        ("embedding_throughput", 4 / 9),
        ("embedding_tokens_per_second", 150 / 8),
        ("embedding_vectors_per_second", 6 / 8),
        ("avg_embedding_cost_per_call", 0.8 / 3),
        ("avg_embedding_tokens_per_call", 50),
        ("avg_embedding_vectors_per_call", 2),
        ("avg_embedding_cached_tokens_per_call", 30),
        ("avg_embedding_latency", 8 / 3),
    ],
)
def test_figures_of_embedding_calls(name: str, wanted: float) -> None:
    calls = [{**call, "kind": "embed", "vectors": 2} for call in CALLS]
    assert value(name, *calls) == pytest.approx(wanted)
    for phase in ("reward", "optimizer"):
        other = name.replace("embedding", f"{phase}_embedding")
        assert value(other, *calls, phase=phase) == pytest.approx(wanted)
        assert value(other, *calls) == 0.0
    assert value(name, *CALLS) == 0.0  # chat calls are none of its


def test_every_row_is_tested_above() -> None:
    rows = {row.name for row in (*CHAT, *EMBEDDING)}
    tested = {*CHAT_NAMES, *EMBEDDING_NAMES}
    assert len(rows) == len(tested) == 41
    made = {cls.row.name for name in tested if (cls := type(metrics.get(name))).row is not None}
    assert made == rows


def _names(test: Any) -> list[str]:
    return [case[0] for case in test.pytestmark[0].args[1]]


CHAT_NAMES, EMBEDDING_NAMES = _names(test_figures_of_chat_calls), _names(test_figures_of_embedding_calls)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("cost", {"as_if": None}),
        ("avg_cost_per_call", {"as_if": None}),
        ("input_tokens", {"usage": Usage(output_text=1)}),
        ("cached_tokens", {"usage": Usage(input_fresh=1, output_text=1)}),
        ("cache_hit_rate", {"usage": Usage(input_fresh=1, output_text=1)}),
        ("cache_creation_tokens", {"usage": Usage(input_fresh=1)}),
        ("reasoning_token_share", {"usage": Usage(input_fresh=1, output_text=1)}),
        ("tokens_per_second", {"usage": Usage(input_fresh=1)}),
    ],
)
def test_what_a_provider_did_not_say_is_unknown_and_not_zero(name: str, change: dict[str, Any]) -> None:
    assert value(name, {}, change) is None
    assert value(name, {}) is not None


def test_what_no_call_tells_is_unknown_and_without_calls_there_is_nothing() -> None:
    for name in ("avg_latency", "avg_time_to_first_token", "tokens_per_second"):
        assert value(name, {"latency": None}) is None
    assert value("avg_time_to_last_token", {}) is None  # not streamed
    assert value("avg_cost_per_call", FAILED) is None  # no answer to divide by
    for name in operational_classes.__all__:
        assert value(name) == 0.0


def test_a_window_begins_at_a_reset_and_at_another_run() -> None:
    run, metric = Run(), metrics.Cost()
    run.run_ledger.record(entry())
    metric.bind_program(run)
    assert metric.result() == 0.0 and metric.entries() == []
    run.run_ledger.record(entry())
    assert metric.result() == metric.result() == 0.25  # looked at twice, counted once
    assert len(metric.entries()) == 1
    metric.reset_state()
    run.run_ledger.record(entry(as_if=Decimal(1)))
    assert metric.result() == 1.0
    run.run_ledger = Ledger([entry(as_if=Decimal(2))])
    assert len(metric.entries()) == 1 and metric.result() == 2.0


def test_looking_often_costs_no_more_than_looking_once() -> None:
    run, metric = Run(), metrics.Throughput()
    metric.bind_program(run)
    taken: list[int] = []
    since = run.run_ledger.since
    run.run_ledger.since = lambda mark: taken.append(len(run.run_ledger) - mark) or since(mark)  # type: ignore[method-assign]
    for number in range(100):
        run.run_ledger.record(entry(begun=float(number), seconds=0.5))
        assert metric.result() == pytest.approx(2.0)
    assert sum(taken) == 100


def test_figures_of_a_program() -> None:
    run = Run()
    made = {name: metrics.get(name) for name in ("program_calls", "program_elapsed_time", "program_calls_per_second")}
    made |= {name: metrics.get(name) for name in ("program_cost", "program_avg_cost_per_invocation")}
    assert len(made) == len(PROGRAM)
    run.program_invocations.count = 7
    for metric in made.values():
        metric.bind_program(run)
    run.program_invocations.count, run.program_invocations.elapsed, run.program_invocations.wall = 11, 6.0, 2.0
    for phase, kind in (("train", "chat"), ("candidate", "embed"), ("reward", "chat"), ("metric", "chat")):
        run.run_ledger.record(entry(phase=phase, kind=kind))
    found = {name: metric.result() for name, metric in made.items()}
    assert found == {
        "program_calls": 4.0,
        "program_elapsed_time": 6.0,
        "program_calls_per_second": 2.0,
        "program_cost": 0.5,
        "program_avg_cost_per_invocation": 0.125,
    }


def test_unbound_it_counts_all_calls_of_the_process() -> None:
    metric = metrics.FailedCalls()
    with synalinks.use_provider(ScriptedProvider([synalinks.LMError("x")])), pytest.raises(synalinks.LMError):
        asyncio.run(synalinks.LanguageModel(PRICED, retry=1, on_error="raise").ask([{"role": "user", "content": "x"}]))
    assert metric.result() == 1.0
    metric.reset_state()
    assert metric.result() == 0.0


# --- in training -----------------------------------------------------------------------------------------------


@pytest.fixture
def price(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dollar per million prompt tokens, two per million answer tokens."""
    monkeypatch.setattr(pricing, "_set_by_user", dict(pricing._set_by_user))
    synalinks.set_price(PRICED, input=1, output=2)


def answers(call: Any) -> Reply:
    usage = Usage(input_fresh=100, output_text=50)
    return Reply(text=json.dumps({"answer": number_of(call)}), usage=usage, finish="stop")


def priced(**options: Any) -> Any:
    return compiled(solver(synalinks.LanguageModel(PRICED, retry=1)), **{"optimizer": Fresh(), **options})


NAMES = ("cost", "total_tokens", "program_calls", "failed_calls", "reward_cost", "avg_output_tokens_per_call")


@pytest.mark.usefixtures("price")
def test_training_logs_are_of_the_epochs_training_and_val_logs_of_its_validation() -> None:
    program = priced(metrics=list(NAMES))
    history = fit(program, ScriptedProvider(answers), *data(10), batch_size=2, epochs=2, validation_split=0.2)
    # An epoch: 8 samples in 4 steps, whose candidates are scored on 2 samples; then 2 samples of validation.
    by = history.ledger.by("epoch", "phase")
    for epoch in range(2):
        trained = by[epoch, "train"].calls + by[epoch, "candidate"].calls
        for name, wanted in (("cost", trained * 0.0002), ("total_tokens", trained * 150), ("program_calls", trained)):
            assert history.history[name][epoch] == pytest.approx(wanted)
        validated = by[epoch, "validation"].calls
        assert history.history["val_cost"][epoch] == pytest.approx(validated * 0.0002)
        assert history.history["val_program_calls"][epoch] == validated == 2
    assert (
        history.history["avg_output_tokens_per_call"] == history.history["val_avg_output_tokens_per_call"] == [50, 50]
    )
    assert history.history["failed_calls"] == history.history["reward_cost"] == [0, 0]
    costs = sum(history.history["cost"]) + sum(history.history["val_cost"])
    assert costs == pytest.approx(float(history.ledger.total.as_if.known))


@pytest.mark.usefixtures("price")
def test_an_evaluation_counts_its_own_calls() -> None:
    program = priced(metrics=["cost", "total_tokens"])
    x, y = data(3)
    with synalinks.use_provider(ScriptedProvider(answers)):
        for _ in range(2):
            found = asyncio.run(program.evaluate(x, y, verbose=0))
            assert found == {"cost": pytest.approx(0.0006), "reward": 1.0, "total_tokens": 450}


class Thrifty(Fresh):
    """Asks once to propose, and once when the epoch is over."""

    model: Any = None

    async def ask(self) -> None:
        await self.model.ask([{"role": "user", "content": "What now?"}])

    async def propose(self, variable: Any, step: Any) -> Any:
        await self.ask()
        return await super().propose(variable, step)

    async def on_epoch_end(self, epoch: int, variables: Any) -> None:
        await self.ask()
        await super().on_epoch_end(epoch, variables)


class Judge(synalinks.rewards.Reward):
    """Asks a model, and is content."""

    async def call(self, y_true: Any, y_pred: Any) -> float:
        await synalinks.LanguageModel(PRICED, retry=1).ask([{"role": "user", "content": "Is it good?"}])
        return 0.5


@pytest.mark.usefixtures("price")
def test_rewards_and_optimizer_have_figures_of_their_own_and_all_add_up_to_the_bill() -> None:
    optimizer = Thrifty()
    optimizer.model = synalinks.LanguageModel(PRICED, retry=1)

    def answer(call: Any) -> Any:
        spoken = call.scope.phase in ("reward", "optimizer")
        return Reply(text="yes", usage=Usage(input_fresh=10, output_text=5)) if spoken else answers(call)

    names = [f"{whose}{what}" for whose in ("", "reward_", "optimizer_") for what in ("cost", "input_tokens")]
    program = priced(optimizer=optimizer, reward=Judge(), metrics=names)
    history = fit(program, ScriptedProvider(answer), *data(6), batch_size=3, epochs=2, validation_split=0.5)
    assert history.history["optimizer_input_tokens"] == [20, 20]  # one step and the epoch's end, which logs come before
    assert history.history["val_reward_input_tokens"] == [30, 30]
    assert history.history["val_optimizer_cost"] == [0, 0]
    spent = sum(sum(v) for name, v in history.history.items() if name.endswith("cost"))
    assert spent == pytest.approx(float(history.ledger.total.as_if.known))


@pytest.mark.usefixtures("price")
def test_a_replay_logs_the_figures_of_the_recording(tmp_path: Any) -> None:
    def run() -> Any:
        synalinks.clear_session()
        program = priced(metrics=["cost", "total_tokens", "avg_latency"])
        with synalinks.use_cassette(tmp_path / "t.jsonl"):
            return fit(program, provider, *data(6), batch_size=2, epochs=2, validation_split=0.3).history

    provider = ScriptedProvider(answers, latency=0.001)
    recorded = run()
    calls = len(provider.calls)
    replayed = run()
    assert len(provider.calls) == calls
    # Latencies too: they are counted as finely as cassettes keep them.
    assert recorded == replayed and recorded["cost"][0] > 0 and recorded["avg_latency"][0] > 0.001


def test_what_is_unknown_is_none_in_history_and_survives_saving_plots_and_callbacks(tmp_path: Any) -> None:
    program = compiled(metrics=["cached_tokens"], optimizer=Fresh())
    watched = [
        synalinks.callbacks.EarlyStopping(monitor="val_reward", stop_at=None, patience=3),
        synalinks.callbacks.CSVLogger(tmp_path / "log.csv"),
        synalinks.callbacks.BackupAndRestore(tmp_path / "backup"),
    ]
    provider = ScriptedProvider(lambda call: {"answer": number_of(call)}, usage=Usage(input_fresh=1, output_text=1))
    history = fit(program, provider, *data(6), batch_size=2, epochs=2, validation_split=0.3, callbacks=watched)
    assert history.history["cached_tokens"] == history.history["val_cached_tokens"] == [None, None]
    assert synalinks.utils.plot_history(history, to_folder=str(tmp_path)) is not None
    assert synalinks.utils.plot_metrics({"cost": None, "f1": [0.5, 1.0]}, to_folder=str(tmp_path)) is not None
    assert (tmp_path / "log.csv").read_text().count("\n") == 3


def test_a_fallback_counts_as_one() -> None:
    model = synalinks.LanguageModel("ollama/a", retry=1, fallback=synalinks.LanguageModel("ollama/b", retry=1))
    program = compiled(solver(model), metrics=["fallback_activations", "failed_calls", "error_rate"])

    def answer(call: Any) -> Any:
        return ServerError("no") if call.request.model == "ollama/a" else {"answer": number_of(call)}

    provider = ScriptedProvider(answer)
    x, y = data(3)
    with synalinks.use_provider(provider):
        found = asyncio.run(program.evaluate(x, y, verbose=0))
    assert found == {"fallback_activations": 3, "failed_calls": 3, "error_rate": 0.5, "reward": 1.0}


def test_streams_tell_when_the_first_piece_came() -> None:
    async def ask() -> None:
        heard: list[str] = []
        model = synalinks.LanguageModel("ollama/streams", retry=1)
        await model.ask([{"role": "user", "content": "x"}], sink=lambda delta: heard.append(delta.text))
        await model.ask([{"role": "user", "content": "y"}])
        assert heard == ["hello"]

    first, last = metrics.AvgTimeToFirstToken(), metrics.AvgTimeToLastToken()
    with synalinks.use_provider(ScriptedProvider(["hello", "there"])), synalinks.use_ledger() as ledger:
        asyncio.run(ask())
    streamed = [entry for entry in ledger if entry.first_token is not None]
    assert len(streamed) == 1
    assert 0.0 <= first.result() == streamed[0].first_token <= last.result() == streamed[0].latency  # type: ignore[operator]


# --- the classes -----------------------------------------------------------------------------------------------


def test_there_is_a_class_for_each_row_and_phase() -> None:
    made = {name: getattr(operational_classes, name) for name in operational_classes.__all__}
    assert {name: cls.__bases__[0].__name__ for name, cls in made.items()} == {n: base for n, base, _ in classes()}
    assert all(made[name].row == row and made[name].direction == row.direction for name, _, row in classes())


def test_a_class_of_the_name_of_a_row_that_has_a_result_of_its_own_is_no_row() -> None:
    class Cost(metrics.LMOperationalMetric):
        """Always 1."""

        direction = "up"

        def result(self) -> float | None:
            return 1.0

    class DearCost(metrics.Cost):
        """As `Cost`."""

    assert Cost.row is None and (Cost.direction, Cost().result()) == ("up", 1.0)
    assert DearCost.row is metrics.Cost.row and DearCost.direction == "down"


def test_each_says_what_it_is_and_in_what_it_is_measured() -> None:
    for name in operational_classes.__all__:
        cls = getattr(metrics, name)
        assert cls.__doc__ is not None and cls.row is not None and f", in {cls.row.unit};" in cls.__doc__
        assert "{" not in cls.__doc__ and cls.direction in ("up", "down")
    assert "the rewards' embedding calls" in (metrics.RewardEmbeddingCost.__doc__ or "")


def test_early_stopping_knows_that_less_cost_is_better() -> None:
    program = compiled(metrics=["cost", "cache_hit_rate"])
    for name, mode in (("val_cost", "min"), ("cache_hit_rate", "max")):
        callback = synalinks.callbacks.EarlyStopping(monitor=name)
        callback._monitor.resolve(program)
        assert callback._monitor.direction == mode


def test_a_figure_of_ones_own_is_made_of_the_entries() -> None:
    class Longest(metrics.LMOperationalMetric):
        """The longest answer, in tokens."""

        def result(self) -> float | None:
            return max((float(one.usage.output_tokens or 0) for one in self.entries()), default=0.0)

    program = compiled(metrics=[Longest(name="longest")])
    x, y = data(2)
    with synalinks.use_provider(ScriptedProvider(lambda call: {"answer": number_of(call)}, usage=USAGE)):
        assert asyncio.run(program.evaluate(x, y, verbose=0))["longest"] == 20.0
    with pytest.raises(synalinks.ConfigurationError, match="def result"):
        metrics.LMOperationalMetric().result()


def test_saved_with_the_program_and_bound_again_when_it_is_loaded(tmp_path: Any) -> None:
    program = compiled(metrics=["cost", metrics.TotalTokens(name="tokens")])
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")
    assert [(type(m), m.name) for m in again.metrics[1:]] == [(metrics.Cost, "cost"), (metrics.TotalTokens, "tokens")]
    assert all(metric._program is again for metric in again.metrics[1:])


def test_an_entry_says_what_the_figures_need() -> None:
    fields = {field.name for field in dataclasses.fields(Entry)}
    assert {"begun", "latency", "first_token", "vectors", "is_fallback"} <= fields
    embedded = ScriptedProvider(lambda call: [[1.0, 0.0] for _ in call.request.texts])
    with synalinks.use_provider(embedded), synalinks.use_ledger() as ledger:
        asyncio.run(synalinks.EmbeddingModel("ollama/e", retry=1).embed(["a", "b"]))
    assert [one.vectors for one in ledger] == [2]


def test_total_tokens_count_failed_attempts_as_dollars_do() -> None:
    answer = entry(usage=Usage(10, output_text=5), failed=AttemptCosts(Decimal("0.1"), 40), attempts=2)
    broken = entry(usage=Usage(), failed=AttemptCosts(Decimal("0.1"), 30), attempts=1, error="bad_reply")
    assert [ENTRY_AMOUNTS["total"](each) for each in (answer, broken, entry(usage=Usage()))] == [55, 30, None]
