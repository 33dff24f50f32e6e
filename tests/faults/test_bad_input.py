"""Bad input: each error says what was got, what was wanted, where, and what to do, before anything is paid for."""

from __future__ import annotations

import asyncio
import socket
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synalinks
from proofs.sums import Result, Shuffled, Sum, solver, sums
from synalinks.lm.runtime import current
from synalinks.testing import OllamaServer

X, Y = sums(4)


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where models are looked for, and nobody listens: the port is taken by a socket that never will."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("OLLAMA_HOST", url)
        yield url


@pytest.fixture
def provider() -> Iterator[Shuffled]:
    """Answers everything, so that an error below can only be one about the input."""
    with synalinks.use_provider(Shuffled(0)) as found:
        yield found  # type: ignore[misc]


def assert_says(message: object, *parts: str) -> None:
    for part in parts:
        assert part in str(message), f"{part!r} is not in {message}"


def fails(job: str, *data: Any, **arguments: Any) -> str:
    """What `program.fit(*data)`, or another method, says of its data; nothing may have been asked."""

    async def main() -> None:
        program = await solver()
        await getattr(program, job)(*data, **{"verbose": 0, **arguments})

    asked = len(current().ledger)
    with pytest.raises(synalinks.DataError) as caught:
        asyncio.run(main())
    assert isinstance(caught.value, ValueError)
    assert len(current().ledger) == asked
    return str(caught.value)


# --- data -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("job", ["fit", "evaluate"])
@pytest.mark.parametrize("numbers", [np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 2, 3, 4]), np.array(["a"] * 4)])
def test_numeric_arrays(provider: Shuffled, job: str, numbers: Any) -> None:
    cure = "np.array([YourModel(...), ...], dtype='object')"
    assert_says(fails(job, numbers, Y), "x has dtype", str(numbers.dtype), "data models", cure)
    assert_says(fails(job, X, numbers), "y has dtype", str(numbers.dtype), cure)


def test_numeric_validation_data(provider: Shuffled) -> None:
    said = fails("fit", X, Y, validation_data=(np.array([1.0]), Y[:1]))
    assert_says(said, "validation x has dtype float64", "dtype='object'")


def test_lists_of_anything_else_name_the_place(provider: Shuffled) -> None:
    assert_says(fails("fit", [X[0], 2], Y[:2]), "x[1] is a int (2)", "not a data model", "YourModel(field=...)")
    assert_says(fails("fit", X[:1], [{"answer": 1}]), "y[0]: ", '1 is not of type "string" (at answer)')
    assert_says(fails("fit", X[:1], ["1"]), "y[0] is a str", "not a data model", "or a dict of its fields")


@pytest.mark.parametrize("job", ["fit", "evaluate"])
def test_targets_without_a_field_of_the_prediction(provider: Shuffled, job: str) -> None:
    async def main() -> None:
        program = await solver()
        program.compile(optimizer="random_few_shot", reward="exact_match")
        await getattr(program, job)(X, [{"anwser": "1"}] * len(X), verbose=0)

    with pytest.raises(synalinks.DataError) as caught:
        asyncio.run(main())
    words = ("'exact_match' compares", "share no field", "the targets of the data have ['anwser']", "'answer'")
    assert_says(caught.value, *words)


def test_arrays_of_two_dimensions(provider: Shuffled) -> None:
    assert_says(fails("fit", np.array([X, X], dtype="object"), Y), "shape (2, 4)", "one dimension is wanted")


@pytest.mark.parametrize("job", ["fit", "evaluate"])
def test_mismatched_lengths(provider: Shuffled, job: str) -> None:
    assert_says(fails(job, X, Y[:3]), "x has 4 examples and y has 3", "paired by position")


def test_mismatched_lengths_of_validation_data(provider: Shuffled) -> None:
    assert_says(fails("fit", X, Y, validation_data=(X, Y[:2])), "4 examples", "validation y has 2")


def test_nothing_at_all(provider: Shuffled) -> None:
    assert_says(fails("fit", [], []), "x is empty")
    assert_says(fails("evaluate", np.array([], dtype="object"), []), "x is empty")


