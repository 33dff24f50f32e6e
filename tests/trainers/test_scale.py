"""What a training keeps does not grow with the samples it has seen, nor does a step ask more the later it comes."""

from __future__ import annotations

import gc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import synalinks
from omega_under_test import OmegaProvider
from programs_under_test import Fresh, compiled, data, fit, learner, provider_of
from synalinks.optimizers.evolutionary import population
from synalinks.optimizers.scored_predictions import PREDICTIONS_KEPT
from synalinks.optimizers.search import notes

#: Calls that a step of one sample makes at most: its own, and parent and child on the minibatch.
MINIBATCH = 4
MOST_CALLS = 1 + 2 * MINIBATCH


class Sizes(synalinks.callbacks.Callback):
    """Notes the size of the saved program, in bytes, after every fourth step."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        self.seen: list[int] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch % 4:
            return
        self.program.save(self.file)
        self.seen.append(self.file.stat().st_size)


def optimizer_and_provider(name: str) -> tuple[Any, Any]:
    if name == "omega":
        options = {"language_model": "ollama/proposer", "embedding_model": "ollama/embedder", "population_size": 10}
        return synalinks.OMEGA(**options), OmegaProvider()
    return (synalinks.RandomFewShot() if name == "few shot" else Fresh()), provider_of(learner)


@pytest.mark.parametrize("name", ["few shot", "omega", "own"])
def test_the_saved_program_does_not_grow_with_the_samples_seen(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once its memory is full, samples never seen before leave a program of the same size behind."""
    monkeypatch.setattr(population, "NEWCOMERS", 10)  # of 200: full soon
    optimizer, provider = optimizer_and_provider(name)
    optimizer.population_size = 5
    sizes = Sizes(tmp_path / "program.json")
    x, y = data(320, start=1000)
    fit(
        compiled(optimizer=optimizer), provider, x, y, epochs=2, batch_size=4, validation_data=data(8, start=2000),
        callbacks=[sizes],
    )  # fmt: skip
    seen = sizes.seen
    assert len(seen) == 40
    assert PREDICTIONS_KEPT < 7 * 4 * 4, "by then it is full"
    assert max(seen[7:]) <= 1.3 * max(seen[:7])


def test_a_step_asks_no_more_the_later_it_comes() -> None:
    program, provider = compiled(), provider_of(learner)
    history = fit(program, provider, *data(50, start=1000), epochs=3, validation_data=data(20, start=2000))
    calls = Counter((entry.scope.epoch, entry.scope.step) for entry in history.ledger if entry.scope.step is not None)
    assert len(calls) == 150
    assert max(calls.values()) <= MOST_CALLS
    first, last = ([calls[0, step] for step in range(15)], [calls[2, step] for step in range(35, 50)])
    assert sum(last) <= 1.2 * sum(first)


def test_nothing_but_the_ledger_and_the_curve_grows_by_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects alive at two moments of a long epoch: what there is more of belongs to entries of the ledger or, one a
    step, to the history."""
    monkeypatch.setattr(notes, "NOTES_KEPT", 20)  # of 10,000: full soon
    alive: list[Counter[str]] = []
    calls: list[int] = []

    class Counts(synalinks.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch in (150, 299):
                gc.collect()
                alive.append(Counter(type(one).__name__ for one in gc.get_objects()))
                calls.append(len(self.program.run_ledger))

    class Forgetful:
        """A provider that keeps nothing."""

        name = "forgetful"

        def __init__(self) -> None:
            self._provider = provider_of(learner)

        async def __call__(self, call: Any) -> Any:
            self._provider.calls.clear()
            return await self._provider(call)

    x, y = data(300, start=1000)
    fit(compiled(), Forgetful(), x, y, minibatch_size=2, validation_data=data(8, start=2000), callbacks=[Counts()])
    more = calls[1] - calls[0]
    assert more > 200
    grown = {name: count for name, count in (alive[1] - alive[0]).items() if count > more / 10}
    known = {
        "Entry",
        "Usage",
        "Scope",
        "tuple",
        "CurvePoint",
        "Money",
        "dict",
        "Answer",  # of the states of this epoch
        "Paired",  # and their comparisons, dropped with them
        "Decimal",
    }  # the last from Python 3.13 on
    assert grown.keys() <= known, grown
    assert max(grown.values()) <= 1.1 * more + 20, grown
