"""Copies: `copy.deepcopy` and pickling of programs, modules, models and histories."""

from __future__ import annotations

import asyncio
import copy
import io
import pickle
import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
import pytest

import omega_under_test
import synalinks
from programs_under_test import (
    Add,
    Answer,
    Mixed,
    Pipeline,
    Question,
    Speaker,
    compiled,
    data,
    fit,
    learner,
    lm,
    make,
    provider_of,
    solver,
)
from synalinks.callbacks import Callback
from synalinks.data import Variable
from synalinks.errors import CopyError
from synalinks.lm.process import PROCESS
from synalinks.modules import Module


def deepcopied(value: Any) -> Any:
    return copy.deepcopy(value)


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


COPIES = [deepcopied, pickled]


class Own(synalinks.Module):
    """Passes its input on; has attributes of many kinds."""

    def __init__(self, inner: Any = None, name: str | None = None) -> None:
        super().__init__(name=name)
        self.inner = inner
        self.again = {"by name": inner, "in a list": [inner]}
        self.array = np.arange(3)
        self.rng = np.random.default_rng(7)
        self.seen: set[str] = {"a"}
        self.notes = io.StringIO("kept")
        self.kind = Answer
        self.function = len

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs if self.inner is None else await self.inner(inputs, training=training)


def sequence() -> Any:
    async def build() -> Any:
        value = inputs = synalinks.Input(data_model=Question, name="in")
        value = await synalinks.Generator(data_model=Answer, language_model=lm(), name="g")(value)
        for number in range(3):
            value = await Add(number, name=f"add_{number}")(value)
        return synalinks.Program(inputs=inputs, outputs=value, name="sequence")

    return make(build)


def branches() -> Any:
    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question, name="in")
        model = lm()
        one = await synalinks.Generator(data_model=Answer, language_model=model, name="one")(inputs)
        two = await synalinks.Generator(data_model=Answer, language_model=model, name="two")(inputs)
        return synalinks.Program(inputs=inputs, outputs={"one": one + inputs, "two": two | one}, name="branches")

    return make(build)


def shared() -> Any:
    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question, name="in")
        add = Add(2, name="add")
        answer = await synalinks.Generator(data_model=Answer, language_model=lm(), name="g")(inputs)
        return synalinks.Program(inputs=inputs, outputs=await add(await add(answer)), name="shared")

    return make(build)


def nested() -> Any:
    inner = solver()

    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question, name="in")
        return synalinks.Program(inputs=inputs, outputs=await inner(inputs), name="nested")

    return make(build)


def custom() -> Any:
    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question, name="in")
        inner = synalinks.Generator(data_model=Answer, language_model=lm(), name="g")
        program = synalinks.Program(inputs=inputs, outputs=await Own(inner, name="own")(inputs), name="custom")
        program.note = {"of": program, "model": inner.language_model}
        return program

    return make(build)


def built() -> Any:
    program = Mixed(lm())
    with synalinks.use_provider(provider_of(learner)):
        asyncio.run(program(Question(question="number 2")))
    return program


def trained() -> Any:
    program = compiled(solver(), metrics=[synalinks.metrics.F1Score(), synalinks.metrics.Cost()])
    fit(program, provider_of(learner), *data(6), epochs=2, validation_data=data(4, 20))
    return program


def evolved() -> Any:
    program = omega_under_test.program(omega_under_test.omega(instructions="Improve."))
    fit(program, omega_under_test.OmegaProvider(), *data(6), validation_data=data(4, 20))
    return program


def judged() -> Any:
    judge = synalinks.rewards.LMAsJudge(language_model=synalinks.LanguageModel("ollama/judge", retry=1))
    return compiled(solver(), reward=judge)


def speaker() -> Any:
    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question, name="in")
        return synalinks.Program(inputs=inputs, outputs=await Speaker(name="speaker")(inputs), name="spoken")

    return make(build)


KINDS = [
    solver, sequence, branches, shared, nested, custom, speaker, built, trained, evolved, judged, lambda: Pipeline(lm())
]  # fmt: skip
PAIRS = pytest.mark.parametrize("build", KINDS)
HOW = pytest.mark.parametrize("copied", COPIES)


