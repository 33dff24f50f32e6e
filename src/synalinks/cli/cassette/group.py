"""`synalinks cassette`: look into a cassette; what compares and changes cassettes is in files of its own."""

from __future__ import annotations

from pathlib import Path

import click

from synalinks.cli.cassette.check import check
from synalinks.cli.cassette.conversation import render as conversation
from synalinks.cli.cassette.conversation import render_event
from synalinks.cli.cassette.diff import diff
from synalinks.cli.cassette.files import entry_of, opened
from synalinks.cli.cassette.from_cache import from_cache
from synalinks.cli.cassette.prune import merge, prune
from synalinks.cli.table import count, price, render, size
from synalinks.lm.cassette.rows import Row
from synalinks.lm.ledger.ledger import Ledger
from synalinks.scope import shown

_PLACE = ("epoch", "step", "phase", "sample", "module")
_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def cassette() -> None:
    """Look into cassettes: their rows, conversations and figures; compare, check, prune and merge them; make one of
    answers in the cache."""


for command in (diff, check, prune, merge, from_cache):
    cassette.add_command(command)


@cassette.command("ls", short_help="List the calls on a cassette.")
@_FILE
def list_rows(file: Path) -> None:
    """List the calls on a cassette, one a line: place, model, tokens, cost.

    The number before a row is its line in FILE; `synalinks cassette show FILE LINE` shows it.
    """
    header = ("line", *_PLACE, "draw", "kind", "model", "tokens in", "tokens out", "cost", "failure")
    with opened(file) as cassette:
        rows = [_listed(row) for row in cassette.rows()]
    if rows:
        click.echo(render(header, rows))
    else:
        click.echo(f"{file} has no rows")


def _listed(row: Row) -> tuple[str, ...]:
    entry = entry_of(row)
    place = ((name, getattr(row.scope, name)) for name in _PLACE)
    tokens = (entry.usage.input_tokens, entry.usage.output_tokens)
    return (
        str(row.line),
        *("" if part is None else shown(name, part) for name, part in place),
        str(row.draw) if row.draw else "",
        entry.kind if entry.kind != "chat" else "",
        entry.model,
        *("" if number is None else f"{number:,}" for number in tokens),
        price(entry.as_if),
        entry.error or "",
    )


@cassette.command(short_help="Show conversations on a cassette.")
@_FILE
@click.argument("lines", metavar="[LINE]...", nargs=-1, type=int)
def show(file: Path, lines: tuple[int, ...]) -> None:
    """Show conversations on a cassette: those of the lines given (see `ls`), or all."""

    with opened(file) as cassette:
        last = len(cassette) + 1  # line 1 is the header
        if wrong := [line for line in lines if not 2 <= line <= last]:
            raise click.BadParameter(
                f"{file} has no row in line {wrong[0]}; "
                + (f"its rows are lines 2 to {last}" if len(cassette) else "it has no rows"),
                param_hint="LINE",
            )
        if not len(cassette):
            click.echo(f"{file} has no rows")
        for position, line in enumerate(lines or range(2, last + 1)):
            index = line - 2
            event = index in cassette.events
            text = render_event(line, cassette.value(index)) if event else conversation(cassette.row(index))
            click.echo(("\n" if position else "") + text)


@cassette.command(short_help="Sum up a cassette by module and model.")
@_FILE
def stats(file: Path) -> None:
    """Sum up a cassette: rows, tokens and money by module and model."""

    with opened(file) as cassette:
        ledger = Ledger(map(entry_of, cassette.rows()))
        facts = [
            ("rows", _rows(ledger)),
            ("requests", f"{len(cassette.by_digest):,} different"),
            ("size", size(file.stat().st_size)),
            ("state", "its first recording was never finished" if cassette.unfinished else "complete"),
        ]
    total = ledger.total
    facts[2:2] = [
        ("tokens", f"{total.input_tokens:,} in, {total.output_tokens:,} out"),
        ("cost", f"{total.as_if} (as if live)"),
        ("time", f"{total.seconds:.1f} s of the providers' time"),
    ]
    click.echo("\n".join([str(file), *(f"  {label:<9} {value}" for label, value in facts)]))
    if len(ledger):
        click.echo("\n" + _by_module_and_model(ledger))


def _rows(ledger: Ledger) -> str:
    kinds = ledger.by("kind")
    parts = [f"{kinds[kind].calls:,} {kind}" for kind in ("chat", "embed") if kind in kinds]
    total = ledger.total
    if total.failed:
        parts.append(f"{total.failed:,} of them failed")
    return f"{total.calls:,}" + (f" ({', '.join(parts)})" if parts else "")


def _by_module_and_model(ledger: Ledger) -> str:
    def figures(group: Ledger) -> tuple[str, ...]:
        total = group.total
        unknown = f" + {count(total.as_if.unknown, 'unknown', 'unknown')}" if total.as_if.unknown else ""
        return (
            f"{total.calls:,}",
            f"{total.failed:,}" if total.failed else "",
            f"{total.input_tokens:,}",
            f"{total.output_tokens:,}",
            f"{price(total.as_if.known)}{unknown}",
        )

    rows = [
        (module or "-", model, *figures(ledger.filter(module=module, model=model)))
        for module, model in ledger.by("module", "model")
    ]
    header = ("module", "model", "rows", "failed", "tokens in", "tokens out", "cost")
    return render(header, rows, ("total", "", *figures(ledger)))
