"""The command `synalinks`: run scripts under a cassette, look into cassettes, look after the cache.

Each command is a file of its own, which is imported when the command is called: the list of them needs only click.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from synalinks.errors import ConfigurationError, SynalinksError
from synalinks.version import __version__

__all__ = ["commands", "main"]


#: The commands, each with its module and with what the list of them says.
COMMANDS = {
    "cache": ("cache.group", "Look after the cache: answers already paid for."),
    "cassette": ("cassette.group", "Look into cassettes, compare, check, prune and merge them."),
    "doctor": ("doctor.command", "Show what could answer live, and what would be needed."),
    "estimate": ("estimate", "Forecast what a script will take, from low to high."),
    "prices": ("prices", "Show what models cost, in dollars per million tokens."),
    "report": ("report.command", "Show runs as one HTML file."),
    "run": ("run.command", "Run a script and print the bill of its calls."),
}


class Commands(click.Group):
    """The commands, each imported when it is called; their own errors are one message, not a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{__name__}.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and (args[0].endswith(".py") or Path(args[0]).exists()):
            raise click.UsageError(f"{args[0]!r} is no command. A script is run by: synalinks run {args[0]}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

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


def main() -> None:
    """Run the command line and end the process."""
    # On Windows click would expand wildcards in what is meant for the user's script.
    commands(windows_expand_args=False)
