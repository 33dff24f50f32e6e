"""What the commands on cassettes share: opening one, and its rows as ledger entries."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from synalinks.lm.cassette.file import CassetteFile
from synalinks.lm.cassette.rows import Row, error_from_dict
from synalinks.lm.core.call import ZERO, Reply
from synalinks.lm.ledger.ledger import Entry


@contextmanager
def opened(file: Path) -> Iterator[CassetteFile]:
    """A cassette to read from, unchanged by looking: a torn end stays in the file, and what an `all` that was cut off
    left beside it is not merged."""
    cassette = open_cassette(file)
    try:
        yield cassette
    finally:
        cassette.close()


def open_cassette(file: Path, *, write: bool = False) -> CassetteFile:
    """A cassette to read from, or to change; its warnings go to standard error."""

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        cassette = CassetteFile(file, write=write, repair=write)
    for warning in told:
        click.echo(f"Warning: {warning.message}", err=True)
    return cassette


def entry_of(row: Row) -> Entry:
    """The ledger entry that a replay of this row would write, with the provider's seconds in place of ours."""

    request = row.value["request"]
    error = error_from_dict(row.value["error"]) if row.failed else None
    if error is not None or row.refused:
        reply = Reply(billed=ZERO, cost=ZERO) if error is None else error.reply or Reply()
    else:
        reply = Reply.from_dict(row.value["reply"], "cassette")
    ended = reply if error is None else error
    return Entry(
        scope=row.scope,
        draw=row.draw,
        kind=request["kind"],
        model=request["model"],
        provider=request["model"].partition("/")[0],
        source="cassette",
        usage=reply.usage,
        as_if=reply.as_if if error is None else error.failed.cost,
        billed=ZERO,
        seconds=reply.seconds or 0.0,
        latency=reply.seconds,
        machine_seconds=reply.machine_seconds,
        attempts=ended.attempts,
        failed=ended.failed,
        finish=reply.finish,
        error=error.kind if error is not None else "budget" if row.refused else None,
        caller=0,
        digest=row.digest,
    )