def parts(program: Any) -> list[Any]:
    """Every module and variable, in the order they are found."""
    found: dict[int, Any] = {}
    todo = [program]
    while todo:
        item = todo.pop(0)
        if id(item) not in found:
            found[id(item)] = item
            todo.extend(item.walk_state() if isinstance(item, Module) else ())
    return list(found.values())


@HOW
@PAIRS
def test_a_copy_is_made_of_parts_of_its_own(build: Callable[[], Any], copied: Callable[[Any], Any]) -> None:
    program = build()
    twin = copied(program)
    mine, its = parts(program), parts(twin)
    assert [(type(part), part.name) for part in mine] == [(type(part), part.name) for part in its]
    assert {id(part) for part in mine}.isdisjoint(map(id, its))
    assert twin.to_json() == program.to_json()
    assert twin.get_state_tree() == program.get_state_tree()
    assert [variable.path for variable in twin.variables] == [variable.path for variable in program.variables]
    before = copy.deepcopy(program.get_state_tree())
    for variable in twin.trainable_variables:
        variable.get("current_predictions").append({"inputs": {}, "outputs": {}, "reward": 1.0})
        for candidate in variable.get("best_candidates"):
            candidate["instructions"] = "changed"
    assert program.get_state_tree() == before


@HOW
@PAIRS
def test_a_copy_answers_as_the_original(build: Callable[[], Any], copied: Callable[[Any], Any]) -> None:
    program = build()
    twin = copied(program)
    answers = []
    for one in (program, twin):
        provider = omega_under_test.OmegaProvider() if build is evolved else provider_of(learner)
        with synalinks.use_provider(provider):
            found = asyncio.run(one(Question(question="number 4")))
        asked = [(call.request.digest, call.scope) for call in provider.calls]
        plain = synalinks.data.tree.map_structure(lambda value: value.get_json(), found)
        answers.append((plain, sorted(asked, key=str)))
    assert answers[0] == answers[1]


@HOW
@PAIRS
def test_a_copy_is_compiled_as_the_original_and_trains_alone(
    build: Callable[[], Any], copied: Callable[[Any], Any]
) -> None:
    program = build()
    if program.optimizer is None:
        compiled(program, metrics=[synalinks.metrics.Cost()])
    if build in (branches, speaker):
        return  # of two outputs; of another trainable
    twin, before = copied(program), copy.deepcopy(program.get_state_tree())
    assert twin.optimizer is not program.optimizer
    assert twin.get_compile_config() == program.get_compile_config()
    histories = []
    for one in (twin, program):
        provider = omega_under_test.OmegaProvider() if build is evolved else provider_of(learner)
        if build is judged:
            provider = synalinks.testing.SyntheticModel()
        synalinks.clear_session(free_memory=False)  # so that both take the same draws
        histories.append(fit(one, provider, *data(6), epochs=2, validation_data=data(4, 20)))
        if one is twin:
            assert program.get_state_tree() == before
    assert histories[0].history == histories[1].history
    assert histories[0].ledger.to_dicts(timings=False) == histories[1].ledger.to_dicts(timings=False)
    assert twin.get_state_tree() == program.get_state_tree()


@HOW
def test_shared_modules_and_models_stay_shared_inside_the_copy(copied: Callable[[Any], Any]) -> None:
    twin = copied(branches())
    one, two = twin.get_module("one"), twin.get_module("two")
    assert one.language_model is two.language_model
    twin = copied(shared())
    assert len(twin.functional_graph.nodes) == 3
    assert (
        twin.functional_graph.nodes[1].operation is twin.functional_graph.nodes[2].operation is twin.get_module("add")
    )


@HOW
def test_attributes_of_the_users_own_are_copied(copied: Callable[[Any], Any]) -> None:
    program = custom()
    twin = copied(program)
    own, its = program.get_module("own"), twin.get_module("own")
    assert its.inner is its.again["by name"] is its.again["in a list"][0]
    assert (its.seen, its.notes.getvalue(), its.kind, its.function) == ({"a"}, "kept", Answer, len)
    assert its.rng.random() == own.rng.random()
    its.array += 1
    its.seen.add("b")
    assert (own.array.tolist(), own.seen) == ([0, 1, 2], {"a"})
    assert twin.note == {"of": twin, "model": its.inner.language_model}


