"""The samples of a run, each with its conversation, as JSON for the page. Texts are held once each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from synalinks import _json
from synalinks._json import Json, JsonObject
from synalinks.cli.cassette.conversation import answer, asked, words
from synalinks.cli.report.files import RunFiles
from synalinks.lm.cassette.rows import Row
from synalinks.scope import counted

#: Where a call belongs.
Place = tuple[int | None, int | None, str | None, int | None]
#: The phase in which one candidate after another answers a sample in the same place.
_CANDIDATE = "candidate"
#: Phases whose samples have a target.
_WITH_TARGETS = ("train", _CANDIDATE, "validation", "evaluate")
#: Characters of a cell of the table; the conversation has the whole.
_CELL = 400


class Texts:
    """Texts by number, each once: prompts repeat from sample to sample."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a text."""
        found = self._numbers.setdefault(text, len(self.all))
        if found == len(self.all):
            self.all.append(text)
        return found


@dataclass
class _Sample:
    """The calls of a sample in a place, by one candidate where several answered it there."""

    place: Place
    calls: list[tuple[Row | None, JsonObject]]

    @property
    def digests(self) -> list[str]:
        """Of the requests."""
        return sorted(row.digest for row, _ in self.calls if row is not None)

    def has_begun_anew(self, row: Row | None) -> bool:
        """Whether a call is of another candidate: of a module with the same request again, or with another prompt."""
        if row is None:
            return False
        module, before = row.scope.get("module"), (one for one, _ in self.calls if one is not None)
        same = (one for one in before if one.scope.get("module") == module)
        return any(one.digest == row.digest or _prompt(one) != _prompt(row) for one in same)


def _prompt(row: Row) -> str:
    """What a module says to its model with every input."""
    return "\n".join(text for heading, text in asked(row.request) if heading == "system")


def samples_of(run: RunFiles, targets: Sequence[Json] | None, texts: Texts) -> list[JsonObject]:
    """A JSON object per sample, in the order of the run."""
    rewards, known, feedback = _rewards(run.history), _targets(run.history, targets), _feedback(run.history)
    before: dict[tuple[object, ...], str] = {}
    found = []
    grouped = list(_grouped(run))
    count = Counter(sample.place for sample in grouped)
    for sample in grouped:
        digests = sample.digests if count[sample.place] > 1 else None  # else of the only candidate
        told = next((told for calls, told in feedback.get(sample.place, ()) if digests in (None, calls)), None)
        epoch, _, phase, index = sample.place
        reward = rewards.get((epoch, phase, index)) if told is None else told[0]
        shown = _shown(sample, known, reward, texts)
        if told is not None:
            shown["talks"].append({"title": "reward", "said": [["feedback", texts.number(told[1])]]})
        key = (phase, index)
        predicted = texts.all[shown["prediction"]]
        comparable = epoch is not None and index is not None and phase != _CANDIDATE
        shown["changed"] = comparable and before.setdefault(key, predicted) != predicted
        before[key] = predicted
        found.append(shown)
    _candidates_rewards(found)
    return found or list(_kept_by_variables(run, texts))


def _candidates_rewards(samples: Sequence[JsonObject]) -> None:
    """Give candidates' samples the reward that the same answer to the same sample has elsewhere in the run.

    A history has rewards by epoch, phase and sample, and several candidates answer a sample in one place. The page
    marks these rewards: a judge may have given another.
    """
    found: dict[tuple[int, int], set[float]] = {}
    for sample in samples:
        if sample["reward"] is not None and sample["sample"] is not None:
            found.setdefault((sample["sample"], sample["prediction"]), set()).add(sample["reward"])
    for sample in samples:
        rewards = found.get((sample["sample"], sample["prediction"]), ())
        if sample["phase"] == _CANDIDATE and sample["reward"] is None and len(rewards) == 1:
            (reward,) = rewards
            sample |= {"reward": reward, "wrong": bool(sample["failed"]) or reward < 1, "inferred": True}


def _kept_by_variables(run: RunFiles, texts: Texts) -> Iterator[JsonObject]:
    """The scored predictions that a program's variables hold, where no file of the run has calls."""
    for path, value in run.variables.items():
        for one in (*value.get("predictions", ()), *value.get("current_predictions", ())):
            reward = one.get("reward")
            yield {
                "epoch": None,
                "step": None,
                "phase": "train",
                "sample": None,
                "modules": [path],
                "input": texts.number(_json.pretty(one.get("inputs"))),
                "prediction": texts.number(_json.pretty(one.get("outputs"))),
                "target": None,
                "reward": reward,
                "wrong": reward is not None and reward < 1,
                "failed": "",
                "changed": False,
                "tokens": None,
                "seconds": None,
                "talks": [],
            }


