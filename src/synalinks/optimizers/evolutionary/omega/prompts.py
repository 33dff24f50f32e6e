"""What the proposer of OMEGA is shown."""

from __future__ import annotations

from collections.abc import Sequence

from synalinks._json import JsonObject
from synalinks.data import DataModel, Field
from synalinks.optimizers.candidates import Candidate
from synalinks.optimizers.evolutionary.population import Population
from synalinks.optimizers.grounding import VERSIONS, Module, prediction, short, version
from synalinks.optimizers.scored_predictions import Record

#: Examples of the current prompt that are shown.
EXAMPLES = 12


class Grounds(DataModel):
    """What a new value is made from, but for the variables."""

    program_description: str = Field(description="What the program is for")
    module: Module | None = Field(default=None, description="The module whose variable it is")
    good_predictions: list[JsonObject] = Field(default=[], description="Predictions that scored well")
    bad_predictions: list[JsonObject] = Field(default=[], description="Predictions that scored badly")
    hard_examples: list[JsonObject] = Field(default=[], description="Examples that keep scoring badly")
    variable_description: str = Field(default="", description="What the variable is for")
    worked_examples: list[JsonObject] = Field(default=[], description="Examples the prompt shows besides the variable")
    earlier_versions: list[JsonObject] = Field(default=[], description="Versions that were tried, the best one last")


class MutationInputs(Grounds):
    """What a mutation is made from."""

    current_variable: JsonObject = Field(description="The variable as it is")


class CrossoverInputs(Grounds):
    """What a crossover is made from."""

    other_variable: JsonObject = Field(description="Another version of the variable that does well")
    current_variable: JsonObject = Field(description="The variable as it is")


def shown(record: Record) -> JsonObject:
    """A scored prediction as the proposer is shown it."""
    return prediction(record, record["reward"], record.get("target"), record.get("feedback"))


def worked_examples(parent: Candidate) -> list[JsonObject]:
    """The examples that the prompt of a candidate has."""
    examples = parent.fields["examples"][:EXAMPLES]
    return [{"inputs": short(one["inputs"]), "outputs": short(one["outputs"])} for one in examples]


def earlier_versions(population: Population, left_out: Sequence[JsonObject]) -> list[JsonObject]:
    """What was tried last and, beside it, what did best; in the order of rewards.

    Args:
        left_out: values that are shown in another place.
    """
    found: list[Candidate] = []
    for one in population.newest_first():
        if len(found) == VERSIONS:
            break
        if one.learnable not in (*left_out, *(other.learnable for other in found)):
            found.append(one)
    found.sort(key=lambda one: one.scores.reward)
    return [version(one.learnable, one.scores.reward, one.scores.count) for one in found]
