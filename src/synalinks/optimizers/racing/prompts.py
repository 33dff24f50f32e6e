"""What the proposer of PromptRacing is shown: what was tried, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping

from synalinks._json import Json, JsonObject
from synalinks.data import DataModel, Field
from synalinks.optimizers.grounding import Module, prediction
from synalinks.optimizers.search import Answer, Case


class ProposalInputs(DataModel):
    """What a new value is made from."""

    program_description: str = Field(description="What the program is for")
    module: Module = Field(description="The module whose variable it is")
    sample_inputs: list[Json] = Field(default=[], description="Inputs that the program gets")
    worked_examples: int = Field(default=0, description="Worked examples that the prompt shows besides the variable")
    earlier_versions: list[JsonObject] = Field(default=[], description="Versions that were tried, the last one last")
    wrong_predictions: list[JsonObject] = Field(default=[], description="Predictions that did not score fully")
    current_variable: JsonObject = Field(description="The variable as it is")


class MergeInputs(DataModel):
    """What one value is made from, out of two."""

    program_description: str = Field(description="What the program is for")
    module: Module = Field(description="The module whose variable it is")
    wrong_predictions: list[JsonObject] = Field(default=[], description="Predictions that did not score fully")
    other_variable: JsonObject = Field(description="The other version")
    current_variable: JsonObject = Field(description="The version that did best")


def wrong_prediction(case: Case, answer: Answer, path: str, last: bool) -> JsonObject:
    """An answer that did not score fully, as it is shown: the module's own part of it, then the program's."""
    records = answer.records.get(path, ())
    own: Mapping[str, Json] = records[0] if records else {"inputs": case.inputs, "outputs": answer.outputs}
    whole = answer.outputs if not last and answer.outputs != own["outputs"] else None
    return prediction(own, answer.reward, case.target, answer.feedback, whole)
