"""What a fit has spent is on disk call by call, and counts in the run that goes on."""

from __future__ import annotations

import asyncio
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import compiled, data, fit, learner, provider_of, solver
from synalinks._concurrency import SystemClock
from synalinks.callbacks import BackupAndRestore
from synalinks.callbacks.backup_and_restore import SPENT
from synalinks.lm.budget.layer import NOTHING, Amount, Budget, BudgetTracker
from synalinks.lm.core.call import Call
from synalinks.testing import OllamaServer
from synalinks.trainers.budgeting.spent_journal import SpentJournal

OPTIONS: dict[str, Any] = {"batch_size": 2, "epochs": 3, "validation_split": 0.25}
ONE, BOUND = Amount(Decimal("0.01"), 10, 1), Amount(Decimal("0.05"), 90, 1)


def fresh() -> Any:
    synalinks.clear_session(free_memory=False)
    return compiled(solver())


def tracker(**caps: Any) -> BudgetTracker:
    return BudgetTracker(Budget(**(caps or {"usd": 1})), SystemClock())


def spend(tracker: BudgetTracker, amount: Amount) -> None:
    tracker.give_back(NOTHING, NOTHING, amount)


def test_what_is_sent_and_settled_is_on_disk_at_once_and_what_is_only_reserved_is_not(tmp_path: Path) -> None:
    left, journal = tracker(), SpentJournal(tmp_path / "folder" / SPENT)
    assert journal.read() is None
    journal.begin(left)
    assert journal.read() == (NOTHING, NOTHING, NOTHING)
    left.take(BOUND, BOUND)
    assert journal.read() == (NOTHING, NOTHING, NOTHING)
    left.send(BOUND)
    assert journal.read() == (NOTHING, BOUND, NOTHING)
    left.give_back(BOUND, BOUND, ONE, BOUND)
    spend(left, ONE)
    assert journal.read() == (ONE + ONE, NOTHING, NOTHING)
    left.take(BOUND, BOUND)
    left.send(BOUND)
    left.give_back(BOUND, BOUND, None, BOUND)
    assert journal.read() == (ONE + ONE + BOUND, NOTHING, BOUND)
    journal.close()
    spend(left, ONE)
    assert journal.read() == (ONE + ONE + BOUND, NOTHING, BOUND)
    assert left.watch is None


def test_what_was_in_flight_counts_once_at_its_bound_and_is_uncertain(tmp_path: Path) -> None:
    left, journal = tracker(), SpentJournal(tmp_path / SPENT)
    journal.begin(left)
    spend(left, ONE)
    left.take(BOUND, BOUND)
    left.send(BOUND)
    journal.close()
    again, next_journal = tracker(), SpentJournal(tmp_path / SPENT)
    assert next_journal.go_on(again) == ONE + BOUND
    assert (again.settled, again.uncertain, again.charged) == (ONE + BOUND, BOUND, NOTHING)
    assert SpentJournal(tmp_path / SPENT).go_on(again) == NOTHING, "what is counted is not counted twice"
    next_journal.begin(again)
    next_journal.close()
    third = tracker()
    SpentJournal(tmp_path / SPENT).go_on(third)
    assert (third.settled, third.uncertain) == (ONE + BOUND, BOUND), "nor by the run after that"


def test_the_file_is_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / SPENT
    left, journal = tracker(), SpentJournal(path)
    journal.begin(left)
    spend(left, ONE)
    journal.close()
    kept = path.read_bytes()

    def killed(*names: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        SpentJournal(path).begin(tracker())
    assert path.read_bytes() == kept


def whole(usd: str = '"1"', tokens: str = "10", calls: str = "1") -> str:
    """A journal whose settled amount has these values, as JSON."""
    nothing = '{"usd":"0","tokens":0,"calls":0}'
    settled = f'{{"usd":{usd},"tokens":{tokens},"calls":{calls}}}'
    return f'{{"settled":{settled},"in_flight":{nothing},"uncertain":{nothing}}}'


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", '{"settled": 1}', '{"settled":{"usd":"a lot"},"out":{}}', "\x00\xff",
        whole(usd='"-1"'), whole(usd='"NaN"'), whole(usd='"a lot"'), whole(usd="null"), whole(tokens="-10"),
        whole(tokens="1.5"), whole(calls='"1"'), whole(calls="true"), whole()[:100],
    ],
)  # fmt: skip
def test_a_damaged_file_refills_no_budget(tmp_path: Path, text: str) -> None:
    path, left = tmp_path / SPENT, tracker()
    path.write_bytes(whole().encode())
    assert SpentJournal(path).go_on(tracker()) == Amount(Decimal(1), 10, 1)
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(synalinks.errors.ConfigurationError, match="can't be read") as caught:
        SpentJournal(path).go_on(left)
    assert str(path) in str(caught.value) and "delete" in str(caught.value)
    assert left.settled == NOTHING and path.read_bytes() == text.encode("latin-1"), "it is left as it is"


