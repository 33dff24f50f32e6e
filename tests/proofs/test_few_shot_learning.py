"""The few-shot optimizer on a model with a written law (`shared/tools/learn`): how far it gets for how many calls.

The law gives the exact expected reward of a set of examples, so nothing is left to the luck of an evaluation.
"""

from __future__ import annotations

import importlib
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import fit, lm, make
from synalinks.lm.core.call import Call
from synalinks.lm.providers.fake.scripted import ScriptedProvider, prompt_of


class Case(synalinks.DataModel):
    """A case."""

    question: str = synalinks.Field(description="The case")


class Code(synalinks.DataModel):
    """Its code."""

    answer: str = synalinks.Field(description="The code")


@pytest.fixture
def law(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    if not (shared / "tools" / "learn" / "tasks.py").is_file():
        pytest.skip("shared/tools/learn is not there")
    monkeypatch.syspath_prepend(str(shared / "tools" / "learn"))
    yield importlib.import_module("tasks")
    sys.modules.pop("tasks", None)


def model(law: Any, seed: int) -> ScriptedProvider:
    """Answers as the law says; the same prompt again is a new draw."""
    times: Counter[str] = Counter()

    def answer(call: Call) -> dict[str, str]:
        text = prompt_of(call.request)
        times[text] += 1
        asked = law.CASE.findall(text)[-1]
        case = law.BY_ID["-".join(asked)]
        right = law.p_right(law.View(text, case.task, skip_last=True), case)
        return {"answer": case.gold if law.uniform(seed, text, times[text]) < right else case.distractor(1)}

    return ScriptedProvider(answer)


def trained(law: Any, seed: int) -> tuple[str, int, int]:
    """Four epochs with the defaults on the nearest-example task: the examples as text, how many, and the calls."""

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Case)
        generator = synalinks.Generator(data_model=Code, language_model=lm(), instructions=law.BASE["T2"], name="clerk")
        return synalinks.Program(inputs=inputs, outputs=await generator(inputs), name="clerk")

    program = make(build)
    program.compile(optimizer=synalinks.RandomFewShot(), reward=synalinks.ExactMatch(in_mask=["answer"]))
    (x, y), validation = (
        ([Case(question=case.question) for case in cases], [Code(answer=case.answer) for case in cases])
        for cases in law.DATA["T2"]
    )
    provider = model(law, seed)
    fit(program, provider, x, y, batch_size=32, epochs=4, validation_data=validation, seed=seed)
    examples = program.trainable_variables[0].get("examples")
    return " ".join(f"{one['inputs']} {one['outputs']}" for one in examples), len(examples), len(provider.calls)


def test_on_cases_never_seen_its_examples_beat_right_ones_drawn_by_chance(law: Any) -> None:
    """The part of sets of right examples drawn by chance, as many each, that do worse: 0.5 where nothing is learnt.

    The standard error of the mean over six seeds is then 0.12. The validation samples, by which candidates are chosen,
    are not among the cases.
    """
    rng = random.Random("fresh T2")
    fresh = [law.Case("T2", 3000 + n, "fresh", rng) for n in range(300)]

    def expected(text: str) -> float:
        return float(law.expected("T2", [law.BASE["T2"] + "\n" + text], fresh))

    beaten, by_chance = [], dict[int, list[float]]()
    for seed in range(6):
        text, count, calls = trained(law, seed)
        assert count and calls <= 900
        if count not in by_chance:
            by_chance[count] = [expected(law.demo_text(rng.sample(law.DATA["T2"][0], count))) for _ in range(100)]
        beaten.append(sum(other < expected(text) for other in by_chance[count]) / len(by_chance[count]))
    assert sum(beaten) / len(beaten) >= 0.8, beaten
