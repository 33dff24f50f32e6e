"""22 kinds of server faults in two dialects, each in a fit under a budget: what is trained, counted and settled."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import synalinks
from faults.test_failing_provider import NoWaiting
from faults.wire_faults import COMPLETION, KINDS, PROMPT, TIMEOUT, Kind, WireServer
from proofs.sums import solver, sums
from synalinks.lm.blocks import use_clock
from synalinks.lm.core.amount import NOTHING

#: Dollars a million tokens.
INPUT, OUTPUT = 10, 40
CAP = Decimal(1)
MODELS = {"ollama": ("ollama/sums", ""), "openai": ("openai/sums", "/v1")}
SAMPLES, EPOCHS = 12, 2


@pytest.fixture(autouse=True)
def _priced() -> Iterator[None]:
    for model, _ in MODELS.values():
        synalinks.set_price(model, input=INPUT, output=OUTPUT)
    with use_clock(NoWaiting()):
        yield
    for model, _ in MODELS.values():
        synalinks.set_price(model)


async def fit(dialect: str, server: WireServer) -> Any:
    """One call at a time where a second strike in a row would end a call: a broken answer is asked for twice only."""
    model, path = MODELS[dialect]
    timeout, width = TIMEOUT if server.kind.late else 30, 1 if server.kind.asked_twice else 4
    program = await solver(
        model, api_base=server.url + path, timeout=timeout, retry=8, concurrency=width, temperature=1.0, max_tokens=200
    )
    x, y = sums(SAMPLES)
    return await program.fit(
        x, y, batch_size=4, epochs=EPOCHS, validation_split=0.25, verbose=0, seed=7, budget=synalinks.Budget(usd=CAP)
    )


@pytest.mark.parametrize("dialect", MODELS)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_fit_through_every_kind_of_fault(kind: Kind, dialect: str) -> None:
    with WireServer(kind) as server, warnings.catch_warnings():
        if kind.fails is not None:
            warnings.simplefilter("ignore", synalinks.LMWarning)
        history = asyncio.run(fit(dialect, server))
    total, tracker = history.ledger.total, history.budget
    assert server.struck >= 8
    assert len(history.epoch) == EPOCHS and history.stopped_by is None, "the run goes on"
    if kind.fails is None:
        assert total.failed == 0, "another attempt is made"
        assert history.history["reward"] == history.history["val_reward"] == [1.0] * EPOCHS, "and it is what counts"
    else:
        failed = [entry for entry in history.ledger if entry.error is not None]
        assert len(failed) == server.struck and {entry.error for entry in failed} == {kind.fails}
    assert total.attempts == server.requests == tracker.settled.calls, "each attempt is in the ledger and the budget"
    spent = server.billed * Decimal(INPUT * PROMPT + OUTPUT * COMPLETION) / 1_000_000
    assert spent <= tracker.settled.usd <= CAP, "what the server billed is settled, or more where that is uncertain"
    assert tracker.reserved == tracker.in_flight == NOTHING
    if not total.uncertain:
        assert tracker.settled.usd == spent == total.billed.exact


def test_there_are_22_kinds() -> None:
    assert len(KINDS) == 22
