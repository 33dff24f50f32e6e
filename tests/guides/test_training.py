"""The training guide's script, unmodified: live against the stand-in server, recorded, replayed with no server."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from guides.scripts import UNDER_A_CASSETTE, expected_output, run, without_timings
from synalinks.testing import OllamaServer

#: No server can listen there; a replay that asks for one fails.
NOWHERE = {"OLLAMA_HOST": "http://127.0.0.1:9"}


def without_the_models_words(printed: str) -> str:
    """Without what a language model decides: its answers, and the rewards they earn."""
    printed = re.sub(r"(reward): \d\.\d{4}", r"\1: _", without_timings(printed))
    return re.sub(r"(?m)^(Answer:|Loaded program test: 100 / 10 =) .*$", r"\1 _", printed)


def the_guides_output(shared: Path) -> str:
    """The block of the guide, up to its last line of output."""
    block = expected_output((shared / "seeds" / "guide_training.txt").read_text(encoding="utf-8"))
    last = re.search(r"(?m)^Loaded program test: .*$", block)
    assert last is not None
    return block[: last.end()]


def test_a_live_run_prints_the_guides_sections(shared: Path, tmp_path: Path) -> None:
    with OllamaServer() as server:
        printed = run(shared / "seeds" / "training.py", cwd=tmp_path, env={"OLLAMA_HOST": server.url})
    assert server.requests.models.keys() == {"llama3.2:latest"}
    # Two epochs of 6 training samples and 2 of validation, candidates on these 2, and 4 questions afterwards.
    assert 2 * (6 + 2) + 4 < server.requests.answered.calls <= 2 * (6 + 2 * 6 * 2 + 2) + 4
    assert without_the_models_words(printed).strip() == without_the_models_words(the_guides_output(shared))
    assert [path.name for path in tmp_path.iterdir()] == [], "the script removes what it saved"


def under_a_cassette(script: Path, cassette: str, mode: str) -> list[object]:
    return ["-c", UNDER_A_CASSETTE, script, cassette, mode]


def with_the_command(script: Path, cassette: str, mode: str) -> list[object]:
    return ["-m", "synalinks", "run", "--cassette", cassette, "--record-mode", mode, "--quiet", script]


@pytest.mark.parametrize("cassette", ["training.jsonl", "training.jsonl.gz"])
@pytest.mark.parametrize("how", [under_a_cassette, with_the_command])
def test_a_replay_without_a_server_prints_what_the_recording_printed(
    shared: Path, tmp_path: Path, how: Callable[[Path, str, str], list[object]], cassette: str
) -> None:
    script = shared / "seeds" / "training.py"
    with OllamaServer() as server:
        recorded = run(*how(script, cassette, "once"), cwd=tmp_path, env={"OLLAMA_HOST": server.url})
        asked = server.requests.number
    bytes_then = (tmp_path / cassette).read_bytes()
    replayed = run(*how(script, cassette, "none"), cwd=tmp_path, env=NOWHERE)
    assert without_timings(replayed) == without_timings(recorded)
    assert server.requests.number == asked
    assert (tmp_path / cassette).read_bytes() == bytes_then
    assert without_the_models_words(replayed).strip() == without_the_models_words(the_guides_output(shared))


def test_training_teaches_the_stand_in(shared: Path, tmp_path: Path) -> None:
    """The second epoch is shown the good answers of the first."""
    with OllamaServer() as server:
        printed = run(shared / "seeds" / "training.py", cwd=tmp_path, env={"OLLAMA_HOST": server.url})
    rewards = [float(found) for found in re.findall(r" - reward: (\d\.\d{4})", printed)]
    assert len(rewards) == 2
    assert rewards[1] > rewards[0]
