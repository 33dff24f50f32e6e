"""Tests of `synalinks report`: one file, from each kind of file a run leaves, and nothing untrusted runs in it."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

import synalinks
from cli.helpers import call
from programs_under_test import compiled, data, fit, provider_of, solver
from synalinks.lm.core.call import Call
from synalinks.lm.providers.fake.scripted import prompt_of

EVIL = "</script><script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"


def answers(number: int, call: Call) -> Any:
    """Right, but for one number in the first epoch."""
    if number == 3 and call.scope.get("epoch") == 0:
        return {"answer": -1}
    return {"answer": number}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cassette, history, ledger, saved program and training state of one run."""
    folder = tmp_path_factory.mktemp("run")
    program = compiled()
    backup = synalinks.callbacks.BackupAndRestore(folder / "state", delete_checkpoint=False)
    with synalinks.use_cassette(folder / "a.jsonl", record_mode="all"):
        history = fit(program, provider_of(answers), *data(12), epochs=2, validation_split=0.25, callbacks=[backup])
    history.save(folder / "a.history.json")
    history.ledger.to_jsonl(folder / "a.ledger.jsonl")
    program.save(folder / "a.program.json")
    return folder


def report(output: Path, *words: object) -> tuple[str, dict[str, Any]]:
    """The page, and the JSON in it."""
    result = call("report", *words, "-o", output)
    assert result.exit_code == 0, result.output
    text = output.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return text, json.loads(found[1])


def test_one_run_of_all_its_files(folder: Path, tmp_path: Path) -> None:
    text, found = report(tmp_path / "r.html", folder)
    for part in ("Reward by epoch", "Reward by calls", "What each epoch took", "tokens/s", "1. in the pool: "):
        assert part in text
    assert "<details open><summary" in text, "the prompt of the only module is seen at once"
    for kind in ("cassette", "ledger", "history", "program"):
        assert f"({kind})" in text
    assert found["runs"] == [folder.name]
    calls = sum(talk["title"] != "reward" for sample in found["samples"] for talk in sample["talks"])
    assert calls == (folder / "a.jsonl").read_text().count('"reply"'), "each call is in one sample"


def test_a_sample_has_its_conversation_reward_and_flags(folder: Path, tmp_path: Path) -> None:
    _, found = report(tmp_path / "r.html", folder)
    texts = found["texts"]
    last = [s for s in found["samples"] if s["phase"] == "validation" and s["epoch"] == 2]
    assert len(last) == 3 and all(sample["reward"] == 1 and not sample["wrong"] for sample in last)
    (talk,) = last[0]["talks"]
    assert [who for who, _ in talk["said"]] == ["system", "user", "answer"]
    assert json.loads(texts[talk["said"][-1][1]]) == json.loads(texts[last[0]["prediction"]])
    assert last[0]["tokens"] > 0 and "question" in texts[last[0]["input"]]


def test_targets_and_rewards_are_those_of_the_history(folder: Path, tmp_path: Path) -> None:
    _, found = report(tmp_path / "r.html", folder / "a.jsonl", folder / "a.history.json")
    counted = [s for s in found["samples"] if s["phase"] in ("train", "validation")]
    assert {(s["phase"], s["epoch"], s["sample"]) for s in counted if s["wrong"]} == {("train", 1, 3)}
    for sample in counted:
        assert json.loads(found["texts"][sample["target"]]) == {"answer": sample["sample"]}
        assert sample["reward"] == (0 if sample["wrong"] else 1)


def test_candidates_have_their_parents(folder: Path, tmp_path: Path) -> None:
    text, _ = report(tmp_path / "r.html", folder)
    shown = html.unescape(text)
    assert re.search(r"2 from 1 \(\w{12}\): (no )?better, reward 1.000 on 3 samples, its parent \d", shown)
    assert re.search(
        r"2\. in the pool: candidate \d \(\w{12}\), reward 1.000 on \d samples, against candidate 1", shown
    )


def test_feedback_is_behind_the_conversation_that_it_is_about(folder: Path, tmp_path: Path) -> None:
    history = json.loads((folder / "a.history.json").read_text())
    (noted,) = [row for row in history["feedback"] if row["phase"] == "train"]
    _, found = report(tmp_path / "r.html", folder)
    told = [s for s in found["samples"] if s["talks"][-1]["title"] == "reward"]
    assert len(told) == len(history["feedback"])
    (sample,) = [s for s in told if s["phase"] == "train"]
    assert (sample["epoch"], sample["step"], sample["sample"]) == (1, noted["step"] + 1, 3)
    (said,) = sample["talks"][-1]["said"]
    assert said[0] == "feedback" and found["texts"][said[1]] == noted["feedback"] == "answer: expected 3, got -1"


@pytest.mark.parametrize("right", ["", "Answer.", "Better.", "both"])
def test_parent_and_child_have_each_their_own_feedback(right: str, tmp_path: Path) -> None:
    class Better(synalinks.optimizers.Optimizer):
        async def propose(self, variable: Any, step: Any) -> Any:
            return {"instructions": "Better."}

    def rule(number: int, call: Call) -> Any:
        texts = ("Answer.", "Better.")
        (place,) = [place for place, text in enumerate(texts) if text in prompt_of(call.request)]
        return {"answer": number if right in (texts[place], "both") else -1 - place}

    with synalinks.use_cassette(tmp_path / "a.jsonl", record_mode="all"):
        program = compiled(solver(instructions="Answer."), optimizer=Better())
        history = fit(program, provider_of(rule), *data(4), validation_split=0.5, batch_size=2)
    history.save(tmp_path / "a.history.json")
    _, found = report(tmp_path / "r.html", tmp_path)
    shown = [sample for sample in found["samples"] if sample["phase"] == "candidate"]
    assert len(shown) == 4
    for sample in shown:
        answer, own = json.loads(found["texts"][sample["prediction"]])["answer"], sample["talks"][-1]
        words = [found["texts"][number] for _, number in own["said"]] if own["title"] == "reward" else []
        assert words == ([f"answer: expected {sample['sample']}, got {answer}"] if answer < 0 else [])


