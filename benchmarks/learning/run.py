"""Optimizers on simulated tasks: shares of the way to the ceiling, calls and CPU; README.md says what of.

python benchmarks/learning/run.py --optimizers prompt_racing --seeds 0-11 --calls 450
python benchmarks/learning/run.py --optimizers random_few_shot,omega,omega:batch --epochs 4
python benchmarks/learning/run.py --optimizers dspy:bootstrap,dspy:mipro,dspy:gepa --calls 450
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import logging
import os
import random
import re
import statistics
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ["SYNALINKS_CACHE"] = "off"  # each run is a run of its own
sys.path.insert(0, str(Path(__file__).resolve().parent))
import laws
import model as simulated
import with_dspy

import programs
import synalinks

#: Optimizers that differ from their defaults.
VARIANTS = {
    "omega:batch": lambda: synalinks.OMEGA(update_freq="batch"),
    "omega:examples": lambda: synalinks.OMEGA(nb_examples=12),
    "omega:examples,batch": lambda: synalinks.OMEGA(nb_examples=12, update_freq="batch"),
}


def vector(text: str) -> list[float]:
    """An embedding: hashed words."""
    found = [0.0] * 192
    for word in re.findall(r"\w+", text.lower()):
        found[laws.digest(word) % len(found)] += 1.0
    return found


class Own:
    """The tasks of this folder."""

    names = laws.TASKS

    def __init__(self, seed: int) -> None:
        self.model = simulated.Model(seed)

    def reply(self, messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any] | None) -> str:
        """The model's answer."""
        return simulated.reply(self.model, messages, schema)

    @staticmethod
    def data(task: str, part: str) -> tuple[list[Any], list[Any]]:
        """Questions and labels."""
        return programs.data(list(laws.letters(task, part)))

    @staticmethod
    def base(task: str) -> str:
        """The instructions of the untrained program."""
        return laws.BASE[task]

    @staticmethod
    async def build(task: str, language_model: Any) -> Any:
        """The untrained program."""
        return await programs.build(task, language_model)

    @staticmethod
    def exact(task: str, texts: list[str]) -> tuple[float, float, float]:
        """Expected reward on fresh cases: of the untrained program, of these prompts, and the ceiling."""
        return laws.floor(task), laws.expected(task, texts), laws.ceiling(task)


class Ruler:
    """The tasks of another ruler: a folder with `tasks.py` and `simlm.py` (`--ruler`)."""

    names: tuple[str, ...] = ()
    tasks: Any = None
    server: Any = None
    fresh: dict[str, list[Any]] = {}
    ends: dict[str, tuple[float, float]] = {}

    @classmethod
    def load(cls, folder: Path) -> None:
        """Import the ruler, and work out its fresh cases, floors and ceilings."""
        sys.path.insert(0, str(folder))
        tasks = cls.tasks = importlib.import_module("tasks")
        cls.server = importlib.import_module("simlm")
        cls.names = tuple(tasks.TASKS)
        for task in cls.names:
            rng = random.Random(f"fresh {task}")
            fresh = cls.fresh[task] = [tasks.Case(task, 3000 + i, "fresh", rng) for i in range(600)]
            tasks.BY_ID.update((case.id, case) for case in fresh)
            best, chosen = [0.0] * len(fresh), []
            for _ in range(12):
                rest = [case for case in tasks.DATA[task][0] if case not in chosen]
                near = [
                    [max(b, tasks.ramp(tasks.similarity(q, d))) for q, b in zip(fresh, best, strict=True)] for d in rest
                ]
                taken = max(range(len(rest)), key=lambda i: sum(near[i]))
                chosen.append(rest[taken])
                best = near[taken]
            say = tasks.BASE[task] + " " + ". ".join(tasks.INSIGHTS[task]) + "\n" + tasks.demo_text(chosen)
            cls.ends[task] = tasks.expected(task, [tasks.BASE[task]], fresh), tasks.expected(task, [say], fresh)

    def __init__(self, seed: int) -> None:
        self.server.CFG["seed"] = seed
        self.server.REPEATS.clear()

    def reply(self, messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any] | None) -> str:
        """The model's answer."""
        text, _, _ = self.server.complete([dict(one) for one in messages], schema, None, 0.8)
        return str(text)

    @classmethod
    def data(cls, task: str, part: str) -> tuple[list[Any], list[Any]]:
        """Questions and labels."""
        cases = cls.tasks.DATA[task][0 if part == "train" else 1]
        return (
            [programs.Question(question=case.question) for case in cases],
            [programs.Answer(answer=case.label) for case in cases],
        )

    @classmethod
    def base(cls, task: str) -> str:
        """As `Own.base`."""
        return str(cls.tasks.BASE[task])

    @classmethod
    async def build(cls, task: str, language_model: Any) -> Any:
        """The untrained program."""
        inputs = synalinks.Input(data_model=programs.Question)
        outputs = await synalinks.Generator(
            data_model=programs.Answer, language_model=language_model, instructions=cls.tasks.BASE[task]
        )(inputs)
        return synalinks.Program(inputs=inputs, outputs=outputs, name="clerk", description="Answers cases with codes.")

    @classmethod
    def exact(cls, task: str, texts: list[str]) -> tuple[float, float, float]:
        """As `Own.exact`."""
        floor, ceiling = cls.ends[task]
        return floor, float(cls.tasks.expected(task, texts, cls.fresh[task])), ceiling


