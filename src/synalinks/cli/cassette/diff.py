"""`synalinks cassette diff`: what changed from one cassette to another, module by module."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from synalinks import _json
from synalinks.cli.cassette.conversation import asked, words
from synalinks.cli.cassette.files import entry_of, opened
from synalinks.cli.cassette.word_diff import word_diff
from synalinks.cli.table import count, price, render
from synalinks.lm.cassette.rows import Row
from synalinks.lm.ledger.ledger import Ledger, Totals

_CASSETTE = click.Path(exists=True, dir_okay=False, path_type=Path)
#: Different changes of prompts that are shown of one module.
_SHOWN = 3
#: The most pairs of rows at one place whose texts are compared to find which belong together, at under 0.1 ms each.
_COMPARED = 2_500
#: Stands for calls made outside any module.
_NO_MODULE = "-"


@dataclass
class Changes:
    """The rows of one module on two cassettes, paired.

    Attributes:
        same: pairs with the same request and answer, wherever they stand.
        answers: pairs with the same request and another answer.
        requests: pairs at the same place that ask something else.
        removed, added: rows that are on one cassette only.
    """

    old: list[Row] = field(default_factory=list)
    new: list[Row] = field(default_factory=list)
    same: int = 0
    answers: list[tuple[Row, Row]] = field(default_factory=list)
    requests: list[tuple[Row, Row]] = field(default_factory=list)
    removed: list[Row] = field(default_factory=list)
    added: list[Row] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether anything differs."""
        return bool(self.answers or self.requests or self.removed or self.added)


@click.command(short_help="Compare two cassettes, by module.")
@click.argument("a", type=_CASSETTE)
@click.argument("b", type=_CASSETTE)
@click.pass_context
def diff(ctx: click.Context, a: Path, b: Path) -> None:
    """Compare two cassettes: rows, words of prompts, tokens and money, by module.

    Rows are paired by request and place; then by request; then what is left by place. As with `diff`, the exit
    status is 1 if the cassettes differ.
    """
    with opened(a) as old, opened(b) as new:
        modules = _paired(old.rows(), new.rows())
    differ = any(changes.any for changes in modules.values())
    if not differ:
        click.echo(f"{a} and {b} hold the same calls and answers")
        return
    click.echo(_table(modules))
    for module, changes in modules.items():
        if changes.requests or changes.answers:
            click.echo("\n" + "\n".join(_details(module, changes)))
    ctx.exit(1)


def _paired(old: Iterable[Row], new: Iterable[Row]) -> dict[str, Changes]:
    modules: dict[str, Changes] = defaultdict(Changes)
    for row in old:
        modules[row.scope.module or _NO_MODULE].old.append(row)
    for row in new:
        modules[row.scope.module or _NO_MODULE].new.append(row)
    for changes in modules.values():
        _pair(changes)
    return dict(sorted(modules.items()))


def _pair(changes: Changes) -> None:
    """Pair the rows of a module: the closest kind of pair first, each row once, in the order of the cassettes."""
    old, new = changes.old, changes.new
    same: list[tuple[Row, Row]] = []
    for key in (_whole, _answered, _asked_there, _asked):
        pairs, old, new = _matched(old, new, key)
        same += pairs
    for pair in same:
        if _outcome(pair[0]) == _outcome(pair[1]):
            changes.same += 1
        else:
            changes.answers.append(pair)
    for key in (_place, _sample):
        pairs, old, new = _closest(old, new, key)
        changes.requests += pairs
    changes.removed, changes.added = old, new


def _matched(old: Sequence[Row], new: Sequence[Row], key: Any) -> tuple[list[tuple[Row, Row]], list[Row], list[Row]]:
    """Pairs of rows whose key is the same, and the rows left over on either side."""
    waiting: dict[Any, list[Row]] = defaultdict(list)
    for row in reversed(new):
        waiting[key(row)].append(row)
    pairs, rest = [], []
    for row in old:
        if found := waiting.get(key(row)):
            pairs.append((row, found.pop()))
        else:
            rest.append(row)
    taken = {id(other) for _, other in pairs}
    return pairs, rest, [row for row in new if id(row) not in taken]


def _closest(old: Sequence[Row], new: Sequence[Row], key: Any) -> tuple[list[tuple[Row, Row]], list[Row], list[Row]]:
    """As `_matched`, where a key may have several rows on either side: those go together that are most alike."""
    there: dict[Any, list[Row]] = defaultdict(list)
    for row in new:
        there[key(row)].append(row)
    here: dict[Any, list[Row]] = defaultdict(list)
    for row in old:
        here[key(row)].append(row)
    pairs: list[tuple[Row, Row]] = []
    for name, rows in here.items():
        pairs += _most_alike(rows, there.get(name, []))
    taken = {id(row) for pair in pairs for row in pair}
    return pairs, [row for row in old if id(row) not in taken], [row for row in new if id(row) not in taken]


