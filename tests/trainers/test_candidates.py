"""The history of a training by steps has each candidate with its parents, its evidence and what changed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import compiled, data, fit, learner, provider_of
from synalinks._json import JsonObject
from synalinks.callbacks import Callback
from synalinks.optimizers import EvolutionaryOptimizer
from synalinks.optimizers.search.notes import Notes


class Louder(EvolutionaryOptimizer):
    """One more exclamation mark; a crossover has both texts."""

    async def mutate(self, variable: Any, parent: Any, step: Any) -> Any:
        return {"instructions": f"{parent.fields['instructions']}!"}

    async def cross(self, variable: Any, parent: Any, other: Any, step: Any) -> Any:
        return {"instructions": f"{parent.fields['instructions']} {other.fields['instructions']}?"}


def louder() -> Any:
    return compiled(optimizer=Louder("ollama/unused", merging_rate=1.0))


def descend_from_what_was_noted(notes: Sequence[JsonObject]) -> bool:
    """Whether each parent was noted before its children."""
    names: set[str] = set()
    for note in notes:
        if not names.issuperset(note["parents"]):
            return False
        names.add(note["candidate"])
    return True


def test_each_set_of_examples_has_its_parent_and_its_evidence() -> None:
    program, options = compiled(), {"epochs": 2, "batch_size": 4, "validation_split": 0.5, "minibatch_size": 8}
    history = fit(program, provider_of(learner), *data(16), **options)
    start, first, *_ = history.candidates
    assert (start["outcome"], start["parents"], start["reward"], start["reward_count"]) == ("start", [], 0.5, 8)
    assert first["parents"] == [start["candidate"]] and (first["epoch"], first["step"]) == (0, 0)
    assert (first["outcome"], first["reward"], first["parent_reward"], first["reward_count"]) == ("better", 1, 0.5, 8)
    [(_, changed)] = first["changed"].items()
    assert list(changed) == ["examples"] and changed["examples"][0]["inputs"]["question"].startswith("number ")
    assert descend_from_what_was_noted(history.candidates)
    best = program.trainable_variables[0].get("best_candidates")[0]["examples"]
    assert any(best == part["examples"] for note in history.candidates for part in note["changed"].values())


def test_a_crossover_has_two_parents() -> None:
    history = fit(louder(), provider_of(learner), *data(16), epochs=3, batch_size=4, validation_split=0.5)
    crossed = [note for note in history.candidates if len(note["parents"]) == 2]
    assert crossed and descend_from_what_was_noted(history.candidates)
    by_name = {note["candidate"]: note for note in history.candidates}
    for note in crossed:
        [path] = note["changed"]
        first, second = (by_name[name]["changed"][path]["instructions"] for name in note["parents"])
        assert note["changed"][path]["instructions"] == f"{first} {second}?"
    shown = Notes(history.candidates)._repr_html_()
    assert " from 1 (" in shown and " and " in shown and "its parent" in shown


def test_a_training_that_goes_on_has_the_candidates_of_one_that_was_not_cut_off(tmp_path: Path) -> None:
    class Interrupt(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                raise KeyboardInterrupt

    def run(folder: str, *callbacks: Callback) -> list[JsonObject]:
        with synalinks.use_provider(provider_of(learner)):
            program, (x, y) = louder(), data(16)
            options: dict[str, Any] = {"epochs": 3, "batch_size": 4, "validation_split": 0.5, "verbose": 0, "seed": 1}
            fitted = program.fit(x, y, resume=tmp_path / folder, callbacks=list(callbacks), **options)
            return asyncio.run(fitted).candidates

    with pytest.raises(KeyboardInterrupt):
        run("cut", Interrupt())
    assert run("cut") == run("whole")
