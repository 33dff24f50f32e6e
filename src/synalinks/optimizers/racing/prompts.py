"""What a proposer of instructions is shown: the program, the module's place in it, what was tried, what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synalinks import _json
from synalinks._json import Json, JsonObject
from synalinks.data import DataModel, Field
from synalinks.optimizers.search import Answer, Case, Place

TASK = (
    "A program made of language-model calls answers inputs. One module of it is steered by a variable: JSON that is "
    "put in front of its model on every call, such as instructions, rules or a plan. You write a new value for it."
)
ADVICE = (
    "Find out what the wrong predictions have in common, and what knowledge would have prevented them.",
    "Put that knowledge into the variable as a general rule; never mention a single example.",
    "Take over every rule of the current variable, and of the earlier versions, that helps; drop what does not.",
    "Write no longer than what you say needs, at most {longest} characters.",
)
MERGE = "Two versions of the variable did well. Write one that has the rules of both."
IMPROVE = "Write an improved version of the current variable."
#: Characters of the inputs, outputs and feedback of a prediction that are shown.
SHOWN = 1200


class Module(DataModel):
    """Where the variable stands."""

    name: str = Field(description="The module")
    purpose: str = Field(description="What it does")
    stage: str = Field(description="Its place in the program")
    inputs: list[str] = Field(default=[], description="Fields of its inputs")
    outputs: list[str] = Field(default=[], description="Fields of its outputs")


class ProposalInputs(DataModel):
    """What a new value is made from."""

    program_description: str = Field(description="What the program is for")
    module: Module = Field(description="The module whose variable it is")
    sample_inputs: list[Json] = Field(default=[], description="Inputs that the program gets")
    worked_examples: int = Field(default=0, description="Worked examples that the prompt shows besides the variable")
    earlier_versions: list[JsonObject] = Field(default=[], description="Versions before, the last one last")
    wrong_predictions: list[JsonObject] = Field(default=[], description="Predictions that did not score fully")
    current_variable: JsonObject = Field(description="The variable as it is")


class MergeInputs(DataModel):
    """What one value is made from, out of two."""

    program_description: str = Field(description="What the program is for")
    module: Module = Field(description="The module whose variable it is")
    wrong_predictions: list[JsonObject] = Field(default=[], description="Predictions that did not score fully")
    other_variable: JsonObject = Field(description="The other version")
    current_variable: JsonObject = Field(description="The version that did best")


def instructions(keys: Sequence[str], longest: int, merging: bool, extra: str | None) -> str:
    """The proposer's instructions.

    Args:
        keys: what it answers with.
        longest: characters of a value.
        extra: further instructions, placed first.
    """
    advice = [f"- {line.format(longest=longest)}" for line in ADVICE]
    lines = [*([extra] if extra else []), TASK, MERGE if merging else IMPROVE, *advice]
    lines.append(f"Answer with JSON that has these keys: {', '.join(keys)}.")
    return "\n".join(lines)


def module_of(place: Place) -> Module:
    """A place as it is shown."""
    stage = "the only module that is trained"
    if place.stages > 1:
        stage = f"number {place.stage} of {place.stages} modules that are trained"
    stage += "; its outputs are the program's" if place.last else "; its outputs go on to later modules"
    return Module(
        name=place.module,
        purpose=place.description,
        stage=stage,
        inputs=_fields(place.inputs),
        outputs=_fields(place.outputs),
    )


def _fields(schema: Mapping[str, Json] | None) -> list[str]:
    """Each field of a schema with its type and description, in one line."""
    lines = []
    for name, kind in ((schema or {}).get("properties") or {}).items():
        words = [str(kind.get("type", "")), str(kind.get("description", ""))]
        lines.append(f"{name}: {', '.join(word for word in words if word)}" if any(words) else name)
    return lines


def wrong_prediction(case: Case, answer: Answer, path: str, last: bool) -> JsonObject:
    """An answer that did not score fully, as it is shown: the module's own part of it, then the program's."""
    records = answer.records.get(path, ())
    own: Mapping[str, Json] = records[0] if records else {"inputs": case.inputs, "outputs": answer.outputs}
    shown: JsonObject = {"inputs": short(own["inputs"]), "predicted_outputs": short(own["outputs"])}
    if not last and answer.outputs != own["outputs"]:
        shown["program_outputs"] = short(answer.outputs)
    if case.target is not None:
        shown["ground_truth"] = short(case.target)
    if answer.feedback:
        shown["feedback"] = answer.feedback[:SHOWN]
    return {**shown, "reward": round(answer.reward, 3)}


def short(value: Json) -> Json:
    """JSON, with long texts in it cut."""
    if isinstance(value, str):
        return value if len(value) <= SHOWN else value[:SHOWN] + " ..."
    if isinstance(value, Mapping):
        return {name: short(one) for name, one in value.items()}
    if isinstance(value, list):
        return [short(one) for one in value]
    return value


def size(fields: Mapping[str, Json]) -> int:
    """Characters of the texts of a value."""
    return sum(len(one) if isinstance(one, str) else len(_json.canonical(one)) for one in fields.values())
