"""Replay: the same history, bill and program, byte for byte, in whatever order answers came, at any concurrency."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import synalinks
from proofs.sums import Outcome, Shuffled, Sum, chain, solver, some_twice, sums, train
from synalinks import _json
from synalinks.lm.core.call import Handler
from synalinks.lm.runtime import current
from synalinks.testing import OllamaServer

WIDTHS = (1, 8, 64)
#: What a replay's ledger has that its recording's has not: where the answers came from, and that nobody paid.
OF_THE_RUN = ("source", "billed", "answers", "billed_tokens")


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    rng = random.Random(3)
    with OllamaServer(latency=lambda number: rng.random() * 0.01, env=True) as running:
        yield running


def record(cassette: Path, folder: Path, provider: Handler | None = None, **arguments: Any) -> Outcome:
    async def main() -> Outcome:
        with synalinks.use_cassette(cassette, record_mode="all"):
            if provider is None:
                return await train(folder, **arguments)
            with synalinks.use_provider(provider):
                return await train(folder, **arguments)

    return asyncio.run(main())


def replay(cassette: Path, folder: Path, **arguments: Any) -> Outcome:
    async def main() -> Outcome:
        with synalinks.offline(), synalinks.use_cassette(cassette, strict=True, record_mode="none"):
            return await train(folder, **arguments)

    return asyncio.run(main())


def assert_replays(recorded: Outcome, *replays: Outcome) -> None:
    """The replays are the recording, but that their answers came from the cassette and cost nothing."""
    for replayed in replays:
        assert replayed == replays[0], "two replays differ in nothing"
        assert replayed.history == recorded.history
        assert replayed.program == recorded.program
        assert replayed.bill(*OF_THE_RUN) == recorded.bill(*OF_THE_RUN)
        assert {row["source"] for row in replayed.ledger} == {"cassette"}
        assert {row["billed"] for row in replayed.ledger} == {"0"}
    assert {row["source"] for row in recorded.ledger} == {"live"}


def test_two_replays_are_their_recording(tmp_path: Path, server: OllamaServer) -> None:
    synalinks.set_price("ollama/replayed", input=2, output="6.5")
    cassette = tmp_path / "cassette.jsonl"
    recorded = record(cassette, tmp_path, model="ollama/replayed")
    server.stop()
    assert len(recorded.ledger) == server.requests.number
    assert all(row["as_if"] == row["billed"] != "0" for row in recorded.ledger)
    assert_replays(recorded, *(replay(cassette, tmp_path, model="ollama/replayed") for _ in range(2)))


@pytest.mark.parametrize("width", WIDTHS)
def test_several_calls_for_each_sample(tmp_path: Path, width: int) -> None:
    """Modules run side by side, and those after them begin whenever their own sample is ready."""
    cassette = tmp_path / "cassette.jsonl"
    recorded = record(cassette, tmp_path, Shuffled(width), build=chain, concurrency=width)
    assert {row["module"] for row in recorded.ledger} == {"generator", "generator_1", "generator_2"}
    assert_replays(recorded, *(replay(cassette, tmp_path, build=chain, concurrency=width) for _ in range(2)))


@pytest.mark.parametrize("width", WIDTHS)
def test_answers_come_in_any_order_at_any_concurrency(tmp_path: Path, width: int) -> None:
    """Recorded at one concurrency, replayed at three: the program's settings are all that tells them apart."""
    cassette, provider = tmp_path / "cassette.jsonl", Shuffled(width)
    recorded = record(cassette, tmp_path, provider, concurrency=width)
    assert provider.most == min(width, 8)
    assert (provider.order == sorted(provider.order)) == (width == 1)
    first, second = (replay(cassette, tmp_path, concurrency=width) for _ in range(2))
    assert_replays(recorded, first, second)
    for other in WIDTHS:
        replayed = replay(cassette, tmp_path, concurrency=other)
        assert (replayed.history, replayed.bill()) == (first.history, first.bill())
        saved = replayed.program.replace(b'"concurrency": %d' % other, b'"concurrency": %d' % width)
        assert saved == recorded.program


def test_a_slow_server_that_shuffles_its_answers(tmp_path: Path, server: OllamaServer) -> None:
    cassette = tmp_path / "cassette.jsonl.gz"
    recorded = record(cassette, tmp_path, concurrency=64)
    server.stop()
    assert server.max_in_flight == 8
    assert_replays(recorded, *(replay(cassette, tmp_path, concurrency=64) for _ in range(2)))


@pytest.mark.parametrize("seed", range(5))
def test_what_is_recorded_twice_in_another_order_has_the_same_places(tmp_path: Path, seed: int) -> None:
    """A cassette of one epoch is the same set of places whatever the order of the answers."""
    places = []
    for shuffle in (seed, seed + 100):
        cassette = tmp_path / f"{shuffle}.jsonl"
        record(cassette, tmp_path, Shuffled(shuffle), epochs=1)
        rows = [_json.loads(line) for line in cassette.read_bytes().splitlines()[1:]]
        places.append([(row["scope"], row["draw"]) for row in rows if row["scope"]["phase"] in ("train", "validation")])
    assert places[0] == places[1]


