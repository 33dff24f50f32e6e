"""Tests of datasets of Hugging Face: files of this machine, read by its library."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import MODEL, Answer, Question
from synalinks.datasets import HuggingFaceDataset, load_split
from synalinks.errors import ConfigurationError, DataError, OfflineError

MODELS: dict[str, Any] = {"input_data_model": Question, "output_data_model": Answer}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Two splits as files, and the keywords that load them."""
    config = pytest.importorskip("datasets.config", reason="the extra huggingface is not installed")
    monkeypatch.setattr(config, "HF_DATASETS_CACHE", tmp_path / "cache")
    for split, count in (("train", 5), ("test", 2)):
        rows = [{"question": f"{split}{i}", "answer": i} for i in range(count)]
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return {
        "path": "json",
        "data_files": {split: str(tmp_path / f"{split}.jsonl") for split in ("train", "test")},
        "cache_dir": str(tmp_path / "cache"),
    }


def test_a_split_as_a_stream(files: dict[str, Any]) -> None:
    data = synalinks.HuggingFaceDataset(**files, split="train", batch_size=2, **MODELS)
    assert [[one.question for one in x] for x, _ in data] == [["train0", "train1"], ["train2", "train3"], ["train4"]]
    assert sum(1 for _ in data()) == 3
    with pytest.raises(TypeError, match="a stream of unknown length; give limit="):
        len(data)
    assert len(HuggingFaceDataset(**files, split="train", limit=3, batch_size=2, **MODELS)) == 2
    assert [len(x) for x, _ in list(data)] == [2, 2, 1], "list() asks for the length first"


def test_all_splits_one_after_another(files: dict[str, Any]) -> None:
    data = HuggingFaceDataset(**files, streaming=False, repeat=2, limit=6, **MODELS)
    x, _ = data.materialize()
    assert [one.question for one in x[::2]] == ["train0", "train1", "train2", "train3", "train4", "test0"]
    assert len(data) == 12


def test_templates_and_a_split_at_once(files: dict[str, Any]) -> None:
    x, y = load_split(
        **files,
        split="test",
        input_data_model=Question,
        input_template='{"question": {{ (question ~ "?") | tojson }}}',
        output_data_model=Answer,
        output_template='{"answer": {{ answer }}}',
    )
    assert ([one.question for one in x], [one.answer for one in y]) == (["test0?", "test1?"], [0, 1])
    template = '{"question": {{ question | tojson }}}'
    (x,) = load_split(**files, split="test", input_data_model=Question, input_template=template, limit=1)
    assert len(x) == 1


def test_a_program_is_evaluated_on_a_stream_of_unknown_length(files: dict[str, Any]) -> None:
    async def main() -> dict[str, float]:
        inputs = synalinks.Input(data_model=Question)
        generator = synalinks.Generator(data_model=Answer, language_model=synalinks.LanguageModel(model=MODEL))
        program = synalinks.Program(inputs=inputs, outputs=await generator(inputs))
        program.compile(reward=synalinks.rewards.ExactMatch())
        values: dict[str, float] = await program.evaluate(
            x=HuggingFaceDataset(**files, split="test", **MODELS), verbose=0
        )
        return values

    model = synalinks.testing.TableModel(
        {"test0": 0, "test1": 1}, law=synalinks.testing.Law(base=1.0, ceiling=1.0, spread=0.0)
    )
    with synalinks.testing.OllamaServer(env=True, model=model):
        assert asyncio.run(main())["reward"] == 1.0


def test_what_can_not_be_loaded(files: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"HuggingFaceDataset\('json'\) can't be loaded"):
        HuggingFaceDataset("json", data_files=str(tmp_path / "absent.jsonl"), split="train", **MODELS)
    with pytest.raises(DataError, match="can't be loaded"):
        HuggingFaceDataset(**files, split="validation", **MODELS)
    with synalinks.offline(), pytest.raises(OfflineError, match=r"\('someone/something'\) would be fetched"):
        HuggingFaceDataset("someone/something", **MODELS)
    with synalinks.offline():
        assert next(iter(HuggingFaceDataset(**files, split="test", **MODELS)))[0][0].question == "test0"


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ConfigurationError, match=r"synalinks-replay\[huggingface\]"):
        HuggingFaceDataset("json", **MODELS)
