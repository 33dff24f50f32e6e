"""`synalinks cassette prune` and `merge`: a cassette with fewer rows, and one cassette of several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from synalinks import _json
from synalinks.cli.cassette.check import identity
from synalinks.cli.cassette.files import open_cassette, opened
from synalinks.cli.table import count
from synalinks.lm.cassette.disk import rewrite
from synalinks.lm.cassette.file import CassetteFile, header
from synalinks.lm.cassette.journal import merged_lines
from synalinks.lm.cassette.media import adopt
from synalinks.lm.cassette.rows import Row

_CASSETTE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(short_help="Drop rows that are there twice, or of modules.")
@click.argument("file", type=_CASSETTE)
@click.option("--module", "modules", multiple=True, help="Drop the rows of this module; may be given several times.")
@click.option("--dry-run", is_flag=True, help="Say what would be dropped, and change nothing.")
def prune(file: Path, modules: tuple[str, ...], dry_run: bool) -> None:
    """Drop rows that are there twice, and those of modules, from a cassette.

    Of rows for the same request at the same place the first is kept, which is the one that plays.
    """

    cassette = open_cassette(file, write=not dry_run)
    lines: list[bytes] | None = None
    try:
        known = {row.scope.module for row in cassette.rows()}
        if missing := [name for name in modules if name not in known]:
            there = ", ".join(sorted(name for name in known if name)) or "none"
            raise click.BadParameter(
                f"{file} has no row of the module {missing[0]!r}; its modules: {there}", param_hint="--module"
            )
        kept, twice, of_modules = _kept(cassette, modules)
        dropped = twice + of_modules
        if dropped and not dry_run:
            # A cassette whose recording was cut off is still one: it goes on where it stopped.
            lines = [
                header(cassette.unfinished),
                *(line for _, line in sorted(_lines(cassette, kept))),
            ]
    finally:
        cassette.close(lines)
    parts = [f"{count(twice, 'row')} that {'was' if twice == 1 else 'were'} there twice"] if twice else []
    if of_modules:
        parts.append(f"{count(of_modules, 'row')} of {', '.join(modules)}")
    verb = "would drop" if dry_run else "dropped"
    what = f"{verb} {' and '.join(parts)}" if parts else "nothing to drop"
    click.echo(f"{file}: {what}; {count(len(kept), 'row')} left")


def _kept(cassette: CassetteFile, modules: tuple[str, ...]) -> tuple[list[Row], int, int]:
    """The rows to keep; how many are there twice, and how many are of modules to drop."""
    seen = set()
    kept: list[Row] = []
    twice = of_modules = 0
    for row in cassette.rows():
        key = identity({**row.value, "digest": row.digest})
        if row.scope.module in modules:
            of_modules += 1
        elif key in seen:
            twice += 1
        else:
            seen.add(key)
            kept.append(row)
    return kept, twice, of_modules


def _lines(cassette: CassetteFile, kept: Iterable[Row]) -> Iterator[tuple[tuple[Any, ...], bytes]]:
    """The lines to keep, events included, with where they stand."""
    for row in kept:
        yield row.order, _line(cassette, row)
    for index in cassette.events:
        yield cassette.order(index), cassette.line(index)


def _line(cassette: CassetteFile, row: Row) -> bytes:

    line = cassette.line(row.line - 2)
    if cassette.stale:  # a new header promises digests of the present format
        line = _json.dumps({**row.value, "digest": row.digest}).encode()
    return line if line.endswith(b"\n") else line + b"\n"


@click.command(short_help="Make one cassette of several.")
@click.argument("files", metavar="FILE FILE...", nargs=-1, required=True, type=_CASSETTE)
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The new cassette."
)
@click.option("--force", is_flag=True, help="Replace OUTPUT if it is there.")
def merge(files: tuple[Path, ...], output: Path, force: bool) -> None:
    """Make one cassette of several, its rows by place.

    Where several have a row for the same request and place, that of the FILE named last stands.
    """

    if len(files) < 2:
        raise click.UsageError("give two cassettes or more; `cp` copies one")
    if output.exists() and not force:
        raise click.UsageError(f"{output} is there already; pass --force to replace it, or name another file")
    with ExitStack() as stack:
        cassettes = [stack.enter_context(opened(file)) for file in files]
        if output.exists():  # no recording may be open on the file that is replaced
            stack.callback(CassetteFile(output, write=True).close)
        total = sum(len(cassette) for cassette in cassettes)
        written = _Counted(merged_lines(*cassettes))
        output.parent.mkdir(parents=True, exist_ok=True)
        rewrite(output, written)
        adopt(output, *files)
    rows = written.count - 1  # the header
    in_several = total - rows
    twice = f"{in_several:,} of them in more than one" if in_several else "none of them in more than one"
    click.echo(f"{output}: {count(rows, 'row')} of {len(files)} cassettes, {twice}")


class _Counted:
    """Lines, and how many of them went by."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.count += 1
            yield line
