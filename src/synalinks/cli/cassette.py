"""`synalinks cassette`: look into a tape."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from synalinks.cli.table import count, price, render, size

if TYPE_CHECKING:
    from synalinks.lm.ledger import Entry, Ledger
    from synalinks.lm.tape_file import TapeFile
    from synalinks.lm.tape_rows import Row

_PLACE = ("epoch", "step", "phase", "sample", "module")
_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def cassette() -> None:
    """Look into a tape: its rows, its conversations, its figures."""


@cassette.command("ls")
@_FILE
def list_rows(file: Path) -> None:
    """List the calls on a tape, one a line: place, model, tokens, cost.

    The number before a row is its line in FILE; `synalinks cassette show FILE LINE` shows it.
    """
    header = ("line", *_PLACE, "draw", "kind", "model", "tokens in", "tokens out", "cost", "failure")
    with _opened(file) as tape:
        rows = [_listed(row) for row in tape.rows()]
    if rows:
        click.echo(render(header, rows))
    else:
        click.echo(f"{file} has no rows")


def _listed(row: Row) -> tuple[str, ...]:
    entry = _entry(row)
    place = (getattr(row.scope, name) for name in _PLACE)
    tokens = (entry.usage.input_tokens, entry.usage.output_tokens)
    return (
        str(row.line),
        *("" if part is None else str(part) for part in place),
        str(row.draw) if row.draw else "",
        entry.kind if entry.kind != "chat" else "",
        entry.model,
        *("" if number is None else f"{number:,}" for number in tokens),
        price(entry.as_if),
        entry.error or "",
    )


@cassette.command()
@_FILE
@click.argument("lines", metavar="[LINE]...", nargs=-1, type=int)
def show(file: Path, lines: tuple[int, ...]) -> None:
    """Show conversations on a tape: those of the lines given (see `ls`), or all."""
    from synalinks.cli.conversation import render as conversation  # with the LM layer, which help doesn't need

    with _opened(file) as tape:
        last = len(tape) + 1  # line 1 is the header
        if wrong := [line for line in lines if not 2 <= line <= last]:
            raise click.BadParameter(
                f"{file} has no row in line {wrong[0]}; "
                + (f"its rows are lines 2 to {last}" if len(tape) else "it has no rows"),
                param_hint="LINE",
            )
        for position, line in enumerate(lines or range(2, last + 1)):
            click.echo(("\n" if position else "") + conversation(tape.row(line - 2)))


@cassette.command()
@_FILE
def stats(file: Path) -> None:
    """Sum up a tape: rows, tokens and money by module and model."""
    from synalinks.lm.ledger import Ledger  # the LM layer takes 100 ms to import, and help doesn't need it

    with _opened(file) as tape:
        ledger = Ledger(map(_entry, tape.rows()))
        facts = [
            ("rows", _rows(ledger)),
            ("requests", f"{len(tape.by_digest):,} different"),
            ("size", size(file.stat().st_size)),
            ("state", "its first recording was never finished" if tape.unfinished else "complete"),
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
            f"${total.as_if.known:.4f}{unknown}",
        )

    rows = [
        (module or "-", model, *figures(ledger.filter(module=module, model=model)))
        for module, model in ledger.by("module", "model")
    ]
    header = ("module", "model", "rows", "failed", "tokens in", "tokens out", "cost")
    return render(header, rows, ("total", "", *figures(ledger)))


@contextmanager
def _opened(file: Path) -> Iterator[TapeFile]:
    """A tape to read from; what an `all` that was cut off left beside it is not merged by looking."""
    from synalinks.lm.tape_file import TapeFile  # the LM layer takes 100 ms to import, and help doesn't need it

    tape = TapeFile(file)
    try:
        yield tape
    finally:
        tape.close()


def _entry(row: Row) -> Entry:
    """The ledger entry that a replay of this row would write, with the provider's seconds in place of ours."""
    from synalinks.lm.ledger import Entry  # as above
    from synalinks.lm.tape_rows import error_from_dict
    from synalinks.lm.types import ZERO, Reply

    request = row.value["request"]
    error = error_from_dict(row.value["error"]) if row.failed else None
    reply = Reply.from_dict(row.value["reply"], "cassette") if error is None else error.reply or Reply()
    ended = reply if error is None else error
    return Entry(
        scope=row.scope,
        draw=row.draw,
        kind=request["kind"],
        model=request["model"],
        provider=request["model"].partition("/")[0],
        source="cassette",
        usage=reply.usage,
        as_if=reply.as_if if error is None else error.wasted,
        billed=ZERO,
        wasted=ended.wasted,
        seconds=reply.seconds or 0.0,
        attempts=ended.attempts,
        wasted_tokens=ended.wasted_tokens,
        finish=reply.finish,
        error=None if error is None else error.kind,
        caller=0,
        digest=row.digest,
    )