def test_wrong_and_changed_samples_by_targets(folder: Path, tmp_path: Path) -> None:
    targets = tmp_path / "targets.jsonl"
    targets.write_text("".join(json.dumps({"answer": number}) + "\n" for number in range(12)))
    _, found = report(tmp_path / "r.html", folder / "a.jsonl", "--targets", targets)
    trained = [s for s in found["samples"] if s["phase"] == "train"]
    wrong = {(s["epoch"], s["sample"]) for s in trained if s["wrong"]}
    assert wrong == {(1, 3)}
    assert [(s["epoch"], s["sample"]) for s in trained if s["changed"]] == [(2, 3)]
    for sample in trained:
        assert json.loads(found["texts"][sample["target"]]) == {"answer": sample["sample"]}


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.ledger.jsonl", "a.history.json", "a.program.json", "state/training_state.json"]
)
def test_each_file_alone_is_a_report(folder: Path, tmp_path: Path, name: str) -> None:
    path = folder / name
    if not path.exists():
        pytest.skip(f"the run left no {name}")
    text, found = report(tmp_path / "r.html", path)
    assert path.name in text and (found["samples"] or not name.endswith(".jsonl"))


def test_files_of_one_name_are_one_run_and_others_are_side_by_side(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "b.history.json"
    other.write_bytes((folder / "a.history.json").read_bytes())
    text, found = report(tmp_path / "r.html", folder / "a.jsonl", folder / "a.history.json", other)
    assert found["runs"] == ["a", "b"]
    assert "a val_reward" in text and "b val_reward" in text


def test_nothing_of_a_prompt_is_markup(tmp_path: Path) -> None:
    program = compiled()
    program.trainable_variables[0].update({"instructions": EVIL})
    with synalinks.use_cassette(tmp_path / "evil.jsonl", record_mode="all"):
        history = fit(program, provider_of(answers), *data(8), validation_split=0.25)
    history.candidates = [{
        "candidate": EVIL, "parents": [], "outcome": EVIL, "reward": None, "changed": {EVIL: {EVIL: EVIL}}
    }]  # fmt: skip
    history.save(tmp_path / "evil.history.json")
    program.save(tmp_path / "evil.program.json")
    text, found = report(tmp_path / "r.html", tmp_path)
    assert any(EVIL in one for one in found["texts"]), "the prompt is in the report"
    assert EVIL not in text and "<img" not in text
    assert text.count("<script") == 2 and text.count("</script>") == 2
    assert "default-src 'none'" in html.unescape(text) and not re.search(r"<[^>]*(src|href)=", text)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.json", "{}", "none of a cassette, a ledger"),
        ("x.json", "no", "not JSON"),
        ("x.jsonl", '{"a": 1}\n', "line 1: no call of a cassette or a ledger"),
        ("x.jsonl", "no\n", "line 1: not JSON"),
    ],
)
def test_a_file_that_is_none_of_a_run(tmp_path: Path, name: str, content: str, words: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    result = call("report", path, "-o", tmp_path / "r.html")
    assert result.exit_code == 1 and words in result.output and "Traceback" not in result.output


def test_a_folder_without_files_and_a_place_that_can_not_be_written(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "has no file of a run" in call("report", empty).output
    result = call("report", folder / "a.jsonl", "-o", tmp_path / "no" / "r.html")
    assert result.exit_code == 1 and "can't write" in result.output


def test_what_no_file_has_is_named_with_what_writes_it(folder: Path, tmp_path: Path) -> None:
    text, _ = report(tmp_path / "r.html", folder / "a.jsonl")
    for part in ("history.save(", "--targets", "program.save("):
        assert part in html.unescape(text)
    assert "Not in these files" not in report(tmp_path / "r.html", folder)[0]


def test_a_checkpoint_alone_shows_the_predictions_it_holds(folder: Path, tmp_path: Path) -> None:
    text, found = report(tmp_path / "r.html", folder / "a.program.json")
    assert "use_cassette(" in text and found["samples"]
    assert {sample["reward"] for sample in found["samples"]} <= {0, 1}
    assert all(json.loads(found["texts"][sample["prediction"]]) for sample in found["samples"])


def test_candidates_have_the_reward_of_the_same_answer_elsewhere(folder: Path, tmp_path: Path) -> None:
    _, found = report(tmp_path / "r.html", folder / "a.jsonl", folder / "a.history.json")
    tried = [sample for sample in found["samples"] if sample["phase"] == "candidate"]
    assert tried and all(sample["reward"] == 1 and sample["inferred"] for sample in tried)
    assert not any("inferred" in sample for sample in found["samples"] if sample["phase"] != "candidate")


def test_models_without_a_price_have_their_speed(folder: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (folder / "a.jsonl").read_text().splitlines()]
    for row in rows[1:]:
        row["reply"] |= {"cost": "0", "seconds": 2.0, "machine_seconds": 1.0}
        row["reply"]["usage"] = {"input_fresh": 5, "output_text": 7}
    path = tmp_path / "free.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    text, _ = report(tmp_path / "r.html", path)
    assert "tokens/s" in text and "as if live" not in text and ">7</td>" in text
