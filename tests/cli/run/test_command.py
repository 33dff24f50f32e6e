"""`synalinks run`, in processes of its own against the stand-in server, and its options."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.helpers import call, command
from synalinks.testing import Capacity, Fault, OllamaServer

SCRIPT = """
import asyncio, os, signal, sys

import synalinks


class Problem(synalinks.DataModel):
    problem: str = synalinks.Field(description="The problem")


class Answer(synalinks.DataModel):
    answer: str = synalinks.Field(description="The answer")


async def main():
    if "priced" in sys.argv:
        synalinks.set_price("ollama/m", input=1000, output=1000)
    model = synalinks.LanguageModel(model="ollama/m", retry=1)
    inputs = synalinks.Input(data_model=Problem)
    outputs = await synalinks.Generator(data_model=Answer, language_model=model)(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs)
    for problem in sys.argv[1].split(","):
        answer = await program(Problem(problem=problem))
        print(problem, "=", answer and answer["answer"])
    if "raise" in sys.argv:
        raise RuntimeError("after the calls")
    if "interrupt" in sys.argv:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ask.py").write_text(SCRIPT)
    return tmp_path


def test_record_then_replay_with_the_server_stopped(folder: Path) -> None:
    with OllamaServer() as server:
        live = command("run", "ask.py", "2 + 3,4 * 5", "--cassette", "t.jsonl", cwd=folder, OLLAMA_HOST=server.url)
        assert server.requests.number == 2
    assert live.returncode == 0, live.stderr
    answers, bill = live.stdout.split("\nThe bill of ask.py\n")
    assert answers.startswith("2 + 3 = ")
    assert "calls   2 (2 live)" in bill
    assert "t.jsonl (record mode once): 0 played, 2 recorded, 0 unplayed" in bill

    again = command(
        "run", "--cassette=t.jsonl", "--bill", "b.jsonl", "ask.py", "2 + 3", cwd=folder, OLLAMA_HOST=server.url
    )
    assert again.returncode == 0, again.stderr
    replayed, bill = again.stdout.split("\nThe bill of ask.py\n")
    assert replayed == answers.splitlines(keepends=True)[0]
    assert "calls   1 (0 live, 1 from the cassette)" in bill
    assert "1 played, 0 recorded, 1 unplayed" in bill
    (row,) = map(json.loads, (folder / "b.jsonl").read_text().splitlines())
    assert row["source"] == "cassette" and row["module"] == "generator"

    missing = command("run", "ask.py", "--offline", "--cassette", "t.jsonl", "2 + 3,9 - 1", cwd=folder)
    assert missing.returncode == 1
    assert "CassetteMiss: the cassette t.jsonl has no answer for this call" in missing.stderr
    assert "nearest: line" in missing.stderr and "at ask.py:" in missing.stderr
    assert "Traceback" not in missing.stderr
    assert "calls   1 (0 live, 1 from the cassette)" in missing.stdout


def test_a_budget_ends_the_script_and_the_bill_says_so(folder: Path) -> None:
    # A call is bounded at about $0.5 and costs about $0.07: the first fits, and soon none does.
    problems = ",".join(f"{n} + 3" for n in range(12))
    with OllamaServer() as server:
        done = command("run", "ask.py", "--budget", "0.7", problems, "priced", cwd=folder, OLLAMA_HOST=server.url)
        sent = server.requests.number
    assert done.returncode == 1
    assert done.stderr.startswith("\nBudgetExceeded: the budget (--budget) is used up")
    assert 1 <= sent < 12
    assert f"calls   {sent} ({sent} live)" in done.stdout
    assert "of $0.7000 used; it ended the run" in done.stdout


def test_ctrl_c_ends_with_130_and_the_bill(folder: Path) -> None:
    with OllamaServer() as server:
        done = command(
            "run", "ask.py", "2 + 3", "interrupt", "--cassette", "t.jsonl", cwd=folder, OLLAMA_HOST=server.url
        )
    assert done.returncode == 130
    assert done.stderr == "\nInterrupted.\n"
    assert "1 recorded" in done.stdout
    assert len((folder / "t.jsonl").read_text().splitlines()) == 2


