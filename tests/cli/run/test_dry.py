"""`synalinks run --dry-run` and what it shares with `synalinks estimate`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli.helpers import call, command
from guides.scripts import WITHOUT_NETWORK
from synalinks.lm.runtime import current

TRAIN = """
import asyncio, sys

import synalinks


class Question(synalinks.DataModel):
    question: str = synalinks.Field(description="The question")


class Answer(synalinks.DataModel):
    answer: int = synalinks.Field(description="The answer")


async def main():
    model = synalinks.LanguageModel(model=sys.argv[1], rpm=None if "recorded" in sys.argv[1] else 1)
    inputs = synalinks.Input(data_model=Question)
    outputs = await synalinks.Generator(data_model=Answer, language_model=model, name="solve")(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="solver")
    program.compile(optimizer=synalinks.RandomFewShot(), reward=synalinks.ExactMatch())
    x = [Question(question=f"number {n}") for n in range(6)]
    y = [Answer(answer=n + 1000) for n in range(6)]
    history = await program.fit(x, y, epochs=2, validation_split=0.34, verbose=0)
    print("stopped by", history.stopped_by)
    await program.evaluate(x, y, verbose=0)
    program.save("trained.json")
    if "raise" in sys.argv:
        raise RuntimeError("after the calls")


asyncio.run(main())
"""
CASSETTES = """
import asyncio, synalinks

model = synalinks.LanguageModel(model="ollama/m")

