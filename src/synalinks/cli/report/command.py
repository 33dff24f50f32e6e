"""`synalinks report`: runs as one HTML file that opens from disk."""

from __future__ import annotations

from pathlib import Path

import click

from synalinks.cli.report.files import read_runs, read_targets
from synalinks.cli.report.page import page


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("report.html"), show_default=True,
    help="The HTML file to write.",
)  # fmt: skip
@click.option(
    "--targets", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The target of each sample, JSON lines, where no history has them: line 1 is that of sample 0.",
)  # fmt: skip
def report(runs: tuple[Path, ...], output: Path, targets: Path | None) -> None:
    """Show runs as one HTML file, without a network.

    A RUN is a cassette, the JSON lines of a ledger, a history (`history.save`), a training state or a saved program; or
    a folder of these. Files whose names are the same up to the first dot are one run: `a.jsonl a.history.json`. Several
    runs are shown side by side, the first two also sample by sample: what each gave and which reward is better.

    \b
      synalinks report train.jsonl train.history.json -o report.html
      synalinks report before.jsonl after.jsonl --targets targets.jsonl
    """
    found = read_runs(runs)
    text = page(found, None if targets is None else read_targets(targets))
    try:
        output.write_bytes(content := text.encode("utf-8", "replace"))  # models produce lone surrogates
    except OSError as error:
        raise click.ClickException(f"can't write {output}: {error.strerror or error}") from error
    calls = sum(len(run.entries) for run in found)
    runs_text = "1 run" if len(found) == 1 else f"{len(found)} runs"
    click.echo(f"{output}: {runs_text}, {calls:,} calls, {len(content) / 1e6:.1f} MB")