# --- another batch size ---------------------------------------------------------------------------------------


def test_what_was_recorded_at_one_batch_size_replays_at_others(tmp_path: Path) -> None:
    x, y = some_twice(12)

    async def measure(batch_size: int) -> tuple[Any, list[Any], list[dict[str, Any]]]:
        program = await solver()
        with synalinks.use_ledger() as ledger:
            logs = await program.evaluate(x, y, batch_size=batch_size, verbose=0)
            predictions = await program.predict(x, batch_size=batch_size, verbose=0)
        return logs, [found.get_json() for found in predictions], ledger.to_dicts(timings=False)

    cassette = tmp_path / "cassette.jsonl"
    with synalinks.use_cassette(cassette), synalinks.use_provider(Shuffled(1)):
        logs, predictions, _ = asyncio.run(measure(8))
    assert 0 < logs["reward"] < 1, "the questions must tell a good answer from a bad one"
    bills = []
    for size in (1, 3, 32):
        with synalinks.offline(), synalinks.use_cassette(cassette, strict=True, record_mode="none"):
            replayed = asyncio.run(measure(size))
        assert replayed[:2] == (logs, predictions)
        bills.append(replayed[2])
    assert bills[0] == bills[1] == bills[2]
    assert len(bills[0]) == 24


def test_embeddings_replay_exactly_at_another_batch_size(tmp_path: Path, server: OllamaServer) -> None:
    """A reward made of float32 vectors is the same to the last bit; texts are looked up one by one."""
    x, y = some_twice(12)

    async def measure(batch_size: int) -> Any:
        program = await solver()
        program.compile(
            reward=synalinks.CosineSimilarity(embedding_model=synalinks.EmbeddingModel("ollama/embed")),
        )
        return await program.evaluate(x, y, batch_size=batch_size, verbose=0)

    cassette = tmp_path / "cassette.jsonl"
    with synalinks.use_cassette(cassette):
        logs = asyncio.run(measure(8))
    server.stop()
    assert 0 < logs["reward"] < 1
    for size in (1, 3, 32):
        with synalinks.offline(), synalinks.use_cassette(cassette, strict=True, record_mode="none"):
            assert asyncio.run(measure(size)) == logs


# --- samples and draws ----------------------------------------------------------------------------------------


async def three_evaluations() -> list[dict[str, float]]:
    program = await solver()
    x, y = sums(10)
    return [await program.evaluate(x, y, batch_size=8, verbose=0) for _ in range(3)]


def test_three_evaluations_are_three_samples_and_the_same_three_on_replay(tmp_path: Path) -> None:
    cassette = tmp_path / "cassette.jsonl"
    with synalinks.use_cassette(cassette), synalinks.use_provider(Shuffled(2)):
        recorded = asyncio.run(three_evaluations())
    assert len({found["reward"] for found in recorded}) > 1, "a spread that is real"
    for _ in range(2):
        with synalinks.offline(), synalinks.use_cassette(cassette, strict=True, record_mode="none"):
            assert asyncio.run(three_evaluations()) == recorded


def test_three_evaluations_from_a_warm_cache_are_the_same_three(
    tmp_path: Path, server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SYNALINKS_CACHE")
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "cache"))
    first = asyncio.run(three_evaluations())
    assert server.requests.number == 30
    assert len({found["reward"] for found in first}) > 1
    assert asyncio.run(three_evaluations()) == first
    assert server.requests.number == 30, "the second run paid for nothing"


def test_a_fit_from_a_warm_cache_is_the_same_fit_for_nothing(
    tmp_path: Path, server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SYNALINKS_CACHE")
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "cache"))
    first = asyncio.run(train(tmp_path))
    asked = server.requests.number
    again = [asyncio.run(train(tmp_path)) for _ in range(2)]
    assert server.requests.number == asked
    assert again[0] == again[1]
    assert (again[0].history, again[0].program) == (first.history, first.program)
    without = (*OF_THE_RUN, "attempts")
    assert again[0].bill(*without) == first.bill(*without)
    assert {row["source"] for row in again[0].ledger} == {"cache"}


# --- a changed prompt -----------------------------------------------------------------------------------------


def test_a_changed_prompt_is_a_miss_that_shows_the_nearest_row_and_a_diff(tmp_path: Path) -> None:
    """It goes through `fit` as it is: no `None`, no zero reward, no retry."""
    cassette = tmp_path / "cassette.jsonl"
    record(cassette, tmp_path, Shuffled(0), instructions="Do the sum.")
    with pytest.raises(synalinks.CassetteMiss) as miss:
        replay(cassette, tmp_path, instructions="Do the sum with care.")
    said = str(miss.value)
    assert str(cassette) in said
    assert "asked: ollama/sums at epoch=1 step=1 phase=train sample=" in said
    assert "nearest: line " in said
    removed = [line for line in said.splitlines() if line.startswith("-") and "Do the sum." in line]
    added = [line for line in said.splitlines() if line.startswith("+") and "Do the sum with care." in line]
    assert removed and added, said
    assert 'record_mode="new_episodes"' in said


