"""`synalinks cassette from-cache`: a cassette of a run that was paid for, without paying again."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli.helpers import call, command
from synalinks.lm.cassette.file import CassetteFile
from synalinks.testing import OllamaServer
from synalinks.testing.fake_server.faults import Fault

SCRIPT = """
import asyncio, json, sys

import numpy as np
import synalinks


class Problem(synalinks.DataModel):
    problem: str = synalinks.Field(description="The problem")


class Answer(synalinks.DataModel):
    answer: str = synalinks.Field(description="The answer")


async def main():
    synalinks.clear_session()
    for name in ("m", "e"):
        synalinks.set_price(f"ollama/{name}", input=1000, output=3000)
    model = synalinks.LanguageModel(model="ollama/m", retry=3, temperature=0.8, max_tokens=60)
    embedder = synalinks.EmbeddingModel(model="ollama/e")
    inputs = synalinks.Input(data_model=Problem)
    outputs = await synalinks.Generator(data_model=Answer, language_model=model)(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs)
    program.compile(optimizer="random_few_shot", reward="exact_match")
    numbers = range(int(sys.argv[1]))
    x = np.array([Problem(problem=f"{n} + {n * 7}") for n in numbers], dtype="object")
    y = np.array([Answer(answer=str(n * 8)) for n in numbers], dtype="object")
    with synalinks.use_ledger() as ledger:
        history = await program.fit(x, y, epochs=2, batch_size=2, validation_split=0.25, verbose=0)
        three = [await program.evaluate(x, y, verbose=0) for _ in range(3)]
        vectors = (await embedder(dict(texts=["a", "bb", "a"])))["embeddings"]
        vectors += (await embedder(dict(texts=["bb", "ccc"])))["embeddings"]
        if "more" in sys.argv:
            await program(Problem(problem="100 + 1"))
    program.save(sys.argv[2] + ".program.json")
    total = ledger.total
    kept = dict(
        history=history.history, three=three, vectors=vectors, calls=total.calls, as_if=str(total.as_if),
        tokens=total.tokens, billed=str(total.billed),
        phases={str(key): str(t.as_if) for key, t in ledger.by("epoch", "phase").items()},
    )
    with open(sys.argv[2] + ".json", "w") as file:
        json.dump(kept, file)


