"""Tests of the notes on candidates: each parent once before its children, at the same cost however many there are."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from synalinks.optimizers import Candidate, State
from synalinks.optimizers.search import Notes
from synalinks.optimizers.search import notes as notes_module


def state(name: str) -> State:
    return State({"generator/state": Candidate({"instructions": name, "examples": []})})


def add(notes: Notes, child: str, *parents: str) -> None:
    notes.add(state(child), "kept", [state(parent) for parent in parents], lambda _: [0.5])


def outcomes(notes: Notes) -> list[tuple[Any, str]]:
    return [(note["changed"]["generator/state"]["instructions"], note["outcome"]) for note in notes]


def extended(notes: Notes) -> Notes:
    restored = Notes()
    restored.extend(notes)
    return restored


def refilled(notes: Notes) -> Notes:
    before = list(notes)
    notes.clear()
    add(notes, "b", "a")
    assert list(notes) == before
    return notes


@pytest.mark.parametrize(
    "again",
    [lambda notes: notes, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n)), Notes, extended, refilled],
)
def test_a_parent_is_noted_once_before_its_children(again: Any) -> None:
    notes = Notes()
    add(notes, "b", "a")
    notes = again(notes)
    add(notes, "c", "a", "b")
    add(notes, "d", "x")
    assert outcomes(notes) == [("a", "start"), ("b", "kept"), ("c", "kept"), ("x", "start"), ("d", "kept")]


def test_a_note_is_added_without_a_look_at_the_others() -> None:
    class Unread(Notes):
        def __iter__(self) -> Iterator[Any]:
            raise AssertionError("read")

    notes = Unread.__new__(Unread)
    notes._names = set()
    for number in range(50):
        add(notes, f"{number + 1}", f"{number}")
    assert len(notes) == 51


def test_the_oldest_notes_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes_module, "NOTES_KEPT", 3)
    notes = Notes()
    for child in "bcdef":
        add(notes, child, "a")
    assert len(notes) == 3 and outcomes(notes)[-1] == ("f", "kept")
