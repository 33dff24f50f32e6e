"""`synalinks cache`: what the disk cache of answers holds, and emptying it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from synalinks.cli.table import count, render, size
from synalinks.errors import ConfigurationError

if TYPE_CHECKING:
    from synalinks.lm.ledger import Money

#: How long, in seconds, to wait for a run that is writing.
_PATIENCE = 60.0
_DIRECTORY = click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path))


@click.group()
def cache() -> None:
    """Look after the disk cache: answers already paid for.

    DIRECTORY is the user's cache directory unless given; SYNALINKS_CACHE_DIR chooses another for all runs, and
    SYNALINKS_CACHE=off switches the cache off.
    """


class _Sums:
    """What the entries of one model add up to."""

    def __init__(self) -> None:
        from synalinks.lm.ledger import Money  # the LM layer takes 100 ms to import, and help doesn't need it

        self.answers = self.tokens_in = self.tokens_out = self.bytes = 0
        self.cost: Money = Money()

    def add(self, other: _Sums) -> None:
        """Take in the sums of another model."""
        self.answers += other.answers
        self.tokens_in += other.tokens_in
        self.tokens_out += other.tokens_out
        self.bytes += other.bytes
        self.cost += other.cost

    def row(self) -> tuple[str, ...]:
        """The cells of a table, the model's name apart."""
        counts = (self.answers, self.tokens_in, self.tokens_out)
        unknown = f" + {self.cost.unknown:,} unknown" if self.cost.unknown else ""
        return (*(f"{number:,}" for number in counts), f"${self.cost.known:.4f}{unknown}", size(self.bytes))


@cache.command()
@_DIRECTORY
def stats(directory: Path | None) -> None:
    """Show what the cache holds, by model: answers, tokens, what they cost, bytes."""
    folder = _folder(directory)
    damaged = _set_aside(folder)
    click.echo(f"The cache in {folder}{_switched_off(directory)}")
    if damaged:
        click.echo(f"  {count(len(damaged), 'damaged file')} set aside; `synalinks cache clear` removes them too")
    if not _database(folder).exists():
        click.echo("  is empty: nothing was stored there yet")
        return
    with _connection(folder, writes=False) as connection:
        sums, unreadable = _by_model(connection)
        first, last = connection.execute("SELECT min(store_time), max(store_time) FROM Cache").fetchone()
    on_disk = sum(path.stat().st_size for path in folder.glob(_database(folder).name + "*") if path.is_file())
    total = _Sums()
    for part in sums.values():
        total.add(part)
    click.echo(f"  holds {count(total.answers, 'answer')}, {size(on_disk)} on disk")
    if unreadable:
        click.echo(f"  {count(unreadable, 'entry', 'entries')} can't be read and will be asked for again")
    if first is not None:
        click.echo(f"  stored between {_day(first)} and {_day(last)}")
    if sums:
        header = ("model", "answers", "tokens in", "tokens out", "cost", "size")
        rows = [(model, *sums[model].row()) for model in sorted(sums)]
        click.echo("\n" + render(header, rows, ("total", *total.row())))


@cache.command()
@_DIRECTORY
@click.option("--yes", is_flag=True, help="Don't ask.")
def clear(directory: Path | None, yes: bool) -> None:
    """Remove all answers from the cache, and damaged databases that were set aside.

    What is removed has to be paid for again.
    """
    folder = _folder(directory)
    database, damaged = _database(folder), _set_aside(folder)
    if not database.exists() and not damaged:
        click.echo(f"There is nothing in {folder}")
        return
    answers = _empty(folder, ask=not yes) if database.exists() else 0
    for path in damaged:
        path.unlink()
    click.echo(f"Removed {count(answers, 'answer')} from {folder}")


def _empty(folder: Path, ask: bool) -> int:
    """Delete every entry, leaving a database that runs under way can go on with; how many there were.

    Raises:
        click.Abort: the answer to the question was no.
    """
    with _connection(folder, writes=True) as connection:
        (answers,) = connection.execute("SELECT count(*) FROM Cache").fetchone()
        if ask:
            click.confirm(f"Remove {count(answers, 'answer')} from {folder}?", abort=True)
        connection.execute("DELETE FROM Cache")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return int(answers)


def _folder(directory: Path | None) -> Path:
    from synalinks.lm.store import default_directory  # the LM layer takes 100 ms to import, and help doesn't need it

    return default_directory() if directory is None else directory


def _database(folder: Path) -> Path:
    from synalinks.lm.store import DATABASE  # as above

    return folder / DATABASE


def _set_aside(folder: Path) -> list[Path]:
    return sorted(folder.glob(_database(folder).name + ".damaged-*"))


def _switched_off(directory: Path | None) -> str:
    from synalinks.lm.store import cache_disabled  # as above

    return " (switched off by SYNALINKS_CACHE)" if directory is None and cache_disabled() else ""


def _by_model(connection: sqlite3.Connection) -> tuple[dict[str, _Sums], int]:
    """Sums by model, and how many entries can't be read."""
    from synalinks.lm.cache import decode  # as above
    from synalinks.lm.ledger import Money

    sums: dict[str, _Sums] = {}
    unreadable = 0
    for (value,) in connection.execute("SELECT value FROM Cache"):
        entry = decode(value) if isinstance(value, bytes) else None
        if entry is None:
            unreadable += 1
            continue
        part = sums.setdefault(entry.model, _Sums())
        part.answers += 1
        part.tokens_in += entry.reply.usage.input_tokens or 0
        part.tokens_out += entry.reply.usage.output_tokens or 0
        part.bytes += len(value)
        part.cost += Money.of(entry.reply.as_if)
    return sums, unreadable


@contextmanager
def _connection(folder: Path, *, writes: bool) -> Iterator[sqlite3.Connection]:
    """The database, only if it is one of ours: clearing must not empty what another program keeps there.

    Raises:
        ConfigurationError: it is not a cache of this library, is damaged, or can't be opened.
    """
    from synalinks.lm.cache import ENTRY_FORMAT  # as above

    path = _database(folder)
    try:
        uri = f"{path.resolve().as_uri()}?mode={'rw' if writes else 'ro'}"
        with closing(sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)) as connection:
            ours = "SELECT count(*), sum(substr(value, 1, 3) = ?) FROM Cache"  # the last byte is a version
            entries, own = connection.execute(ours, (ENTRY_FORMAT[:3],)).fetchone()
            if entries and not own:
                raise ConfigurationError(f"{path} holds no answers of synalinks: another program's cache is left alone")
            yield connection
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"{path} can't be used: {error}. If it is damaged, the next run sets it aside and begins a new one"
        ) from error


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
