"""The command `synalinks`: run scripts under a cassette, look into cassettes, look after the cache.

Each command is a file of its own. Only click is imported to show help; a command imports what it works with
when it is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from synalinks.cli.cache.group import cache
from synalinks.cli.cassette.group import cassette
from synalinks.cli.doctor.command import doctor
from synalinks.cli.estimate import estimate
from synalinks.cli.prices import prices
from synalinks.cli.report.command import report
from synalinks.cli.run.command import run
from synalinks.errors import ConfigurationError, SynalinksError
from synalinks.version import __version__

__all__ = ["commands", "main"]


class Commands(click.Group):
    """A group of commands whose own errors are one message, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SynalinksError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"max_content_width": 100})
@click.version_option(__version__, prog_name="synalinks")
@click.option(
    "env_files",
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Read variables such as API keys from this file, e.g. .env; those that are set already stay (extra dotenv).",
)
def commands(env_files: tuple[Path, ...]) -> None:
    """Train and run programs of language-model calls, every call metered and replayable.

    \b
    Record a script's calls, then run it again offline and for nothing:
      synalinks run train.py --cassette train.jsonl
      synalinks run train.py --cassette train.jsonl --record-mode none
    """
    for path in env_files:
        _read_variables(path)


def _read_variables(path: Path) -> None:
    try:
        from dotenv import load_dotenv  # an extra
    except ImportError as error:
        raise ConfigurationError("--env-file needs python-dotenv: pip install 'synalinks-replay[dotenv]'") from error
    load_dotenv(path, override=False)


commands.add_command(run)
commands.add_command(estimate)
commands.add_command(cassette)
commands.add_command(cache)
commands.add_command(prices)
commands.add_command(report)
commands.add_command(doctor)


def main() -> None:
    """Run the command line and end the process."""
    # On Windows click would expand wildcards in what is meant for the user's script.
    commands(windows_expand_args=False)
