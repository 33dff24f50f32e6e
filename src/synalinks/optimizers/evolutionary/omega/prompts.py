"""The proposer's instructions and inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synalinks._json import Json, JsonObject
from synalinks.data import DataModel, Field

TASK = (
    "A program made of language-model calls answers inputs. Its behaviour is steered by a variable: JSON that is put "
    "in front of the model on every call, such as instructions, rules, a plan or code. You write a new value for it."
)
ADVICE = (
    "Find out what the bad predictions have in common, and what knowledge would have prevented them.",
    "Put that knowledge into the variable as a general rule; never mention a single example.",
    "Keep what already works; the good predictions show it.",
    "Change one thing at a time, and keep the value no longer than it has to be.",
)
MUTATION = "Write an improved version of the current variable."
CROSSOVER = "Write a version of the current variable that has the strengths of the other variable as well."


def instructions(task: str, keys: Sequence[str], extra: str | None) -> str:
    """The proposer's instructions.

    Args:
        task: `MUTATION` or `CROSSOVER`.
        keys: what it answers with.
        extra: further instructions, placed first.
    """
    lines = [*([extra] if extra else []), TASK, task, *(f"- {line}" for line in ADVICE)]
    lines.append(f"Answer with JSON that has these keys: {', '.join(keys)}.")
    return "\n".join(lines)


class MutationInputs(DataModel):
    """What a mutation is made from."""

    program_description: str = Field(description="What the program is for")
    good_predictions: list[JsonObject] = Field(default=[], description="Predictions that scored well")
    bad_predictions: list[JsonObject] = Field(default=[], description="Predictions that scored badly")
    hard_examples: list[JsonObject] = Field(default=[], description="Examples that keep scoring badly")
    variable_description: str = Field(default="", description="What the variable is for")
    current_variable: JsonObject = Field(description="The variable as it is")


class CrossoverInputs(DataModel):
    """What a crossover is made from."""

    program_description: str = Field(description="What the program is for")
    good_predictions: list[JsonObject] = Field(default=[], description="Predictions that scored well")
    bad_predictions: list[JsonObject] = Field(default=[], description="Predictions that scored badly")
    hard_examples: list[JsonObject] = Field(default=[], description="Examples that keep scoring badly")
    variable_description: str = Field(default="", description="What the variable is for")
    other_variable: JsonObject = Field(description="Another version of the variable that does well")
    current_variable: JsonObject = Field(description="The variable as it is")


def shown(record: Mapping[str, Json]) -> JsonObject:
    """A scored prediction as the proposer is shown it."""
    seen = {"inputs": record["inputs"], "predicted_outputs": record["outputs"]}
    if record.get("target") is not None:
        seen["ground_truth"] = record["target"]
    if record.get("feedback"):
        seen["feedback"] = record["feedback"]
    return {**seen, "reward": record["reward"]}
