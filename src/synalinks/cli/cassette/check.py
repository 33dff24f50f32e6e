"""`synalinks cassette check`: what is wrong with a cassette, as far as the file or a replay of a script can tell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from synalinks.cli.run.command import ScriptCommand, ScriptPath
from synalinks.cli.run.script import exit_code, run_script
from synalinks.cli.table import count
from synalinks.errors import CassetteError
from synalinks.lm import blocks
from synalinks.lm.cassette.check import depth_problem, problem_of
from synalinks.lm.cassette.disk import Lines, opened
from synalinks.lm.cassette.file import FORMAT, MARK
from synalinks.lm.cassette.rows import event_of, is_row, parse
from synalinks.lm.core.call import REQUEST_FORMAT, Request
from synalinks.lm.core.secrets import SECRETS

#: Characters of a secret that are shown, enough to find out which it is.
_SHOWN = 6


@click.command(
    cls=ScriptCommand,
    context_settings={"ignore_unknown_options": True},
    short_help="Look for what is wrong with a cassette.",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.option("--script", type=ScriptPath(exists=True), help="Replay this script too, and tell what it does not play.")
@click.pass_context
def check(ctx: click.Context, file: Path, args: tuple[str, ...], script: str | None) -> None:
    """Look for what is wrong with a cassette: torn or foreign lines, rows that are there twice, digests that are
    not their request's, and strings that look like secrets; with --script, rows that a replay does not play.

    \b
      synalinks cassette check train.jsonl
      synalinks cassette check train.jsonl --script train.py -- --epochs 2

    Nothing is changed, and nothing is asked live. The command fails if it finds something.
    """
    if args and script is None:
        raise click.UsageError(f"Got unexpected extra argument ({args[0]}); arguments are for the script of --script")
    problems, rows = 0, 0
    for kind, text in _problems(file):
        if kind == "row":
            rows += 1
        else:
            problems += 1
            click.echo(text)
    if script is not None and problems:
        click.echo(f"{script} was not run: mend the cassette first")
    elif script is not None:
        for text in _of_replay(file, script, args):
            problems += 1
            click.echo(text)
    click.echo(f"{file}: {count(rows, 'row')}, {count(problems, 'problem') if problems else 'nothing wrong'}")
    if problems:
        ctx.exit(1)


def _problems(file: Path) -> Iterator[tuple[str, str]]:
    """Each problem as (`problem`, its text), and (`row`, "") for each row that can be read."""

    lines, cut = _lines(file)
    seen: dict[tuple[Any, ...], int] = {}
    stale = False
    for number, line in enumerate(lines, 1):
        where = f"line {number}"
        try:
            value = parse(line)
        except ValueError:
            torn = number == len(lines) and (cut or not line.endswith(b"\n"))
            yield (
                "problem",
                f"{where}: torn; its recording was cut off. Opening the cassette drops it"
                if torn
                else f"{where}: no JSON",
            )
            continue
        if number == 1:
            problem, stale = _header(value)
            if problem:
                yield "problem", f"{where}: {problem}"
        elif not is_row(value):
            yield "problem", f"{where}: JSON, but no row of a cassette"
        elif wrong := depth_problem(line, value) or problem_of(value):
            yield "row", ""
            yield "problem", f"{where}: {wrong}"
        else:
            yield "row", ""
            for problem in _of_row(value, number, seen, stale):
                yield "problem", f"{where}: {problem}"
    if not lines:
        yield "problem", "the file is empty, not a cassette"


def _of_replay(file: Path, script: str, args: Sequence[str]) -> Iterator[str]:
    """What a strict replay of a script leaves unplayed, or what ended it."""

    try:
        with blocks.offline(), blocks.use_cassette(file, "none") as cassette:
            try:
                run_script(script, args)
            except BaseException as error:  # the report says how the script ended
                if isinstance(error, KeyboardInterrupt):
                    raise
                exit_code(error)
                yield f"{script} did not come to its end on this cassette; {cassette.report()}"
            else:
                left = cassette.unplayed()
                click.echo(f"{script}: {cassette.report()}")
                yield from (f"line {row.line}: not played by {script} ({row.scope})" for row in left)
    except CassetteError as error:
        yield f"it can't be replayed: {error}"


def _lines(file: Path) -> tuple[list[bytes], bool]:
    """The lines of a cassette as they are, and whether the end of a compressed one is missing."""

    with opened(file) as reader:
        lines = Lines(file, reader)
        return list(lines), lines.cut


def _header(value: Any) -> tuple[str, bool]:
    """What is wrong with the first line, and whether its digests are of an older request format."""

    version = value.get(MARK) if isinstance(value, dict) else None
    if not isinstance(version, int):
        return f"no header of a cassette: it has no {MARK!r}", False
    asked = value.get("request_format", REQUEST_FORMAT)
    if not isinstance(asked, int):
        return f"no header of a cassette: its request_format is {asked!r:.80}", False
    if version > FORMAT or asked > REQUEST_FORMAT:
        return f"a cassette of the newer format {version} (requests {asked}); upgrade synalinks-replay", True
    if value.get("recording"):
        return "its first recording was never finished; open it with mode once or new_episodes to go on", False
    return "", asked != REQUEST_FORMAT


def _of_row(value: Mapping[str, Any], number: int, seen: dict[tuple[Any, ...], int], stale: bool) -> Iterator[str]:

    if event_of(value) is not None:
        return
    if not stale and (digest := Request.from_dict(value["request"]).digest) != value["digest"]:
        yield (
            f"the digest is {value['digest'][:12]}, but its request's is {digest[:12]}, so the row is never found. "
            "Was the request edited by hand? Record the call again"
        )
    key = identity(value)
    if (first := seen.setdefault(key, number)) != number:
        yield f"the same call as line {first}; `synalinks cassette prune` drops it"
    for path, text in _strings(value):
        for name, pattern in SECRETS.items():
            if found := pattern.search(text):
                word = found.group()
                yield f"{path} has what looks like {name}: {word[:_SHOWN]}... ({len(word)} characters)"


def identity(value: Mapping[str, object]) -> tuple[Any, ...]:
    """The identity of a cassette's row: request, place, and whether it is an answer or a budget's refusal."""
    scope = json.dumps(value["scope"], sort_keys=True)
    return value["digest"], scope, value["draw"], "refused" in value, value.get("capped")


def _strings(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """All texts in a row but for the vectors, with where they are."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in ("vectors", "digest"):
                yield from _strings(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, f"{path}[{index}]")
