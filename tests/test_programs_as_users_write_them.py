"""Every module in the ways in which users use it: alone, with None, in programs, nested, twice, saved, recorded."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synalinks
from synalinks.lm.core.call import Call
from synalinks.testing import ScriptedProvider

MODEL = "ollama/any"


@synalinks.saving.register_synalinks_serializable("AsUsers")
class Query(synalinks.DataModel):
    query: str


@synalinks.saving.register_synalinks_serializable("AsUsers")
class Answer(synalinks.DataModel):
    answer: str


@synalinks.saving.register_synalinks_serializable("AsUsers")
async def compute(expression: str) -> dict[str, int]:
    """Compute.

    Args:
        expression: what to compute.
    """
    return {"result": 3}


@synalinks.saving.register_synalinks_serializable("AsUsers")
async def shout(inputs: Any) -> dict[str, str]:
    return {"answer": inputs.get("query").upper()}


def filled(schema: Any, defs: Any) -> Any:
    """The first value of a schema that comes to mind."""
    if "$ref" in schema:
        return filled(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: filled(inner, defs) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [filled(schema["items"], defs)]
    return {"number": 1, "integer": 1, "boolean": True}.get(kind, "text")


def rule(call: Call) -> Any:
    request = call.request
    if request.kind == "embed":
        return [[1.0, 0.5]] * len(request.texts)
    if request.schema is None:
        return "hello"
    return filled(request.schema.value, request.schema.value.get("$defs", {}))


def generator(**more: Any) -> synalinks.Generator:
    return synalinks.Generator(**{"data_model": Answer, "language_model": MODEL, **more})


LABELS = {"question": "Which?", "labels": ["a", "b"], "language_model": MODEL}
MODULES: dict[str, Callable[[], Any]] = {
    "generator": generator,
    "generator, all options": lambda: generator(
        return_inputs=True,
        instructions="Answer.",
        examples=[(Query(query="1"), Answer(answer="2"))],
        use_inputs_schema=True,
        use_outputs_schema=True,
        temperature=0.0,
    ),
    "chat": lambda: synalinks.Generator(language_model=MODEL),
    "thinking": lambda: synalinks.ChainOfThought(data_model=Answer, language_model=MODEL),
    "critique": lambda: synalinks.SelfCritique(language_model=MODEL),
    "critique, a rating": lambda: synalinks.SelfCritique(
        language_model=MODEL, return_reward=False, return_inputs=False, score_type=synalinks.Rating10
    ),
    "decision": lambda: synalinks.Decision(**LABELS),
    "decision of a decision model": lambda: synalinks.Decision(
        question="Which?", labels=["a", "b"], decision_model=MODEL, min_confidence=0.1
    ),
    "labels": lambda: synalinks.MultiDecision(**LABELS),
    "one label": lambda: synalinks.MultiDecision(question="Is it?", labels=["a"], language_model=MODEL),
    "branch": lambda: synalinks.Branch(**LABELS, branches=[generator(), generator()]),
    "branch of several": lambda: synalinks.Branch(
        **LABELS,
        branches=[generator(), generator()],
        decision_type=synalinks.MultiDecision,
        inject_decision=False,
        return_decision=False,
    ),
    "action": lambda: synalinks.Action(tool=compute, language_model=MODEL),
    "agent": lambda: synalinks.FunctionCallingAgent(data_model=Answer, language_model=MODEL, tools=[compute]),
    "agent that chats": lambda: synalinks.FunctionCallingAgent(language_model=MODEL, tools=[synalinks.Tool(compute)]),
    "identity": synalinks.Identity,
    "in mask": lambda: synalinks.InMask(mask=["query"]),
    "out mask": lambda: synalinks.OutMask(pattern="^q"),
    "function": lambda: synalinks.Lambda(shout, data_model=Answer),
    "row": lambda: synalinks.Sequential([generator(), synalinks.Identity()], description="A row."),
}


def values(found: Any) -> list[Any]:
    return [None if value is None else value.get_json() for value in synalinks.tree.flatten(found)]


async def program_of(module: Any, name: str | None = None) -> synalinks.Program[Any]:
    inputs = synalinks.Input(data_model=Query)
    outputs = await module(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs, name=name)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_in_every_place(name: str, tmp_path: Path) -> None:
    make, query = MODULES[name], Query(query="hi")

    async def play() -> None:
        expected = values(await make()(query))
        assert set(values(await make()(None))) == {None}
        inner = await program_of(make())
        outer = await program_of(inner, name="outer")
        twice = await program_of(synalinks.Sequential([synalinks.Identity(), make()], description="x"), name="twice")
        outer.save(tmp_path / "outer.json")
        same = [inner, outer, outer, twice, synalinks.Program.load(tmp_path / "outer.json")]
        for program in [*same, outer.clone("clone"), copy.deepcopy(outer)]:
            assert values(await program(query)) == expected
            assert values(await program({"query": "hi"})) == expected
            assert set(values(await program(None))) == {None}
        outer.summary(print_fn=lambda text: None)
        predicted = await outer.predict(np.array([query, query], dtype=object), verbose=0)
        assert [values(one) for one in predicted] == [expected] * 2
        with synalinks.use_cassette(tmp_path / "tape.jsonl"):
            assert values(await outer(query)) == expected
        with synalinks.use_provider(ScriptedProvider([])), synalinks.use_cassette(tmp_path / "tape.jsonl"):
            assert values(await outer(query)) == expected, "replayed"

    with synalinks.use_provider(ScriptedProvider(rule)):
        asyncio.run(play())


R, M, C, O = synalinks.rewards, synalinks.metrics, synalinks.callbacks, synalinks.optimizers  # noqa: E741
SETTINGS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "exact": lambda _: {},
    "cosine": lambda _: {"reward": R.CosineSimilarity(embedding_model=MODEL)},
    "judge": lambda _: {"reward": R.LMAsJudge(language_model=MODEL)},
    "composed": lambda _: {
        "reward": R.ComposableReward([R.ExactMatch(), R.CosineSimilarity(MODEL)], weights=[0.5, 0.5])
    },
    "rubrics": lambda _: {"reward": R.RubricsAsJudge(language_model=MODEL, rubrics=["bias", "toxicity"])},
    "agent": lambda _: {"reward": R.AgentAsJudge(language_model=MODEL, tools=[compute])},
    "omega": lambda _: {"optimizer": O.OMEGA(language_model=MODEL, embedding_model=MODEL)},
    "genetic": lambda _: {"optimizer": O.OMEGA(language_model=MODEL, algorithm="ga")},
    "racing": lambda _: {"optimizer": O.PromptRacing(language_model=MODEL)},
    "best examples": lambda _: {"optimizer": O.RandomFewShot(nb_max_examples=2, sampling="best")},
    "scores": lambda _: {
        "metrics": [
            *(M.F1Score(in_mask=["answer"]), M.FBetaScore(beta=2.0, average="macro"), M.Precision(), M.Recall()),
            *(M.Accuracy(), M.CategoricalAccuracy(), M.CosineSimilarity(embedding_model=MODEL, axis=0)),
            *(M.CategoricalF1Score(labels=["text", "b"]), M.ListF1Score(), M.BinaryF1Score(), M.BinaryAccuracy()),
        ]
    },
    "figures": lambda _: {"metrics": [M.Cost(), M.CachedTokens(), M.AvgLatency(), "f1_score"]},
    "stopping": lambda _: {"callbacks": [C.EarlyStopping(mode="max", patience=1, restore_best_variables=True)]},
    "saving": lambda at: {
        "callbacks": [
            C.ProgramCheckpoint(at / "c-{epoch:02d}.json"),
            C.ProgramCheckpoint(at / "c.variables.json", save_variables_only=True, save_best_only=True),
            *(C.CSVLogger(at / "log.csv"), C.BackupAndRestore(at / "backup"), C.BudgetStopping(max_tokens=10**9)),
        ]
    },
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_training_with_every_reward_optimizer_metric_and_callback(name: str, tmp_path: Path) -> None:
    given = SETTINGS[name](tmp_path)
    x = np.array([Query(query=str(number)) for number in range(6)], dtype=object)
    y = np.array([Answer(answer="text")] * 6, dtype=object)

    async def play() -> None:
        program = await program_of(generator(), name="trained")
        program.compile(
            reward=given.get("reward", R.ExactMatch()),
            optimizer=given.get("optimizer", O.RandomFewShot()),
            metrics=given.get("metrics"),
        )
        history = await program.fit(
            x=x, y=y, epochs=2, batch_size=2, validation_split=0.34, verbose=0, callbacks=given.get("callbacks")
        )
        assert history.history["val_reward"]
        logs = await program.evaluate(x=x, y=y, verbose=0)
        assert "reward" in logs
        program.save(tmp_path / "trained.json")
        again = await synalinks.Program.load(tmp_path / "trained.json").evaluate(x=x, y=y, verbose=0)
        assert again.keys() == logs.keys() and again["reward"] == logs["reward"]

    with synalinks.use_provider(ScriptedProvider(rule)):
        asyncio.run(play())
