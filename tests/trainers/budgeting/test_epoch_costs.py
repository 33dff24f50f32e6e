"""An epoch begins only if it can be expected to end with its validation, whose money is kept from the first step on."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import synalinks
from programs_under_test import Fresh, compiled, data, fit, learner, number_of, provider_of, right, solver, source_of
from synalinks.callbacks import BackupAndRestore, Callback
from synalinks.cli import commands
from synalinks.lm import NOTHING, Amount, Ledger, current_run
from synalinks.lm.blocks import use_clock
from synalinks.lm.core.call import Call, Usage
from synalinks.testing import OllamaServer
from synalinks.trainers.budgeting.epoch_cost import EpochCost
from synalinks.trainers.budgeting.epoch_costs import NOT_BEGUN, EpochCosts
from synalinks.trainers.data.splitting import FitData
from synalinks.trainers.fit_config import FitConfig

#: 15 training samples and 5 for validation; every step proposes, so an epoch is 15 + 75 or less + 5 calls.
OPTIONS: dict[str, Any] = {"validation_split": 0.25, "epochs": 9}


def fresh(**options: Any) -> Any:
    synalinks.clear_session(free_memory=False)
    return compiled(solver(), optimizer=Fresh(), **options)


def train(budget: Any = None, provider: Any = None, program: Any = None, **options: Any) -> Any:
    provider = provider or provider_of(right)
    history = fit(program or fresh(), provider, *data(20), budget=budget, **{**OPTIONS, **options})
    return history, provider


def by_epoch(provider: Any) -> list[int]:
    """Calls of each epoch."""
    epochs = [call.scope.epoch for call in provider.calls]
    return [epochs.count(epoch) for epoch in range(max(epochs) + 1)]


class Told(Callback):
    """What callbacks are told."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.heard.append(f"begin {epoch}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.heard.append(f"end {epoch}")

    def on_train_end(self, logs: Any = None) -> None:
        self.heard.append(f"the end, {sorted(logs)}")


# --- another epoch? ------------------------------------------------------------------------------------------


def test_an_epoch_that_cant_be_expected_to_end_is_not_begun() -> None:
    whole = by_epoch(train(epochs=3)[1])
    told = Told()
    history, provider = train(synalinks.Budget(calls=whole[0] + whole[1] + whole[2] - 10), callbacks=[told])
    assert by_epoch(provider) == whole[:2], "no call was paid for that epoch"
    assert history.stopped_by == "budget"
    assert history.epoch == [0, 1]
    assert told.heard == ["begin 0", "end 0", "begin 1", "end 1", "the end, ['reward', 'val_reward']"]
    left = whole[2] - 10
    assert history.stop_reason == (
        f"epoch 3 of 9 was not begun: with its validation it is expected to take about {whole[1]} calls, and {left} of "
        f"{sum(whole) - 10} are left of the budget of solver.fit. What was paid for is kept; run again with a larger "
        "budget to go on from here"
    )
    assert history.budget.ended == "before epoch 3 of 9"


def test_one_that_just_fits_is_begun() -> None:
    whole = by_epoch(train(epochs=2)[1])
    assert whole[1] <= whole[0]
    history, provider = train(synalinks.Budget(calls=2 * whole[0]))
    assert by_epoch(provider) == whole
    assert history.epoch == [0, 1]


