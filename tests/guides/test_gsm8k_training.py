"""The GSM8K tutorial's script, unmodified, on the first real records: live, then from its cassette with no server."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path

import pytest

from guides.scripts import UNDER_A_CASSETTE, run, without_timings
from synalinks.datasets.built_in.mappings import parse_solution
from synalinks.testing import OllamaServer, TableModel

N_TRAIN, N_TEST, BATCH = 70, 40, 32
#: No server can listen there; a replay that asks for one fails.
NOWHERE = "http://127.0.0.1:9"
FOLDER = Path("examples") / "training_programs"
PICTURES = {
    "gsm8k_baseline.png",
    "evaluation_metrics_with_mean_and_std.png",
    "gsm8k_baseline_training_history.png",
    "gsm8k_evaluation_comparison.png",
}


def first_records(shared: Path, folder: Path) -> dict[str, float]:
    """Write the first records of both files to a data directory; gives their answers."""
    source = shared / "data" / "gsm8k"
    if not source.is_dir():
        pytest.skip(f"the real records are not at {source}")
    (folder / "gsm8k").mkdir(parents=True)
    answers: dict[str, float] = {}
    for name, count in (("train.jsonl", N_TRAIN), ("test.jsonl", N_TEST)):
        lines = (source / name).read_text(encoding="utf-8").splitlines()[:count]
        (folder / "gsm8k" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        for record in map(json.loads, lines):
            answers[record["question"]] = parse_solution(record["answer"])[1]
    return answers


def test_the_tutorial_runs_live_and_from_its_cassette(shared: Path, tmp_path: Path) -> None:
    answers = first_records(shared, tmp_path / "data")
    command = ["-c", UNDER_A_CASSETTE, shared / "seeds" / "gsm8k_training.py", tmp_path / "cassette.jsonl"]
    env = {"SYNALINKS_DATA_DIR": str(tmp_path / "data")}
    live, replay = tmp_path / "live", tmp_path / "replay"
    for folder in (live, replay):
        folder.mkdir()
    with OllamaServer(model=TableModel(answers)) as server:
        printed = run(*command, "once", cwd=live, env={**env, "OLLAMA_HOST": server.url})
        asked = server.requests.number
    again = run(*command, "none", cwd=replay, env={**env, "OLLAMA_HOST": NOWHERE})

    # Six evaluations, two epochs with validation, and candidates on four validation samples each.
    steps = 2 * -(-N_TRAIN // BATCH)
    free = 6 * N_TEST + 2 * (N_TRAIN + N_TEST)
    assert free < asked <= free + 2 * steps * 4
    assert without_timings(again) == without_timings(printed)

    written = {path.name for path in (live / FOLDER).iterdir()}
    assert written == {*PICTURES, "checkpoint.program.json"}
    for name in written:
        assert (live / FOLDER / name).read_bytes() == (replay / FOLDER / name).read_bytes(), name

    rewards = [float(found) for found in re.findall(r"step - reward: (\d\.\d{4})$", printed, re.MULTILINE)]
    assert len(rewards) == 6
    assert statistics.mean(rewards[3:]) > statistics.mean(rewards[:3]) + 0.2
    assert len(set(rewards)) > 2, "evaluations at a temperature are samples, not copies of one another"


def test_the_checkpoint_is_that_of_the_best_epoch(shared: Path, tmp_path: Path) -> None:
    """The program that `program.load` restores is the one whose validation reward was the best."""
    answers = first_records(shared, tmp_path / "data")
    script = (shared / "seeds" / "gsm8k_training.py").read_text(encoding="utf-8")
    after = "    program.load(os.path.join(FOLDER, checkpoint_filepath))\n"
    assert after in script
    told = (
        "    import json\n"
        "    saved = json.load(open(os.path.join(FOLDER, checkpoint_filepath)))['variables']\n"
        "    print('BEST', max(history.history['val_reward']), program_checkpoint_callback.best)\n"
        "    print('SAME', json.loads(json.dumps(program.get_state_tree())) == saved)\n"
    )
    (tmp_path / "script.py").write_text(script.replace(after, after + told).replace("NB_RUNS = 3", "NB_RUNS = 1"))
    with OllamaServer(model=TableModel(answers)) as server:
        env = {"SYNALINKS_DATA_DIR": str(tmp_path / "data"), "OLLAMA_HOST": server.url}
        printed = run("-W", "ignore::ResourceWarning", tmp_path / "script.py", cwd=tmp_path, env=env)
    best, kept = re.search(r"BEST (\S+) (\S+)", printed).groups()  # type: ignore[union-attr]
    assert float(best) == float(kept)
    assert "SAME True" in printed
