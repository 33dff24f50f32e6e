"""`synalinks cassette diff`: rows are paired by what they are, and what changed is shown by module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from cli.helpers import call
from lm.cassette_helpers import Provider, at, chat, embed, record
from synalinks.lm.core.call import Call, Reply


class Echo(Provider):
    """Answers the same to the same; a word that is changed here is answered otherwise."""

    def __init__(self, other: str = "") -> None:
        super().__init__()
        self.other = other

    async def __call__(self, call: Call, /) -> Reply:
        reply = await super().__call__(call)
        if call.request.kind == "embed":
            return reply
        asked = str(call.request.messages[0]["content"])
        usage = replace(reply.usage, input_fresh=len(asked.split()))
        changed = " really" if self.other and self.other in asked else ""
        return replace(reply, text=f"I say{changed} {asked}", usage=usage, cost=Decimal("0.01"), billed=Decimal("0.01"))


def cassette(path: Path, calls: Sequence[Call], other: str = "") -> Path:
    record(path, calls, Echo(other))
    return path


def cells(output: str) -> dict[str, list[str]]:
    lines = output.split("\n\n")[0].splitlines()
    return {line.split()[0]: line.split()[1:] for line in lines if not line.startswith("-")}


def solver(text: str, sample: int, **place: object) -> Call:
    return at(chat(text), epoch=0, phase="train", sample=sample, module="solver", **place)


def test_cassettes_that_say_the_same_do_not_differ(tmp_path: Path) -> None:
    calls = [solver("one", 0), solver("two", 1), at(embed("x"), module="finder")]
    a, b = cassette(tmp_path / "a.jsonl", calls), cassette(tmp_path / "b.jsonl.gz", calls[::-1])
    done = call("cassette", "diff", a, b)
    assert done.exit_code == 0
    assert done.output == f"{a} and {b} hold the same calls and answers\n"


def test_a_changed_prompt_is_shown_by_its_words_once(tmp_path: Path) -> None:
    old = [solver(f"please add the numbers in case {i}", i) for i in range(3)]
    new = [solver(f"please add both numbers in case {i}", i) for i in range(3)]
    a = cassette(tmp_path / "a.jsonl", [*old, at(chat("rate it"), module="judge")])
    b = cassette(tmp_path / "b.jsonl", [*new, at(chat("rate it"), module="judge")])
    done = call("cassette", "diff", a, b)
    assert done.exit_code == 1
    assert cells(done.output)["solver"] == ["3", "3", "3", "30", "30", "$0.0300", "$0.0300"]
    assert cells(done.output)["judge"] == ["1", "1", "1", "5", "5", "$0.0100", "$0.0100"]
    assert "=== judge" not in done.output
    details = done.output.split("\n\n")[1].splitlines()
    assert details[0] == "=== solver"
    assert details[1].startswith("--- request: line 3 of A, line 3 of B (epoch=1 phase=train sample=0 module=solver)")
    assert "  user: please add [-the-]{+both+} numbers in case 0" in details


def test_the_same_change_of_many_prompts_is_told_once(tmp_path: Path) -> None:
    a = cassette(tmp_path / "a.jsonl", [solver("be brief", i) for i in range(9)])
    b = cassette(tmp_path / "b.jsonl", [solver("be long", i) for i in range(9)])
    output = call("cassette", "diff", a, b).output
    assert output.count("[-brief-]{+long+}") == 1
    assert "and in 8 other pairs" in output


def test_many_different_changes_are_counted(tmp_path: Path) -> None:
    a = cassette(tmp_path / "a.jsonl", [solver(f"old{i}", i) for i in range(9)])
    b = cassette(tmp_path / "b.jsonl", [solver(f"new{i}", i) for i in range(9)])
    output = call("cassette", "diff", a, b).output
    assert output.count("--- request: line") == 3
    assert "--- 6 other changes of requests" in output


def test_another_answer_is_no_other_request(tmp_path: Path) -> None:
    calls = [solver("one", 0), solver("two", 1)]
    a, b = cassette(tmp_path / "a.jsonl", calls), cassette(tmp_path / "b.jsonl", calls, other="two")
    output = call("cassette", "diff", a, b).output
    header = output.splitlines()[0]
    assert "other answer" in header
    assert "other request" not in header
    assert "--- answer: line 3 of A, line 3 of B" in output
    assert "  I say {+really +}two" in output


def test_what_moved_is_the_same_and_what_is_on_one_cassette_only_is_told(tmp_path: Path) -> None:
    a = cassette(tmp_path / "a.jsonl", [solver("one", 0), solver("two", 1), solver("gone", 2)])
    b = cassette(tmp_path / "b.jsonl", [solver("two", 0, step=7), solver("one", 1), at(chat("new"), module="judge")])
    output = call("cassette", "diff", a, b).output
    header = output.splitlines()[0]
    assert "other request" not in header
    figures = cells(output)
    # calls A, B, same, only A, only B (noughts are left out) | tokens A, B, B - A | cost A, B, B - A
    assert figures["solver"] == ["3", "2", "2", "1", "12", "8", "-4", "$0.0300", "$0.0200", "-$0.0100"]
    assert figures["judge"] == ["0", "1", "1", "0", "4", "+4", "$0.0000", "$0.0100", "+$0.0100"]
    assert figures["total"] == ["3", "3", "2", "1", "1", "12", "12", "$0.0300", "$0.0300"]


def test_other_sampling_options_are_a_change_of_the_request(tmp_path: Path) -> None:
    a = cassette(tmp_path / "a.jsonl", [at(chat("one", 0.7), module="m")])
    b = cassette(tmp_path / "b.jsonl", [at(chat("one", 0.2, model="fake/other"), module="m")])
    output = call("cassette", "diff", a, b).output
    assert "temperature: 0.[-7-]{+2+}" in output
    assert "model: fake/[-m-]{+other+}" in output


def test_looking_changes_nothing(tmp_path: Path) -> None:
    a, b = cassette(tmp_path / "a.jsonl", [solver("one", 0)]), cassette(tmp_path / "b.jsonl", [solver("two", 0)])
    before = a.read_bytes(), b.read_bytes()
    call("cassette", "diff", a, b)
    assert (a.read_bytes(), b.read_bytes()) == before
    assert len(list(tmp_path.iterdir())) == 2


def test_rows_of_one_place_are_paired_with_those_most_like_them(tmp_path: Path) -> None:
    """Outside a run every call of a module has the same place; the order of the cassette, by digest, says nothing."""
    problems = ["two and three", "nine less four", "six times seven"]
    old = [at(chat(f"do the sum: {text}"), module="solver") for text in problems]
    new = [at(chat(f"do the sum carefully: {text}"), module="solver") for text in [*problems, "one by two"]]
    done = call("cassette", "diff", cassette(tmp_path / "a.jsonl", old), cassette(tmp_path / "b.jsonl", new))
    changes = done.output.split("=== solver")[1]
    assert changes.count("do the sum{+ carefully+}:") == 3
    assert "[-" not in changes and "one by two" not in changes
    assert cells(done.output)["solver"][:4] == ["3", "4", "3", "1"]