async def ask():
    return await model(synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hello")]))

for mode in ("once", "none"):
    with synalinks.use_cassette("own.jsonl", record_mode=mode) as cassette:
        asyncio.run(ask())
        print(mode, cassette.recorded, cassette.played)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "cassettes.py").write_text(CASSETTES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(printed: str) -> dict[str, list[str]]:
    """The rows of a dry run's table by phase."""
    body = printed.partition("nothing was billed.\n\n")[2].partition("\n\n")[0].splitlines()
    return {row.split()[0]: re.split(r" {2,}", row.strip()) for row in body if not row.startswith("-  ")}


def test_a_script_runs_without_server_key_or_waiting(folder: Path) -> None:
    done = call("run", "train.py", "--dry-run", "--", "openai/gpt-4o-mini")
    assert done.exit_code == 0, done.output
    assert "Dry run of train.py: an estimate." in done.output
    rows = table(done.output)
    assert [rows[phase][2] for phase in ("train", "validation", "evaluate")] == ["6", "6", "6"]
    assert int(rows["candidate"][2]) > 0, "rewards are such that an optimizer has something to propose"
    assert all(row[-1].startswith("$0.0") and row[-1] != "$0.0000" for name, row in rows.items() if name == "train")
    assert "Files that the script writes were written" in done.output
    assert (folder / "trained.json").is_file()
    assert current().provider is None


def test_no_socket_is_opened(folder: Path) -> None:
    runner = folder / "without_network.py"
    runner.write_text(WITHOUT_NETWORK.replace("sys.argv[1]", "'train.py'"))
    done = command("run", "--dry-run", runner.name, "ollama/m", cwd=folder, OLLAMA_HOST="127.0.0.1:9")
    assert done.returncode == 0, done.stderr
    assert table(done.stdout)["train"][2] == "6"


def test_an_unknown_price_is_not_0(folder: Path) -> None:
    done = call("run", "train.py", "--dry-run", "--", "openai/nobody-knows")
    assert table(done.output)["total"][-1] == "?"
    assert "its dollars are not known" in done.output
    assert "Unpriced: openai/nobody-knows" in done.output


def test_a_budget_that_is_enough_and_one_that_is_not(folder: Path) -> None:
    enough = call("run", "train.py", "--dry-run", "--budget", "5", "--", "openai/gpt-4o-mini")
    assert "The budget of $5.00 would have been enough: $0.0" in enough.output
    assert "stopped by None" in enough.output
    short = call("run", "train.py", "--dry-run", "--budget", "0.0005", "--", "openai/gpt-4o-mini")
    assert "The budget of $0.00050 would have ended the run" in short.output
    stopped = " ".join(short.output.partition("would have ended the run")[2].split())
    assert stopped.startswith("at epoch=1 step="), stopped
    assert "stopped by budget" in short.output


def test_a_budget_that_ends_training_alone_says_so_too(folder: Path) -> None:
    """What comes after the fit goes on with what is left; the training was ended all the same."""
    script = TRAIN.replace("range(6)", "range(40)").replace("sys.argv[1],", "sys.argv[1], max_tokens=9,")
    (folder / "longer.py").write_text(script)
    whole = call("run", "longer.py", "--dry-run", "--budget", "5", "--", "openai/gpt-4o-mini").output
    used = float(whole.partition("would have been enough: $")[2].split()[0])
    short = call("run", "longer.py", "--dry-run", "--budget", f"{0.6 * used:.6f}", "--", "openai/gpt-4o-mini")
    assert "stopped by budget" in short.output
    assert "evaluate" in table(short.output)
    assert "would have ended the run before epoch 2 of 2;" in " ".join(short.output.split())
    assert "tokens until its budget ended it" in short.output


def test_another_server_asks_nobody_knows_what(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", "https://gateway.example.com/v1")
    for words in (("run", "train.py", "--dry-run"), ("estimate", "train.py")):
        done = call(*words, "--", "openai/gpt-4o-mini")
        assert "Unpriced: openai/gpt-4o-mini" in done.output
        assert "$" not in done.output.replace("$0.0000", "")


def test_a_failing_script_has_its_status_and_its_bill(folder: Path) -> None:
    done = call("run", "train.py", "--dry-run", "--", "ollama/m", "raise")
    assert done.exit_code == 1
    assert "Dry run of train.py" in done.output


def test_the_ledger_can_be_written(folder: Path) -> None:
    done = call("run", "train.py", "--dry-run", "--quiet", "--bill", "bill.jsonl", "--", "ollama/m")
    assert "Dry run" not in done.output
    rows = [json.loads(line) for line in (folder / "bill.jsonl").read_text().splitlines()]
    assert {row["phase"] for row in rows} >= {"train", "validation", "evaluate"}


def test_cassettes_of_the_scripts_own_are_neither_played_nor_written(folder: Path) -> None:
    import synalinks
    from synalinks.lm import blocks

    real = blocks.use_cassette
    done = call("run", "cassettes.py", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "once 1 0\nnone 0 1\n" in done.output
    assert not (folder / "own.jsonl").exists()
    assert blocks.use_cassette is real is synalinks.use_cassette is synalinks.lm.use_cassette


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--dry-run", "--cassette", "t.jsonl"], "nothing for --cassette to do"),
        (["--dry-run", "--offline"], "nothing for --offline to do"),
        (["--learn-from", "train.py"], "give --dry-run too"),
        (["--dry-run", "--learn-from", "train.py"], "not a cassette"),
        (["--dry-run", "--learn-from", "nowhere.jsonl"], "does not exist"),
    ],
)
def test_options_that_contradict_are_refused(folder: Path, options: list[str], said: str) -> None:
    done = call("run", "train.py", *options, "--", "ollama/m")
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_lengths_are_learnt_from_a_cassette(folder: Path) -> None:
    import synalinks
    from synalinks.lm.core.call import Usage
    from synalinks.lm.providers.fake.scripted import ScriptedProvider

    said = ScriptedProvider(lambda call: {"answer": 1}, usage=Usage(input_fresh=77, output_text=33))
    with synalinks.use_provider(said):
        recorded = call("run", "train.py", "--cassette", "t.jsonl", "--quiet", "--", "ollama/recorded")
    assert recorded.exit_code == 0, recorded.output
    done = call("run", "train.py", "--dry-run", "--learn-from", "t.jsonl", "--", "ollama/recorded")
    rows = table(done.output)
    assert (rows["train"][2], rows["train"][4]) == ("6", str(6 * 33))
    assert "Measured in earlier answers: the lengths of ollama/recorded's answers to solve" in done.output


@pytest.mark.parametrize("guide", ["training", "reward_metrics_optimizers"])
def test_the_guides_run_dry(shared: Path, tmp_path: Path, guide: str) -> None:
    done = command("run", "--dry-run", shared / "seeds" / f"{guide}.py", cwd=tmp_path, OLLAMA_HOST="127.0.0.1:9")
    assert done.returncode == 0, done.stderr
    assert f"Dry run of {guide}.py" in done.stdout
    if guide == "training":
        assert [table(done.stdout)[phase][2] for phase in ("train", "validation")] == ["12", "4"]
    else:
        assert "no calls to models" in done.stdout


def test_the_tutorial_runs_dry(shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "gsm8k"
    if not source.is_dir():
        pytest.skip(f"the real records are not at {source}")
    (tmp_path / "data" / "gsm8k").mkdir(parents=True)
    for name, count in (("train.jsonl", 40), ("test.jsonl", 10)):
        lines = (source / name).read_text(encoding="utf-8").splitlines()[:count]
        (tmp_path / "data" / "gsm8k" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    script = shared / "seeds" / "gsm8k_training.py"
    done = command("run", "--dry-run", script, cwd=tmp_path, SYNALINKS_DATA_DIR=str(tmp_path / "data"))
    assert done.returncode == 0, done.stderr
    rows = table(done.stdout)
    assert [rows[phase][2] for phase in ("train", "validation", "evaluate")] == ["80", "20", "60"]