@pytest.mark.parametrize("job", ["evaluate", "predict", "call"])
def test_a_miss_goes_through_everything(tmp_path: Path, job: str) -> None:
    cassette = tmp_path / "cassette.jsonl"
    record(cassette, tmp_path, Shuffled(0), epochs=1)

    async def main() -> None:
        program = await solver()
        x, y = sums(4, first=50)
        if job == "evaluate":
            await program.evaluate(x, y, verbose=0)
        elif job == "predict":
            await program.predict(x, batch_size=4, verbose=0)
        else:
            await program(Sum(question="1 + 1"))

    with synalinks.use_cassette(cassette, record_mode="none"), pytest.raises(synalinks.CassetteMiss):
        asyncio.run(main())


def test_another_seed_of_the_fit_is_told_apart(tmp_path: Path) -> None:
    """Other examples are drawn, so other prompts are asked: that is a miss, not a silent other answer."""
    cassette = tmp_path / "cassette.jsonl"
    record(cassette, tmp_path, Shuffled(0))

    async def main() -> None:
        program = await solver()
        x, y = some_twice(16)
        await program.fit(x, y, batch_size=8, epochs=2, validation_split=0.25, verbose=0, seed=8)

    with synalinks.use_cassette(cassette, record_mode="none"), pytest.raises(synalinks.CassetteMiss):
        asyncio.run(main())


# --- failures on the cassette -------------------------------------------------------------------------------------


def test_a_run_with_failed_calls_replays_with_the_same_failures(tmp_path: Path) -> None:
    """Some samples fail for good: they fail again, cost the same and score the same."""
    inner = Shuffled(4)

    async def unreliable(call: Any) -> Any:
        if call.request.messages[-1]["content"].count("7") and call.scope.phase == "train":
            raise synalinks.errors.SampleRefused("the model declines", kind="refusal")
        return await inner(call)

    cassette = tmp_path / "cassette.jsonl"
    with pytest.warns(synalinks.LMWarning):
        recorded = record(cassette, tmp_path, unreliable)
    failed = [row for row in recorded.ledger if row["error"] == "refusal"]
    assert failed
    with pytest.warns(synalinks.LMWarning):
        replays = [replay(cassette, tmp_path) for _ in range(2)]
    assert_replays(recorded, *replays)


# --- a budget -------------------------------------------------------------------------------------------------

BUDGETS = {
    "calls": synalinks.Budget(calls=21),
    "tokens": synalinks.Budget(tokens=5_000),
    "dollars": synalinks.Budget(usd="0.012"),
    "an epoch's calls": synalinks.Budget(calls=1000, per_epoch=synalinks.Budget(calls=17)),
}


@pytest.mark.parametrize("max_tokens", [60, None])
@pytest.mark.parametrize("width", [1, 8])
@pytest.mark.parametrize("budget", BUDGETS.values(), ids=BUDGETS)
def test_a_run_that_a_budget_stopped_replays_to_the_same_stop(
    tmp_path: Path, budget: synalinks.Budget, width: int, max_tokens: int | None
) -> None:
    """Also where the budget caps the answers itself, because the caller set no limit."""
    synalinks.set_price("ollama/dear", input=2, output=6)
    arguments: dict[str, Any] = {"model": "ollama/dear", "budget": budget, "concurrency": width}
    if max_tokens is not None:
        arguments["max_tokens"] = max_tokens
    cassette = tmp_path / "cassette.jsonl"
    recorded = record(cassette, tmp_path, Shuffled(5), **arguments)
    whole = record(tmp_path / "whole.jsonl", tmp_path, Shuffled(5), **{**arguments, "budget": None})
    assert len(recorded.ledger) < len(whole.ledger), "the budget must bite"
    assert_replays(recorded, *(replay(cassette, tmp_path, **arguments) for _ in range(2)))


@pytest.mark.parametrize("calls", [6, 11, 12, 30, 77])
def test_the_same_stop_in_the_middle_of_a_chain(tmp_path: Path, calls: int) -> None:
    """Live, the calls that fitted were those of the samples that were quickest; the replay plays the same ones, and
    refuses those that were refused."""
    cassette = tmp_path / "cassette.jsonl"
    arguments: dict[str, Any] = {"build": chain, "budget": synalinks.Budget(calls=calls)}
    recorded = record(cassette, tmp_path, Shuffled(5), **arguments)
    assert len(recorded.ledger) == calls
    assert_replays(recorded, *(replay(cassette, tmp_path, **arguments) for _ in range(2)))


def test_the_history_says_what_stopped_it(tmp_path: Path) -> None:
    recorded = record(tmp_path / "cassette.jsonl", tmp_path, Shuffled(5), budget=synalinks.Budget(calls=21))
    assert _json.loads(recorded.history)["stopped_by"] == "budget"
    assert len(recorded.ledger) <= 21


def test_the_process_is_as_it_was() -> None:
    assert current().cassette is None
    assert current().provider is None