def test_an_error_of_the_script_keeps_its_traceback_and_the_bill(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with OllamaServer() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        done = call("run", folder / "ask.py", "2 + 3", "raise")
    assert done.exit_code == 1
    assert "RuntimeError: after the calls" in done.stderr and "runpy" not in done.stderr
    assert "calls   1 (1 live)" in done.stdout


def test_offline_forbids_live_calls_and_leaves_no_empty_cassette(folder: Path) -> None:
    cassette = folder / "new.jsonl"
    done = call("run", folder / "ask.py", "2 + 3", "--offline", "--cassette", cassette)
    assert done.exit_code == 1
    assert "OfflineError: 'ollama/m'" in done.stderr
    assert "not kept, for it holds no answer" in done.stdout
    assert not cassette.exists()


@pytest.mark.filterwarnings("ignore::synalinks.LMWarning")
def test_a_cassette_of_nothing_but_failures_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with OllamaServer() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
    cassette = folder / "new.jsonl"
    done = call("run", folder / "ask.py", "2 + 3", "--cassette", cassette)
    assert "failed  1 (1 connection)" in done.stdout
    assert not cassette.exists()


def test_failures_are_left_off_the_cassette_where_that_is_asked(folder: Path) -> None:
    """Needs `--no-record-errors`: the cassette would hold the failure, and its replay fail as recorded."""
    with OllamaServer(faults=[Fault(every=2, status=500)]) as server:
        at = {"cwd": folder, "OLLAMA_HOST": server.url, "PYTHONWARNINGS": "default"}
        command("run", "ask.py", "2 + 3,4 * 5", "--cassette", "with.jsonl", **at)
        command("run", "ask.py", "2 + 3,4 * 5", "--cassette", "without.jsonl", "--no-record-errors", **at)
    lines = {name: (folder / f"{name}.jsonl").read_text().splitlines() for name in ("with", "without")}
    rows = {name: [json.loads(line) for line in lines[name]] for name in lines}
    assert [sum("error" in row for row in rows[name]) for name in rows] == [1, 0]
    assert [sum("reply" in row for row in rows[name]) for name in rows] == [1, 1]
    replay = command("run", "ask.py", "2 + 3,4 * 5", "--cassette", "without.jsonl", cwd=folder)
    assert "has no answer for this call" in replay.stderr


def test_options_stand_before_or_after_the_script_and_the_rest_is_the_scripts(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text("import sys; print(sys.argv[1:])")
    script = tmp_path / "s.py"
    for words, given in [
        (["--quiet", script, "a", "-x", "--lr", "0.1"], ["a", "-x", "--lr", "0.1"]),
        ([script, "a", "--quiet", "--lr=0.1"], ["a", "--lr=0.1"]),
        (["--quiet", script, "--", "--budget", "3", "--offlin"], ["--budget", "3", "--offlin"]),
    ]:
        assert call("run", *words).output == f"{given}\n"


def test_the_status_of_the_script_is_that_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text("import sys; sys.exit(3)")
    done = call("run", tmp_path / "s.py")
    assert done.exit_code == 3
    assert "calls   none" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--budgett", "1", "s.py"], "Did you mean --budget?"),
        (["s.py", "--offlin"], "Did you mean --offline?"),
        (["-x", "s.py"], "No such option '-x'"),
        (["no.py"], "'no.py' does not exist"),
        (["."], "without a __main__.py"),
        (["s"], "Did you mean s.py?"),
        (["run.jsonl"], "A cassette goes by --cassette FILE"),
        (["book.ipynb"], "jupyter nbconvert --to script"),
        (["s.py", "--record-mode", "none"], "give --cassette FILE too"),
        (["s.py", "--cassette", "t.jsonl", "--record-mode", "some"], "'some' is not one of"),
        (["s.py", "--budget", "much"], "not an amount of money: 'much'"),
        (["s.py", "--bill", "no/where.jsonl"], "'no/where.jsonl' can't be written"),
    ],
)
def test_wrong_options_are_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    (tmp_path / "s.py").write_text("print('it ran')")
    monkeypatch.chdir(tmp_path)
    done = call("run", *words)
    assert done.exit_code == 2
    assert told in done.stderr and "it ran" not in done.output


def test_a_cassette_that_is_not_there_is_said_before_the_script_runs(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text("print('it ran')")
    done = call("run", tmp_path / "s.py", "--cassette", tmp_path / "no.jsonl", "--record-mode", "none")
    assert done.exit_code == 1
    assert "there is no cassette" in done.stderr and "it ran" not in done.output


def test_the_bill_says_once_with_what_context_a_local_model_was_loaded(folder: Path) -> None:
    with OllamaServer(capacity=Capacity()) as server:
        words = ("run", "ask.py", "2 + 3,4 * 5", "--cassette", "t.jsonl")
        live = command(*words, cwd=folder, OLLAMA_HOST=server.url)
        assert live.stdout.count("model   m:latest (context 4,096)") == 1, live.stdout
        asked = [record.path for record in server.requests if not record.number]
        assert asked == ["/api/version", "/api/ps"], "once, after the script"
        replayed = command(*words, cwd=folder, OLLAMA_HOST=server.url)
        quiet = command("run", "ask.py", "7 + 1", "--quiet", cwd=folder, OLLAMA_HOST=server.url)
        assert "model   " not in replayed.stdout and quiet.returncode == 0
        assert [record.path for record in server.requests if not record.number] == asked
