"""A time cap ends the training before it has passed: nothing is sent after it; the epoch's validation still runs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from lm.virtual import LoopClock, run
from programs_under_test import compiled, data, learner, provider_of, solver
from synalinks.lm.blocks import use_clock, use_provider


@pytest.mark.parametrize("limits", [{"concurrency": 1}, {"rpm": 60}])
def test_the_validation_of_the_last_epoch_runs_within_the_cap(limits: dict[str, Any]) -> None:
    cap, sent = 200.0, []

    async def main() -> Any:
        begun = LoopClock().now()
        answers = provider_of(learner)

        async def provider(call: Any) -> Any:
            sent.append((call.scope.phase, LoopClock().now() - begun))
            await asyncio.sleep(1.0)
            return await answers(call)

        with use_provider(provider):
            return await program.fit(
                *data(20),
                batch_size=2,
                epochs=9,
                validation_split=0.2,
                verbose=0,
                seed=1,
                budget=synalinks.Budget(seconds=cap),
            )

    program = compiled(solver(synalinks.LanguageModel("ollama/timed", **limits)))
    with use_clock(LoopClock()):
        history = run(main())
    assert history.stopped_by == "budget"
    assert max(at for _, at in sent) <= cap
    assert len(history.history["val_reward"]) == len(history.epoch), "every epoch that was begun has its validation"
    assert sent[-1][0] == "validation"
