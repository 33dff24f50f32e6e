"""Tests of hooks: whom they are called for, and the ids of calls in calls."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import MODEL, Answer, Question
from synalinks.hooks import EVERYWHERE, Hook, HookList, Logger, hooks_of, stop_everywhere, use_everywhere
from synalinks.testing import ScriptedProvider


class Calls(Hook):
    """Keeps what it is called with."""

    def __init__(self) -> None:
        self.begun: dict[str, tuple[str, str | None]] = {}
        self.ended: list[tuple[str, Any, BaseException | None]] = []

    def on_call_begin(self, call_id: str, parent_call_id: str | None, inputs: object, kwargs: object) -> None:
        assert self.module is not None
        self.begun[call_id] = (self.module.name, parent_call_id)

    def on_call_end(
        self, call_id: str, parent_call_id: str | None, outputs: object = None, exception: BaseException | None = None
    ) -> None:
        assert self.module is not None and self.begun[call_id] == (self.module.name, parent_call_id)
        self.ended.append((self.module.name, outputs, exception))

    def above(self, name: str) -> list[str | None]:
        """The names of the modules that the calls of a module were made by."""
        found = [parent for own, parent in self.begun.values() if own == name]
        return [None if parent is None else self.begun[parent][0] for parent in found]


class Slow(synalinks.Module):
    async def call(self, inputs: Any) -> Any:
        await asyncio.sleep(0.01 if self.name == "first" else 0.0)
        return inputs


class Both(synalinks.Module):
    """Calls two modules side by side, then one of them again."""

    def __init__(self, hook: Hook) -> None:
        super().__init__(name="both", hooks=[hook])
        self.first, self.second = Slow(name="first", hooks=[hook]), Slow(name="second", hooks=[hook])

    async def call(self, inputs: Any) -> Any:
        await asyncio.wait([asyncio.ensure_future(one(inputs)) for one in (self.first, self.second)])
        return await self.first(inputs)


def test_siblings_side_by_side_have_the_same_parent_and_one_hook_has_each_module() -> None:
    calls = Calls()
    both = Both(calls)

    async def main() -> None:
        await asyncio.wait([asyncio.ensure_future(both(Question(question="?"))) for _ in range(2)])

    asyncio.run(main())
    assert calls.above("first") == ["both"] * 4 and calls.above("second") == ["both"] * 2
    assert calls.above("both") == [None, None]
    of = [parent for name, parent in calls.begun.values() if name == "first"]
    assert sorted(map(of.count, set(of))) == [2, 2], "two calls in each of the two"


async def program(hook: Hook) -> synalinks.Program:
    inputs = synalinks.Input(data_model=Question)
    model = synalinks.LanguageModel(model=MODEL, name="lm", hooks=[hook])
    generator = synalinks.Generator(data_model=Answer, language_model=model, name="gen")
    generator.hooks.append(hook)
    outputs = await generator(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs, name="prog", hooks=[hook])


def test_a_model_is_hooked_where_a_generator_calls_it_and_once_where_a_user_does() -> None:
    calls = Calls()

    async def main() -> None:
        made = await program(calls)
        with synalinks.use_provider(ScriptedProvider(['{"answer": 4}', "hello"])):
            await made(Question(question="2 + 2?"))
            await made.get_module("gen").language_model(
                synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hi")])
            )

    asyncio.run(main())
    assert calls.above("lm") == ["gen", None] and calls.above("gen") == ["prog"] and calls.above("prog") == [None]
    assert [name for name, _, _ in calls.ended] == ["lm", "gen", "prog", "lm"]
    assert [outputs.get_json() for name, outputs, _ in calls.ended if name == "lm"] == [
        {"answer": 4}, {"role": "assistant", "content": "hello"},
    ]  # fmt: skip


def test_a_call_that_fails_ends_with_its_exception() -> None:
    class Fails(synalinks.Module):
        async def call(self, inputs: Any) -> Any:
            raise ValueError("no")

    calls = Calls()
    with pytest.raises(ValueError, match="no"):
        asyncio.run(Fails(name="fails", hooks=[calls])(Question(question="?")))
    ((name, outputs, error),) = calls.ended
    assert (name, outputs, str(error)) == ("fails", None, "no")


def test_hooks_of_every_module_are_made_in_the_way_given_last() -> None:
    calls = Calls()
    use_everywhere(Calls)
    use_everywhere(Calls, lambda: calls)
    try:
        asyncio.run(Slow(name="plain")(Question(question="?")))
        own = Calls()
        asyncio.run(Slow(name="own", hooks=[HookList([own], add_logger=False)])(Question(question="?")))
    finally:
        stop_everywhere(Calls)
    stop_everywhere(Calls)
    assert [name for name, _ in calls.begun.values()] == ["plain"]
    assert [name for name, _ in own.begun.values()] == ["own"], "in a list it counts as the module's own"
    assert not EVERYWHERE


def test_without_hooks_nothing_is_made() -> None:
    own: list[Hook] = []
    assert hooks_of(own) is own


# --- lists -------------------------------------------------------------------------------------------------------


def test_a_list_calls_each_hook() -> None:
    one, two = Calls(), Calls()
    hooks = HookList([[one], two], add_logger=False)
    for taken in (hooks, [hooks]):
        asyncio.run(Slow(name="slow", hooks=taken)(Question(question="?")))
    assert len(one.begun) == len(two.begun) == len(one.ended) == 2


def test_a_list_adds_a_logger_where_there_is_none() -> None:
    assert [type(hook) for hook in HookList()] == [Logger]
    assert [type(hook) for hook in HookList(Logger())] == [Logger] and len(HookList([], add_logger=False)) == 0
    assert [type(hook) for hook in HookList([HookList(Calls())])] == [HookList]


def test_a_list_gives_module_and_parameters_to_each_hook() -> None:
    one, later, slow = Calls(), Calls(), Slow()
    hooks = HookList([one], add_logger=False, module=slow, verbose=1)
    hooks.append(later)
    assert one.module is later.module is hooks.module is slow
    assert one.params == later.params == hooks.params == {"verbose": 1} and Calls().params == {}


def test_a_program_with_hooks_is_saved_without_them(tmp_path: Path) -> None:
    calls = Calls()
    made = asyncio.run(program(calls))
    own = Slow(name="slow", hooks=[calls])
    assert "hooks" not in own.get_config() and Slow.from_config(own.get_config()).hooks == []
    made.save(tmp_path / "program.json")
    loaded = synalinks.Program.load(tmp_path / "program.json")
    assert loaded.hooks == loaded.get_module("gen").language_model.hooks == []
