from __future__ import annotations

import pytest

from synalinks.data import (
    BOOKKEEPING,
    DataModel,
    Instructions,
    Prediction,
    Trainable,
    check_trainable_defaults,
    is_instructions,
    is_prediction,
    is_trainable,
)
from synalinks.errors import ConfigurationError


class Persona(Trainable):
    persona: str = "calm"


class Needy(Trainable):
    tone: str
    style: str


class Plain(DataModel):
    tone: str


def test_the_nine_fields_in_order() -> None:
    assert BOOKKEEPING == (
        "examples",
        "current_predictions",
        "predictions",
        "seed_candidates",
        "candidates",
        "best_candidates",
        "history",
        "nb_visit",
        "cumulative_reward",
    )
    assert list(Persona().get_json()) == [*BOOKKEEPING, "persona"]
    assert list(Persona.get_schema()["properties"]) == [*BOOKKEEPING, "persona"]


def test_which_are_trainable() -> None:
    for yes in (
        Persona,
        Persona(),
        Persona().to_json_data_model(),
        Persona.to_symbolic_data_model(),
        Instructions,
    ):
        assert is_trainable(yes)
    for no in (Plain, Plain(tone="a"), None, {}, 3):
        assert not is_trainable(no)
    assert is_instructions(Instructions()) and not is_instructions(Persona)
    assert is_prediction(Prediction(inputs={}, outputs={})) and not is_prediction(Persona)


def test_a_field_without_a_default_is_named() -> None:
    with pytest.raises(ConfigurationError, match="Needy has none for tone, style"):
        check_trainable_defaults(Needy)
    for fine in (Persona, Instructions, Plain, None):
        check_trainable_defaults(fine)
