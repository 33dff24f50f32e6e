"""Layers of one's own: where they stand, in what they are kept, and how they are saved."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks import saving
from synalinks.errors import ConfigurationError, ServerError
from synalinks.lm import Above, Below, Call, Handler, Reply, Request, use_ledger
from synalinks.lm.providers.fake.scripted import ScriptedProvider
from synalinks.lm.runtime import current
from synalinks.saving import registry

CHAT = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hi")])


class Counting:
    """Counts the calls that pass, and marks the answers."""

    name = "counting"

    def __init__(self, mark: str = "!") -> None:
        self.mark, self.calls = mark, 0

    def __call__(self, below: Handler) -> Handler:
        async def handler(call: Call) -> Reply:
            self.calls += 1
            reply = await below(call)
            return replace(reply, text=reply.text + self.mark)

        return handler

    def get_config(self) -> dict[str, Any]:
        return {"mark": self.mark}

    @classmethod
    def from_config(cls, config: Any) -> Counting:
        return cls(**config)


def names(model: Any) -> list[str]:
    return repr(model.client.stack).removeprefix("Stack(").removesuffix(")").split(" > ")


@pytest.mark.parametrize(
    ("position", "neighbours"),
    [
        (None, ("ledger", "single_flight")),
        (Above("ledger"), (None, "ledger")),
        (Below("ledger"), ("ledger", "single_flight")),
        (Above("provider"), ("price", "ollama")),
        (Below("price"), ("price", "ollama")),
    ],
)
def test_where_a_layer_stands(position: Any, neighbours: tuple[str | None, str]) -> None:
    given = Counting() if position is None else (Counting(), position)
    for kind in (synalinks.LanguageModel, synalinks.EmbeddingModel):
        found = names(kind("ollama/m", layers=[given]))
        place = found.index("counting")
        assert (found[place - 1] if place else None, found[place + 1]) == neighbours


@pytest.mark.parametrize("layer", ["cache", "rate_limit", "retry", "budget", "cassette", "validate"])
def test_every_layer_of_the_stack_can_be_named(layer: str) -> None:
    found = names(synalinks.LanguageModel("ollama/m", layers=[(Counting(), Above(layer)), (Counting(), Below(layer))]))
    place = found.index(layer)
    assert found[place - 1] == found[place + 1] == "counting"


def test_layers_at_one_position_stand_in_the_order_given() -> None:
    def first(below: Handler) -> Handler:
        return below

    def second(below: Handler) -> Handler:
        return below

    found = names(synalinks.LanguageModel("ollama/m", layers=[first, second]))
    assert found[1:3] == ["first", "second"]


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([(Counting(), Above("cash"))], "names no layer of the stack, which is ledger > "),
        (["cache"], "each is a layer"),
        ([(Counting(), "cache")], "each is a layer"),
        ([Counting], "each is a layer"),
    ],
)
def test_layers_that_cannot_be_right(layers: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        synalinks.LanguageModel("ollama/m", layers=layers)


def ask(model: Any, *answers: Any) -> Any:
    with synalinks.use_provider(ScriptedProvider(list(answers))):
        return asyncio.run(model(CHAT)).get("content")


def test_the_position_decides_what_a_layer_sees() -> None:
    once, each = Counting("a"), Counting("b")
    model = synalinks.LanguageModel("scripted/m", retry=2, retry_max_wait=0.01, layers=[once, (each, Below("retry"))])
    assert ask(model, ServerError("busy"), "hello") == "helloba"
    assert (once.calls, each.calls) == (1, 2)


def test_a_layer_sees_embeddings() -> None:
    layer = Counting()
    model = synalinks.EmbeddingModel("scripted/m", layers=[layer])
    with synalinks.use_provider(ScriptedProvider([[[1.0]]])):
        asyncio.run(model.embed(["x"]))
    assert layer.calls == 1


def test_clones_and_copies_keep_layers() -> None:
    model = synalinks.LanguageModel("scripted/m", layers=[(Counting("?"), Above("cache"))])
    generator = synalinks.Generator(language_model=model)
    for kept in (model.clone(), copy.deepcopy(model), generator.clone().language_model):
        assert kept is not model and names(kept) == names(model)
        assert ask(kept, "hello") == "hello?"


@pytest.fixture
def registered() -> Iterator[None]:
    saving.register_synalinks_serializable("Tests")(Counting)
    yield
    del registry._by_name["Tests>Counting"], registry._names[Counting]


def test_a_model_with_a_layer_that_is_not_registered_is_not_saved() -> None:
    for layer in (Counting(), lambda below: below):
        model = synalinks.LanguageModel("scripted/m", name="m", layers=[layer])
        with pytest.raises(ConfigurationError, match=r"m can't be saved with its layer .*register_synalinks"):
            model.get_config()


@pytest.mark.usefixtures("registered")
def test_a_program_with_a_registered_layer_is_saved_and_loaded(tmp_path: Path) -> None:
    async def build() -> synalinks.Program:
        model = synalinks.LanguageModel("scripted/m", layers=[Counting("1"), (Counting("2"), Below("cache"))])
        inputs = synalinks.Input(data_model=synalinks.ChatMessages)
        return synalinks.Program(inputs=inputs, outputs=await synalinks.Generator(language_model=model)(inputs))

    asyncio.run(build()).save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")
    assert ask(again, "hello") == "hello21"
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "p.json").read_bytes()


# --- layers that have nothing to do in a runtime ------------------------------------------------------------


def passed(model: Any, temperature: float = 0) -> list[str]:
    """The layers that a chat call passes through here, own ones included."""
    client = model.client
    messages = [{"role": "user", "content": "?"}]
    request = Request("chat", model.model, messages=messages, options={"temperature": temperature})
    return repr(client._stack_for(current(), request)).removeprefix("Stack(").removesuffix(")").split(" > ")


def test_a_call_passes_only_through_layers_that_can_act(tmp_path: Path) -> None:
    model = synalinks.LanguageModel("ollama/llama3.2")
    live = ["rate_limit", "retry", "attempt", "validate", "price", "ollama"]
    assert passed(model) == ["ledger", "single_flight", "cache", *live]
    assert passed(model, temperature=1) == ["ledger", "cache", *live], "each of such calls has an answer of its own"
    with synalinks.use_provider(ScriptedProvider(["hi"])):
        assert passed(model) == ["ledger", "single_flight", *live]
        with synalinks.use_budget(1):
            assert passed(model) == ["ledger", "single_flight", *live[:2], "budget", *live[2:]]
        with synalinks.use_cassette(tmp_path / "c.jsonl"):
            assert passed(model) == ["ledger", "single_flight", "cassette", *live]
            asyncio.run(model(CHAT))
    with synalinks.use_cassette(tmp_path / "c.jsonl", "none"):
        assert passed(model) == ["ledger", "cassette", "budget", "ollama"]


def test_a_stack_answers_a_call_that_no_client_made() -> None:
    model, cap = synalinks.LanguageModel("ollama/llama3.2"), synalinks.lm.Budget(calls=1)
    request = Request("chat", model.model, messages=[{"role": "user", "content": "?"}])
    with synalinks.use_provider(ScriptedProvider(["hi"])), synalinks.use_budget(cap) as budget, use_ledger() as ledger:
        assert asyncio.run(model.client.stack(Call(request))).text == "hi"
    assert budget.settled.calls == ledger.total.calls == 1


def test_own_layers_stay_where_the_layer_beside_them_is_left_out(tmp_path: Path) -> None:
    beside = {name: Counting(mark="") for name in ("cache", "cassette", "retry", "price")}
    model = synalinks.LanguageModel("ollama/llama3.2", layers=[(layer, Above(name)) for name, layer in beside.items()])
    with (
        synalinks.use_provider(ScriptedProvider(["hi"])),
        synalinks.use_cassette(tmp_path / "c.jsonl", record_mode="all"),
    ):
        asyncio.run(model(CHAT))
    assert [layer.calls for layer in beside.values()] == [1, 1, 1, 1]
    with synalinks.use_cassette(tmp_path / "c.jsonl", record_mode="none"):
        asyncio.run(model(CHAT))
    assert [layer.calls for layer in beside.values()] == [2, 2, 1, 1]
    assert "counting > cache > counting > cassette" in repr(model.client.stack)
