"""What a proposer of new values is given: its task, the place of the module, and predictions with their rewards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synalinks._json import Json, JsonObject
from synalinks.data import DataModel, Field
from synalinks.optimizers.search import Place

TASK = (
    "A program made of language-model calls answers inputs. One module of it is steered by a variable: JSON that is "
    "put in front of its model on every call, such as instructions, rules, a plan or code. You write a new value for "
    "it."
)
IMPROVE = "Write an improved version of the current variable."
MERGE = "Two versions of the variable did well. Write one that has the rules of both."
ADVICE = (
    "Find out what the predictions that scored badly have in common, and what knowledge would have prevented them.",
    "Put that knowledge into the variable as a general rule; never mention a single example.",
    "Take over every rule of the current variable, and of the earlier versions, that helps; drop what does not.",
    "Write no longer than what you say needs, at most {longest} characters.",
)
#: Characters of the inputs, outputs and feedback of a prediction that are shown.
SHOWN = 1200
#: Earlier versions that are shown.
VERSIONS = 4


class Module(DataModel):
    """Where the variable stands."""

    name: str = Field(description="The module")
    purpose: str = Field(description="What it does")
    stage: str = Field(description="Its place in the program")
    inputs: list[str] = Field(default=[], description="Fields of its inputs")
    outputs: list[str] = Field(default=[], description="Fields of its outputs")


def instructions(task: str, keys: Sequence[str], longest: int, extra: str | None) -> str:
    """The proposer's instructions.

    Args:
        task: `IMPROVE` or `MERGE`.
        keys: what it answers with.
        longest: characters of a value.
        extra: further instructions, placed first.
    """
    advice = [f"- {line.format(longest=longest)}" for line in ADVICE]
    keys_line = f"Answer with JSON that has these keys: {', '.join(keys)}."
    return "\n".join([*([extra] if extra else []), TASK, task, *advice, keys_line])


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


def version(variable: JsonObject, reward: float, samples: int) -> JsonObject:
    """A value that was tried, with its mean reward over so many samples."""
    return {"variable": variable, "reward": round(reward, 3), "samples": samples}


def prediction(
    own: Mapping[str, Json], reward: float, target: Json, feedback: str | None, program_outputs: Json = None
) -> JsonObject:
    """A scored prediction as it is shown.

    Args:
        own: `inputs` and `outputs` of the module.
        target: of the sample, or None.
        feedback: words of the reward, or None.
        program_outputs: what the program made of it, where that is something else.
    """
    shown: JsonObject = {"inputs": short(own["inputs"]), "predicted_outputs": short(own["outputs"])}
    if program_outputs is not None:
        shown["program_outputs"] = short(program_outputs)
    if target is not None:
        shown["ground_truth"] = short(target)
    if feedback:
        shown["feedback"] = feedback[:SHOWN]
    return {**shown, "reward": round(reward, 3)}


def short(value: Json) -> Json:
    """JSON, with long texts in it cut."""
    if isinstance(value, str):
        return value if len(value) <= SHOWN else value[:SHOWN] + " ..."
    if isinstance(value, Mapping):
        return {name: short(one) for name, one in value.items()}
    if isinstance(value, list):
        return [short(one) for one in value]
    return value
