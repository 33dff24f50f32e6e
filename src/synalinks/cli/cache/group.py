"""`synalinks cache`: what the cache of answers holds, emptying it, and thinning it out."""

from __future__ import annotations

from pathlib import Path

import click

from synalinks.cli.cache.files import LOCATION, Sums, day, location_of, table, total_of
from synalinks.cli.cache.prune import prune
from synalinks.cli.table import count, size
from synalinks.lm.cache.contents import holds_nothing, opened
from synalinks.lm.cache.disk_store import DATABASE
from synalinks.lm.cache.location import Location, cache_disabled, shown


@click.group()
def cache() -> None:
    """Look after the cache: answers already paid for.

    LOCATION is a folder, or the URL of a Redis server (redis://, rediss://, unix://); the cache of all runs unless
    given. SYNALINKS_CACHE_DIR chooses another folder for all runs, SYNALINKS_CACHE=redis://... a server, and
    SYNALINKS_CACHE=off switches the cache off.
    """


cache.add_command(prune)


@cache.command()
@LOCATION
def stats(location: Location | None) -> None:
    """Show what the cache holds, by model: answers, tokens, what they cost, bytes."""

    at = location_of(location)
    damaged = _set_aside(at)
    click.echo(f"The cache in {shown(at)}{_switched_off(location)}")
    if damaged:
        click.echo(f"  {count(len(damaged), 'damaged file')} set aside; `synalinks cache clear` removes them too")
    if holds_nothing(at):
        click.echo("  is empty: nothing was stored there yet")
        return
    sums: dict[str, Sums] = {}
    answers, unreadable, first, last = 0, 0, float("inf"), 0.0
    with opened(at, writes=False) as contents:
        for item in contents.items():
            first, last = min(first, item.stored), max(last, item.stored)
            answers += item.size
            if item.entry is None:
                unreadable += 1
            else:
                sums.setdefault(item.entry.model, Sums()).count(item.entry, item.size)
        taken = f"{size(contents.size(answers))} {'on the server' if isinstance(at, str) else 'on disk'}"
    click.echo(f"  holds {count(total_of(sums.values()).answers, 'answer')}, {taken}")
    if unreadable:
        click.echo(f"  {count(unreadable, 'entry', 'entries')} can't be read and will be asked for again")
    if last:
        click.echo(f"  stored between {day(first)} and {day(last)}")
    if sums:
        click.echo("\n" + table(sums))


@cache.command()
@LOCATION
@click.option("--yes", is_flag=True, help="Don't ask.")
def clear(location: Location | None, yes: bool) -> None:
    """Remove all answers from the cache, and damaged databases that were set aside.

    What is removed has to be paid for again. `synalinks cache prune` removes a part. Of a server only the answers of
    this library are removed.
    """

    at = location_of(location)
    empty, damaged = holds_nothing(at), _set_aside(at)
    if empty and not damaged:
        click.echo(f"There is nothing in {shown(at)}")
        return
    answers = 0 if empty else _empty(at, ask=not yes)
    for path in damaged:
        path.unlink()
    aside = f" and {count(len(damaged), 'damaged file')}" if damaged else ""
    click.echo(f"Removed {count(answers, 'answer')}{aside} from {shown(at)}")


def _empty(location: Location, ask: bool) -> int:
    """Remove every entry, leaving a cache that runs under way can go on with; how many there were.

    Raises:
        click.Abort: the answer to the question was no.
    """

    with opened(location, writes=True) as contents:
        ids = [item.id for item in contents.items()]
        if ask:
            click.confirm(f"Remove {count(len(ids), 'answer')} from {shown(location)}?", abort=True)
        contents.remove(ids)
    return len(ids)


def _set_aside(location: Location) -> list[Path]:

    return sorted(location.glob(f"{DATABASE}.damaged-*")) if isinstance(location, Path) else []


def _switched_off(location: Location | None) -> str:

    return " (switched off by SYNALINKS_CACHE)" if location is None and cache_disabled() else ""
