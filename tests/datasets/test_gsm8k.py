"""Tests of GSM8K: the real files where they are at hand, made ones elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import synalinks
from programs_under_test import MODEL
from synalinks.datasets import download, gsm8k
from synalinks.datasets.built_in.benchmark import Published
from synalinks.datasets.built_in.mappings import parse_solution
from synalinks.datasets.built_in.table import BENCHMARKS
from synalinks.errors import ConfigurationError, DataError, OfflineError

MADE = [
    {"question": "How much are 1,000 and 234?", "answer": "1,000 + 234 = <<1000+234=1234>>1,234.\n#### 1,234"},
    {"question": "What is left of 2 after 5?", "answer": "2 - 5 = -3\n#### -3"},
    {"question": "Half of 5?", "answer": "5 / 2 = 2.5\n#### 2.5"},
]


def write(folder: Path, name: str, rows: list[dict[str, str]] = MADE) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with three records in each file."""
    write(tmp_path / "gsm8k", "train.jsonl")
    write(tmp_path / "gsm8k", "test.jsonl", MADE[:2])
    monkeypatch.setenv("SYNALINKS_DATA_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No data directory, and an empty cache; gives the cache."""
    monkeypatch.delenv("SYNALINKS_DATA_DIR", raising=False)
    monkeypatch.setattr(download, "cache_directory", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def serve(monkeypatch: pytest.MonkeyPatch, content: bytes | Exception, status: int = 200) -> list[str]:
    """Put an answer in the place of the network; gives the list of addresses asked for."""
    asked: list[str] = []

    @contextmanager
    def stream(method: str, url: str, **options: Any) -> Iterator[httpx.Response]:
        asked.append(url)
        if isinstance(content, Exception):
            raise content
        yield httpx.Response(status, content=content, request=httpx.Request(method, url))

    monkeypatch.setattr(httpx, "stream", stream)
    return asked


def test_every_real_record_parses(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shared / "data" / "gsm8k"
    if not folder.is_dir():
        pytest.skip(f"the real records are not at {folder}")
    monkeypatch.setenv("SYNALINKS_DATA_DIR", str(folder))
    (x_train, y_train), (x_test, y_test) = gsm8k.load_data()
    assert (len(x_train), len(y_train), len(x_test), len(y_test)) == (7473, 7473, 1319, 1319)
    assert all(one.question and one.question.strip() for one in (*x_train, *x_test))
    assert all(one.thinking and "####" not in one.thinking for one in (*y_train, *y_test))
    # Sums of the numbers after ####, taken from the files with a regular expression.
    for name, ys in (("train", y_train), ("test", y_test)):
        lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        numbers = [float(json.loads(line)["answer"].split("#### ")[1].replace(",", "")) for line in lines]
        assert [one.answer for one in ys] == numbers
    assert y_train[0].answer == 72.0
    for name in ("train", "test"):
        (remote,) = BENCHMARKS["gsm8k"].source.files("gsm8k", name)
        assert hashlib.sha256((folder / remote.name).read_bytes()).hexdigest() == remote.sha256


def test_solutions_are_taken_apart(made: Path) -> None:
    (x_train, y_train), (x_test, y_test) = gsm8k.load_data()
    assert [one.answer for one in y_train] == [1234.0, -3.0, 2.5]
    assert y_train[0].thinking == "1,000 + 234 = <<1000+234=1234>>1,234."
    assert x_train[2].question == "Half of 5?"
    assert len(x_test) == len(y_test) == 2


def test_the_files_may_stand_in_the_directory_itself(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNALINKS_DATA_DIR", str(made / "gsm8k"))
    assert len(gsm8k.load_data()[0][0]) == 3


def test_streaming(made: Path) -> None:
    data = gsm8k.iterable_dataset(repeat=2, batch_size=2, limit=2)
    assert [[one.answer for one in y] for _, y in data] == [[1234.0, 1234.0], [-3.0, -3.0]]
    assert len(gsm8k.iterable_dataset(split="test")) == 2


def test_a_program_is_evaluated_on_the_stream(made: Path) -> None:
    async def main() -> dict[str, float]:
        inputs = synalinks.Input(data_model=gsm8k.get_input_data_model())
        generator = synalinks.Generator(
            data_model=gsm8k.get_output_data_model(), language_model=synalinks.LanguageModel(model=MODEL)
        )
        program = synalinks.Program(inputs=inputs, outputs=await generator(inputs))
        program.compile(reward=synalinks.rewards.ExactMatch(in_mask=["answer"]))
        values: dict[str, float] = await program.evaluate(x=gsm8k.iterable_dataset(batch_size=2), verbose=0)
        return values

    answers = {row["question"]: parse_solution(row["answer"])[1] for row in MADE}
    model = synalinks.testing.TableModel(answers, law=synalinks.testing.Law(base=1.0, ceiling=1.0, spread=0.0))
    with synalinks.testing.OllamaServer(env=True, model=model) as server:
        assert asyncio.run(main())["reward"] == 1.0
        assert server.requests.number == 3


@pytest.mark.parametrize("solution", ["no mark", "#### ", "#### many"])
def test_a_solution_without_a_number(made: Path, solution: str) -> None:
    write(made / "gsm8k", "train.jsonl", [{"question": "?", "answer": solution}])
    with pytest.raises(DataError, match="train.jsonl: record 1: .* ends in '####' and a number"):
        gsm8k.load_data()


def test_a_record_that_is_none(made: Path) -> None:
    write(made / "gsm8k", "train.jsonl", [{"question": "?"}])
    with pytest.raises(DataError, match=r"record 1 lacks \['answer'\]"):
        gsm8k.load_data()


def test_an_unknown_split() -> None:
    with pytest.raises(ConfigurationError, match=r"splits \['test', 'train'\], got 'validation'"):
        gsm8k.iterable_dataset(split="validation")


# --- the download --------------------------------------------------------------------------------------------


def content_of(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A made file that passes for the published one."""
    content = "".join(json.dumps(row) + "\n" for row in MADE).encode()
    source = BENCHMARKS["gsm8k"].source
    assert isinstance(source, Published)
    monkeypatch.setitem(source.sha256, "test", hashlib.sha256(content).hexdigest())  # type: ignore[arg-type]
    return content


def test_a_file_is_downloaded_once_and_kept(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = serve(monkeypatch, content_of(monkeypatch))
    for _ in range(2):
        assert len(list(gsm8k.iterable_dataset(split="test"))) == 3
    assert [url.rsplit("/", 1)[1] for url in asked] == ["test.jsonl"]
    assert [path.name for path in (nothing / "gsm8k").iterdir()] == ["test.jsonl"]


def test_a_damaged_download_of_earlier_is_fetched_again(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = serve(monkeypatch, content_of(monkeypatch))
    write(nothing / "gsm8k", "test.jsonl", MADE[:1])
    assert len(list(gsm8k.iterable_dataset(split="test"))) == 3
    assert len(asked) == 1


def test_a_download_that_is_not_what_was_published_is_refused(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, b"<html>sign in</html>")
    with pytest.raises(DataError, match=r"20 bytes with the sha256 .* was expected. Put https"):
        gsm8k.iterable_dataset(split="test")
    assert list((nothing / "gsm8k").iterdir()) == []


@pytest.mark.parametrize("how", [httpx.ConnectError("no route"), b"gone"])
def test_no_file_and_no_network_says_what_to_put_where(
    nothing: Path, monkeypatch: pytest.MonkeyPatch, how: Exception | bytes
) -> None:
    serve(monkeypatch, how, status=404)
    with pytest.raises(DataError) as caught:
        gsm8k.load_data()
    message = str(caught.value)
    assert "train.jsonl of the dataset gsm8k" in message
    assert "grade_school_math/data/train.jsonl at gsm8k/train.jsonl in a directory of yours" in message
    assert "SYNALINKS_DATA_DIR" in message
    assert str(nothing / "gsm8k" / "train.jsonl") in message
    assert "no route" in message or "404" in message


def test_a_data_directory_without_the_file_is_named(
    nothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, httpx.ConnectError("no route"))
    monkeypatch.setenv("SYNALINKS_DATA_DIR", str(tmp_path / "mine"))
    with pytest.raises(DataError, match="Put https.* at .*mine/gsm8k/train.jsonl"):
        gsm8k.load_data()


def test_offline_asks_nobody(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = serve(monkeypatch, b"")
    with synalinks.offline(), pytest.raises(OfflineError, match="the network is forbidden"):
        gsm8k.load_data()
    assert asked == []


def test_a_cache_that_can_not_be_written(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, content_of(monkeypatch))
    nothing.write_text("a file stands here", encoding="utf-8")
    with pytest.raises(DataError, match="can't write"):
        gsm8k.iterable_dataset(split="test")
