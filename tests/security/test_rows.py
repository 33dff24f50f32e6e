"""Rows of a cassette are checked before they are played, charged or shown, as `synalinks cassette check` does."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import synalinks
from cli.helpers import call
from synalinks.errors import CassetteFormatError
from synalinks.lm.core.reply import Reply

CHAT = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hi")])


class Answers:
    """Answers at once, for money."""

    name = "answers"

    async def __call__(self, call: synalinks.lm.Call, /) -> Reply:
        vectors = tuple(b"\0\0\x80?" for _ in call.request.texts)
        return Reply(text="hello", finish="stop", vectors=vectors)


def ask() -> Any:
    return asyncio.run(synalinks.LanguageModel("scripted/m", caching=False)(CHAT))


def embed() -> Any:
    return asyncio.run(synalinks.EmbeddingModel("scripted/e", caching=False)(["a"]))


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "calls.jsonl"
    with synalinks.use_provider(Answers()), synalinks.use_cassette(path, record_mode="once"):
        ask()
    return path


def change(path: Path, place: str, value: Any) -> None:
    header, line = path.read_text(encoding="utf-8").splitlines()
    row = json.loads(line)
    *parents, name = place.split(".")
    at = row
    for parent in parents:
        at = at.setdefault(parent, {})
    at[name] = value
    path.write_text(f"{header}\n{json.dumps(row)}\n", encoding="utf-8")


WRONG: list[tuple[str, Any]] = [
    *[("reply.cost", cost) for cost in ("-5", "NaN", "Infinity", "1e999999", "1e-999999", "five", -5, [], {}, "", "٣")],
    *[("reply.wasted", cost) for cost in ("-1", "sNaN", True, [])],
    *[("reply.wasted_tokens", count) for count in (-1, 1.5, "1", None, 10**40)],
    *[("reply.attempts", count) for count in (-1, None, "2", True)],
    *[("reply.uncertain_attempts", count) for count in (-1, "x")],
    *[("reply.seconds", seconds) for seconds in (-1, "1", 1e300, 10**400)],
    *[("reply.usage.input_fresh", count) for count in (-7, "7", 0.5)],
    ("reply.usage", []),
    ("reply.text", None),
    ("reply.text", 5),
    ("reply.tool_calls", [1]),
    ("reply.chunks", [["a"]]),
    ("reply.extra", []),
    *[("settled.usd", usd) for usd in ("-5", None)],
    ("settled", {"usd": "1"}),
    ("draw", -1),
    ("scope.epoch", "0"),
    ("scope.module", 3),
    ("capped", -1),
    ("error", {}),
]


@pytest.mark.parametrize(("place", "value"), WRONG)
def test_a_wrong_field_is_told_with_file_and_line(place: str, value: Any, recorded: Path) -> None:
    change(recorded, place, value)
    with pytest.raises(CassetteFormatError, match=r"calls\.jsonl, line 2"), synalinks.use_cassette(recorded):
        ask()
    checked = call("cassette", "check", recorded)
    assert checked.exit_code == 1 and "line 2: " in checked.output and "Traceback" not in checked.output


def test_a_negative_cost_gives_a_budget_nothing_back(recorded: Path) -> None:
    change(recorded, "reply.cost", "-5")
    with synalinks.use_budget("1") as budget:
        with (
            pytest.raises(CassetteFormatError, match="reply.cost must be a finite number"),
            synalinks.use_cassette(recorded),
        ):
            ask()
        assert budget.charged.usd == 0


FAILURE = {"class": "ServerError", "message": "m", "kind": "server", "attempts": 1, "wasted": "0", "wasted_tokens": 0}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("class", "SystemExit"),
        ("class", "LMError.__init__"),
        ("class", 4),
        ("kind", None),
        ("status", "500"),
        ("retry_after", -1),
        ("uncertain", "yes"),
        ("attempts", -1),
        ("wasted", "-3"),
        ("heard", [1]),
        ("reply", {"cost": "-5"}),
    ],
)
def test_a_wrong_failure_is_told(name: str, value: Any, recorded: Path) -> None:
    header, line = recorded.read_text(encoding="utf-8").splitlines()
    row = json.loads(line)
    del row["reply"]
    row["error"] = {**FAILURE, name: value}
    recorded.write_text(f"{header}\n{json.dumps(row)}\n", encoding="utf-8")
    with pytest.raises(CassetteFormatError, match=rf"line 2: error\.{name}"), synalinks.use_cassette(recorded):
        ask()


@pytest.mark.parametrize("place", ["vectors", "tokens", "costs"])
def test_embeddings_have_an_item_a_text(place: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    with synalinks.use_provider(Answers()), synalinks.use_cassette(path, record_mode="once"):
        embed()
    change(path, f"reply.{place}", [])
    with pytest.raises(CassetteFormatError, match=rf"reply\.{place}"), synalinks.use_cassette(path):
        embed()
    change(path, f"reply.{place}", ["-5"])
    with pytest.raises(CassetteFormatError, match=rf"reply\.{place}"), synalinks.use_cassette(path):
        embed()


@pytest.mark.parametrize("vector", ["AAAA", "AAAAgAA=", "AACAPwA=", "AACA Pw=", "AACAPw"])
def test_a_vector_is_whole_float32_numbers(vector: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    with synalinks.use_provider(Answers()), synalinks.use_cassette(path, record_mode="once"):
        embed()
    change(path, "reply.vectors", ["AACAPwAAgD8="])
    with synalinks.use_cassette(path):
        embed()
    change(path, "reply.vectors", [vector])
    with pytest.raises(CassetteFormatError, match=r"reply\.vectors.* float32"), synalinks.use_cassette(path):
        embed()


def test_a_row_nested_too_deeply_is_told(recorded: Path) -> None:
    value: Any = 1
    for _ in range(300):
        value = [value]
    change(recorded, "reply.extra", {"a": value})
    with pytest.raises(CassetteFormatError, match="nested deeper"), synalinks.use_cassette(recorded):
        ask()
