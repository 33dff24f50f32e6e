"""The reward-per-call curve: a point per step and epoch, the same from cache and cassette, and after a restart."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import synalinks
from proofs.sums import solver, sums
from synalinks import _json
from synalinks.callbacks import History
from synalinks.callbacks.reward_curve import CurvePoint, best_within
from synalinks.errors import ConfigurationError
from synalinks.lm.ledger.ledger import Money
from synalinks.lm.pricing import pricing
from synalinks.testing import Fault, OllamaServer


@pytest.fixture(autouse=True)
def priced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricing, "_set_by_user", {})
    pricing.set_price("ollama/sums", input=1, output=3)


async def fit(**options: Any) -> History:
    program = await solver(retry=3, retry_max_wait=0.0)
    settings: dict[str, Any] = {"batch_size": 6, "epochs": 2, "validation_split": 0.25, "verbose": 0, "seed": 7}
    return await program.fit(*sums(16), **{**settings, **options})


def test_a_point_per_step_and_one_at_the_end_of_each_epoch() -> None:
    with OllamaServer(env=True, faults=[Fault(at=3, broken_json=True)]):
        history = asyncio.run(fit())
    curve = history.reward_curve
    assert [(point.epoch, point.step) for point in curve] == [(0, 0), (0, 1), (0, None), (1, 0), (1, 1), (1, None)]
    assert [point.val_reward for point in curve if point.step is None] == history.history["val_reward"]
    assert [point.reward for point in curve if point.step is None] == history.history["reward"]
    assert all(point.val_reward is None and point.reward is not None for point in curve if point.step is not None)
    # After the first step: its batch, and both candidates on the four validation samples, of which none was known.
    first = history.ledger.filter(epoch=0, step=0).total
    assert (curve[0].calls, curve[0].as_if) == (first.calls, first.as_if)
    whole = history.ledger.total
    assert (curve[-1].calls, curve[-1].as_if) == (whole.calls, whole.as_if)
    assert whole.failed_tokens > 0, "the failed attempt counts"
    assert curve[-1].tokens == whole.tokens + whole.failed_tokens
    assert [point.calls for point in curve] == sorted(point.calls for point in curve)


def test_a_replay_gives_the_same_curve(tmp_path: Path) -> None:
    cassette = tmp_path / "cassette.jsonl"
    with OllamaServer(env=True), synalinks.use_cassette(cassette):
        recorded = asyncio.run(fit())
    with synalinks.offline(), synalinks.use_cassette(cassette, "none"):
        replayed = asyncio.run(fit())
    assert replayed.reward_curve == recorded.reward_curve
    assert replayed.ledger.total.billed == Money() != recorded.reward_curve[-1].as_if


def test_a_run_that_goes_on_continues_the_curve(tmp_path: Path) -> None:
    """The second process pays for the second epoch alone; its curve counts both."""
    with OllamaServer(env=True):
        whole = asyncio.run(fit())
    with OllamaServer(env=True):
        asyncio.run(fit(epochs=1, callbacks=[synalinks.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)]))
        history = asyncio.run(fit(callbacks=[synalinks.callbacks.BackupAndRestore(tmp_path)]))
    assert history.ledger.total.calls < whole.ledger.total.calls
    assert len(history.reward_curve) == 6
    assert history.reward_curve == whole.reward_curve


def point(calls: int, reward: float | None, val_reward: float | None, usd: str | None = "0") -> CurvePoint:
    money = Money(unknown=1) if usd is None else Money(Decimal(usd))
    return CurvePoint(0, None, calls, 10 * calls, money, reward, val_reward)


def test_the_best_within_a_cost_compares_at_equal_cost() -> None:
    curve = [point(10, 0.2, None, "1"), point(20, 0.3, 0.6, "2"), point(30, 0.4, 0.5, "3"), point(40, 0.5, 0.9, None)]
    assert best_within(curve, calls=19) is None
    assert best_within(curve, calls=30) == 0.6
    assert best_within(curve) == 0.9
    assert best_within(curve, tokens=399) == 0.6
    assert best_within(curve, usd="2.99") == 0.6
    assert best_within(curve, usd=100) == 0.6, "a price that is not known is beyond any limit"
    assert best_within(curve, calls=30, monitor="reward") == 0.4
    history = History()
    history.reward_curve = curve
    assert history.best_within(calls=20) == 0.6
    with pytest.raises(ConfigurationError, match="write 'val_reward' or 'reward'"):
        history.best_within(monitor="accuracy")


def test_points_are_json_and_come_back() -> None:
    for one in (point(10, 0.2, None), point(20, None, 0.5, None), point(20, None, 0.5, "0.000000000001")):
        assert CurvePoint.from_dict(_json.loads(_json.dumps(one.to_dict()))) == one
