"""The parts of a report that are made here: figures, curves, costs, candidates, prompts. HTML, all text escaped."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from synalinks._base import html as _html
from synalinks._json import Json, JsonObject
from synalinks._support.log_values import log_value
from synalinks.cli.cassette.conversation import asked
from synalinks.cli.report.files import RunFiles
from synalinks.data import BOOKKEEPING
from synalinks.lm.core.dollars import dollars_text
from synalinks.optimizers.candidates import Candidate
from synalinks.optimizers.search import Notes
from synalinks.optimizers.search.notes import field_diff, field_text
from synalinks.scope import counted, shown

_BUCKETS_IN, _BUCKETS_OUT = "input_", "output_"


def facts(run: RunFiles) -> str:
    """What the run is made of, and its totals."""
    rows = [("files", ", ".join(f"{name} ({kind})" for name, kind in run.files))]
    if run.entries:
        calls, failed, tokens_in, tokens_out, seconds, last = _sums(run.entries)
        rows += [("calls", calls), ("failed", failed), ("tokens", f"{tokens_in} in, {tokens_out} out")]
        rows += [("seconds of answers", seconds), (_last(run.entries), last)]
    history = run.history
    if (reason := history.get("stopped_by")) is not None:
        rows.append(("stopped by", f"{reason}: {history.get('stop_reason') or ''}"))
    for name, value in history.get("test", {}).items():
        rows.append((name, log_value(name, value)))
    return _html.table(("", ""), rows, numbers=())


def missing(run: RunFiles) -> str:
    """What of a report no file of the run holds, and what writes a file that does."""
    history = bool(run.history.get("samples", {}).get("targets"))
    found = []
    if not run.entries:
        found.append("Calls and what they took: a cassette, use_cassette('run.jsonl'), has them, or a ledger, "
                     "history.ledger.to_jsonl('run.ledger.jsonl').")  # fmt: skip
    if not run.rows:
        found.append("Conversations and the prompt: a cassette has them, use_cassette('run.jsonl').")
    if not run.history:
        found.append("Curves, candidates with their parents, and the rewards of samples: a history has them, "
                     "history.save('run.history.json').")  # fmt: skip
    if not history:
        found.append("Targets: a history of this version has them, or give --targets, a file of JSON lines.")
    if not run.variables:
        found.append(
            "What the program holds: a saved program or a checkpoint has it, program.save('run.program.json')."
        )
    return "".join(map(_html.paragraph, found))


def curves(runs: Sequence[RunFiles]) -> str:
    """Rewards by epoch and by calls, the runs in one picture each."""
    found = []
    for by, title in (("epoch", "by epoch"), ("calls", "by calls")):
        series: dict[str, list[tuple[float, float]]] = {}
        for number, run in enumerate(runs):
            for name in ("reward", "val_reward"):
                label = f"{run.name} {name}" if len(runs) > 1 else name
                series[label if label not in series else f"{label} ({number + 1})"] = _points(run, name, by)
        if picture := _html.line_chart(series, by, f"reward {title}"):
            found.append(f"<figure><figcaption>Reward {title}</figcaption>{picture}</figure>")
    return "".join(found)


def _points(run: RunFiles, name: str, by: str) -> list[tuple[float, float]]:
    ends = [one for one in run.history.get("reward_curve", ()) if one.get("step") is None]
    return [
        (counted("epoch", one["epoch"]) if by == "epoch" else one["calls"], one[name])
        for one in ends
        if one.get(name) is not None
    ]


def costs(run: RunFiles) -> str:
    """What each epoch took, by phase and module."""
    groups: dict[tuple[object, ...], list[JsonObject]] = {}
    for entry in run.entries:
        key = (entry.get("epoch"), entry.get("phase"), entry.get("module"))
        groups.setdefault(key, []).append(entry)
    ordered = sorted(groups, key=lambda key: tuple((part is not None, part if part is not None else 0) for part in key))
    last = _last(run.entries)
    rows = [(*_place(key), *_sums(groups[key], last)) for key in ordered]
    header = ("epoch", "phase", "module", "calls", "failed", "tokens in", "tokens out", "seconds", last)
    total = ("total", "", "", *_sums(run.entries, last))
    return _html.table(header, rows, [total], numbers=range(3, len(header))) if rows else ""


def _place(key: Sequence[object]) -> Iterator[str]:
    return map(shown, ("epoch", "phase", "module"), key)


def _last(entries: Iterable[Mapping[str, Json]]) -> str:
    """What the last figure of `_sums` is: of models without a price their speed."""
    return "as if live" if any(_is_priced(entry) for entry in entries) else "tokens/s"


def _is_priced(entry: Mapping[str, Json]) -> bool:
    return entry.get("as_if") is None or bool(Decimal(entry["as_if"]))


def _sums(entries: Collection[Mapping[str, Json]], last: str | None = None) -> tuple[str, ...]:
    """Calls, failed, tokens in and out, seconds, and dollars or tokens per second, as text."""
    calls = failed = tokens_in = tokens_out = unknown = 0
    money, seconds = Decimal(0), 0.0
    free = (last or _last(entries)) == "tokens/s"
    for entry in entries:
        calls += 1
        failed += entry.get("error") is not None
        for name, value in entry.items():
            if name.startswith(_BUCKETS_IN):
                tokens_in += value or 0
            elif name.startswith(_BUCKETS_OUT):
                tokens_out += value or 0
        amount = entry.get("as_if")
        unknown += amount is None
        money += Decimal(amount or 0)
        worked = entry.get("machine_seconds") if free else None  # calls in flight together share it
        seconds += (entry.get("seconds") if worked is None else worked) or 0.0
    if free:
        text = f"{tokens_out / seconds:,.0f}" if seconds else "-"
    else:
        text = dollars_text(money) + (f", {unknown:,} unpriced" if unknown else "")
    return f"{calls:,}", f"{failed:,}", f"{tokens_in:,}", f"{tokens_out:,}", f"{seconds:,.1f}", text


def candidates(run: RunFiles) -> str:
    """Every candidate with its parent, and of each variable the pool that it was left with."""
    parts = []
    notes = Notes(run.history.get("candidates", ()))
    if notes:
        parts.append(notes._repr_html_())
    for path, value in run.variables.items():
        parts.append(_html.block(path, *_pool(path, value, notes)))
    return "".join(parts)


def _pool(path: str, value: Mapping[str, Json], notes: Notes) -> Iterator[str]:
    now = [name for name in value if name not in BOOKKEEPING or name == "examples"]
    fields = (_html.block(name, _html.paragraph(field_text(value[name]) or "(none)")) for name in now)
    yield _html.folded("what the program holds", "".join(fields))
    start = next(iter(value.get("seed_candidates") or ()), value)
    parents = {note["candidate"]: note for note in notes if note.get("parents") and path in note["changed"]}
    for number, saved in enumerate(value.get("best_candidates") or (), 1):
        candidate = Candidate.from_json(saved)
        name, scores = candidate.key[:12], candidate.scores
        evidence = f"reward {scores.reward:.3f} on {scores.count:,} samples" if scores.count else "no evidence"
        note = parents.get(name)
        before, against, numbers = start, "the start", notes.numbers
        if note is not None:
            changed = dict.fromkeys(note["changed"][path])
            before = {**candidate.fields, **changed, **note["before"].get(path, {})}
            against = f"candidate {numbers.get(note['parents'][0], note['parents'][0])}"
        shown = [
            _html.block(field, field_diff(before.get(field), part))
            for field, part in candidate.fields.items()
            if part != before.get(field)
        ]
        called = f"candidate {numbers[name]} ({name})" if name in numbers else name
        yield _html.folded(
            f"{number}. in the pool: {called}, {evidence}, against {against}",
            "".join(shown) or _html.paragraph("The same."),
        )


def prompts(run: RunFiles) -> str:
    """The messages of one of the last validated samples, by module: the best prompt as the model has it."""
    last: dict[str, tuple[tuple[bool, int], int]] = {}
    for number, row in enumerate(run.rows):
        scope = row.scope
        if row.request.kind != "chat" or scope.get("phase") in ("optimizer", "reward", "candidate"):
            continue
        epoch = scope.get("epoch")
        rank = (scope.get("phase") != "train", -1 if epoch is None else int(epoch))
        module = str(scope.get("module") or "")
        if module not in last or rank > last[module][0]:
            last[module] = (rank, number)
    shown = []
    for module, (_, number) in sorted(last.items()):
        said = (_html.block(heading, _html.paragraph(text)) for heading, text in asked(run.rows[number].request))
        shown.append(_html.folded(module or "call", "".join(said), opened=len(last) == 1))
    return "".join(shown)