@HOW
def test_a_module_alone_is_copied_without_the_programs_it_is_in(copied: Callable[[Any], Any]) -> None:
    program = compiled(solver(), reward=lambda y_true, y_pred: 1.0)  # a lambda can't be pickled
    twin = copied(program.get_module("solver_generator"))
    with synalinks.use_provider(provider_of(learner)):
        assert asyncio.run(twin(Question(question="number 4"))).get_json() == {"answer": 4}


@HOW
def test_a_long_chain_recurses_no_deeper(copied: Callable[[Any], Any]) -> None:
    async def build() -> Any:
        value = inputs = synalinks.Input(data_model=Answer, name="in")
        add = Add(1, name="add")
        for number in range(400):
            value = await (add if number % 2 else Add(1, name=f"add_{number}"))(value)
        return synalinks.Program(inputs=inputs, outputs=value, name="long")

    twin = copied(make(build))
    assert asyncio.run(twin(Answer(answer=0))).get_json() == {"answer": 400}


@HOW
def test_schemas_are_shared_not_copied(copied: Callable[[Any], Any]) -> None:
    program = solver()
    twin = copied(program)
    if copied is deepcopied:
        assert twin.inputs[0].get_schema() is program.inputs[0].get_schema()
        assert twin.variables[0].get_schema() is program.variables[0].get_schema()
        assert twin.get_module("solver_generator").schema is program.get_module("solver_generator").schema
    assert twin.get_module("solver_generator").schema == program.get_module("solver_generator").schema


# --- models ------------------------------------------------------------------------------------------------------


@HOW
def test_a_model_is_copied_with_its_settings_and_a_client_of_its_own(
    copied: Callable[[Any], Any], tmp_path: Any
) -> None:
    model = lm(temperature=0.5, rpm=100, fallback="ollama/other", cache_dir=tmp_path, name="m")
    with synalinks.use_provider(provider_of(learner)):
        asyncio.run(model.ask([{"role": "user", "content": '<input>\n{"question": "number 2"}\n'}]))
    twin = copied(model)
    assert twin.get_config() == model.get_config()
    assert twin.client is not model.client
    assert twin.client.limits == model.client.limits
    assert twin.fallback is not model.fallback
    assert (model.cumulated_calls, twin.cumulated_calls) == (1, 0)


def test_copies_share_the_limits_of_their_account() -> None:
    known = len(PROCESS._accounts)
    model = lm(rpm=12345)
    copy.deepcopy(model)
    assert len(PROCESS._accounts) == known + 1


def test_no_key_is_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-1234567890")
    server = "https://me:very-secret@example.com/v1?key=very-secret"
    model = synalinks.LanguageModel("openai/gpt-4o-mini", retry=1, api_key="sk-very-secret", api_base=server)
    program = solver(model)
    model.client._provider._provider = object()  # stands for one that was made with the key
    assert b"very-secret" not in pickle.dumps(program)
    assert pickled(model).client.endpoint == "https://example.com/v1"
    twin = copy.deepcopy(model)
    assert (twin._credentials.api_key, twin._settings["api_base"]) == ("sk-very-secret", server), "a copy in memory"


@HOW
def test_an_embedding_model_is_copied(copied: Callable[[Any], Any]) -> None:
    model = synalinks.EmbeddingModel("ollama/all-minilm", dimensions=8)
    assert copied(model).get_config() == model.get_config()


# --- histories, ledgers, metrics ---------------------------------------------------------------------------------