def test_a_fit_does_not_go_on_beside_a_damaged_file(tmp_path: Path) -> None:
    with OllamaServer(env=True) as server:
        with pytest.raises(StopError):
            broken_off(tmp_path, 1000, Breaks())
        sent, path = server.requests.number, tmp_path / "state" / SPENT
        path.write_bytes(path.read_bytes()[:20])
        with pytest.raises(synalinks.errors.ConfigurationError, match=SPENT):
            broken_off(tmp_path, 1000)
        assert server.requests.number == sent
        path.unlink()
        assert broken_off(tmp_path, 1000).stopped_by is None


def test_a_run_that_was_killed_in_the_middle_of_an_epoch_counts_all_it_had_sent(tmp_path: Path) -> None:
    """What kill -9 leaves is what is on disk at that moment: a copy is taken at a call in the second epoch."""
    backup, left = tmp_path / "backup", tmp_path / "left"
    sent = 0

    def rule(number: int, call: Call) -> Any:
        nonlocal sent
        if not left.exists():
            sent += 1
            if call.scope.epoch == 1 and call.scope.step == 1:
                shutil.copytree(backup, left)
        return learner(number, call)

    budget = Budget(calls=1000)
    fit(fresh(), provider_of(rule), *data(12), callbacks=[BackupAndRestore(backup)], budget=budget, **OPTIONS)
    provider = provider_of(learner)
    again = fit(fresh(), provider, *data(12), callbacks=[BackupAndRestore(left)], budget=budget, **OPTIONS)
    before = again.budget.settled.calls - len(provider.calls)
    assert sent <= before <= sent + 1, "two samples were out; the other may have been about to be sent"
    assert again.budget.uncertain.calls == before - sent + 1


def test_a_fit_that_is_begun_anew_counts_nothing_of_what_lies_there(tmp_path: Path) -> None:
    stale, journal = tracker(), SpentJournal(tmp_path / SPENT)
    journal.begin(stale)
    spend(stale, Amount(calls=900))
    journal.close()
    history = fit(fresh(), provider_of(learner), *data(12), callbacks=[BackupAndRestore(tmp_path)],
                  budget=Budget(calls=500), **OPTIONS)  # fmt: skip
    assert history.stopped_by is None
    assert history.budget.settled.calls == len(history.ledger)


class StopError(Exception):
    """The run breaks off."""


class Breaks(synalinks.callbacks.Callback):
    """Raises at the second step of the second epoch."""

    epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if (self.epoch, batch) == (1, 1):
            raise StopError


def broken_off(tmp_path: Path, calls: int, *callbacks: Any) -> Any:
    synalinks.clear_session(free_memory=False)
    program = compiled(solver(synalinks.LanguageModel("ollama/spent")))
    return asyncio.run(
        program.fit(*data(12), verbose=0, seed=1, budget=Budget(calls=calls), resume=tmp_path / "state",
                    callbacks=list(callbacks), **OPTIONS)
    )  # fmt: skip


def test_with_the_cache_the_epoch_that_was_cut_off_costs_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a budget that holds the whole fit holds it in two runs too, call for call."""
    monkeypatch.setenv("SYNALINKS_CACHE", "on")
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "whole"))
    with OllamaServer(env=True) as server:
        whole = broken_off(tmp_path, 10_000)
        calls = server.requests.number
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "cut"))
    with OllamaServer(env=True) as server:
        with pytest.raises(StopError):
            broken_off(tmp_path, calls, Breaks())
        assert server.requests.number < calls
        again = broken_off(tmp_path, calls)
        assert server.requests.number == calls
    assert (again.stopped_by, again.history) == (None, whole.history), again.stop_reason
    assert again.budget.settled.calls == calls


def test_what_was_paid_of_the_epoch_that_was_cut_off_need_not_be_left_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The budget holds two epochs. In the run that goes on less than one is left, and the cache has the rest of it."""
    monkeypatch.setenv("SYNALINKS_CACHE", "on")
    monkeypatch.setitem(OPTIONS, "epochs", 2)
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "whole"))
    with OllamaServer(env=True):
        ledger = broken_off(tmp_path, 10_000).ledger
    first, second = (ledger.by("epoch")[epoch].attempts for epoch in (0, 1))
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "cut"))
    with OllamaServer(env=True):
        with pytest.raises(StopError):
            broken_off(tmp_path, first + max(first, second), Breaks())
        again = broken_off(tmp_path, first + max(first, second))
    assert (again.stopped_by, again.epoch) == (None, [0, 1]), again.stop_reason


def test_under_a_cassette_what_is_played_again_is_counted_once(tmp_path: Path) -> None:
    def run(*callbacks: Any) -> Any:
        with synalinks.use_cassette(tmp_path / "cassette.jsonl", record_mode="new_episodes"):
            return broken_off(tmp_path, 1000, *callbacks)

    with OllamaServer(env=True) as server:
        with pytest.raises(StopError):
            run(Breaks())
        history = run()
        assert history.budget.settled.calls == server.requests.number
