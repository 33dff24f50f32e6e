"""`synalinks cassette from-cache`: a cassette of a run that was paid for before, made of answers in the cache."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from synalinks.cli.bill import CassetteFacts, render
from synalinks.cli.cache.files import CachePath
from synalinks.cli.run.command import ScriptCommand, ScriptPath
from synalinks.cli.run.script import exit_code, run_script
from synalinks.cli.table import count
from synalinks.errors import BudgetExceeded
from synalinks.lm import blocks
from synalinks.lm.budget.layer import Budget, BudgetTracker
from synalinks.lm.cache.contents import holds_nothing
from synalinks.lm.cache.location import Location, default_location
from synalinks.lm.cassette.file import CassetteFile
from synalinks.lm.cassette.media import adopt, folder_of

#: Before the name of a cassette that is being made; the end of a name says whether it is compressed.
_UNFINISHED = ".from-cache-"


class CassettePath(click.Path):
    """A cassette to be made; unknown options come here too, and are refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value).startswith("-"):
            raise click.NoSuchOption(str(value), ctx=ctx)
        return super().convert(value, param, ctx)


@click.command(
    "from-cache",
    cls=ScriptCommand,
    context_settings={"ignore_unknown_options": True},
    short_help="Make a cassette of a run whose answers are in the cache.",
)
@click.argument("script", type=ScriptPath(exists=True))
@click.argument("cassette", type=CassettePath(dir_okay=False, path_type=Path))
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--cache-dir",
    metavar="LOCATION",
    type=CachePath(exists=True, file_okay=False, path_type=Path),
    help="The cache, a folder or a URL; by default that of all runs.",
)
@click.option("--budget", metavar="USD", help="The budget that `synalinks run` had, if it had one.")
@click.option("--force", is_flag=True, help="Replace CASSETTE if it is there.")
@click.option("--quiet", is_flag=True, help="Don't print the bill.")
def from_cache(
    script: str,
    cassette: Path,
    args: tuple[str, ...],
    cache_dir: Location | None,
    budget: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Make CASSETTE of a run of SCRIPT whose answers are in the cache, for nothing.

    \b
      synalinks run train.py                                live; the cache keeps what was paid for
      synalinks cassette from-cache train.py train.jsonl    runs it again, and no call is sent
      synalinks run train.py --cassette train.jsonl         plays the cassette, anywhere

    SCRIPT is run once more, and every call is answered from the cache, with the tokens, cost and attempts it had
    when it was live. What the cache has no answer to ends the run with an error that names the call; then no cassette
    is made. Calls that failed, and answers that a budget cut short, are not in the cache.

    Arguments for SCRIPT go after --. The exit status is the script's own, 1 if no cassette was made.
    """

    _check(cassette, cache_dir, force)
    limit = None if budget is None else Budget(usd=budget.removeprefix("$"))
    click.get_current_context().exit(_make(script, args, cassette, cache_dir, limit, quiet))


def _check(cassette: Path, cache_dir: Location | None, force: bool) -> None:
    """Find out before the script is run that there is nothing to read, or nowhere to write."""

    location = default_location() if cache_dir is None else cache_dir
    if holds_nothing(location):
        raise click.UsageError(
            f"there is no cache in {location}, so there are no answers to make a cassette of. Name its folder with "
            "--cache-dir or SYNALINKS_CACHE_DIR, or record: synalinks run SCRIPT --cassette CASSETTE"
        )
    if cassette.exists():
        if not force:
            raise click.UsageError(f"{cassette} is there already; pass --force to replace it, or name another file")
        CassetteFile(cassette, write=True).close()  # only a cassette is replaced, and none that is being recorded


def _make(
    script: str, args: Sequence[str], cassette: Path, cache_dir: Location | None, budget: Budget | None, quiet: bool
) -> int:
    """Run the script with the cache alone, keep the cassette if it is whole, and give the exit status."""
    begun, code = time.perf_counter(), 0
    facts: CassetteFacts | None = None
    tracker: BudgetTracker | None = None
    whole = True
    with _beside(cassette) as unfinished:
        try:
            with blocks.use_ledger() as ledger, ExitStack() as around:
                archive = around.enter_context(blocks.use_cache_only(cache_dir))
                if budget is not None:
                    tracker = around.enter_context(blocks.use_budget(budget, name="budget (--budget)"))
                opened = around.enter_context(blocks.use_cassette(unfinished, "all"))
                try:
                    run_script(script, args)
                finally:
                    facts = replace(CassetteFacts.of(opened), path=str(cassette), mode="from-cache")
        except BaseException as error:  # the exit status is that of the script
            if facts is None:
                raise
            code, whole = exit_code(error), isinstance(error, BudgetExceeded)
        made = whole and facts.recorded > 0
        if made:
            os.replace(unfinished, cassette)
            adopt(cassette, unfinished)
    given = count(archive.given, "answer")
    if not made:
        why = "the script made no call" if whole else f"the run ended after {given} from the cache"
        click.echo(f"{cassette} was not made: {why}. Nothing was paid.", err=True)
        return code or 1
    if not quiet:
        bill = render(os.path.basename(script), ledger, time.perf_counter() - begun, cassette=facts, tracker=tracker)
        click.echo(f"\n{bill}\n\n{cassette}: {count(facts.recorded, 'row')} of {given} that were paid for before")
    return code


@contextmanager
def _beside(cassette: Path) -> Iterator[Path]:
    """The name of a file in the cassette's folder that is removed, with its media, if it is there at the end."""

    cassette.parent.mkdir(parents=True, exist_ok=True)
    path = cassette.with_name(_UNFINISHED + cassette.name)
    path.unlink(missing_ok=True)  # of a process that was killed
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        shutil.rmtree(folder_of(path), ignore_errors=True)
