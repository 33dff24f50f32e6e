"""DSPy's optimizers on the same tasks, data and simulated model; `run.py` uses them where DSPy is installed.

Only programs of one module are run (L2 has two): what is compared is the search, not how a library chains modules.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

OPTIMIZERS = ("dspy:bootstrap", "dspy:mipro", "dspy:gepa")
_FIELDS = re.compile(r"\[\[ ## (\w+) ## \]\]")


def available() -> bool:
    """Whether DSPy can be imported."""
    try:
        import dspy  # noqa: F401
    except ImportError:
        return False
    return True


def _fields(text: str) -> list[str]:
    """The output fields that a prompt of DSPy's chat adapter names at its end; none for a free answer."""
    tail = text.rpartition("Respond with")[2] if "Respond with" in text else ""
    return [name for name in dict.fromkeys(_FIELDS.findall(tail)) if name != "completed"]


def _answered(ruler: Any, messages: Sequence[Mapping[str, Any]]) -> str:
    """The model's text in the form that the prompt takes."""
    last = str(messages[-1].get("content"))
    names = _fields(last)
    free = not names and "instruction" in last.lower()
    wanted = ["instruction"] if free else names or ["answer"]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in wanted}}
    found = ruler.reply(messages, schema)
    values = json.loads(found)
    if free:
        return f"```\n{values['instruction']}\n```"
    return "\n\n".join(f"[[ ## {name} ## ]]\n{values.get(name, '')}" for name in wanted) + "\n\n[[ ## completed ## ]]"


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
    program = dspy.Predict(dspy.Signature("question -> answer", ruler.base(task)))
    begun = time.process_time()

    def right(example: Any, prediction: Any, trace: Any = None, name: Any = None, where: Any = None) -> Any:
        score = float(example.answer == prediction.answer)
        if name is None and where is None:
            return score
        return dspy.Prediction(score=score, feedback="" if score else f"expected {example.answer}")

    with dspy.context(lm=model):
        trained = _trained(program, optimizer.partition(":")[2], right, model, train, held, seed, calls)
    shown = "\n".join(f"{demo.question} {demo.answer}" for demo in trained.demos)
    texts = [f"{trained.signature.instructions}\n{shown}"]
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


async def beside(ruler: Any, task: str, optimizer: str, seed: int, calls: int | None) -> dict[str, Any] | None:
    """As `one`, on a thread: DSPy brings an event loop of its own. None for a program of two modules."""
    return None if task == "L2" else await asyncio.to_thread(one, ruler, task, optimizer, seed, calls or 450)
