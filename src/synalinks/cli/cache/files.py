"""What the commands on the disk cache share: its folder, its database, and sums of what is in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from synalinks.cli.table import render, size
from synalinks.errors import ConfigurationError

if TYPE_CHECKING:
    from synalinks.lm.cache.layer import Entry
    from synalinks.lm.ledger.ledger import Money

#: How long, in seconds, to wait for a run that is writing.
_PATIENCE = 60.0
DIRECTORY = click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path))


class Sums:
    """What answers add up to."""

    def __init__(self) -> None:
        from synalinks.lm.ledger.ledger import Money  # the LM layer takes 100 ms to import, and help doesn't need it

        self.answers = self.tokens_in = self.tokens_out = self.bytes = 0
        self.cost: Money = Money()

    def count(self, entry: Entry, stored: int) -> None:
        """Take in an answer that takes so many bytes."""
        from synalinks.lm.ledger.ledger import Money  # as above

        self.answers += 1
        self.tokens_in += entry.reply.usage.input_tokens or 0
        self.tokens_out += entry.reply.usage.output_tokens or 0
        self.bytes += stored
        self.cost += Money.of(entry.reply.as_if)

    def add(self, other: Sums) -> None:
        """Take in other sums."""
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


def total_of(sums: Iterable[Sums]) -> Sums:
    """All sums as one."""
    total = Sums()
    for part in sums:
        total.add(part)
    return total


def table(sums: dict[str, Sums]) -> str:
    """A row for each model, and the total."""
    header = ("model", "answers", "tokens in", "tokens out", "cost", "size")
    rows = [(model, *sums[model].row()) for model in sorted(sums)]
    return render(header, rows, ("total", *total_of(sums.values()).row()))


def folder_of(directory: Path | None) -> Path:
    """The folder that was named, or that of all runs."""
    from synalinks.lm.cache.store import (
        default_directory,  # the LM layer takes 100 ms to import, and help doesn't need it
    )

    return default_directory() if directory is None else directory


def database_in(folder: Path) -> Path:
    """The file that holds the answers."""
    from synalinks.lm.cache.store import DATABASE  # as above

    return folder / DATABASE


def bytes_on_disk(folder: Path) -> int:
    """What the database and the files beside it take."""
    files = folder.glob(database_in(folder).name + "*")
    return sum(path.stat().st_size for path in files if path.is_file())


def shrink(connection: sqlite3.Connection) -> None:
    """Give the room of what was removed back to the disk."""
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def connected(folder: Path, *, writes: bool) -> Iterator[sqlite3.Connection]:
    """The database, only if it is one of ours: clearing must not empty what another program keeps there.

    Raises:
        ConfigurationError: it is not a cache of this library, is damaged, or can't be opened.
    """
    from synalinks.lm.cache.layer import ENTRY_FORMAT  # as above

    path = database_in(folder)
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


def day(seconds: float) -> str:
    """A time of the database, for people."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
