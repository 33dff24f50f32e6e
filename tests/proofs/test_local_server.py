"""A fit against a server as small as a laptop's: one slot, one model in memory, loading, eviction, a full queue.

Two models take turns, and each evicts the other; nothing fails for good, every second of loading is apart from the
answers, and the replay has the same figures.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks.callbacks import History
from synalinks.lm import Ledger, use_cassette, use_ledger
from synalinks.testing import Capacity, Fault, OllamaServer

LOADING = 0.15


class Question(synalinks.DataModel):
    question: str


class Answer(synalinks.DataModel):
    answer: str


async def fit() -> History:
    model = synalinks.LanguageModel("ollama/solver", temperature=0, retry_max_wait=0.1)
    embedder = synalinks.EmbeddingModel("ollama/embedder")
    inputs = synalinks.Input(data_model=Question)
    outputs = await synalinks.Generator(data_model=Answer, language_model=model)(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs)
    reward = synalinks.rewards.CosineSimilarity(embedding_model=embedder, in_mask=["answer"])
    program.compile(optimizer="random_few_shot", reward=reward)
    x = [Question(question=f"{n} + {n}") for n in range(6)]
    y = [Answer(answer=str(2 * n)) for n in range(6)]
    return await program.fit(x, y, epochs=2, batch_size=3, validation_split=0.0, verbose=0, seed=3)


def run(path: Path, mode: Any = "once") -> tuple[History, Ledger]:
    with use_cassette(path, mode), use_ledger() as ledger:
        return asyncio.run(fit()), ledger


def test_a_small_server_is_used_without_a_failure_and_the_replay_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Capacity(parallel=1, models=1, loading=LOADING, queue=8)
    busy = Fault(at=5, status=503)
    with OllamaServer(models=["solver", "embedder"], capacity=small, faults=[busy], env=True) as server:
        history, ledger = run(tmp_path / "c.jsonl.gz")
        loads, records = list(server.loads), [record for record in server.requests if record.number]
        assert server.max_in_flight <= 8
    total = ledger.total
    assert total.failed == 0 and total.attempts == len(records)
    assert loads[0] == "solver:latest" and loads.count("embedder:latest") >= 2, "each evicts the other"
    assert all(record.body["keep_alive"] == "30m" for record in records)
    loading = sum(record.loading for record in records if record.loading >= 0.1)
    live = ledger.filter(source="live")
    assert sum(entry.loading for entry in live) == pytest.approx(loading, abs=0.01 * len(records))
    assert 0 < total.loading <= total.machine_seconds <= total.latency + 1e-6
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    again, replayed = run(tmp_path / "c.jsonl.gz", "none")
    assert again.history == history.history
    assert replayed.total.hits == replayed.total.calls == total.calls and replayed.total.tokens == total.tokens
    chats = [one.filter(kind="chat").total for one in (ledger, replayed)]  # rows of embeddings hold no times
    assert chats[0].loading == chats[1].loading > 0 and chats[0].machine_seconds == chats[1].machine_seconds
