"""What is done with a mutated file, and what may come of it: the errors of this library, and soon."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import synalinks
from security.mutations import mutated
from synalinks.cli.cassette.check import _problems
from synalinks.errors import ServerError, SynalinksError
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.reply import Reply

#: Seconds after which what is done with a file hangs.
PATIENCE = 5.0
CHAT = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hi")])


class Question(synalinks.DataModel):
    """A question."""

    question: str
    context: str | None = None


class Answer(synalinks.DataModel):
    """An answer."""

    thinking: str
    answer: str


class Answers:
    """A provider that fails now and then."""

    name = "answers"

    async def __call__(self, call: synalinks.lm.Call, /) -> Reply:
        text = str(call.request.messages)
        if "fail" in text:
            raise ServerError("no answer")
        vectors = tuple(b"\0\0\x80?" * 2 for _ in call.request.texts)
        return Reply(text='{"thinking": "t", "answer": "a"}', finish="stop", vectors=vectors)


@dataclass(frozen=True)
class Subject:
    """A kind of file: its name, a right one, and what is done with one."""

    file: str
    data: bytes
    use: Callable[[Path], object]


def subjects(folder: Path) -> dict[str, Subject]:
    """The kinds of files."""
    rows = [{"question": f"{number} + 1?", "context": None if number % 2 else "x"} for number in range(4)]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    table = b'question,context\n1 + 1?,"a, b"\n"2 ""+"" 2?",\n'
    return {
        "program": Subject("program.json", _program(folder), synalinks.Program.load),
        "variables": Subject("program.variables.json", _variables(folder), _load_variables),
        "cassette": Subject("calls.jsonl", _cassette(folder), _replay),
        "jsonl": Subject("rows.jsonl", lines, lambda path: _read(synalinks.datasets.JSONLDataset, path)),
        "json": Subject(
            "rows.json", json.dumps(rows).encode(), lambda path: _read(synalinks.datasets.JSONDataset, path)
        ),
        "csv": Subject("rows.csv", table, lambda path: _read(synalinks.datasets.CSVDataset, path)),
    }


def attempt(subject: Subject, seed: int, folder: Path) -> str | None:
    """What went wrong with the mutated file of a seed: a foreign exception or a hang; None if nothing did."""
    path = folder / subject.file
    path.write_bytes(mutated(subject.data, random.Random(seed)))
    synalinks.clear_session()
    with warnings.catch_warnings(), _patience():
        warnings.simplefilter("ignore")
        try:
            subject.use(path)
        except SynalinksError:
            return None
        except (Exception, _HangError) as error:
            return "".join(traceback.format_exception(error)[-12:])
    return None


class _HangError(BaseException):
    """The time is over."""


@contextmanager
def _patience() -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return

    def over(number: int, frame: FrameType | None) -> None:
        raise _HangError(f"not done after {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


async def _made() -> synalinks.Program:
    model = synalinks.LanguageModel("ollama/m", caching=False)
    inputs = synalinks.Input(data_model=Question)
    first = await synalinks.Generator(data_model=Answer, language_model=model, temperature=0.5)(inputs)
    second = await synalinks.ChainOfThought(data_model=Answer, language_model=model)(inputs & first)
    program = synalinks.Program(inputs=inputs, outputs=second, name="solver")
    program.compile(
        reward=synalinks.rewards.ExactMatch(in_mask_pattern="answer"),
        optimizer=synalinks.optimizers.RandomFewShot(),
        metrics=[synalinks.metrics.F1Score()],
    )
    return program


def _program(folder: Path) -> bytes:
    synalinks.clear_session()
    asyncio.run(_made()).save(folder / "right.json")
    return (folder / "right.json").read_bytes()


def _variables(folder: Path) -> bytes:
    synalinks.clear_session()
    asyncio.run(_made()).save_variables(folder / "right.variables.json")
    return (folder / "right.variables.json").read_bytes()


def _load_variables(path: Path) -> None:
    asyncio.run(_made()).load_variables(path)


async def _calls() -> None:
    chat = synalinks.LanguageModel("scripted/m", caching=False, retry=1)
    embeddings = synalinks.EmbeddingModel("scripted/e", caching=False)
    await chat(CHAT, schema=Answer.get_schema())
    await chat(CHAT, schema=Answer.get_schema())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the failed call
        await chat(synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="fail")]))
    await embeddings(["a", "b"])
    await embeddings(["b", "c"])


def _cassette(folder: Path) -> bytes:
    path = folder / "right.jsonl"
    with synalinks.use_provider(Answers()), synalinks.use_cassette(path, record_mode="all"):
        asyncio.run(_calls())
    return path.read_bytes()


def _replay(path: Path) -> None:
    list(_problems(path))
    with synalinks.use_budget("1"), synalinks.use_cassette(path) as cassette:
        asyncio.run(_calls())
        cassette.verify()
        cassette.report()
    with Cassette(path) as cassette:
        cassette.rows()


def _read(kind: Callable[..., synalinks.datasets.Dataset], path: Path) -> None:
    for _ in kind(path, input_data_model=Question, batch_size=2):
        pass
