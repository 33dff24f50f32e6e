"""A script with invented answers: what `synalinks run --dry-run` and `synalinks estimate` share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import click

from synalinks.cli.table import count
from synalinks.errors import CassetteError
from synalinks.lm.blocks import use_runtime
from synalinks.lm.budget.layer import BudgetTracker
from synalinks.lm.cache.location import cache_disabled, default_location
from synalinks.lm.core.dollars import dollars_text
from synalinks.lm.forecast import (
    Figures,
    Forecast,
    Priors,
    Row,
    SyntheticProvider,
    expected_text,
    notes_of,
    ordered,
    rows_of,
    shortened,
    workloads_of_run,
    wrapped,
)
from synalinks.lm.ledger.ledger import Entry, Ledger
from synalinks.lm.tables import text_table
from synalinks.trainers.forecasting import dry_run as dry_runs
from synalinks.trainers.forecasting.dry_run import DryRun


def priors_from(files: Sequence[str]) -> Priors:
    """What cassettes, and the disk cache unless it is switched off, teach of models.

    Raises:
        click.BadParameter: a file that is no cassette.
    """

    try:
        priors = Priors.of(*files)
    except CassetteError as error:
        raise click.BadParameter(str(error), param_hint="--learn-from") from error
    if not cache_disabled():
        priors.add_cache(default_location())
    return priors


@contextmanager
def dry_run(priors: Priors, learn_from: Sequence[str], forecasts: bool) -> Iterator[DryRun]:
    """A block in which every model is answered synthetically, at once, and the user's cassettes stay as they are.

    A cassette that the script opens is made in a temporary folder: no answer of it is replayed, and no row is written
    to it.
    """

    provider = SyntheticProvider(priors=priors)
    with (
        tempfile.TemporaryDirectory(prefix="synalinks-dry-") as folder,
        use_runtime(lambda outer: replace(outer, provider=provider, unlimited=True, cassette_folder=Path(folder))),
        dry_runs.dry_run(DryRun(forecasts, learn_from)) as dry,
    ):
        yield dry


def script_forecast(name: str, ledger: Ledger, dry: DryRun, priors: Priors) -> Forecast:
    """The forecast of a script: that of each of its fits, and all other calls as they were made."""

    foreseen = [(history, forecast) for history, forecast in dry.fits if forecast is not None]
    covered = {id(entry) for history, _ in foreseen for entry in history.ledger}
    rest: list[Entry] = [entry for entry in ledger if id(entry) not in covered]
    workloads = workloads_of_run(rest)
    found: dict[tuple[str | None, str], Figures] = {}
    for row in (*(row for _, forecast in foreseen for row in forecast.rows), *rows_of(workloads.items(), priors)):
        key = (row.phase, row.model)
        found[key] = found.get(key, Figures()) + row.figures
    notes = [note for _, forecast in foreseen for note in forecast.notes] + list(notes_of(workloads.items(), priors))
    return Forecast(
        ordered(Row(phase, model, figures) for (phase, model), figures in found.items()),
        title=f"Estimate of {name}: what a live run will take",
        notes=tuple(dict.fromkeys(notes)),
    )


def dry_bill(name: str, ledger: Ledger, priors: Priors, seconds: float, tracker: BudgetTracker | None) -> str:
    """What one live run would have taken, as text; nothing of it was asked or billed."""

    workloads = workloads_of_run(entry for entry in ledger if entry.error is None)
    rows = rows_of(workloads.items(), priors)
    lines = [f"Dry run of {name}: an estimate. Answers were invented; no model was asked, and nothing was billed.", ""]

    def cells(figures: Figures) -> list[str]:
        tokens = (figures.input_tokens.expected, figures.output_tokens.expected)
        return [f"{figures.calls.expected:,}", *map(shortened, tokens), expected_text(figures)]

    if rows:
        table: list[list[str]] = []
        above: object = table
        for row in rows:
            phase = "-" if row.phase is None else row.phase
            table.append(["" if row.phase == above else phase, row.model, *cells(row.figures)])
            above = row.phase
        total = sum((row.figures for row in rows), Figures())
        header = ("phase", "model", "calls", "tokens in", "tokens out", "as if live")
        lines += [text_table(header, table, [["total", "", *cells(total)]], numbers=range(2, 6)), ""]
        until = " until its budget ended it" if tracker is not None and tracker.ended is not None else ""
        money = "its dollars are not known" if total.unpriced and not total.priced.high else expected_text(total)
        lines.append(
            f"A live run would have made about {count(total.calls.expected, 'call')} and taken "
            f"{shortened(total.tokens.expected)} tokens{until}: {money}. `synalinks estimate` gives a range."
        )
    else:
        lines.append("A live run would have made no calls to models.")
    if failed := ledger.total.failed:
        lines.append(f"{failed:,} calls got no answer: their schema could not be filled, or the budget refused them.")
    lines += wrapped(notes_of(workloads.items(), priors))
    if tracker is not None:
        lines += wrapped([_budget(tracker)])
    lines += wrapped(["Files that the script writes were written, with what follows from invented answers."])
    lines.append(f"The dry run took {seconds:.1f} s.")
    return "\n".join(lines)


def _budget(tracker: BudgetTracker) -> str:

    used, cap = dollars_text(tracker.settled.usd), dollars_text(Decimal(tracker.budget.usd or 0))
    if tracker.ended is None:
        return f"The budget of {cap} would have been enough: {used} of it used."
    return f"The budget of {cap} would have ended the run {tracker.ended}; {used} of it used."