def test_one_example_alone(provider: Shuffled) -> None:
    assert_says(fails("fit", X[0], Y[0]), "x is a single Sum", "dtype='object'")


# --- models ---------------------------------------------------------------------------------------------------


def test_an_unknown_model_prefix() -> None:
    with pytest.raises(synalinks.UnknownModelError) as caught:
        synalinks.LanguageModel("olama/llama3.2")
    assert_says(
        caught.value,
        "'olama/llama3.2' names the unknown provider 'olama'",
        "Did you mean 'ollama'?",
        "Known providers: ollama, ",
        "provider/model, e.g. 'ollama/llama3.2:latest'",
    )
    with pytest.raises(synalinks.UnknownModelError, match="Did you mean 'openai'"):
        synalinks.EmbeddingModel("opnai/text-embedding-3-small")


def test_a_model_without_a_prefix() -> None:
    with pytest.raises(synalinks.UnknownModelError) as caught:
        synalinks.LanguageModel("llama3.2")
    assert_says(caught.value, "'llama3.2' names no provider", "e.g. 'ollama/llama3.2:latest'")


HOW_TO_GO_ON = (
    "no Ollama server answers at http://127.0.0.1:",
    "Start it with `ollama serve`",
    "`ollama pull sums`",
    "OLLAMA_HOST",
    "cassette: use_cassette(path)",
    "synalinks run SCRIPT --cassette FILE",
)


def test_no_server_listening(nobody: str) -> None:
    async def call() -> Any:
        program = await solver(retry=1)
        return await program(X[0])

    with pytest.warns(synalinks.LMWarning) as told:
        assert asyncio.run(call()) is None
    assert len(told) == 1
    assert_says(told[0].message, "ollama/sums: a call failed for good and counts as None", nobody, *HOW_TO_GO_ON)

    async def strict() -> Any:
        program = await solver(retry=1, on_error="raise")
        return await program(X[0])

    with pytest.raises(synalinks.LMError) as caught:
        asyncio.run(strict())
    assert_says(caught.value, *HOW_TO_GO_ON)


@pytest.mark.parametrize("job", ["fit", "evaluate"])
def test_no_server_listening_to_a_whole_run(nobody: str, job: str) -> None:
    """A dead end point is not a bad score: the run stops at its first batch, and says how to go on."""

    async def main() -> None:
        program = await solver(retry=1)
        with pytest.raises(synalinks.LMUnavailable) as caught:
            await getattr(program, job)(X, Y, batch_size=2, verbose=0)
        assert_says(caught.value, "none of the 2 samples of the batch at ", "(connection)", *HOW_TO_GO_ON)
        assert len(program.run_ledger) == 2, "the bill is kept"

    with pytest.warns(synalinks.LMWarning) as told:
        asyncio.run(main())
    assert len(told) == 1, "the second is folded"
    assert_says(told[0].message, *HOW_TO_GO_ON)


# --- masks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", ["in_mask", "out_mask"])
def test_a_mask_that_names_no_field(mask: str) -> None:
    async def main() -> None:
        program = await solver()
        with pytest.raises(synalinks.ConfigurationError) as caught:
            program.compile(reward=synalinks.ExactMatch(**{mask: ["anser"]}))
        assert_says(
            caught.value,
            f"{mask} of ExactMatch for the prediction",
            "names 'anser', but Result has no such field; did you mean 'answer'?",
            "Its fields are: ['thinking', 'answer']",
        )
        with pytest.raises(synalinks.ConfigurationError) as caught:
            program.compile(reward=synalinks.ExactMatch(), metrics=[synalinks.metrics.F1Score(**{mask: ["thinkin"]})])
        assert_says(caught.value, f"{mask} of F1Score", "did you mean 'thinking'?")

    asyncio.run(main())


def test_a_mask_that_names_no_field_of_the_targets(provider: Shuffled) -> None:
    class Reply(synalinks.DataModel):
        answers: str
        response: str

    class Unlike(synalinks.DataModel):
        response: str

    async def main(target: Any) -> None:
        program = await solver()
        await program.evaluate(X, [target] * 4, verbose=0)

    asked = len(current().ledger)
    with pytest.raises(synalinks.ConfigurationError) as caught:
        asyncio.run(main(Unlike(response="1")))
    assert_says(caught.value, "for the target", "names 'answer', but Unlike has no such field", "['response']")
    assert len(current().ledger) == asked
    asyncio.run(main(Reply(answers="1", response="2")))  # a plural of the name is the name


