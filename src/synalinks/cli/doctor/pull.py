"""`synalinks doctor --pull`: Ollama fetches a model, and its progress is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from synalinks.cli.doctor.servers import client_of

if TYPE_CHECKING:
    from rich.progress import Progress

#: Seconds without a word after which a pull has failed; Ollama says something each second or so.
SILENCE = 120.0
#: Columns of a terminal from which on the speed is shown, too.
WIDE = 60


def pull(endpoint: str, model: str, key: str | None) -> str | None:
    """Have an Ollama server fetch a model; a bar shows how far it is.

    Returns:
        Why it failed, or None.
    """
    import httpx  # 80 ms, and most commands do without it

    click.echo(f"pulling {model} to {endpoint}")
    try:
        with _progress() as progress:
            bars: dict[str, Any] = {}
            for line in _lines(endpoint, model, key):
                if "error" in line:
                    return str(line["error"])
                if line.get("status") == "success":
                    return None
                _show(progress, bars, line)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return str(error) or type(error).__name__
    except ValueError:
        return "the server sent something that is not JSON"
    return "the server ended its answer before the model was whole"


def _lines(endpoint: str, model: str, key: str | None) -> Iterator[dict[str, Any]]:
    """What the server says while it fetches, object by object.

    Raises:
        httpx.HTTPError: it does not answer.
        ValueError: it sent something else.
    """
    with (
        client_of(endpoint, key, SILENCE) as client,
        client.stream("POST", f"{endpoint}/api/pull", json={"model": model}) as response,
    ):
        for text in response.iter_lines():
            if text.strip():
                line = json.loads(text)
                yield line if isinstance(line, dict) else {}


def _progress() -> Progress:
    """The bars of a download; plain lines are left to the caller where there is no terminal."""
    from rich.console import Console  # 60 ms, for a command that takes minutes
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars
    from rich.table import Column

    console = Console()
    figures = [DownloadColumn, TransferSpeedColumn, TimeRemainingColumn]
    if console.width < WIDE:
        figures.remove(TransferSpeedColumn)
    whole = [figure(table_column=Column(no_wrap=True)) for figure in figures]  # what shrinks is the bar alone
    bars = (TextColumn("{task.description}"), BarColumn(), *whole)
    return Bars(*bars, console=console, disable=not console.is_terminal)


def _show(progress: Progress, bars: dict[str, Any], line: dict[str, Any]) -> None:
    """Show a line: of a file, how much of it has come."""
    digest, total = line.get("digest"), line.get("total")
    if not isinstance(digest, str) or not total:
        return
    if digest not in bars:
        bars[digest] = progress.add_task(digest.removeprefix("sha256:")[:12], total=total)
    progress.update(bars[digest], completed=line.get("completed") or 0)
