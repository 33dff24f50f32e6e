"""Tests of modules: state, naming, building, locking, calling, configs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import synalinks
from programs_under_test import Add, Answer, Persona, Question, Speaker
from synalinks.errors import ConfigurationError, DataError
from synalinks.hooks import Hook
from synalinks.modules.core.module import Module
from synalinks.scope import current


class CallStats(synalinks.DataModel):
    """Calls so far."""

    count: int = synalinks.Field(default=0)


def test_names_are_made_from_the_class_and_counted() -> None:
    class RAGAgent(Module):
        """Finds and answers.

        More text.
        """

    assert [RAGAgent().name, RAGAgent().name, Add().name] == ["rag_agent", "rag_agent_1", "add"]

    class Undescribed(RAGAgent):
        pass

    assert RAGAgent().description == "Finds and answers."
    assert Undescribed().description == "", "what is said of a base class is not said of all its subclasses"
    synalinks.clear_session()
    assert RAGAgent().name == "rag_agent"


def test_variables_are_found_in_attributes_lists_and_dicts_each_once() -> None:
    class Holder(Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = Speaker()
            self.more = [self.first, {"second": Speaker()}]
            self.stats = self.add_variable(data_model=CallStats, name="stats")

    holder = Holder()
    assert [v.path for v in holder.variables] == [
        "holder/stats",
        "speaker/persona_speaker",
        "speaker_1/persona_speaker_1",
    ]
    assert [v.name for v in holder.non_trainable_variables] == ["stats"]
    assert len(holder.trainable_variables) == 2
    assert [m.name for m in holder.submodules] == ["speaker", "speaker_1"]


def test_a_model_that_is_not_trainable_is_downgraded() -> None:
    module = Module(name="m")
    assert module.add_variable(data_model=CallStats, trainable=True).trainable is False
    assert module.add_variable(data_model=Persona).trainable is True
    assert module.add_variable(data_model=Persona, trainable=False).trainable is False


def test_freezing_a_module_freezes_what_it_holds() -> None:
    class Holder(Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Speaker()

    holder = Holder()
    holder.trainable = False
    assert holder.trainable_variables == []
    assert len(holder.non_trainable_variables) == 1


def test_initializers_are_dicts_callables_and_defaults() -> None:
    module = Module(name="m")
    given = module.add_variable(initializer={"persona": "stern"}, data_model=Persona)
    made = module.add_variable(initializer=synalinks.initializers.Empty(data_model=Persona))
    default = module.add_variable(data_model=Persona)
    assert [v.get("persona") for v in (given, made, default)] == ["stern", "friendly", "friendly"]
    assert given.get("nb_visit") == 0
    assert made.trainable is True


def test_a_trainable_field_without_default_is_named() -> None:
    class Bad(synalinks.Trainable):
        """No default."""

        weight: str

    with pytest.raises(ConfigurationError, match="weight"):
        Module(name="m").add_variable(data_model=Bad)
    with pytest.raises(ConfigurationError, match="weight"):
        synalinks.Input(data_model=Bad)


def test_get_variable_by_name_path_and_index() -> None:
    speaker = Speaker(name="s")
    assert (
        speaker.get_variable(name="persona_s") is speaker.get_variable(index=0) is speaker.get_variable("s/persona_s")
    )
    with pytest.raises(ConfigurationError, match="has no variable 'other'; it has persona_s"):
        speaker.get_variable("other")
    with pytest.raises(ConfigurationError, match="1 variables, got index 3"):
        speaker.get_variable(index=3)
    with pytest.raises(ValueError, match="either"):
        speaker.get_variable()
    with pytest.raises(ValueError, match="either"):
        speaker.get_variable(name="persona_s", index=0)


def test_state_is_fixed_after_the_first_call() -> None:
    speaker = Speaker()
    asyncio.run(speaker(Question(question="hi")))
    with pytest.raises(ConfigurationError, match="in __init__, or in build"):
        speaker.add_variable(data_model=CallStats)
    symbolic = Speaker()
    asyncio.run(symbolic(synalinks.Input(data_model=Question)))
    with pytest.raises(ConfigurationError, match="fixed once it has been called"):
        symbolic.add_variable(data_model=CallStats)


@pytest.mark.parametrize("symbolic", [False, True])
def test_build_runs_once_before_the_first_call_and_sees_the_input(symbolic: bool) -> None:
    seen: list[Any] = []

    class Built(Module):
        async def build(self, inputs: Any) -> None:
            seen.append(sorted(inputs.keys()))
            self.stats = self.add_variable(data_model=CallStats)

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return inputs

    module = Built()
    value = synalinks.Input(data_model=Question) if symbolic else Question(question="hi")
    asyncio.run(module(value))  # an eager call with one data model must not take its length
    asyncio.run(module(value))
    assert seen == [["question"]]
    assert module.built and len(module.variables) == 1


def test_build_may_be_sync_and_take_the_schema() -> None:
    class Built(Module):
        def build(self, input_schema: Any) -> None:  # type: ignore[override]
            self.fields = sorted(input_schema["properties"])

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return inputs

    module = Built()
    asyncio.run(module(Question(question="hi")))
    assert module.fields == ["question"]


def test_forgetting_super_init_says_so() -> None:
    class Forgot(Module):
        def __init__(self) -> None:
            self.x = 1

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return inputs

    with pytest.raises(ConfigurationError, match=r"call super\(\).__init__"):
        asyncio.run(Forgot()(Question(question="hi")))


def test_a_module_without_call_says_so() -> None:
    with pytest.raises(ConfigurationError, match="async def call"):
        asyncio.run(Module()(Question(question="hi")))


def test_data_models_go_in_and_come_out_as_json() -> None:
    seen: list[Any] = []

    class Look(Module):
        async def call(self, inputs: Any, training: bool = False) -> Any:
            seen.append(inputs)
            return {"a": Answer(answer=1), "b": [None]}

    out = asyncio.run(Look()([Question(question="hi"), None]))
    assert isinstance(seen[0][0], synalinks.JsonDataModel)
    assert seen[0][1] is None
    assert isinstance(out["a"], synalinks.JsonDataModel)
    assert out["b"] == [None]


def test_training_is_inherited_by_modules_inside() -> None:
    seen: list[bool] = []

    class Inner(Module):
        async def call(self, inputs: Any, training: bool = False) -> Any:
            seen.append(training)
            return inputs

    class Outer(Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()

        async def call(self, inputs: Any) -> Any:  # type: ignore[override]  takes no training itself
            await self.inner(inputs)
            await self.inner(inputs, training=False)
            return inputs

    outer = Outer()
    asyncio.run(outer(Question(question="hi"), training=True))
    asyncio.run(outer(Question(question="hi")))
    assert seen == [True, False, False, False]
    seen.clear()

    async def twice() -> None:
        await outer.inner(Question(question="hi"), training=True)
        await outer.inner(Question(question="hi"))  # in the same task: the first call leaves nothing behind

    asyncio.run(twice())
    assert seen == [True, False]


def test_calls_are_places_by_module() -> None:
    class Inner(Module):
        async def call(self, inputs: Any, training: bool = False) -> Any:
            places.append(current().module)
            return inputs

    class Outer(Module):
        async def call(self, inputs: Any, training: bool = False) -> Any:
            return await inner(inputs)

    places: list[Any] = []
    inner = Inner()
    asyncio.run(Outer(name="agent")(Question(question="hi")))
    assert places == ["agent/inner"]
    assert current().module is None


def test_output_spec_is_found_by_running_call_on_symbols() -> None:
    class Merge(Module):
        async def call(self, inputs: Any, training: bool = False) -> Any:
            return inputs + inputs

    out = asyncio.run(Merge()(Question))
    assert list(out.keys()) == ["question", "question_1"]


def test_an_output_spec_that_cannot_be_found_says_what_to_define() -> None:
    class Reads(Module):
        async def call(self, inputs: Any, training: bool = False) -> Any:
            return Answer(answer=inputs.get("question"))

    with pytest.raises(ConfigurationError, match="compute_output_spec"):
        asyncio.run(Reads()(Question))


class Recorder(Hook):
    """Notes every call."""

    def __init__(self, log: list[tuple[Any, ...]]) -> None:
        self.log = log

    def on_call_begin(self, call_id: str, parent_call_id: str | None, inputs: Any, kwargs: Any) -> None:
        self.log.append(("begin", call_id, parent_call_id))

    def on_call_end(
        self, call_id: str, parent_call_id: str | None, outputs: Any = None, exception: BaseException | None = None
    ) -> None:
        self.log.append(("end", call_id, type(exception).__name__ if exception else outputs is not None))


def test_hooks_see_calls_parents_and_exceptions() -> None:
    log: list[tuple[Any, ...]] = []

    class Inner(Module):
        async def call(self, inputs: Any, training: bool = False) -> Any:
            if fail:
                raise KeyError("x")
            return inputs

    class Outer(Module):
        async def call(self, inputs: Any, training: bool = False) -> Any:
            await one(inputs)
            return await two(inputs)

    fail = False
    one, two = Inner(name="one", hooks=[Recorder(log)]), Inner(name="two", hooks=[Recorder(log)])
    outer = Outer(name="outer", hooks=[Recorder(log)])
    asyncio.run(outer(Question(question="hi")))
    parents = {call_id: parent for kind, call_id, parent in log if kind == "begin"}
    top = log[0][1]
    assert list(parents.values()) == [None, top, top]  # the second's parent is not its sibling
    assert all(end for kind, _, end in log if kind == "end")
    fail = True
    log.clear()
    with pytest.raises(KeyError):
        asyncio.run(outer(Question(question="hi")))
    assert [entry[2] for entry in log if entry[0] == "end"] == ["KeyError", "KeyError"]


def test_arguments_are_captured_without_a_get_config() -> None:
    module = Add(5, name="five", trainable=False)
    config = module.get_config()
    assert config == {"number": 5, "name": "five", "description": Add.__doc__.partition("\n")[0], "trainable": False}
    again = Add.from_config(config)
    assert (again.number, again.name, again.trainable) == (5, "five", False)


def test_a_constructor_that_takes_no_name_keeps_it_all_the_same() -> None:
    class Fixed(Module):
        def __init__(self, size: int) -> None:
            super().__init__()
            self.size = size

    module = Fixed(3)
    module.description = "Another."
    again = Fixed.from_config(module.get_config())
    assert (again.size, again.name, again.description) == (3, module.name, "Another.")


def test_a_lambda_among_the_arguments_is_refused_by_name() -> None:
    class Holds(Module):
        def __init__(self, function: Any) -> None:
            super().__init__()

    with pytest.raises(ConfigurationError, match=r"argument 'function'.*lambda"):
        Holds(lambda x: x).get_config()


def test_clone_has_the_same_arguments_and_a_name_of_its_own() -> None:
    first = Add(5)
    second = first.clone()
    assert second.number == 5 and second.name != first.name
    assert first.clone(name="other").name == "other"


def test_unknown_keywords_are_refused_wherever_they_arrive() -> None:
    class Passes(Module):
        def __init__(self, size: int = 1, **kwargs: Any) -> None:
            super().__init__(**kwargs)

    assert Passes(2, name="p", trainable=False).name == "p"
    for bad in ({"nam": "p"}, {"trainble": True}):
        with pytest.raises(
            ConfigurationError, match=r"Passes\((nam|trainble)=...\): .*Did you mean '(name|trainable)'"
        ):
            Passes(**bad)
    with pytest.raises(ConfigurationError, match=r"Module\(foo=...\)"):
        Module(foo=1)  # type: ignore[call-arg]


def test_texts_and_numbers_are_no_data_models() -> None:
    class Two(Module):
        async def call(self, inputs: Any, other: Any = None, training: bool = False) -> Any:
            return inputs

    two, question = Two(name="two"), Question(question="hi")
    for bad in ("hello", 3, [question, "hello"], [[question], {"b": [1.5]}, 1]):
        with pytest.raises(DataError, match="two takes data models, got (str|int|float)"):
            asyncio.run(two(bad))
    with pytest.raises(DataError, match=r"beside data models in the argument other: 'x'"):
        asyncio.run(two(question, other=[question, "x"]))
    with pytest.raises(DataError, match=r"beside data models in the argument 1: 2"):
        asyncio.run(two(question, (question, 2)))
    for fine in (3, "x", ["x", 1], {"a": 1}, [question, None], None):
        assert asyncio.run(two(question, fine)) is not None
        assert asyncio.run(two(question, other=fine)) is not None

    class Plain(Two):
        takes_plain_values = True

    assert asyncio.run(Plain()("hello")) == "hello"


@pytest.mark.parametrize("fails", [0, 1])
def test_calls_side_by_side_build_once(fails: int) -> None:
    builds: list[str] = []

    class Built(Module):
        async def build(self, inputs: Any) -> None:
            builds.append("begun")
            await asyncio.sleep(0)
            if len(builds) <= fails:
                raise KeyError("not yet")
            self.stats = self.add_variable(data_model=CallStats)

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return self.stats.to_json_data_model()

    module = Built()

    async def main() -> list[Any]:
        tasks = [asyncio.ensure_future(module(Question(question="hi"))) for _ in range(4)]
        await asyncio.wait(tasks)
        return [task.exception() or task.result() for task in tasks]

    results = asyncio.run(main())
    assert [type(one) for one in results] == [KeyError] * fails + [synalinks.JsonDataModel] * (4 - fails)
    assert len(builds) == 1 + fails and len(module.variables) == 1
