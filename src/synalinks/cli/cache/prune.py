"""`synalinks cache prune`: remove a part of the cache, by age, size or model."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import click

from synalinks.cli.cache.files import LOCATION, Sums, day, location_of, table, total_of
from synalinks.cli.table import count, price, size
from synalinks.lm.cache.contents import Contents, holds_nothing, opened
from synalinks.lm.cache.location import Location, shown

#: Seconds of a unit of age.
_UNITS = {"h": 3600.0, "d": 86400.0, "w": 604800.0}
#: Bytes of a unit of size, in powers of 1000 as `cache stats` shows them.
_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}


def _age(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """A time span such as `30d`, `12h` or `2w`, in seconds; a bare number is in days."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([hdw]?)", value.strip().lower())
    if found is None:
        raise click.BadParameter(f"{value!r} is no age; give hours, days or weeks: 12h, 30d, 2w", ctx, param)
    return float(found[1]) * _UNITS[found[2] or "d"]


def _size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """An amount of bytes such as `500MB` or `2GB`; a bare number is in bytes."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(|b|kb|mb|gb)", value.strip().lower())
    if found is None:
        raise click.BadParameter(f"{value!r} is no size; give bytes, or kB, MB, GB: 500MB", ctx, param)
    return int(float(found[1]) * _SIZES[found[2]])


@dataclass
class _Answers:
    """All answers to one request: they are numbered, and go together.

    Attributes:
        model: who gave them; None if none can be read.
        newest: when the last was stored, in seconds since 1970.
    """

    model: str | None = None
    newest: float = 0.0
    sums: Sums = field(default_factory=Sums)
    ids: list[int | str] = field(default_factory=list)


@click.command()
@LOCATION
@click.option("--older-than", metavar="AGE", callback=_age, help="Remove what was stored longer ago: 12h, 30d, 2w.")
@click.option("--model", "models", multiple=True, help="Remove answers of this model; may be given several times.")
@click.option(
    "--keep", metavar="SIZE", callback=_size, help="Remove the oldest until no more than this is left: 500MB."
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def prune(
    location: Location | None,
    older_than: float | None,
    models: tuple[str, ...],
    keep: int | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Remove a part of the cache, by age, model or size. What is removed has to be paid for again.

    \b
      synalinks cache prune --older-than 30d --dry_run
      synalinks cache prune --model ollama/llama3.2:latest
      synalinks cache prune --keep 500MB

    Options narrow each other down: with --older-than or --model, --keep removes the oldest of those only. All answers
    to one request go together, and are as old as the last of them.
    """
    if older_than is None and keep is None and not models:
        raise click.UsageError(
            "say what to remove: --older-than, --model or --keep; `synalinks cache clear` removes all"
        )

    at = location_of(location)
    name = shown(at)
    if holds_nothing(at):
        click.echo(f"There is nothing in {name}")
        return
    with opened(at, writes=not dry_run) as contents:
        everything = _requests(contents)
        if missing := sorted(set(models) - {request.model for request in everything}):
            there = ", ".join(sorted({request.model for request in everything if request.model})) or "none"
            raise click.BadParameter(
                f"the cache has no answer of {missing[0]!r}; its models: {there}", param_hint="--model"
            )
        going = _chosen(everything, older_than, set(models), keep)
        if not going:
            click.echo(f"Nothing in {name} is to go; {_summary(everything)} stay")
            return
        _print_summary(name, everything, going)
        if dry_run:
            return
        if not yes:
            click.confirm("Remove them?", abort=True)
        contents.remove([item for request in going for item in request.ids])
    click.echo(f"Removed {_summary(going)}")


def _requests(contents: Contents) -> list[_Answers]:
    """What the cache holds, request by request, the oldest first."""
    found: dict[str, _Answers] = {}
    for item in contents.items():
        prefix = item.key.rpartition(" ")[0] or item.key  # less the number of the answer
        request = found.setdefault(prefix, _Answers())
        request.ids.append(item.id)
        request.newest = max(request.newest, item.stored)
        if item.entry is None:
            request.sums.bytes += item.size
        else:
            request.model = item.entry.model
            request.sums.count(item.entry, item.size)
    return sorted(found.values(), key=lambda request: request.newest)


def _chosen(everything: list[_Answers], older_than: float | None, models: set[str], keep: int | None) -> list[_Answers]:
    """What is to go, the oldest first."""
    going = [request for request in everything if not models or request.model in models]
    if older_than is not None:
        limit = time.time() - older_than
        going = [request for request in going if request.newest < limit]
    if keep is None:
        return going
    left, chosen = sum(request.sums.bytes for request in everything), []
    for request in going:
        if left <= keep:
            break
        left -= request.sums.bytes
        chosen.append(request)
    return chosen


def _print_summary(name: str, everything: list[_Answers], going: list[_Answers]) -> None:
    """Show what goes by model, and what stays."""
    sums: dict[str, Sums] = {}
    for request in going:
        sums.setdefault(request.model or "(can't be read)", Sums()).add(request.sums)
    gone = set(map(id, going))
    stays = [request for request in everything if id(request) not in gone]
    click.echo(f"To go from {name}, stored between {day(going[0].newest)} and {day(going[-1].newest)}:\n")
    click.echo(table(sums))
    click.echo(f"\n{_summary(stays)} stay")


def _summary(requests: Iterable[_Answers]) -> str:
    total = total_of(request.sums for request in requests)
    return f"{count(total.answers, 'answer')} ({size(total.bytes)}, {price(total.cost.exact)})"