@HOW
def test_a_history_is_copied_without_the_program(copied: Callable[[Any], Any]) -> None:
    program = compiled(solver(), reward=lambda y_true, y_pred: 0.5)
    history = fit(program, provider_of(learner), *data(4), validation_split=0.5, budget=synalinks.Budget(calls=100))
    twin = copied(history)
    assert (twin.history, twin.epoch, twin.reward_curve) == (history.history, history.epoch, history.reward_curve)
    assert twin.ledger.to_dicts() == history.ledger.to_dicts()
    assert twin.ledger.total == history.ledger.total
    assert twin.budget.settled == history.budget.settled
    assert (repr(twin), twin.costs) == (repr(history), history.costs)
    assert twin.program is None
    assert history.program is program


@HOW
def test_an_unbound_metric_does_not_take_the_processs_ledger_along(copied: Callable[[Any], Any]) -> None:
    fit(compiled(), provider_of(learner), *data(4), validation_split=0.5)
    metric = synalinks.metrics.InputTokens()
    twin = copied(metric)
    fit(compiled(), provider_of(learner), *data(4), validation_split=0.5)
    assert metric.result() == twin.result() > 0


class CopiesEachEpoch(Callback):
    """Keeps a copy of the program as it was after each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.programs: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.programs.append(copy.deepcopy(self.program))


def test_a_program_is_copied_while_it_trains() -> None:
    program, kept = compiled(), CopiesEachEpoch()
    fit(program, provider_of(learner), *data(6), epochs=3, validation_data=data(4, 20), callbacks=[kept])
    assert len(kept.programs) == 3
    assert all(one.fitting is None for one in kept.programs)
    assert kept.programs[0].optimizer.epochs == 1
    fit(kept.programs[0], provider_of(learner), *data(6), validation_data=data(4, 20))


# --- what can't be copied ------------------------------------------------------------------------------------------


class Helper:
    """Holds a lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


class Locked(synalinks.Module):
    """Holds what can't be copied."""

    def __init__(self, held: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        self.held = held

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs


@pytest.mark.parametrize(("held", "kind"), [(threading.Lock(), "lock"), (Helper(), "Helper"), ([Helper()], "list")])
def test_what_cant_be_copied_is_named(held: Any, kind: str) -> None:
    class Outer(synalinks.Program):
        def __init__(self) -> None:
            super().__init__(name="outer")
            self.parts = [Locked(held, name="inner")]

    with pytest.raises(CopyError, match=rf"inner \(Locked\) can't be copied: its attribute 'held', of type {kind}"):
        copy.deepcopy(Outer())
    with pytest.raises(TypeError, match="make it anew in Locked.__setstate__"):
        copy.deepcopy(Outer())


class MadeAnew(synalinks.Module):
    """Leaves its lock out of copies."""

    def __init__(self) -> None:
        super().__init__(name="anew")
        self.lock = threading.Lock()

    def __getstate__(self) -> Any:
        return {**vars(self), "lock": None}

    def __setstate__(self, state: Any) -> None:
        super().__setstate__({**state, "lock": threading.Lock()})


@HOW
def test_a_module_says_itself_what_is_made_anew(copied: Callable[[Any], Any]) -> None:
    module = MadeAnew()
    twin = copied(module)
    assert isinstance(twin.lock, type(module.lock))
    assert twin.lock is not module.lock


class Slotted(synalinks.Module):
    """Has a slot."""

    __slots__ = ("extra",)

    def __init__(self) -> None:
        super().__init__(name="slotted")
        self.extra = [1]


@HOW
def test_slots_are_copied(copied: Callable[[Any], Any]) -> None:
    module = Slotted()
    twin = copied(module)
    assert (twin.extra, twin.name) == ([1], "slotted")
    assert twin.extra is not module.extra


def test_a_variable_alone_is_copied() -> None:
    variable = Variable({"persona": "friendly"}, data_model=Answer.get_schema() | {"properties": {}}, name="v")
    twin = copy.deepcopy(variable)
    twin.update({"persona": "dry"})
    assert (variable.get("persona"), twin.get("persona"), twin.path) == ("friendly", "dry", "v")


def test_functions_are_shared() -> None:
    program = compiled(solver(), reward=lambda y_true, y_pred: 0.5)
    (reward,) = copy.deepcopy(program).compilation.rewards
    assert isinstance(reward.fn, FunctionType)
    assert reward.fn is program.compilation.rewards[0].fn