def _grouped(run: RunFiles) -> Iterator[_Sample]:
    groups: dict[object, _Sample] = {}
    found: list[_Sample] = []
    rows: Sequence[Row | None] = run.rows or [None] * len(run.entries)
    for number, (row, entry) in enumerate(zip(rows, run.entries, strict=True)):
        place = (entry.get("epoch"), entry.get("step"), entry.get("phase"), entry.get("sample"))
        key: object = place if entry.get("sample") is not None else number
        group = groups.get(key)
        if group is None or (entry.get("phase") == _CANDIDATE and group.has_begun_anew(row)):
            group = groups[key] = _Sample(place, [])
            found.append(group)
        group.calls.append((row, entry))
    return iter(sorted(found, key=_order))


def _order(sample: _Sample) -> tuple[float, float]:
    """By epoch and step; an epoch's validation after its steps, and what has no epoch after all epochs."""
    epoch, step, *_ = sample.place
    return (math.inf if epoch is None else epoch, math.inf if step is None else step)


def _feedback(history: Mapping[str, Json]) -> dict[Place, list[tuple[Sequence[str] | None, tuple[float, str]]]]:
    """The calls of each reward with words, where they are known, and the two; by place."""
    found: dict[Place, list[tuple[Sequence[str] | None, tuple[float, str]]]] = {}
    for row in history.get("feedback", ()):
        place = (row.get("epoch"), row.get("step"), row.get("phase"), row.get("sample"))
        found.setdefault(place, []).append((row.get("calls"), (row["reward"], row["feedback"])))
    return found


def _rewards(history: Mapping[str, Json]) -> dict[tuple[object, ...], float]:
    """Rewards by epoch, phase and sample; older files have those of the last validation and of test data alone."""
    found: dict[tuple[object, ...], float] = {}
    for epoch, phase, pairs in history.get("samples", {}).get("rewards", ()):
        found.update(((epoch, phase, index), reward) for index, reward in pairs)
    epochs = history.get("epoch", ())
    last = epochs[-1] if epochs else None
    measured = history.get("measured", {}).get("samples", {})
    for name, place in (("val_reward", (last, "validation")), ("test_reward", (None, "evaluate"))):
        for index, reward in measured.get(name, ()):
            found[*place, index] = reward
    return found


def _targets(history: Mapping[str, Json], given: Sequence[Json] | None) -> dict[tuple[str, int], Json]:
    """Targets by phase and sample: those that were given, else those that the history has."""
    if given is not None:
        return {(phase, index): target for phase in _WITH_TARGETS for index, target in enumerate(given)}
    kept = history.get("samples", {}).get("targets", {})
    return {(phase, index): target for phase, pairs in kept.items() for index, target in pairs}


def _shown(sample: _Sample, targets: Mapping[tuple[str, int], Json], reward: float | None, texts: Texts) -> JsonObject:
    epoch, step, phase, index = sample.place
    talks = [_talk(row, texts) for row, _ in sample.calls if row is not None]
    last, _ = sample.calls[-1]
    prediction = "" if last is None else answer(last)
    entries = [entry for _, entry in sample.calls]
    target = None if index is None else targets.get((phase or "", index))
    failures = [entry["error"] for entry in entries if entry.get("error")]
    return {
        "epoch": None if epoch is None else counted("epoch", epoch),
        "step": None if step is None else counted("step", step),
        "phase": phase or "",
        "sample": index,
        "modules": sorted({str(entry.get("module") or "") for entry in entries}),
        "input": texts.number(_input(sample.calls[0][0])),
        "prediction": texts.number(prediction),
        "target": None if target is None else texts.number(_json.pretty(target)),
        "reward": reward,
        "wrong": bool(failures) or (reward < 1 if reward is not None else _differs(target, prediction)),
        "failed": ", ".join(failures),
        "tokens": sum(_tokens(entry) for entry in entries),
        "seconds": round(sum(float(entry.get("seconds") or 0.0) for entry in entries), 3),
        "talks": talks,
    }


def _talk(row: Row, texts: Texts) -> JsonObject:
    said = [[heading, texts.number(text)] for heading, text in asked(row.request)]
    heading = "failed" if row.failed else "refused" if row.refused else "answer"
    title = f"{row.scope.get('module') or 'call'}: {row.request.model}"
    return {"title": title, "said": [*said, [heading, texts.number(words(row))]]}


def _input(row: Row | None) -> str:
    """The last thing that was said to the model, without the tags that prompts put around it."""
    if row is None:
        return ""
    said = list(asked(row.request))
    text = said[-1][1] if said else ""
    inner = text.rpartition("<input>")[2].partition("</input>")[0].strip()
    return (inner or text)[:_CELL]


def _tokens(entry: Mapping[str, Json]) -> int:
    names = [name for name in entry if name.startswith(("input_", "output_"))]
    return sum(int(entry[name] or 0) for name in names) + int(entry.get("wasted_tokens") or 0)


def _differs(target: Json, prediction: str) -> bool:
    """Whether a field of the target is another in the prediction; not of one that has other fields altogether."""
    if not isinstance(target, dict):
        return target is not None and str(target).strip() != prediction.strip()
    try:
        value = _json.loads(prediction)
    except _json.JSONDecodeError:
        return True
    if not isinstance(value, dict):
        return True
    return not target.keys().isdisjoint(value) and any(value.get(name) != part for name, part in target.items())
