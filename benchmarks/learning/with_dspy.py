"""DSPy's optimizers on the same tasks, data and simulated model.

DSPy is installed into an environment of its own, in which `run.py` begins again.

Only programs of one module are run (L2 has two): what is compared is the search, not how a library chains modules.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import laws

VERSION = "dspy[optuna]==3.4.1"
ENVIRONMENT = Path.home() / ".cache" / "synalinks-benchmarks" / "dspy"
PROJECT = Path(__file__).resolve().parents[2]
_FIELDS, _JSON_FIELDS = re.compile(r"\[\[ ## (\w+) ## \]\]"), re.compile(r"`(\w+)`")


def available() -> bool:
    """Whether DSPy can be imported."""
    try:
        import dspy  # noqa: F401
    except ImportError:
        return False
    return True


def begin_again() -> None:
    """Run the same command in an environment that has DSPy, which is made where it is not there; does not return."""
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / "complete").exists():
        print(f"installing {VERSION} into {ENVIRONMENT}", file=sys.stderr)
        venv.create(ENVIRONMENT, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", VERSION, str(PROJECT)], check=True)
        (ENVIRONMENT / "complete").touch()
    path = os.pathsep.join([str(PROJECT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    os.execve(python, [str(python), *sys.argv], {**os.environ, "PYTHONPATH": path})


def _fields(text: str) -> tuple[list[str], bool]:
    """The output fields that a prompt of DSPy's adapters names at its end, and whether it takes JSON."""
    tail = text.rpartition("Respond with")[2] if "Respond with" in text else ""
    names = [name for name in dict.fromkeys(_FIELDS.findall(tail)) if name != "completed"]
    return (names, False) if names else (list(dict.fromkeys(_JSON_FIELDS.findall(tail))), True)


def _answered(ruler: Any, messages: Sequence[Mapping[str, Any]]) -> str:
    """The model's text in the form that the prompt takes."""
    names, as_json = _fields(str(messages[-1].get("content")))
    wanted = names or ["answer"]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in wanted}}
    values = json.loads(ruler.reply(messages, schema))
    found = {name: str(values.get(name, "")) for name in wanted}
    if as_json:
        return json.dumps(found)
    return "\n\n".join(f"[[ ## {name} ## ]]\n{text}" for name, text in found.items()) + "\n\n[[ ## completed ## ]]"


def _model(ruler: Any, counts: dict[str, int]) -> Any:
    import dspy
    from litellm import ModelResponse

    class Simulated(dspy.BaseLM):  # type: ignore[misc]
        """The simulated model as DSPy calls it."""

        def __init__(self) -> None:
            super().__init__(model="simulated", cache=False)

        def forward(self, prompt: str | None = None, messages: Any = None, **options: Any) -> Any:
            given = messages or [{"role": "user", "content": prompt}]
            counts["calls"] += 1
            text = _answered(ruler, given)
            choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop", "index": 0}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            return ModelResponse(choices=[choice], usage=usage, model="simulated")

    return Simulated()


def _program(ruler: Any, task: str) -> Any:
    """The untrained program."""
    import dspy

    if task != "L2":
        return dspy.Predict(dspy.Signature("question -> answer", ruler.base(task)))

    class Stages(dspy.Module):  # type: ignore[misc]
        """Notes, then the desk that they name."""

        def __init__(self) -> None:
            super().__init__()
            self.take_notes = dspy.Predict(dspy.Signature("question -> notes", ruler.base(task)))
            self.name_desk = dspy.Predict(dspy.Signature("notes -> answer", laws.SECOND))

        def forward(self, question: str) -> Any:
            return self.name_desk(notes=self.take_notes(question=question).notes)

    return Stages()


def _text(predictor: Any) -> str:
    """What the prompts of one module have."""
    names = predictor.signature.fields
    shown = "\n".join(" ".join(str(demo[name]) for name in names if name in demo) for demo in predictor.demos)
    return f"{predictor.signature.instructions}\n{shown}"


def one(ruler: Any, task: str, optimizer: str, seed: int, calls: int) -> dict[str, Any]:
    """One training, and how far it came: a row as `run.one` gives it."""
    import dspy

    random.seed(seed)
    counts = {"calls": 0}
    model = _model(ruler, counts)
    x, y = ruler.data(task, "train")
    held_x, held_y = ruler.data(task, "validation")
    train, held = (
        [
            dspy.Example(question=one.question, answer=two.answer).with_inputs("question")
            for one, two in zip(xs, ys, strict=True)
        ]
        for xs, ys in ((x, y), (held_x, held_y))
    )
    program = _program(ruler, task)
    begun = time.process_time()

    def right(example: Any, prediction: Any, trace: Any = None, name: Any = None, where: Any = None) -> Any:
        score = float(example.answer == prediction.answer)
        if name is None and where is None:
            return score
        return dspy.Prediction(score=score, feedback="" if score else f"expected {example.answer}")

    with dspy.context(lm=model):
        trained = _trained(program, optimizer.partition(":")[2], right, model, train, held, seed, calls)
    texts = [_text(one) for one in trained.predictors()]
    floor, end, ceiling = ruler.exact(task, texts)
    return {
        "optimizer": optimizer, "task": task, "seed": seed, "calls": counts["calls"], "floor": floor, "end": end,
        "ceiling": ceiling, "share": (end - floor) / (ceiling - floor), "cpu": time.process_time() - begun,
        "texts": texts,
    }  # fmt: skip


def _trained(
    program: Any, kind: str, right: Any, model: Any, train: list[Any], held: list[Any], seed: int, calls: int
) -> Any:
    """The program as one of DSPy's optimizers leaves it."""
    import dspy

    if kind == "bootstrap":
        made = dspy.BootstrapFewShot(metric=right, max_bootstrapped_demos=4, max_labeled_demos=12)
        return made.compile(program, trainset=train)
    if kind == "mipro":
        made = dspy.MIPROv2(metric=right, auto="light", prompt_model=model, task_model=model, seed=seed, verbose=False)
    else:
        made = dspy.GEPA(metric=right, max_metric_calls=max(60, calls - 50), reflection_lm=model, seed=seed)
    return made.compile(program, trainset=train, valset=held)


async def beside(ruler: Any, task: str, optimizer: str, seed: int, calls: int | None) -> dict[str, Any]:
    """As `one`, on a thread: DSPy brings an event loop of its own."""
    return await asyncio.to_thread(one, ruler, task, optimizer, seed, calls or 450)