def _most_alike(old: Sequence[Row], new: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Pairs of rows, each row once, in the order of `old`."""
    if min(len(old), len(new)) == 0 or max(len(old), len(new)) == 1 or len(old) * len(new) > _COMPARED:
        return list(zip(old, new, strict=False))
    words = {id(row): _request_text(row).split() for row in (*old, *new)}
    matcher: difflib.SequenceMatcher[str] = difflib.SequenceMatcher(autojunk=False)
    found = []
    for j, other in enumerate(new):
        matcher.set_seq2(words[id(other)])
        for i, row in enumerate(old):
            matcher.set_seq1(words[id(row)])
            found.append((-matcher.quick_ratio(), i, j))
    pairs: dict[int, int] = {}
    for _, i, j in sorted(found):
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    return [(old[i], new[j]) for i, j in sorted(pairs.items())]


def _whole(row: Row) -> Any:
    return row.digest, row.scope, row.draw, _outcome(row)


def _answered(row: Row) -> Any:
    return row.digest, _outcome(row)


def _asked_there(row: Row) -> Any:
    return row.digest, row.scope, row.draw


def _asked(row: Row) -> Any:
    return row.digest


def _place(row: Row) -> Any:
    return row.scope, row.draw, row.value["request"]["kind"]


def _sample(row: Row) -> Any:
    """The place without the step, which another batch size changes."""
    scope = row.scope
    return scope.epoch, scope.phase, scope.sample, row.value["request"]["kind"]


def _outcome(row: Row) -> str:
    """What was answered, without time and money."""
    value = row.value
    if row.failed:
        return f"error {value['error'].get('kind')}"
    if row.refused:
        return "refused"
    reply = value["reply"]
    return repr([reply.get(name) for name in ("text", "reasoning", "tool_calls", "vectors", "refusal")])


def _table(modules: Mapping[str, Changes]) -> str:
    header = ("module", "calls A", "calls B", "same", "other answer", "other request", "only A", "only B",
              "tokens A", "tokens B", "tokens B - A", "cost A", "cost B", "cost B - A")  # fmt: skip
    lines = [(module, *_figures([changes])) for module, changes in modules.items()]
    return render(header, lines, ("total", *_figures(list(modules.values()))))


def _figures(group: Sequence[Changes]) -> tuple[str, ...]:

    old = Ledger(entry_of(row) for changes in group for row in changes.old).total
    new = Ledger(entry_of(row) for changes in group for row in changes.new).total
    counts = [
        sum(changes.same for changes in group),
        *(
            sum(len(getattr(changes, name)) for changes in group)
            for name in ("answers", "requests", "removed", "added")
        ),
    ]
    return (
        f"{old.calls:,}",
        f"{new.calls:,}",
        *(f"{number:,}" if number else "" for number in counts),
        f"{old.tokens:,}",
        f"{new.tokens:,}",
        f"{new.tokens - old.tokens:+,}" if new.tokens != old.tokens else "",
        _money(old),
        _money(new),
        _difference(old, new),
    )


def _money(total: Totals) -> str:
    unknown = f" + {count(total.as_if.unknown, 'unknown', 'unknown')}" if total.as_if.unknown else ""
    return f"{price(total.as_if.known)}{unknown}"


def _difference(old: Totals, new: Totals) -> str:
    if old.as_if.unknown or new.as_if.unknown:
        return "?"
    change = new.as_if.known - old.as_if.known
    return f"{'-' if change < 0 else '+'}{price(abs(change))}" if change else ""


def _details(module: str, changes: Changes) -> list[str]:
    """The different changes of a module's requests and answers, each once with how often it was made."""
    lines = [f"=== {module}"]
    for title, pairs, text in (
        ("request", changes.requests, _request_text),
        ("answer", changes.answers, words),
    ):
        kinds: dict[tuple[str, ...], list[tuple[Row, Row]]] = {}
        for old, new in pairs:
            kinds.setdefault(tuple(word_diff(text(old), text(new))), []).append((old, new))
        for marked, same in list(kinds.items())[:_SHOWN]:
            old, new = same[0]
            often = f", and in {count(len(same) - 1, 'other pair')}" if len(same) > 1 else ""
            lines.append(f"--- {title}: line {old.line} of A, line {new.line} of B ({new.scope}){often}")
            lines += [f"  {line}" for line in marked or ("(they differ in what is no text)",)]
        if len(kinds) > _SHOWN:
            lines.append(f"--- {count(len(kinds) - _SHOWN, f'other change of {title}s', f'other changes of {title}s')}")
    return lines


def _request_text(row: Row) -> str:
    """A request as lines: what is said first, then how it is asked."""

    request = row.request
    lines = [f"{role}: {text}" for role, text in asked(request)]
    lines.append(f"model: {request.model}")
    lines += [f"{name}: {_json.dumps(value)}" for name, value in sorted(request.options.items())]
    if request.schema is not None:
        lines.append("schema: " + _json.pretty(request.schema.value))
    lines += ["tool: " + _json.pretty(tool) for tool in request.tools]
    return "\n".join(lines)
