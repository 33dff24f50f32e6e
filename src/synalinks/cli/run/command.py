"""`synalinks run`: a script under a cassette, a budget, or offline, with its bill at the end."""

from __future__ import annotations

import difflib
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from synalinks.cli.bill import CassetteFacts, render
from synalinks.cli.doctor.servers import in_memory
from synalinks.cli.run.script import exit_code, run_script
from synalinks.errors import ConfigurationError
from synalinks.lm import blocks
from synalinks.lm.budget.layer import Budget, BudgetTracker
from synalinks.lm.cassette import MODES
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.process import PROCESS

#: By ending, what is given in place of a script, and what to do.
_JSON = "JSON, not a script. A cassette goes by --cassette FILE, with the script that it is of"
_NO_SCRIPTS = {
    ".json": _JSON,
    ".jsonl": _JSON,
    ".ipynb": "a notebook. Make a script of it: jupyter nbconvert --to script FILE",
}
#: How alike an unknown option and one of ours are taken to be a slip: a letter or two of difference.
_SLIP = 0.85


class ScriptPath(click.Path):
    """A script, or a folder or zip with a `__main__.py`."""

    name = "script"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value).startswith("-") and not os.path.exists(value):
            raise click.NoSuchOption(str(value), ctx=ctx)
        if os.path.isdir(value) and not os.path.isfile(os.path.join(value, "__main__.py")):
            self.fail(f"{value!r} is a folder without a __main__.py; give the path of a script", param, ctx)
        if words := _NO_SCRIPTS.get(os.path.splitext(value)[1].lower()):
            self.fail(f"{value!r} is {words}", param, ctx)
        if not os.path.exists(value) and os.path.isfile(f"{value}.py"):
            self.fail(f"{value!r} does not exist. Did you mean {value}.py?", param, ctx)
        return super().convert(value, param, ctx)


class ScriptCommand(click.Command):
    """A command that hands options that are not its own to a script, but not its own options misspelt."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ours = [name for param in self.params for name in param.opts if name.startswith("--")]
        for word in args[: args.index("--")] if "--" in args else args:
            name = word.partition("=")[0]
            if not name.startswith("--") or name in ours:
                continue
            if near := difflib.get_close_matches(name, ours, 1, _SLIP):
                raise click.UsageError(
                    f"No such option: {name}. Did you mean {near[0]}? What is meant for the script goes after --", ctx
                )
        return super().parse_args(ctx, args)


@click.command(
    cls=ScriptCommand,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("script", type=ScriptPath(exists=True))
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--cassette", metavar="FILE", help="Cassette to record calls to or replay them from: .jsonl or .jsonl.gz."
)
@click.option(
    "--record-mode",
    type=click.Choice(MODES),
    help="none: replay only. once: record if there is no cassette, else replay only (the default). "
    "new_episodes: replay what is there, record what is not. all: record everything anew.",
)
@click.option(
    "--no-record-errors",
    is_flag=True,
    help="Leave calls that failed in the end off the cassette; a replay misses them. "
    "Without, they fail again as they did.",
)
@click.option("--budget", metavar="USD", help="Spend at most so many dollars, e.g. 0.50. A replay counts as if live.")
@click.option("--offline", is_flag=True, help="Forbid live calls: only the cassette or the cache may answer.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Ask no model: answers are invented, and the bill says what a live run would have made. With --budget it says "
    "whether that would have been enough.",
)
@click.option(
    "--learn-from",
    metavar="CASSETTE",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="With --dry-run: a cassette that teaches how long answers are.",
)
@click.option("--bill", metavar="FILE", help="Write the ledger to a file too: one JSON object a call.")
@click.option("--quiet", is_flag=True, help="Don't print the bill.")
def run(
    script: str,
    args: tuple[str, ...],
    cassette: str | None,
    record_mode: str | None,
    no_record_errors: bool,
    budget: str | None,
    offline: bool,
    dry_run: bool,
    learn_from: tuple[str, ...],
    bill: str | None,
    quiet: bool,
) -> None:
    """Run SCRIPT, unmodified, and print the bill of its calls to models.

    \b
      synalinks run train.py --cassette train.jsonl    records; the next time, replays for nothing
      synalinks run train.py --budget 0.50             live, with the disk cache, within a budget
      synalinks run train.py --offline -- --epochs 2   what follows -- is the script's own
      synalinks run train.py --dry-run                 calls no model; what would it have cost?

    Options may stand before or after SCRIPT; arguments that are not listed below go to the script, and so does
    everything after --. Without --cassette the script runs live, with the disk cache.

    The exit status is the script's own; 1 if an error ended it, 130 after Ctrl-C. The bill is printed in every case.
    """
    if record_mode is not None and cassette is None:
        raise click.UsageError("--record-mode says what to do with a cassette: give --cassette FILE too")
    if no_record_errors and (cassette is None or record_mode == "none"):
        raise click.UsageError(
            "--no-record-errors says what is recorded: give --cassette FILE, and a mode that records"
        )
    if dry_run and (cassette is not None or offline):
        other = "--cassette" if cassette is not None else "--offline"
        raise click.UsageError(f"--dry-run invents every answer, so there is nothing for {other} to do: leave one out")
    if learn_from and not dry_run:
        raise click.UsageError("--learn-from says what a dry run learns from: give --dry-run too")
    _check_writable(bill)
    cap = _budget(budget)
    if dry_run:
        code = _run_dry(script, args, cap, learn_from, bill, quiet)
    else:
        code = _run(script, args, cassette, record_mode or "once", cap, offline, bill, quiet, not no_record_errors)
    click.get_current_context().exit(code)


def _check_writable(bill: str | None) -> None:
    """Find out before anything is spent that a bill can't be written."""
    if bill is None:
        return
    try:
        with open(bill, "a", encoding="utf-8"):
            pass
    except OSError as error:
        raise click.BadParameter(f"{bill!r} can't be written: {error.strerror}", param_hint="--bill") from error


