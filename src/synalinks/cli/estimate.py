"""`synalinks estimate`: what a script will take live, from low to high, before anything is paid for."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import click

from synalinks.cli.run.command import ScriptCommand, ScriptPath
from synalinks.cli.run.dry import dry_run, priors_from, script_forecast
from synalinks.cli.run.script import exit_code, run_script
from synalinks.lm.blocks import use_ledger


@click.command(
    cls=ScriptCommand,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("script", type=ScriptPath(exists=True))
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--learn-from",
    metavar="CASSETTE",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="A cassette that teaches how long answers are and how prompts are counted; may be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the forecast as JSON.")
@click.option("--show-output", is_flag=True, help="Show what the script prints.")
def estimate(script: str, args: tuple[str, ...], learn_from: tuple[str, ...], as_json: bool, show_output: bool) -> None:
    """Forecast calls, tokens and dollars of SCRIPT by phase and model, from low to high.

    The script runs, unmodified, with every model answered synthetically: no server, no key, no cassette, nothing is
    billed. Each of its fits is forecast from its real prompts, as `program.estimate` does it; all other calls are
    counted as they are made. Low leaves out what cache and sharing may save; high has retries, the longest answers and
    most examples. Lengths are learnt from the disk cache, and from the cassettes of --learn-from.

    `synalinks run SCRIPT --dry-run` shows what one run would have made instead, without a range, and with what the
    script prints. Files that the script writes are written in both cases.

    \b
      synalinks estimate train.py
      synalinks estimate train.py --learn-from train.jsonl -- --epochs 5
    """
    priors = priors_from(learn_from)
    code, ended = 0, False
    with dry_run(priors, learn_from, forecasts=True) as dry, use_ledger() as ledger:
        try:
            with _output(show_output):
                run_script(script, args)
            ended = True
        except BaseException as error:  # noqa: BLE001  the exit status is that of the script
            code = exit_code(error)
    forecast = script_forecast(os.path.basename(script), ledger, dry, priors)
    if as_json:
        click.echo(json.dumps(forecast.to_dict(), indent=2))
    else:
        click.echo(("\n" if show_output else "") + str(forecast))
        if not ended:
            click.echo(
                "The script did not come to its end: what it would have asked after that is not in the forecast."
            )
    click.get_current_context().exit(code)


@contextmanager
def _output(shown: bool) -> Iterator[None]:
    """What the script prints, shown or not; errors and warnings always are."""
    if shown:
        yield
        return
    with redirect_stdout(io.StringIO()):
        yield
