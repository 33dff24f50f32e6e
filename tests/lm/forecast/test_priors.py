"""Priors: usage statistics of ledgers, cassettes and the cache."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import synalinks
from lm.pupil import MODEL, entry
from programs_under_test import compiled, data, fit, learner, provider_of, solver
from synalinks.lm import AttemptCosts
from synalinks.lm.cache.disk_store import DiskStore
from synalinks.lm.cache.entry import encode
from synalinks.lm.core.call import Call, Reply, Request, Usage
from synalinks.lm.forecast.priors import Priors, TokenCountFit, quantile
from synalinks.lm.forecast.token_count import count_prompt
from synalinks.lm.ledger.ledger import Ledger
from synalinks.scope import Scope
from synalinks.testing import SyntheticModel


def request_of(text: str, model: str = MODEL) -> Request:
    return Request("chat", model, messages=({"role": "user", "content": text},))


def drawn(priors: Priors, module: str | None, number: float) -> int | None:
    return priors.output_tokens(Call(request_of("x"), Scope(module=module)), number)


def test_a_ledger_gives_lengths_by_module() -> None:
    priors = Priors.of(Ledger([entry(n) for n in (30, 10, 20)] + [entry(500, "other")]))
    assert priors.lengths(MODEL, "solve") == [10, 20, 30]
    assert [drawn(priors, "solve", number) for number in (0.0, 0.5, 0.99)] == [10, 20, 30]
    assert drawn(priors, "other", 0.5) == 500
    assert drawn(priors, "unseen", 0.5) is None
    assert priors.seconds(MODEL) == 2.0


def test_failed_and_synthetic_calls_give_no_lengths() -> None:
    invented = Usage(input_fresh=1, output_text=9, raw={"synthetic": True})
    priors = Priors.of(Ledger([entry(5, error="timeout"), entry(9, usage=invented)]))
    assert priors.lengths(MODEL, "solve") == []
    assert not priors


def test_a_prompt_that_comes_again_has_the_length_it_had() -> None:
    request = request_of("what is this")
    priors = Priors.of(Ledger([entry(5, digest=request.digest)]))
    assert priors.input_tokens(request) == 100
    assert priors.input_tokens(request_of("something else")) is None


def test_token_counts_are_fitted_to_prompts_that_occur_again() -> None:
    texts = ["word " * n for n in (10, 40, 90, 200)]
    entries = [
        entry(
            5,
            digest=request_of(text).digest,
            usage=Usage(input_fresh=20 + 2 * count_prompt(request_of(text)), output_text=5),
        )
        for text in texts
    ]
    priors = Priors.of(Ledger(entries))
    assert priors.counting_error(MODEL) is None
    assert priors.calibrate(map(request_of, texts))
    assert not priors.calibrate(map(request_of, texts)), "nothing new the second time"
    new = request_of("word " * 70)
    assert priors.input_tokens(new) == pytest.approx(20 + 2 * count_prompt(new), abs=1)
    assert priors.counting_error(MODEL) == pytest.approx(0.03)


def test_counting_falls_back_to_a_ratio() -> None:
    counting = TokenCountFit()
    counting.add(100, 150)
    counting.add(0, 7)  # ignored
    assert counting.fit()[:2] == (0.0, 1.5)
    counting.add(200, 100)
    counting.add(300, 50)  # the more the fewer: no line
    assert counting.fit()[0] == 0.0


def test_a_cassette_gives_lengths_token_counts_and_stored_answers(tmp_path: Path) -> None:
    path = tmp_path / "cassette.jsonl"
    program = compiled(solver(synalinks.LanguageModel(MODEL, retry=1)))
    with synalinks.use_cassette(path):
        history = fit(program, provider_of(learner), *data(5), validation_split=0.2)
    priors = Priors.of(path)
    own = sorted(entry.usage.output_tokens or 0 for entry in history.ledger)
    assert priors.lengths(MODEL, "solver_generator") == own
    assert priors.stored[MODEL, "train", "solver_generator"] == 0, "a run without the cassette has none of its answers"
    assert priors.counting_error(MODEL) is not None
    with synalinks.use_cassette(path, "none") as cassette:
        opened = Priors.of(cassette)
        assert opened.lengths(MODEL, "solver_generator") == own
        assert opened.stored[MODEL, "train", "solver_generator"] == 4


def test_the_cache_gives_lengths_where_nothing_else_does(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    for number, module in enumerate(("solve", "solve", "judge")):
        reply = Reply(text="x", usage=Usage(input_fresh=50, output_text=40 + number))
        place = (Scope(phase="train", module=module), 0)
        store.add(f"digest{number} http://here 0", encode(MODEL, place, reply))
    vector = encode("ollama/embedder", (Scope(phase="optimizer"), 0), Reply(usage=Usage(input_fresh=3)), bytes(4 * 6))
    store.add("text http://here 0", vector)
    store.close()
    before = sorted(path.name for path in tmp_path.iterdir())
    priors = Priors.of(Ledger([entry(7)]))
    priors.add_cache(tmp_path)
    assert priors.lengths(MODEL, "solve") == [7]
    assert priors.lengths(MODEL, "judge") == [42]
    assert priors.stored[MODEL, "train", "solve"] == 2
    assert priors.dimensions == {"ollama/embedder": 6}
    assert [name for name in before if not name.endswith(("-wal", "-shm"))] == ["cache.db"]


def test_a_missing_or_damaged_cache_adds_nothing(tmp_path: Path) -> None:
    priors = Priors()
    priors.add_cache(tmp_path / "nowhere")
    (tmp_path / "cache.db").write_bytes(b"no database")
    priors.add_cache(tmp_path)
    assert not priors
    assert list(tmp_path.iterdir()) == [tmp_path / "cache.db"]


def test_failed_attempts_are_known() -> None:
    priors = Priors.of(Ledger([entry(100, failed=AttemptCosts(tokens=50)), entry(100)]))
    assert priors.failed(MODEL) == pytest.approx(50 / 400)
    assert priors.failed("other") is None


def test_vectors_keep_the_size_they_had() -> None:
    priors = Priors()
    priors.dimensions["ollama/embedder"] = 6
    from synalinks.lm.forecast.synthetic import SyntheticProvider

    request = Request("embed", "ollama/embedder", texts=("one",))
    reply = asyncio.run(SyntheticProvider(priors=priors)(Call(request)))
    assert len(reply.vectors[0]) == 24
    assert len(asyncio.run(SyntheticModel()(Call(request))).vectors[0]) == 256


def test_a_quantile_is_a_value_that_was_seen() -> None:
    assert [quantile([1, 2, 3, 4], share) for share in (0, 0.25, 0.5, 0.99, 1)] == [1, 2, 3, 4, 4]
    assert quantile([], 0.5) == 0
