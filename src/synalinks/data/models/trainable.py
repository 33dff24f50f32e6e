"""The state that optimizers work on: predictions, the nine bookkeeping fields, instructions."""

from __future__ import annotations

from synalinks._json import Json, JsonObject
from synalinks.data import schema as schemas
from synalinks.data.data_model import DataModel, Field
from synalinks.data.models.kinds import holds
from synalinks.data.operand import schema_of
from synalinks.errors import ConfigurationError


class Prediction(DataModel):
    """What a module made of what it was given, and the reward it got for that."""

    inputs: JsonObject = Field(description="The inputs")
    outputs: JsonObject = Field(description="The outputs")
    reward: float | None = Field(default=None, description="The reward, once it is known")


class Trainable(DataModel):
    """State that an optimizer may rewrite: a subclass adds the fields to be learnt.

    Every field of a subclass needs a default, for a variable is declared before there is data.
    """

    examples: list[Prediction] = Field(default=[], description="The examples shown in the prompt")
    current_predictions: list[Prediction] = Field(default=[], description="The predictions made in the current batch")
    predictions: list[Prediction] = Field(default=[], description="The predictions of the current epoch")
    seed_candidates: list[Json] = Field(default=[], description="Candidates to begin with, given by the user")
    candidates: list[Json] = Field(default=[], description="Candidates proposed in the current epoch")
    best_candidates: list[Json] = Field(default=[], description="The best candidates so far")
    history: list[Json] = Field(default=[], description="The best candidate of each epoch")
    nb_visit: int = Field(default=0, description="How often the variable was used in the current batch")
    cumulative_reward: float = Field(default=0.0, description="The sum of the rewards of these uses")


class Instructions(Trainable):
    """The instructions of a generator, with the examples that go with them."""

    instructions: str | None = Field(default=None, description="The instructions for the language model")


def is_prediction(x: object) -> bool:
    """Whether a value has the fields of `Prediction`."""
    return holds(x, Prediction)


def is_trainable(x: object) -> bool:
    """Whether a value, or a class, has the nine bookkeeping fields of `Trainable`."""
    return holds(x, Trainable)


def is_instructions(x: object) -> bool:
    """Whether a value has the fields of `Instructions`."""
    return holds(x, Instructions)


#: The names of the bookkeeping fields, in order; all other fields of a trainable are to be learnt.
BOOKKEEPING: tuple[str, ...] = tuple(Trainable.model_fields)


def check_trainable_defaults(data_model: object) -> None:
    """Refuse a trainable model with a field that has no default. Other models pass.

    Raises:
        ConfigurationError: naming the fields.
    """
    if not is_trainable(data_model):
        return
    schema = schema_of(data_model)
    without = [name for name in schemas.properties(schema) if name in schema.get("required", ())]
    if without:
        title = schema.get("title", "the data model")
        names = ", ".join(without)
        raise ConfigurationError(
            f"every field of a Trainable needs a default, and {title} has none for {names}: a variable is "
            f'declared before there is data. Write e.g. `{without[0]}: str = synalinks.Field(default="")`.'
        )
