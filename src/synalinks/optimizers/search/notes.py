"""Notes: what became of each candidate of a training, which a notebook shows as word differences."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import fmean
from typing import Self

from synalinks._base import html as _html
from synalinks._json import Json, JsonObject
from synalinks.optimizers.search.states import State

#: The outcome of a state that no other one led to.
START = "start"
#: Letters of a candidate's name, which is the beginning of the key of its state.
_LETTERS = 12
#: Notes kept of a training; then the oldest go.
NOTES_KEPT = 10_000


class Notes(list[JsonObject]):
    """The candidates of a training: `history.candidates`. In a notebook each is beside its parent, word by word.

    Example:
        >>> from synalinks.optimizers.search.notes import Notes
        >>> note = {"candidate": "b", "parents": ["a"], "reward": 0.5, "reward_count": 4, "outcome": "kept",
        ...         "changed": {"v": {"instructions": "Be exact."}}, "before": {"v": {"instructions": "Be brief."}}}
        >>> "<ins" in Notes([note])._repr_html_()
        True
    """

    _names: set[str]

    def __new__(cls, notes: Iterable[JsonObject] = ()) -> Self:
        made = super().__new__(cls)
        made._names = set()  # before pickle adds what was in the list
        return made

    def __init__(self, notes: Iterable[JsonObject] = ()) -> None:
        super().__init__()
        self.extend(notes)

    def append(self, note: JsonObject) -> None:
        """Add a note; the oldest goes where there are more than 10,000."""
        super().append(note)
        self._names.add(note["candidate"])
        if len(self) > NOTES_KEPT:
            self._names.discard(self.pop(0)["candidate"])

    def extend(self, notes: Iterable[JsonObject]) -> None:
        """Add notes, such as those of a run that was cut off."""
        for note in notes:
            self.append(note)

    def clear(self) -> None:
        """Drop all notes."""
        super().clear()
        self._names.clear()

    def add(
        self,
        state: State,
        outcome: str,
        parents: Sequence[State],
        rewards: Callable[[State], Iterable[float]],
        **more: Json,
    ) -> None:
        """Note what became of a candidate, after a note of each parent that has none.

        Args:
            state: of all trained variables.
            parents: the state that it differs from, then those that had a part in it, as in a merge.
            rewards: of a state, as far as they are known.
            more: further facts, JSON.
        """
        for parent in parents:
            if parent.key != state.key and parent.key[:_LETTERS] not in self._names:
                self._append(parent, START, (), rewards(parent))
        self._append(state, outcome, parents, rewards(state), **more)

    def _append(
        self, state: State, outcome: str, parents: Sequence[State], rewards: Iterable[float], **more: Json
    ) -> None:
        found = list(rewards)
        whole: JsonObject = {path: dict(candidate.fields) for path, candidate in state.candidates.items()}
        self.append(
            {
                "candidate": state.key[:_LETTERS],
                "parents": [parent.key[:_LETTERS] for parent in parents],
                "changed": state.changed(parents[0]) if parents else whole,
                "before": parents[0].changed(state) if parents else {},
                "reward": fmean(found) if found else None,
                "reward_count": len(found),
                "outcome": outcome,
                **more,
            }
        )

    @property
    def numbers(self) -> dict[str, int]:
        """The numbers of the candidates by their names, from 1, in the order in which they came."""
        return {name: number for number, name in enumerate(dict.fromkeys(note["candidate"] for note in self), 1)}

    def _repr_html_(self) -> str:
        numbers = self.numbers
        count = f"{len(numbers):,} {'candidate' if len(numbers) == 1 else 'candidates'}"
        return _html.block(count, *(_shown(note, numbers) for note in self))


def _shown(note: JsonObject, numbers: dict[str, int]) -> str:
    parents = [str(numbers.get(name, name)) for name in note.get("parents", ())]
    descent = f" from {' and '.join(parents)}" if parents else ""
    title = f"{numbers[note['candidate']]}{descent} ({note['candidate']}): {note['outcome']}, {_evidence(note)}"
    return _html.folded(title, "".join(_fields(note)) or _html.paragraph("The fields are those of its parent."))


def _evidence(note: JsonObject) -> str:
    reward, parent = note.get("reward"), note.get("parent_reward")
    if reward is None:
        return "no evidence"
    count = note["reward_count"]
    beside = "" if parent is None else f", its parent {parent:.3f} on the same"
    return f"reward {reward:.3f} on {count:,} {'sample' if count == 1 else 'samples'}{beside}"


def _fields(note: JsonObject) -> Iterator[str]:
    before = note.get("before", {})
    for path, fields in note.get("changed", {}).items():
        for name, value in fields.items():
            old = before.get(path, {}).get(name)
            shown = field_diff(old, value) if note.get("parents") else _html.paragraph(field_text(value) or "(none)")
            yield _html.block(f"{path} {name}", shown)


def field_diff(before: Json, after: Json) -> str:
    """HTML of what changed in a field: of a text word by word, of a list, such as examples, item by item."""
    items = isinstance(after, list)
    old, new = (f"{text}\n" if items and text else text for text in map(field_text, (before, after)))
    return _html.word_diff(old, new, whole_lines=items)


def field_text(value: Json) -> str:
    """The value of a field as lines of text: a list, such as examples, has a line for each item.

    Example:
        >>> from synalinks.optimizers.search.notes import field_text
        >>> print(field_text([{"inputs": {"problem": "2 + 2"}, "outputs": {"answer": 4}, "reward": None}]))
        {"problem": "2 + 2"} -> {"answer": 4}
    """
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(map(field_text, value))
    if isinstance(value, dict) and {"inputs", "outputs"} <= value.keys():
        return f"{_line(value['inputs'])} -> {_line(value['outputs'])}"
    return value if isinstance(value, str) else _line(value)


def _line(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
