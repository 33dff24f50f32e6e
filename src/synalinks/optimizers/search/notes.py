"""Notes: what became of each candidate of a search, which a notebook shows as word differences."""

from __future__ import annotations

from collections.abc import Iterator

from synalinks import _json
from synalinks._base import html as _html
from synalinks._json import Json, JsonObject


class Notes(list[JsonObject]):
    """The candidates of a search: `history.candidates`. In a notebook each is beside its parent, word by word.

    Example:
        >>> from synalinks.optimizers.search.notes import Notes
        >>> note = {"candidate": "b", "parents": ["a"], "reward": 0.5, "reward_count": 4, "outcome": "kept",
        ...         "changed": {"v": {"instructions": "Be exact."}}, "before": {"v": {"instructions": "Be brief."}}}
        >>> "<ins" in Notes([note])._repr_html_()
        True
    """

    def _repr_html_(self) -> str:
        count = f"{len(self):,} {'candidate' if len(self) == 1 else 'candidates'}"
        return _html.block(count, *(_shown(note) for note in self))


def _shown(note: JsonObject) -> str:
    reward = note.get("reward")
    evidence = "no evidence" if reward is None else f"reward {reward:.3f} on {note['reward_count']:,} samples"
    parents = f", from {', '.join(note['parents'])}" if note.get("parents") else ""
    title = f"{note['candidate']}{parents}: {note['outcome']}, {evidence}"
    return _html.folded(title, "".join(_fields(note)) or _html.paragraph("The fields are those of its parent."))


def _fields(note: JsonObject) -> Iterator[str]:
    before = note.get("before", {})
    for path, fields in note.get("changed", {}).items():
        for name, value in fields.items():
            old = before.get(path, {}).get(name)
            yield _html.block(f"{path} {name}", _html.word_diff(_words(old), _words(value)))


def _words(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _json.pretty(value)