def _budget(text: str | None) -> Budget | None:

    try:
        return None if text is None else Budget(usd=text.removeprefix("$"))
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint="--budget") from error


def _run(
    script: str,
    args: Sequence[str],
    cassette: str | None,
    record_mode: Any,
    budget: Budget | None,
    offline: bool,
    bill: str | None,
    quiet: bool,
    record_errors: bool,
) -> int:
    """Run the script within what was asked for; print and write the bill; give the exit status."""
    begun = time.perf_counter()
    tracker: BudgetTracker | None = None
    facts: CassetteFacts | None = None
    seconds: float | None = None
    existed = cassette is not None and os.path.exists(cassette)
    code = 0
    try:
        with blocks.use_ledger() as ledger, ExitStack() as around:
            if offline:
                around.enter_context(blocks.offline())
            if budget is not None:
                tracker = around.enter_context(blocks.use_budget(budget, name="budget (--budget)"))
            opened = None
            if cassette is not None:
                opened = around.enter_context(blocks.use_cassette(cassette, record_mode, record_errors=record_errors))
            try:
                run_script(script, args)
            finally:
                seconds = time.perf_counter() - begun
                facts = None if opened is None else CassetteFacts.of(opened)
    except BaseException as error:  # every way a script can end is shown, has its status and its bill
        if seconds is None:
            raise
        code = exit_code(error)
    if facts is not None and not existed and _has_no_answer(ledger):
        Path(facts.path).unlink(missing_ok=True)
        facts = replace(facts, kept=False)
    if not quiet:
        models = in_memory(PROCESS.servers, ledger.by("model")) if PROCESS.servers else ()
        text = render(os.path.basename(script), ledger, seconds, cassette=facts, tracker=tracker, models=models)
        click.echo("\n" + text)
    if bill is not None:
        ledger.to_jsonl(bill)
    return code


def _run_dry(
    script: str, args: Sequence[str], budget: Budget | None, learn_from: Sequence[str], bill: str | None, quiet: bool
) -> int:
    """Run the script with invented answers; print what a live run would have taken; give the exit status."""
    from synalinks.cli.run.dry import dry_bill, dry_run, priors_from  # the engine, which takes 0.3 s to import

    priors = priors_from(learn_from)
    begun, code = time.perf_counter(), 0
    tracker: BudgetTracker | None = None
    with dry_run(priors, learn_from, forecasts=False), blocks.use_ledger() as ledger, ExitStack() as around:
        if budget is not None:
            tracker = around.enter_context(blocks.use_budget(budget, name="budget (--budget)"))
        try:
            run_script(script, args)
        except BaseException as error:  # noqa: BLE001  every way a script can end is shown, has its status and its bill
            code = exit_code(error)
    if not quiet:
        click.echo("\n" + dry_bill(os.path.basename(script), ledger, priors, time.perf_counter() - begun, tracker))
    if bill is not None:
        ledger.to_jsonl(bill)
    return code


def _has_no_answer(ledger: Ledger) -> bool:
    """Whether a new cassette is better not kept: with no answer on it, the next run would not record, but replay,
    say, a refused connection."""
    return all(entry.error is not None for entry in ledger)
