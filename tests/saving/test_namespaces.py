"""Tests of serialize, deserialize and get of every namespace: round trips, names, and objects of another kind."""

from __future__ import annotations

from typing import Any

import pytest

import synalinks
from programs_under_test import MODEL, Persona
from synalinks import decision_models, embedding_models, initializers, language_models, metrics, optimizers, rewards
from synalinks.errors import ConfigurationError

OBJECTS: list[tuple[Any, Any]] = [
    (rewards, rewards.ExactMatch(in_mask=["answer"])),
    (metrics, metrics.F1Score(average="macro")),
    (optimizers, optimizers.RandomFewShot(nb_max_examples=2)),
    (initializers, initializers.Empty(data_model=Persona)),
    (language_models, synalinks.LanguageModel(MODEL, temperature=0.5)),
    (embedding_models, synalinks.EmbeddingModel(MODEL)),
    (decision_models, synalinks.DecisionModel(model=MODEL)),
]


@pytest.mark.parametrize(("namespace", "thing"), OBJECTS)
def test_what_is_serialized_comes_back(namespace: Any, thing: Any) -> None:
    saved = namespace.serialize(thing)
    again = namespace.deserialize(saved, custom_objects=None)
    assert type(again) is type(thing)
    assert again.get_config() == thing.get_config()
    assert namespace.get(saved).get_config() == thing.get_config()
    assert namespace.get(thing) is thing
    assert namespace.get(None) is None


@pytest.mark.parametrize(("namespace", "thing"), OBJECTS)
def test_an_object_of_another_kind_is_refused(namespace: Any, thing: Any) -> None:
    other = optimizers.OMEGA() if namespace is not optimizers else rewards.ExactMatch()
    with pytest.raises(ConfigurationError):
        namespace.deserialize(synalinks.saving.serialize_synalinks_object(other))


def test_a_name_is_deserialized_with_custom_objects() -> None:
    class LenientHere(rewards.Reward):
        async def call(self, y_true: Any, y_pred: Any) -> float:
            return 1.0

    assert isinstance(rewards.deserialize("exact_match"), rewards.ExactMatch)
    assert isinstance(rewards.deserialize("LenientHere", custom_objects={"LenientHere": LenientHere}), LenientHere)
    with pytest.raises(ConfigurationError, match="no reward is called 'LenientHere'"):
        rewards.deserialize("LenientHere")


def test_an_object_that_is_given_comes_before_one_that_is_registered() -> None:
    class Twice(rewards.Reward):
        async def call(self, y_true: Any, y_pred: Any) -> float:
            return 1.0

    @synalinks.saving.register_synalinks_serializable(package="test_namespaces", name="Twice")
    class Registered(Twice):
        pass

    assert type(rewards.deserialize("Twice", custom_objects={"Twice": Twice})) is Twice
    assert type(rewards.deserialize("Twice")) is type(rewards.deserialize("test_namespaces>Twice")) is Registered


def test_a_class_stands_for_an_instance_made_without_arguments() -> None:
    assert isinstance(rewards.get(rewards.ExactMatch), rewards.ExactMatch)
    assert isinstance(metrics.get(metrics.F1Score), metrics.F1Score)
    assert metrics.get(rewards.ExactMatch).name == "exact_match"
    assert isinstance(optimizers.get(optimizers.RandomFewShot), optimizers.RandomFewShot)
    with pytest.raises(ConfigurationError, match=r"pass an instance: ProgramAsJudge\(\.\.\.\)"):
        rewards.get(rewards.ProgramAsJudge)
    for namespace in (rewards, metrics, optimizers):
        with pytest.raises(ConfigurationError, match=r"not an? \w+: <class '.*Persona'>"):
            namespace.get(Persona)