def test_a_mask_that_is_a_string() -> None:
    with pytest.raises(synalinks.ConfigurationError, match=r"write \['answer'\]"):
        synalinks.ExactMatch(in_mask="answer")  # type: ignore[arg-type]


# --- cassettes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["none", "once", "new_episodes", "all"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"synalinks_cassette":99,"request_format":1}\n', ("is a cassette of format 99", "Upgrade synalinks-replay")),
        (b'{"synalinks_cassette":1,"request_format":99}\n', ("requests 99", "or record the cassette again")),
        (b"hello\n", ("is not a cassette: its first line is ", "record_mode=")),
        (b'{"name":"package"}\n', ("is not a cassette", "record_mode=")),
        (b"[1, 2]\n", ("is not a cassette", "record_mode=")),
        (b"\x89PNG\r\n\x1a\n", ("is not a cassette", "not UTF-8")),
        (b"", ("is empty, not a cassette",)),
        (b"\x1f\x8b\x08\x00\x00", ("compressed", ".jsonl.gz")),
    ],
    ids=["newer", "newer requests", "text", "other json", "list", "binary", "empty", "gzip"],
)
def test_a_file_that_can_not_be_played(tmp_path: Path, mode: Any, content: bytes, said: tuple[str, ...]) -> None:
    cassette = tmp_path / "cassette.jsonl"
    cassette.write_bytes(content)
    with pytest.raises(synalinks.CassetteFormatError) as caught, synalinks.use_cassette(cassette, record_mode=mode):
        pass
    assert_says(caught.value, str(cassette), *said)
    assert cassette.read_bytes() == content, "a file that is no cassette is left alone"
    assert [path.name for path in tmp_path.iterdir()] == ["cassette.jsonl"]
    assert current().cassette is None


def test_a_cassette_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(synalinks.CassetteError) as caught, synalinks.use_cassette(tmp_path / "t.jsonl", "none"):
        pass
    assert_says(caught.value, "there is no cassette", "t.jsonl", 'record_mode="once"')


def test_a_mode_that_does_not_exist(tmp_path: Path) -> None:
    with (
        pytest.raises(synalinks.ConfigurationError) as caught,
        synalinks.use_cassette(tmp_path / "t.jsonl", "record"),  # type: ignore[arg-type]
    ):
        pass
    assert_says(caught.value, "record_mode='record'", "'none', 'once', 'new_episodes', 'all'")


# --- the cache ------------------------------------------------------------------------------------------------


def test_an_unwritable_cache_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One warning, and the run goes on as it would with a cache, for as long as it lasts."""
    (tmp_path / "file").write_text("no directory")
    monkeypatch.delenv("SYNALINKS_CACHE")
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "file" / "cache"))

    async def main() -> Any:
        program = await solver()
        return await program.evaluate(X, Y, verbose=0)

    with OllamaServer(env=True) as server, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        first = asyncio.run(main())
        assert asyncio.run(main()) == first
        assert server.requests.number == 4, "within the process, answers are still kept"
    assert len(told) == 1, [str(warning.message) for warning in told]
    assert_says(
        told[0].message,
        f"the answer cache at {tmp_path / 'file' / 'cache'} can't be used",
        "kept in memory for this run only",
        "SYNALINKS_CACHE_DIR",
        "SYNALINKS_CACHE=off",
    )


# --- what a program is called with ----------------------------------------------------------------------------


def test_a_call_with_the_wrong_thing(provider: Shuffled) -> None:
    async def main() -> None:
        program = await solver()
        with pytest.raises(synalinks.ConfigurationError) as caught:
            await program(Result(thinking="no", answer="sum"))
        assert_says(caught.value, "solver", "missing ['question']")
        with pytest.raises(synalinks.ConfigurationError) as caught:
            await program("2 + 2")
        assert_says(caught.value, "solver takes data models, got str", "Wrap it in a DataModel")
        assert (await program(Sum(question="2 + 2"))).get("answer")

    asyncio.run(main())
