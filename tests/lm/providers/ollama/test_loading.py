"""The time in which a model was loaded is told apart from that of its answer: in replies, ledger, bill, cassettes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks.cli import bill
from synalinks.lm import Client, Ledger, Request, use_cassette, use_ledger
from synalinks.lm.core.call import Reply
from synalinks.lm.providers.ollama.responses import LEAST_LOADING, chat_reply, embed_reply
from synalinks.testing import Capacity, OllamaServer

ASKED = Request("chat", "ollama/m", messages=[{"role": "user", "content": "2 + 2"}])


class Sum(synalinks.DataModel):
    text: str


async def ask_twice(client: Client) -> list[Reply]:
    return [await client.send(request) for request in (ASKED, Request("embed", "ollama/m", texts=["a"]))]


def run(server: OllamaServer) -> tuple[list[Reply], Ledger]:
    with use_ledger() as ledger:
        return asyncio.run(ask_twice(Client("ollama/m", api_base=server.url, cache="off"))), ledger


def test_the_first_answer_says_how_long_its_model_took_to_load(tmp_path: Path) -> None:
    with OllamaServer(latency=0.02, capacity=Capacity(loading=0.3)) as server, use_cassette(tmp_path / "c.jsonl"):
        (first, second), ledger = run(server)
    assert first.loading == pytest.approx(0.3, abs=0.25) and first.loading < (first.seconds or 0)
    assert second.loading is None
    assert ledger.total.loading == first.loading
    assert ledger.total.latency == pytest.approx((first.seconds or 0) + (second.seconds or 0))
    with use_cassette(tmp_path / "c.jsonl", "none"):
        (replayed, _), again = run(server)
    assert replayed.loading == first.loading and again.total.loading == first.loading


def test_the_bill_has_the_loading_and_the_speed_without_it() -> None:
    with OllamaServer(latency=0.1, capacity=Capacity(loading=0.3)) as server:
        (first, second), ledger = run(server)
    text = bill.render("train.py", ledger, 1.0)
    seconds = (first.seconds or 0) + (second.seconds or 0)
    speed = f"{ledger.total.output_tokens / (seconds - (first.loading or 0)):,.0f}"
    assert f"local; {seconds:.1f} s, {speed} tokens/s, {first.loading:.1f} s of it loading" in text


@pytest.mark.parametrize(("nanoseconds", "loading"), [(None, None), (22_224_542, None), (336_223_209, 0.336223)])
def test_a_model_in_memory_was_not_loaded(nanoseconds: int | None, loading: float | None) -> None:
    """Figures of recorded servers: hundredths of a second where the model was in memory."""
    chat = {"message": {"content": "x"}, "done_reason": "stop"}
    told = {} if nanoseconds is None else {"load_duration": nanoseconds}
    assert chat_reply({**chat, **told}, ASKED).loading == embed_reply({"embeddings": [], **told}).loading == loading
    assert LEAST_LOADING == 0.1


def test_models_are_kept_in_memory_through_a_fit_and_as_the_program_says(tmp_path: Path) -> None:
    async def train(**settings: Any) -> synalinks.Program:
        model = synalinks.LanguageModel("ollama/sums", caching=False, **settings)
        inputs = synalinks.Input(data_model=Sum)
        outputs = await synalinks.Generator(data_model=Sum, language_model=model)(inputs)
        program = synalinks.Program(inputs=inputs, outputs=outputs)
        program.compile(optimizer="random_few_shot", reward="exact_match")
        await program.fit([Sum(text="1 + 1")], [Sum(text="2")], epochs=1, verbose=0, validation_split=0.0)
        return program

    def kept(server: OllamaServer) -> set[Any]:
        return {record.body.get("keep_alive") for record in server.requests if record.number}

    with OllamaServer(env=True) as server:
        with use_cassette(tmp_path / "c.jsonl"):
            program = asyncio.run(train())
        assert kept(server) == {"30m"}
        server.reset()
        asyncio.run(program(Sum(text="3 + 3")))
        assert kept(server) == {None}, "a call outside a fit says nothing"
        server.reset()
        asyncio.run(train(keep_alive="1h"))
        assert kept(server) == {"1h"}
    assert "keep_alive" not in (tmp_path / "c.jsonl").read_text(), "it is no part of a request"
