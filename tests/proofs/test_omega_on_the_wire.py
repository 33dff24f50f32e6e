"""OMEGA against the stand-in server: what it costs is counted there, and its cassette replays for nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import synalinks
from proofs.sums import Result, Sum, sums
from synalinks.testing import OllamaServer

EPOCHS, STEPS = 4, 3


async def train(folder: Path, **options: Any) -> tuple[Any, Any, bytes]:
    """A solver of sums, trained by OMEGA on the stand-in."""
    synalinks.clear_session(free_memory=False)
    inputs = synalinks.Input(data_model=Sum)
    outputs = await synalinks.Generator(data_model=Result, language_model="ollama/sums")(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="solver")
    optimizer = synalinks.OMEGA(
        language_model="ollama/proposer", embedding_model="ollama/embedder", merging_rate=0.5, **options
    )
    program.compile(optimizer=optimizer, reward=synalinks.ExactMatch(in_mask=["answer"]))
    history = await program.fit(
        *sums(36), epochs=EPOCHS, batch_size=4, validation_split=2 / 3, minibatch_size=None, verbose=0, seed=7
    )
    program.save(folder / "program.json")
    return program, history, (folder / "program.json").read_bytes()


def test_n_candidates_cost_at_most_n_embeddings_and_none_twice(tmp_path: Path) -> None:
    with OllamaServer(env=True) as server:
        program, history, _ = asyncio.run(train(tmp_path, population_size=500, update_freq="batch"))
        counts = server.requests.models
        asked = [request.body for request in server.requests if request.path == "/api/embed"]
    # A new candidate comes from the proposer only; the one it all began with is the other one there is.
    proposed = counts["proposer"].calls
    assert proposed == EPOCHS * STEPS
    texts = [text for body in asked for text in body["input"]]
    assert counts["embedder"].texts == len(texts) == len(set(texts)) <= proposed + 1
    assert counts["embedder"].calls <= EPOCHS
    by_model = {str(entry.model): 0 for entry in history.ledger}
    assert set(by_model) == {"ollama/sums", "ollama/proposer", "ollama/embedder"}
    assert len(program.trainable_variables[0].get("best_candidates")) >= 2


def test_it_learns_crosses_over_and_replays_exactly_for_nothing(tmp_path: Path) -> None:
    cassette = tmp_path / "cassette.jsonl"

    async def run(mode: str) -> tuple[Any, Any, bytes]:
        with synalinks.use_cassette(cassette, record_mode=mode, strict=mode == "none"):  # type: ignore[arg-type]
            return await train(tmp_path)

    with OllamaServer(env=True) as server:
        _, recorded, saved = asyncio.run(run("all"))
        total = sum(model.calls for model in server.requests.models.values())
        crossings = [r for r in server.requests if b"other_variable" in r.data]
    assert recorded.history["val_reward"][-1] > recorded.history["val_reward"][0]
    assert crossings, "crossover takes place"
    assert len(recorded.ledger) == total
    with synalinks.offline():
        _, replayed, again = asyncio.run(run("none"))
    assert replayed.history == recorded.history and again == saved
    assert {entry.source for entry in replayed.ledger} == {"cassette"}
