"""`synalinks cache`: what the disk cache of answers holds, emptying it, and thinning it out."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import click

from synalinks.cli.cache.files import (
    DIRECTORY,
    Sums,
    bytes_on_disk,
    connected,
    database_in,
    day,
    folder_of,
    shrink,
    table,
    total_of,
)
from synalinks.cli.cache.prune import prune
from synalinks.cli.table import count, size


@click.group()
def cache() -> None:
    """Look after the disk cache: answers already paid for.

    DIRECTORY is the user's cache directory unless given; SYNALINKS_CACHE_DIR chooses another for all runs, and
    SYNALINKS_CACHE=off switches the cache off.
    """


cache.add_command(prune)


@cache.command()
@DIRECTORY
def stats(directory: Path | None) -> None:
    """Show what the cache holds, by model: answers, tokens, what they cost, bytes."""
    folder = folder_of(directory)
    damaged = _set_aside(folder)
    click.echo(f"The cache in {folder}{_switched_off(directory)}")
    if damaged:
        click.echo(f"  {count(len(damaged), 'damaged file')} set aside; `synalinks cache clear` removes them too")
    if not database_in(folder).exists():
        click.echo("  is empty: nothing was stored there yet")
        return
    with connected(folder, writes=False) as connection:
        sums, unreadable = _by_model(connection)
        first, last = connection.execute("SELECT min(store_time), max(store_time) FROM Cache").fetchone()
    answers = total_of(sums.values()).answers
    click.echo(f"  holds {count(answers, 'answer')}, {size(bytes_on_disk(folder))} on disk")
    if unreadable:
        click.echo(f"  {count(unreadable, 'entry', 'entries')} can't be read and will be asked for again")
    if first is not None:
        click.echo(f"  stored between {day(first)} and {day(last)}")
    if sums:
        click.echo("\n" + table(sums))


@cache.command()
@DIRECTORY
@click.option("--yes", is_flag=True, help="Don't ask.")
def clear(directory: Path | None, yes: bool) -> None:
    """Remove all answers from the cache, and damaged databases that were set aside.

    What is removed has to be paid for again. `synalinks cache prune` removes a part.
    """
    folder = folder_of(directory)
    database, damaged = database_in(folder), _set_aside(folder)
    if not database.exists() and not damaged:
        click.echo(f"There is nothing in {folder}")
        return
    answers = _empty(folder, ask=not yes) if database.exists() else 0
    for path in damaged:
        path.unlink()
    aside = f" and {count(len(damaged), 'damaged file')}" if damaged else ""
    click.echo(f"Removed {count(answers, 'answer')}{aside} from {folder}")


def _empty(folder: Path, ask: bool) -> int:
    """Delete every entry, leaving a database that runs under way can go on with; how many there were.

    Raises:
        click.Abort: the answer to the question was no.
    """
    with connected(folder, writes=True) as connection:
        (answers,) = connection.execute("SELECT count(*) FROM Cache").fetchone()
        if ask:
            click.confirm(f"Remove {count(answers, 'answer')} from {folder}?", abort=True)
        connection.execute("DELETE FROM Cache")
        shrink(connection)
    return int(answers)


def _set_aside(folder: Path) -> list[Path]:
    return sorted(folder.glob(database_in(folder).name + ".damaged-*"))


def _switched_off(directory: Path | None) -> str:
    from synalinks.lm.cache.store import cache_disabled  # the LM layer takes 100 ms to import, and help doesn't need it

    return " (switched off by SYNALINKS_CACHE)" if directory is None and cache_disabled() else ""


def _by_model(connection: sqlite3.Connection) -> tuple[dict[str, Sums], int]:
    """Sums by model, and how many entries can't be read."""
    from synalinks.lm.cache.layer import decode  # as above

    sums: dict[str, Sums] = {}
    unreadable = 0
    for (value,) in connection.execute("SELECT value FROM Cache"):
        entry = decode(value) if isinstance(value, bytes) else None
        if entry is None:
            unreadable += 1
        else:
            sums.setdefault(entry.model, Sums()).count(entry, len(value))
    return sums, unreadable