asyncio.run(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(SCRIPT)
    return tmp_path


def run(folder: Path, *words: object, url: str = "http://127.0.0.1:9") -> subprocess.CompletedProcess[str]:
    return command(*words, cwd=folder, OLLAMA_HOST=url, SYNALINKS_CACHE="on", SYNALINKS_CACHE_DIR=str(folder / "cache"))


def outcome(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def once_paid(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A live run that is over: its folder, and where its server was."""
    folder = tmp_path_factory.mktemp("paid")
    (folder / "train.py").write_text(SCRIPT)
    with OllamaServer(faults=[Fault(at=3, broken_json=True)]) as server:
        live = run(folder, "run", "train.py", "8", "live", url=server.url)
        assert live.returncode == 0, live.stderr
    return folder, server.url


@pytest.fixture
def paid(once_paid: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    """A copy of that folder."""
    folder = shutil.copytree(once_paid[0], tmp_path / "copy")
    return folder, once_paid[1]


@pytest.mark.parametrize("name", ["train.jsonl", "cassettes/train.jsonl.gz"])
def test_a_run_that_was_paid_for_becomes_a_cassette_that_replays_it_exactly(paid: tuple[Path, str], name: str) -> None:
    folder, url = paid
    made = run(folder, "cassette", "from-cache", "train.py", name, "--", "8", "made", url=url)
    assert made.returncode == 0, made.stderr
    assert "spent   $0.0000" in made.stdout
    live, again = outcome(folder, "live"), outcome(folder, "made")
    assert live["billed"] != "$0.0000" and again["billed"] == "$0.0000"
    for key in ("history", "three", "vectors", "calls", "tokens", "as_if", "phases"):
        assert again[key] == live[key], key
    assert (folder / "made.program.json").read_bytes() == (folder / "live.program.json").read_bytes()

    # Anywhere: neither cache nor server. Each row is played, or a strict replay would complain.
    (folder / "strict.py").write_text(
        "import sys, runpy, synalinks\n"
        f"with synalinks.offline(), synalinks.use_cassette({name!r}, 'none', strict=True) as cassette:\n"
        "    runpy.run_path('train.py', run_name='__main__')\n"
        "    report = cassette.report()\n"
        "    assert (report.moved, report.near, report.missing, report.unplayed) == (0, 0, 0, 0), report\n"
    )
    played = command("run", "strict.py", "8", "played", cwd=folder, SYNALINKS_CACHE="off")
    assert played.returncode == 0, played.stderr
    assert {**outcome(folder, "played")} == again
    assert (folder / "played.program.json").read_bytes() == (folder / "live.program.json").read_bytes()

    cassette = CassetteFile(folder / name)
    rows = list(cassette.rows())
    assert not cassette.unfinished
    assert any(row.value["reply"].get("attempts") == 2 for row in rows), "the attempts of the live run"
    assert {row.scope.phase for row in rows} >= {"train", "candidate", "validation", "evaluate"}
    cassette.close()
    assert list((folder / name).parent.glob(".from-cache-*")) == []


def test_a_call_that_the_cache_has_no_answer_to_is_named_and_nothing_is_made(paid: tuple[Path, str]) -> None:
    folder, url = paid
    with OllamaServer() as server:  # even with a server there, at the same place or not, nothing is sent
        more = run(folder, "cassette", "from-cache", "train.py", "t.jsonl", "--", "8", "more", "more", url=url)
        moved = run(folder, "cassette", "from-cache", "train.py", "t.jsonl", "--", "8", "moved", url=server.url)
        assert server.requests.number == 0
    assert (more.returncode, moved.returncode) == (1, 1)
    assert "has no answer for a call of 'ollama/m'" in more.stderr
    assert "nothing was sent and nothing billed" in more.stderr
    assert "100 + 1" in more.stderr and "module=generator" in more.stderr
    assert "t.jsonl was not made: the run ended after" in more.stderr
    assert server.url in moved.stderr, "one model name on two servers is two models"
    assert not list(folder.glob("*t.jsonl*"))


def test_a_fourth_sample_is_told_from_three_that_are_there(folder: Path) -> None:
    (folder / "ask.py").write_text(
        "import asyncio, sys, synalinks\n"
        "async def main():\n"
        "    model = synalinks.LanguageModel(model='ollama/m', temperature=1)\n"
        "    for _ in range(int(sys.argv[1])):\n"
        "        await model(synalinks.ChatMessages(messages=[synalinks.ChatMessage(role='user', content='2 + 2')]))\n"
        "asyncio.run(main())\n"
    )
    with OllamaServer() as server:
        assert run(folder, "run", "ask.py", "3", url=server.url).returncode == 0
    good = run(folder, "cassette", "from-cache", "ask.py", "t.jsonl", "--quiet", "3", url=server.url)
    assert (good.returncode, good.stdout) == (0, ""), good.stderr
    short = run(folder, "cassette", "from-cache", "ask.py", "u.jsonl", "4", url=server.url)
    assert short.returncode == 1
    assert "only 3 answers, all taken, for a call" in short.stderr
    nothing = run(folder, "cassette", "from-cache", "ask.py", "u.jsonl", "0", url=server.url)
    assert nothing.returncode == 1
    assert "u.jsonl was not made: the script made no call" in nothing.stderr


def test_what_is_there_is_replaced_only_by_force_and_only_a_cassette(paid: tuple[Path, str]) -> None:
    folder, url = paid
    words = ("cassette", "from-cache", "train.py")
    (folder / "notes.txt").write_text("mine")
    (folder / "t.jsonl").write_text('{"synalinks_cassette":1,"request_format":1}\n')
    told = run(folder, *words, "t.jsonl", "--", "8", "made", url=url)
    assert told.returncode == 2 and "is there already; pass --force" in told.stderr
    told = run(folder, *words, "notes.txt", "--force", "--", "8", "made", url=url)
    assert told.returncode == 1 and "is not a cassette" in told.stderr
    assert (folder / "notes.txt").read_text() == "mine"
    assert run(folder, *words, "t.jsonl", "--force", "--", "8", "made", url=url).returncode == 0
    assert len((folder / "t.jsonl").read_text().splitlines()) > 20


def test_an_option_of_another_command_is_not_taken_for_the_cassette(folder: Path) -> None:
    told = command("cassette", "from-cache", "train.py", "--cassette", "t.jsonl", cwd=folder)
    assert told.returncode == 2 and "No such option" in told.stderr and "--cassette" in told.stderr
    assert not (folder / "--cassette").exists()


def test_where_no_cache_is_nothing_is_run(folder: Path) -> None:
    told = call("cassette", "from-cache", folder / "train.py", folder / "t.jsonl", "--cache-dir", folder)
    assert told.exit_code == 2
    assert f"there is no cache in {folder}" in told.output


def test_a_run_that_its_budget_stopped_is_made_to_the_same_stop(folder: Path) -> None:
    with OllamaServer() as server:
        live = run(folder, "run", "train.py", "--budget", "4", "8", "live", url=server.url)
        asked = server.requests.number
    assert "it ended the run" in live.stdout
    made = run(folder, "cassette", "from-cache", "train.py", "t.jsonl", "--budget", "4", "8", "made", url=server.url)
    assert made.returncode == live.returncode
    assert "it ended the run" in made.stdout
    cassette = CassetteFile(folder / "t.jsonl")
    assert sum(not row.refused for row in cassette.rows()) == asked
    cassette.close()