async def one(
    ruler: Any, task: str, optimizer: str, seed: int, calls: int | None, epochs: int, batch: int
) -> dict[str, Any]:
    """One training, and how far it came."""
    random.seed(seed)
    synalinks.clear_session()

    def answered(call: synalinks.lm.Call) -> str | list[list[float]]:
        request = call.request
        if request.kind == "embed":
            return [vector(text) for text in request.texts]
        return str(ruler.reply(request.messages, request.schema.value if request.schema else None))

    provider = synalinks.testing.ScriptedProvider(answered)
    language_model = synalinks.LanguageModel("ollama/simulated")
    program = await ruler.build(task, language_model)
    optimizer_of = VARIANTS[optimizer]() if optimizer in VARIANTS else synalinks.optimizers.get(optimizer)
    if hasattr(optimizer_of, "language_model"):
        optimizer_of.language_model = language_model
    if hasattr(optimizer_of, "embedding_model"):
        optimizer_of.embedding_model = synalinks.EmbeddingModel("ollama/vectors")
    program.compile(reward=synalinks.ExactMatch(in_mask=["answer"]), optimizer=optimizer_of)
    x, y = ruler.data(task, "train")
    begun = time.process_time()
    with synalinks.use_provider(provider):
        history = await program.fit(
            x, y, batch_size=batch, epochs=epochs, validation_data=ruler.data(task, "validation"), seed=seed,
            calls=calls, verbose=0,
        )  # fmt: skip
    floor, end, ceiling = ruler.exact(task, programs.texts(program))
    return {
        "optimizer": optimizer, "task": task, "seed": seed, "calls": len(provider.calls), "floor": floor, "end": end,
        "ceiling": ceiling, "share": (end - floor) / (ceiling - floor), "cpu": time.process_time() - begun,
        "program calls": sum(row["calls"] for row in history.costs), "texts": programs.texts(program),
        "notes": history.candidates,
    }  # fmt: skip


def table(rows: Sequence[Mapping[str, Any]], tasks: Sequence[str]) -> None:
    """Mean share by optimizer and task, with the standard error of the mean over seeds; calls and CPU a task."""
    print(f"\n{'optimizer':<24}" + "".join(f"{task:>12}" for task in tasks) + f"{'mean':>12}{'calls':>7}{'CPU s':>7}")
    for name in dict.fromkeys(row["optimizer"] for row in rows):
        own = [row for row in rows if row["optimizer"] == name]
        line, means = f"{name:<24}", []
        for task in tasks:
            shares = [row["share"] for row in own if row["task"] == task]
            if not shares:
                line += f"{'-':>12}"
                continue
            error = statistics.stdev(shares) / len(shares) ** 0.5 if len(shares) > 1 else 0.0
            means.append(statistics.mean(shares))
            line += f"{means[-1]:>7.0%} ±{error:>3.0%}"
        calls, cpu = (statistics.mean(row[what] for row in own) for what in ("calls", "cpu"))
        print(
            f"{line}{statistics.mean(means):>12.1%}{calls:>7.0f}{cpu:>7.2f}   worst {min(r['share'] for r in own):.0%}"
        )


async def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--optimizers", default="prompt_racing,random_few_shot,omega")
    parser.add_argument("--tasks", default="")
    parser.add_argument("--seeds", default="0-11")
    parser.add_argument("--calls", type=int)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--ruler", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if "dspy:" in given.optimizers and not with_dspy.available():
        with_dspy.begin_again()
    rulers: list[Any] = [Own]
    if given.ruler is not None:
        Ruler.load(given.ruler)
        rulers.append(Ruler)
    tasks = given.tasks.split(",") if given.tasks else [name for ruler in rulers for name in ruler.names]
    first, _, last = given.seeds.partition("-")
    rows = []
    for optimizer in given.optimizers.split(","):
        for seed in range(int(first), int(last or first) + 1):
            for task in tasks:
                ruler = next(ruler for ruler in rulers if task in ruler.names)
                if optimizer.startswith("dspy:"):
                    row = await with_dspy.beside(ruler(seed), task, optimizer, seed, given.calls)
                else:
                    row = await one(ruler(seed), task, optimizer, seed, given.calls, given.epochs, given.batch)
                rows.append(row)
                if given.out is not None:
                    with given.out.open("a") as file:
                        file.write(json.dumps(row) + "\n")
    table(rows, tasks)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    asyncio.run(main())
