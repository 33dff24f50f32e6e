"""What a public class is made with can be read from the object, under the same name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import synalinks

MODEL = "ollama/any"
#: Not of programs' making, or not classes of settings: records, warnings, protocols and bases without a constructor.
NOT_MADE = {
    *("Answer", "Candidate", "Case", "Place", "Problem", "Proposal", "State", "Step"),  # what optimizers are handed
    *(
        "LMWarning",
        "ToolWarning",
        "McpTool",
        "Rubric",
        "RubricAsJudge",
        "Score",
        "Program",
        "Function",
        "NotUnderstood",
    ),
}


class Text(synalinks.DataModel):
    text: str = ""


async def scored(y_true: Any, y_pred: Any) -> float:
    return 1.0


async def look_up(word: str) -> str:
    """Look a word up.

    Args:
        word: the word.
    """
    return word


def made_with(folder: Path) -> dict[str, dict[str, Any]]:
    """What classes need to be made, by name; those that are not here need nothing."""
    labels = {"question": "Which?", "labels": ["a", "b"], "language_model": MODEL}
    branches = [synalinks.Identity(name="first"), synalinks.Identity(name="second")]
    agent = {"tools": [look_up], "language_model": MODEL}
    return {
        "Action": {"tool": look_up, "language_model": MODEL},
        "AgentAsJudge": agent,
        "BackupAndRestore": {"backup_dir": folder / "backup"},
        "BatchRewardFunctionWrapper": {"fn": scored},
        "Branch": {**labels, "branches": branches},
        "BudgetStopping": {"max_cost": 1.0},
        "ComposableReward": {"rewards": [synalinks.rewards.ExactMatch()]},
        "CSVLogger": {"filepath": folder / "log.csv"},
        "Decision": labels,
        "DecisionModel": {"model": MODEL},
        "EmbeddingModel": {"model": MODEL},
        "FunctionCallingAgent": agent,
        "InMask": {"mask": ["text"]},
        "InputModule": {"input_data_model": Text},
        "Lambda": {"function": scored, "data_model": Text},
        "LanguageModel": {"model": MODEL},
        "MeanMetricWrapper": {"fn": scored},
        "MultiDecision": labels,
        "OAuthLanguageModel": {"model": MODEL, "token_url": "https://login.example.com/token"},
        "OutMask": {"mask": ["text"]},
        "ProgramAsJudge": {"program": synalinks.Identity()},
        "ProgramCheckpoint": {"filepath": folder / "program.json"},
        "RewardFunctionWrapper": {"fn": scored},
        "RubricsAsJudge": {"rubrics": ["bias"], "language_model": MODEL},
        "Sequential": {"modules": [synalinks.Identity(name="only")], "description": "A row of one."},
        "Tool": {"func": look_up},
    }


def classes() -> Iterator[tuple[str, str]]:
    for namespace in ("callbacks", "metrics", "modules", "optimizers", "programs", "rewards"):
        module = importlib.import_module(f"synalinks.{namespace}")
        for name in module.__all__:
            if name not in NOT_MADE and inspect.isclass(getattr(module, name)):
                yield namespace, name


@pytest.mark.parametrize(("namespace", "name"), list(classes()))
def test_every_argument_is_an_attribute(namespace: str, name: str, tmp_path: Path) -> None:
    cls = getattr(importlib.import_module(f"synalinks.{namespace}"), name)
    if name in {"Monitor", "SynalinksProgramModel"}:
        pytest.importorskip("mlflow", reason="needs the extra `mlflow`")
    made = cls(**made_with(tmp_path).get(name, {}))
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    arguments = [one.name for one in inspect.signature(cls).parameters.values() if one.kind not in kinds]
    secret = {"api_key", "client_secret", "refresh_token"}
    assert [one for one in arguments if one not in secret and not hasattr(made, one)] == []
    assert not any(hasattr(made, one) for one in secret)


def test_a_callback_that_monitors_has_the_settings_it_was_given() -> None:
    stopping = synalinks.callbacks.EarlyStopping("val_cost", min_delta=0.1, mode="auto")
    assert (stopping.monitor, stopping.min_delta, stopping.mode) == ("val_cost", 0.1, "auto")
    stopping.mode = "min"
    stopping.set_program(synalinks.Sequential([synalinks.Identity(name="x")], description="x"))
    stopping.on_train_begin()
    for epoch, cost in enumerate([3.0, 2.0, 1.95]):
        stopping.on_epoch_end(epoch, {"val_cost": cost})
    assert stopping.best == 2.0 and stopping.stopped_epoch == 2, "what is set later has effect"


def test_a_judge_has_the_settings_of_its_critic() -> None:
    judge = synalinks.rewards.LMAsJudge(language_model=MODEL, instructions="Be strict.", score_type="rating")
    assert judge.language_model.model == MODEL and judge.language_model is judge.program.language_model
    assert judge.instructions == "Be strict." and judge.score_type is judge.program.score_type
    assert synalinks.rewards.Bias(language_model=MODEL).language_model.model == MODEL


def test_what_a_generator_is_made_with_can_be_read_and_not_set() -> None:
    generator = synalinks.Generator(data_model=Text, language_model=MODEL)
    assert generator.data_model is Text and generator.tools is None
    with pytest.raises(AttributeError, match=r"data_model of a Generator is set when it is made"):
        generator.data_model = Text
    assert synalinks.LanguageModel(MODEL, cost_per_token="0.1").cost_per_token == "0.1"


class Heard(synalinks.hooks.Hook):
    """Counts calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def on_call_begin(self, *_: Any, **__: Any) -> None:
        self.calls += 1


@pytest.mark.parametrize("name", [name for namespace, name in classes() if namespace in ("modules", "programs")])
def test_every_module_takes_hooks(name: str, tmp_path: Path) -> None:
    namespace = synalinks.programs if name in ("Sequential",) else synalinks.modules
    cls = getattr(namespace, name)
    if not issubclass(cls, synalinks.Module):
        pytest.skip("no module")
    hook = Heard()
    made = cls(**made_with(tmp_path).get(name, {}), hooks=[hook])
    assert made.hooks == [hook]
    assert "hooks" not in made.get_config() if name not in ("Module",) else True