@pytest.mark.parametrize("cap", ["usd", "tokens"])
def test_dollars_and_tokens_decide_too(cap: str) -> None:
    synalinks.set_price("ollama/test", input=1, output=1)
    try:
        usage = Usage(100, output_text=100)
        calls = by_epoch(train(epochs=1, provider=provider_of(right, usage=usage))[1])[0]
        enough = {"usd": Decimal("0.0002") * calls * 2, "tokens": 200 * calls * 2}[cap]
        for amount, epochs in ((enough, 2), (enough * 7 // 10 if cap == "tokens" else enough * 7 / 10, 1)):
            # The model says how long its answers get, or the bound of the last calls would not fit.
            program = compiled(
                solver(synalinks.LanguageModel("ollama/test", retry=1, max_tokens=100)), optimizer=Fresh()
            )
            history, _ = train(
                synalinks.Budget(**{cap: amount + (Decimal("0.002") if cap == "usd" else 2000)}),
                provider_of(right, usage=usage),
                program,
                epochs=3,
            )
            assert history.stopped_by == "budget"
            assert len(history.epoch) == epochs, history.stop_reason
            assert "was not begun" in history.stop_reason
    finally:
        synalinks.set_price("ollama/test", input=0, output=0)


def test_an_epoch_that_its_own_budget_cuts_is_begun_if_the_whole_one_holds_that() -> None:
    own = synalinks.Budget(calls=30)
    history, provider = train(synalinks.Budget(calls=60, per_epoch=own))
    assert by_epoch(provider) == [30, 30]
    assert history.stopped_by == "budget"
    history, provider = train(synalinks.Budget(calls=89, per_epoch=own))
    assert by_epoch(provider) == [30, 30], "29 calls are less than an epoch may take"
    assert "about 30 calls, and 29 of 89" in history.stop_reason


def test_an_epochs_budget_that_does_not_hold_a_step_and_the_validation_ends_the_training() -> None:
    history, provider = train(synalinks.Budget(per_epoch=synalinks.Budget(calls=5)))
    assert by_epoch(provider) == [5]
    assert history.stopped_by == "budget"
    assert (
        "epoch 2 of 9 was not begun: the budget of the epoch before did not hold its validation" in history.stop_reason
    )
    budget = synalinks.Budget(per_epoch=synalinks.Budget(calls=8))
    history, provider = train(budget, validation_freq=2)
    assert by_epoch(provider) == [8]
    assert "a step and the validation are expected to take about 16 calls, and 8 of 8" in history.stop_reason
    assert "of the budget of epoch 2" in history.stop_reason
    assert history.budget.ended == "before epoch 2 of 9"


def test_validation_that_is_not_due_is_not_counted() -> None:
    calls = by_epoch(train(epochs=2, validation_freq=2)[1])
    history, provider = train(synalinks.Budget(calls=calls[0] * 2 + 4), epochs=2, validation_freq=2)
    assert by_epoch(provider) == calls[:1], "the second epoch has a validation of 5 calls more than the first"
    history, provider = train(synalinks.Budget(calls=calls[0] * 2 + 5), epochs=2, validation_freq=2)
    assert history.stopped_by is None
    assert by_epoch(provider) == calls


def test_budgets_around_the_fit_decide_too_and_are_left_as_they_were() -> None:
    with synalinks.use_budget(synalinks.Budget(calls=150)) as around:
        history, provider = train()
        assert current_run().budgets == (around,)
    assert history.stopped_by == "budget"
    assert "are left of the budget." in history.stop_reason
    assert len(by_epoch(provider)) == 1
    assert around.aside == NOTHING
    assert around.settled.calls == len(provider.calls)


class Stepping:
    """A clock that goes on by a second a call."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_seconds_decide_and_a_replay_which_takes_none_stops_at_the_same_epoch(tmp_path: Path) -> None:
    clock = Stepping()

    def slow(number: int, call: Call) -> Any:
        clock.time += 1
        return {"answer": number}

    def run(mode: str) -> Any:
        with use_clock(clock), synalinks.use_cassette(tmp_path / "cassette.jsonl", record_mode=mode):
            return train(synalinks.Budget(seconds=150), provider_of(slow))

    recorded, provider = run("once")
    assert recorded.stopped_by == "budget"
    assert recorded.epoch == [0]
    assert f"about {len(provider.calls)} s, and" in recorded.stop_reason
    replayed, nobody = run("none")
    assert not nobody.calls
    assert (replayed.history, replayed.epoch) == (recorded.history, recorded.epoch)
    assert (replayed.stopped_by, replayed.stop_reason) == ("budget", recorded.stop_reason)
    assert NOT_BEGUN in (tmp_path / "cassette.jsonl").read_text()


def test_the_commands_that_read_cassettes_know_the_row_of_an_epoch_that_was_not_begun(tmp_path: Path) -> None:
    cassette = tmp_path / "cassette.jsonl"
    with synalinks.use_cassette(cassette, record_mode="once"):
        history, provider = train(synalinks.Budget(calls=150))
    assert history.stopped_by == "budget"
    for words in (
        ["show", cassette],
        ["ls", cassette],
        ["stats", cassette],
        ["check", cassette],
        ["diff", cassette, cassette],
    ):
        result = CliRunner().invoke(commands, ["cassette", *map(str, words)])
        assert result.exit_code == 0, result.output
    assert "was not begun" in CliRunner().invoke(commands, ["cassette", "show", str(cassette)]).output
    assert len(cassette.read_bytes().splitlines()) == 1 + len(provider.calls) + 1


def test_a_replay_under_a_smaller_budget_ends_before_the_epoch_too(tmp_path: Path) -> None:
    def run(mode: str, calls: int) -> Any:
        with synalinks.use_cassette(tmp_path / "cassette.jsonl", record_mode=mode):
            return train(synalinks.Budget(calls=calls), epochs=3)[0]

    recorded = run("once", 10_000)
    assert recorded.stopped_by is None
    spent = recorded.budget.settled.calls
    replayed = run("none", spent - 10)
    assert replayed.budget.ended == "before epoch 3 of 3"
    assert replayed.epoch == [0, 1]
    assert "was not begun" in replayed.stop_reason


def test_epochs_that_the_cache_pays_for_are_begun_whatever_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNALINKS_CACHE", "on")
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path))

    def run(budget: Any) -> Any:
        synalinks.clear_session(free_memory=False)
        program = compiled(solver(synalinks.LanguageModel("ollama/cached")))
        x, y = data(12)
        return asyncio.run(program.fit(x, y, epochs=3, validation_split=0.25, verbose=0, seed=1, budget=budget))

    with OllamaServer(env=True) as server:
        whole = run(None)
        number = server.requests.number
        again = run(synalinks.Budget(calls=1))
        assert server.requests.number == number
    assert again.stopped_by is None
    assert again.history == whole.history
    assert again.budget.settled == NOTHING


# --- going on ------------------------------------------------------------------------------------------------


def test_a_larger_budget_goes_on_with_the_epoch_that_was_not_begun_and_pays_only_for_what_is_new(
    tmp_path: Path,
) -> None:
    options: dict[str, Any] = {"resume": tmp_path / "state", "epochs": 3}

    def program_of_its_own() -> Any:
        synalinks.clear_session(free_memory=False)
        return compiled(solver())

    whole_program, whole = program_of_its_own(), provider_of(learner)
    wanted = fit(whole_program, whole, *data(20), **{**OPTIONS, "epochs": 3})
    calls = by_epoch(whole)
    first, one = train(synalinks.Budget(calls=calls[0] + 20), provider_of(learner), program_of_its_own(), **options)
    assert (first.epoch, by_epoch(one)) == ([0], calls[:1])
    none, two = train(synalinks.Budget(calls=calls[0] + 20), provider_of(learner), program_of_its_own(), **options)
    assert none.stopped_by == "budget" and not two.calls, "the same budget buys nothing more"
    program = program_of_its_own()
    more, three = train(synalinks.Budget(calls=10_000), provider_of(learner), program, **options)
    assert more.stopped_by is None
    assert (more.history, more.epoch) == (wanted.history, [0, 1, 2])
    assert [number for number in by_epoch(three) if number] == calls[1:]
    assert more.budget.settled.calls == sum(calls), "what was spent before counts"
    program.save(tmp_path / "resumed.json")
    whole_program.save(tmp_path / "whole.json")
    assert (tmp_path / "resumed.json").read_bytes() == (tmp_path / "whole.json").read_bytes()
    assert not (tmp_path / "state").exists()


def test_what_is_known_of_costs_goes_through_a_state() -> None:
    history, _ = train(synalinks.Budget(calls=10_000), epochs=1)
    costs = _costs()
    costs.dearest = Amount(Decimal("0.125"), 7, 1)
    costs.last = EpochCost(Amount(Decimal("1.5"), 100, 10), 2.5, 3, 4, 5, 6)
    again = _costs()
    again.set_state(costs.get_state())
    assert (again.dearest, again.last) == (costs.dearest, costs.last)
    assert history.stop_reason is None


def _costs() -> EpochCosts:
    return EpochCosts(FitConfig(), FitData(source_of(*data(4)), None), Ledger())


def test_a_state_of_a_version_before_has_no_costs_and_serves(tmp_path: Path) -> None:
    from synalinks import _json
    from synalinks.callbacks.backup_and_restore import LATEST

    keep = BackupAndRestore(tmp_path, delete_checkpoint=False)
    train(synalinks.Budget(calls=10_000), epochs=1, callbacks=[keep])
    state = _json.loads((tmp_path / LATEST).read_bytes())
    del state["costs"]
    (tmp_path / LATEST).write_text(_json.dumps(state))
    history, _ = train(synalinks.Budget(calls=10_000), epochs=2, callbacks=[BackupAndRestore(tmp_path)])
    assert history.epoch == [0, 1]


# --- validation's share --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cap", [4, 9, 12, 18])
def test_a_budget_used_up_in_the_first_step_leaves_validation_its_share(cap: int) -> None:
    """One step of 15 samples: 5 of at most 15 + 2 * 4 + 5 calls are validation's."""
    history, provider = train(synalinks.Budget(calls=cap), batch_size=15)
    found = [call.scope.phase for call in provider.calls]
    share = -(-cap * 5 // 28)
    assert found.count("validation") == share
    assert found.count("train") == cap - share
    assert history.stopped_by == "budget"
    assert "is kept for later" in history.stop_reason


def test_as_soon_as_a_cost_is_known_the_whole_validation_is_kept_for_also_within_the_first_step() -> None:
    """Of 20 calls 4 are kept at first; when 15 samples have cost one each, all 5 are, and no candidate is scored."""
    history, provider = train(synalinks.Budget(calls=20), batch_size=15)
    found = [call.scope.phase for call in provider.calls]
    assert [found.count(phase) for phase in ("train", "candidate", "validation")] == [15, 0, 5]
    assert history.history["val_reward"] == [1.0]


def test_dollars_are_kept_back_too_before_any_cost_is_known() -> None:
    synalinks.set_price("ollama/test", input=1, output=1)
    try:
        program = compiled(solver(synalinks.LanguageModel("ollama/test", retry=1, max_tokens=300)), optimizer=Fresh())
        usage = Usage(200, output_text=300)
        history, _ = train(synalinks.Budget(usd="0.007"), provider_of(right, usage=usage), program, batch_size=15)
        spent = {phase: totals.billed.known for phase, totals in history.ledger.by("phase").items()}
        assert spent["train"] <= Decimal("0.007") * 23 / 28
        assert spent["validation"] > 0
        assert sum(spent.values()) <= Decimal("0.007")
    finally:
        synalinks.set_price("ollama/test", input=0, output=0)


class Asides(Callback):
    """What is set aside of a fit's budget at each step."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.seen.append(current_run().budgets[-1].aside.calls)


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        # Of 1000 calls at first: 5 of 15 + 2 * 15 * 4 + 5; then one for each validation sample.
        ({}, [36, 5, 5]),
        ({"minibatch_size": None}, [30, 5, 5]),
        ({"batch_size": 8}, [139, 5]),
        ({"steps_per_epoch": 2}, [218, 5]),
        ({"validation_steps": 1, "validation_batch_size": 2}, [15, 2, 2]),
        ({"validation_freq": 2}, [0, 0, 0]),
        ({"validation_split": 0}, [0, 0, 0]),
    ],
)
def test_what_is_kept_back_is_the_part_of_the_validation_that_is_due(options: dict[str, Any], seen: list[int]) -> None:
    asides = Asides()
    history, _ = train(synalinks.Budget(calls=1000), epochs=1, callbacks=[asides], **options)
    assert asides.seen[: len(seen)] == seen
    assert history.budget.aside == NOTHING


def stream(count: int, size: int, start: int = 0) -> Any:
    x, y = data(count, start)
    for first in range(0, count, size):
        yield x[first : first + size], y[first : first + size]


def test_a_stream_of_training_data_keeps_back_the_most_until_costs_are_known() -> None:
    asides = Asides()
    program = fresh()
    fit(program, provider_of(right), lambda: stream(6, 2), budget=synalinks.Budget(calls=1000), epochs=2,
        validation_data=data(4, 50), callbacks=[asides])  # fmt: skip
    assert asides.seen == [-(-1000 * 4 // (2 + 2 * 4 + 4)), 4, 4, 4, 4, 4]


def test_a_stream_of_validation_data_is_kept_back_for_once_its_length_is_known() -> None:
    asides = Asides()
    fit(fresh(), provider_of(right), *data(3), budget=synalinks.Budget(calls=1000), epochs=2,
        validation_data=lambda: stream(4, 2, 50), callbacks=[asides])  # fmt: skip
    assert asides.seen == [0, 0, 0, 4, 4, 4]


def test_streams_are_expected_to_give_as_much_again() -> None:
    def run(calls: int) -> Any:
        provider = provider_of(right)
        budget = synalinks.Budget(calls=calls)
        history = fit(fresh(), provider, lambda: stream(6, 2), epochs=5, validation_data=data(4, 50), budget=budget)
        return history, by_epoch(provider)

    _, whole = run(10_000)
    history, calls = run(whole[0] + whole[1] + whole[2] - 1)
    assert calls == whole[:2]
    assert "was not begun" in history.stop_reason


def test_the_reason_of_a_refusal_in_an_epoch_is_told_too() -> None:
    history, provider = train(synalinks.Budget(calls=40))
    assert history.stop_reason.startswith("the budget of solver.fit is used up: 1 call needed")
    assert sorted(number_of(call) for call in provider.calls if call.scope.phase == "validation") == [
        15,
        16,
        17,
        18,
        19,
    ]
    assert train(epochs=1)[0].stop_reason is None
