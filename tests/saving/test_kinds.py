"""One way for all kinds: instances, names, registered classes, configs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import synalinks
from programs_under_test import data, learner, provider_of, solver
from synalinks import callbacks, initializers, metrics, optimizers, rewards, saving
from synalinks.errors import ConfigurationError
from synalinks.saving import registry


class OwnReward(rewards.Reward):
    """Always 1."""

    async def call(self, y_true: Any, y_pred: Any) -> float:
        return 1.0


class OwnMetric(metrics.Mean):
    """A mean by another name."""


class OwnOptimizer(optimizers.Optimizer):
    """Proposes nothing."""

    async def propose(self, variable: Any, step: Any) -> None:
        return None


class OwnCallback(callbacks.Callback):
    """Counts epochs."""

    ended = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        OwnCallback.ended += 1


class OwnInitializer(initializers.Initializer):
    """Nothing at all."""

    def __call__(self) -> dict[str, Any]:
        return {}


async def own_function(y_true: Any, y_pred: Any) -> float:
    return 0.5


KINDS: dict[Any, Any] = {
    rewards: OwnReward,
    metrics: OwnMetric,
    optimizers: OwnOptimizer,
    callbacks: OwnCallback,
    initializers: OwnInitializer,
}


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    before, names = dict(registry._by_name), dict(registry._names)
    for cls in (*KINDS.values(), own_function):
        saving.register_synalinks_serializable("Kinds")(cls)
    yield
    registry._by_name.clear()
    registry._by_name.update(before)
    registry._names.clear()
    registry._names.update(names)


@pytest.mark.parametrize(("home", "cls"), KINDS.items(), ids=lambda one: getattr(one, "__name__", "kind"))
def test_what_is_registered_has_a_name_in_its_kind(home: Any, cls: Any) -> None:
    snake = "own_" + cls.__name__.removeprefix("Own").lower()
    for name in (cls.__name__, snake, f"Kinds>{cls.__name__}"):
        found = home.get(name)
        assert found is cls if home is initializers else type(found) is cls
    instance = cls(data_model=synalinks.data.Trainable) if home is initializers else cls()
    assert home.get(instance) is instance and home.get(None) is None


@pytest.mark.parametrize(("home", "cls"), KINDS.items(), ids=lambda one: getattr(one, "__name__", "kind"))
def test_another_kind_or_an_unknown_name_is_refused_with_the_nearest(home: Any, cls: Any) -> None:
    other = "OwnCallback" if home is not callbacks else "OwnReward"
    with pytest.raises(ConfigurationError, match=f"is called '{other}'"):
        home.get(other)
    near = "own_" + cls.__name__.removeprefix("Own").lower()
    with pytest.raises(ConfigurationError, match=f"did you mean.*'{near}'"):
        home.get(near[:-1])
    with pytest.raises(ConfigurationError, match="give a"):
        home.get(3)


@pytest.mark.parametrize(("home", "cls"), [(rewards, OwnReward), (metrics, OwnMetric)])
def test_configs_make_what_they_describe_and_nothing_of_another_kind(home: Any, cls: Any) -> None:
    config = saving.serialize_synalinks_object(cls())
    assert type(home.get(config)) is cls and type(home.deserialize(config)) is cls
    wrong = saving.serialize_synalinks_object(OwnOptimizer())
    with pytest.raises(ConfigurationError, match="where a .* belongs"):
        home.get(wrong)


def test_functions_are_rewards_and_metrics_by_name() -> None:
    assert rewards.get("own_function").fn is own_function
    assert metrics.get("own_function").fn is own_function
    assert rewards.get(saving.serialize_synalinks_object(own_function)).fn is own_function
    with pytest.raises(ConfigurationError, match="no optimizer is called"):
        optimizers.get("own_function")


def test_a_name_that_two_packages_have_is_refused() -> None:
    @saving.register_synalinks_serializable("Others", "OwnReward")
    class Another(OwnReward):
        """Registered by the same name."""

    with pytest.raises(ConfigurationError, match=r"names several: \['Kinds>OwnReward', 'Others>OwnReward'\]"):
        rewards.get("own_reward")
    assert type(rewards.get("Others>OwnReward")) is Another


def test_a_class_that_needs_arguments_says_so() -> None:
    @saving.register_synalinks_serializable("Kinds")
    class Needy(OwnReward):
        """Needs a number."""

        def __init__(self, number: int) -> None:
            super().__init__()

    with pytest.raises(ConfigurationError, match=r"without arguments .*'number'.*Needy\(\.\.\.\)"):
        rewards.get("needy")


def test_the_names_of_the_library_are_those_they_were() -> None:
    assert {"greedy_optimizer", "omega", "random_few_shot"} <= set(optimizers.OPTIMIZERS.names)
    assert {"exact_match", "cosine_similarity", "lm_as_judge", "bias"} <= set(rewards.NAMES)
    assert isinstance(optimizers.get("OMEGA"), optimizers.OMEGA)
    assert isinstance(rewards.get("ExactMatch"), rewards.ExactMatch)
    assert isinstance(metrics.get("F1Score"), metrics.F1Score)
    assert metrics.get("exact_match").name == "exact_match"
    for name in metrics.METRICS.names:
        assert isinstance(metrics.get(name), metrics.Metric)


def test_compile_and_fit_take_registered_names_and_a_program_of_them_is_saved(tmp_path: Any) -> None:
    OwnCallback.ended = 0
    program = solver()
    program.compile(optimizer="own_optimizer", reward="own_reward", metrics=["own_metric", "own_function"])
    x, y = data(4)
    with synalinks.use_provider(provider_of(learner)):
        asyncio.run(program.fit(x, y, epochs=2, verbose=0, validation_split=0.0, callbacks=["own_callback"]))
    assert OwnCallback.ended == 2
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")
    assert type(again.reward) is OwnReward and type(again.optimizer) is OwnOptimizer


def test_a_registered_name_wins_over_that_of_this_library() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_by_name", dict(registry._by_name))
        patch.setattr(registry, "_names", dict(registry._names))

        @saving.register_synalinks_serializable()
        class ExactMatch(rewards.Reward):
            async def call(self, y_true: Any, y_pred: Any) -> float:
                return 0.25

        for name in ("exact_match", "ExactMatch", "Custom>ExactMatch"):
            assert type(rewards.get(name)) is ExactMatch
        assert type(metrics.get("exact_match").fn) is ExactMatch
        assert type(metrics.PassAtK().reward) is rewards.ExactMatch
    assert type(rewards.get("exact_match")) is rewards.ExactMatch


def test_a_config_without_a_module_is_of_a_class_of_the_library_or_of_the_program() -> None:
    found = optimizers.get({"class_name": "RandomFewShot", "config": {"nb_max_examples": 2}})
    assert type(found) is optimizers.RandomFewShot and found.nb_max_examples == 2
    masked = {"class_name": "ExactMatch", "config": {"in_mask": ["answer"]}}
    assert type(rewards.get(masked)) is rewards.ExactMatch and metrics.get(masked).name == "exact_match"
    model = {"class_name": "LanguageModel", "config": {"model": "ollama/any"}}
    generator = {"class_name": "Generator", "config": {"language_model": model, "name": "one"}}
    assert synalinks.modules.deserialize(generator).language_model.model == "ollama/any"
    similar = {"class_name": "CosineSimilarity", "config": {"embedding_model": "ollama/any"}}
    assert [type(home.get(similar)) for home in (rewards, metrics)] == [
        rewards.CosineSimilarity,
        metrics.CosineSimilarity,
    ]

    class ExactMatch(rewards.ExactMatch):
        """One of the program's own."""

    assert type(rewards.deserialize(masked, custom_objects={"ExactMatch": ExactMatch})) is ExactMatch
    with pytest.raises(ConfigurationError, match="'Adam'"):
        optimizers.get({"class_name": "Adam", "config": {}})
