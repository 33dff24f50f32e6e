"""Record every tape of this folder anew, against the stand-in Ollama server. One command, no network:

    python cassettes/record.py             # replaces the tapes and the table in README.md
    python cassettes/record.py --to DIR    # writes the tapes to another folder, changes nothing here

The guide scripts are not part of this project. They are looked for in `../shared/seeds`, or in the folder that
SYNALINKS_SHARED names with `/seeds` after it; where they are not there, their tapes are left as they are.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import synalinks
from synalinks.testing import OllamaServer

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SEEDS = Path(os.environ.get("SYNALINKS_SHARED", ROOT.parent / "shared")) / "seeds"
GUIDES = ("training",)
#: Opens its tape itself, in the folder beside its own.
OPENS_ITS_OWN = "tape_a_run"
BEGIN, END = "<!-- tapes: written by record.py -->", "<!-- end of tapes -->"

#: What each script is run by, in a process of its own: prices that one script states are not the next one's.
RUN = """
import runpy, sys, synalinks
with synalinks.use_cassette(sys.argv[2], record_mode="all"):
    runpy.run_path(sys.argv[1], run_name="__main__")
"""


def scripts(place: Path) -> Iterator[tuple[Path, Path]]:
    """Each script with its tape, as they stand in a copy of the examples at `place`."""
    for script in sorted((place / "examples").glob("*.py")):
        yield script, place / "cassettes" / "examples" / f"{script.stem}.jsonl"
    for name in GUIDES:
        if (SEEDS / f"{name}.py").is_file():
            yield SEEDS / f"{name}.py", place / "cassettes" / "guides" / f"{name}.jsonl"
        else:
            print(f"{SEEDS / name}.py is not there: cassettes/guides/{name}.jsonl is left as it is")


def record(script: Path, tape: Path, folder: Path) -> None:
    """Run one script live, in `folder`, with a stand-in server that has answered nobody yet.

    Raises:
        subprocess.CalledProcessError: the script failed.
    """
    with OllamaServer() as server:
        environment = {**os.environ, "OLLAMA_HOST": server.url, "SYNALINKS_CACHE": "off"}
        environment["PYTHONPATH"] = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path if entry)
        command = [sys.executable, "-c", RUN, str(script), str(tape)]
        if script.stem == OPENS_ITS_OWN:
            command = [sys.executable, str(script)]
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        print(f"{tape.parent.name}/{tape.name}: {server.requests.number} calls recorded")


def record_all(to: Path) -> None:
    """Record every tape; `to` is touched only when all of them are there."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        shutil.copytree(ROOT / "examples", place / "examples", ignore=shutil.ignore_patterns("__pycache__"))
        for script, tape in scripts(place):
            tape.parent.mkdir(parents=True, exist_ok=True)
            record(script, tape, place)
        shutil.copytree(place / "cassettes", to, dirs_exist_ok=True)


def row(tape: Path) -> str:
    """A tape's line in the table: calls, tokens, dollars as if live, size. Of facts the tape holds itself."""
    rows = [json.loads(line) for line in tape.read_text(encoding="utf-8").splitlines()[1:]]
    usages = [one["reply"].get("usage", {}) for one in rows]
    tokens = [sum(usage.get(bucket, 0) for usage in usages) for bucket in ("input_fresh", "output_text")]
    cost = sum((Decimal(one["reply"]["cost"]) for one in rows), Decimal(0))
    name = f"{tape.parent.name}/{tape.name}"
    size = tape.stat().st_size / 1000
    return f"| `{name}` | {len(rows)} | {tokens[0]:,} | {tokens[1]:,} | ${cost:.4f} | {size:.0f} kB |"


def table() -> str:
    """The table of all tapes, without the line that says when."""
    head = "| tape | calls | tokens in | tokens out | as if live | size |\n|---|--:|--:|--:|--:|--:|"
    return "\n".join([head, *(row(tape) for tape in sorted(HERE.glob("*/*.jsonl")))])


def write_table() -> None:
    """Put the table, and when it was made with what, into README.md."""
    path = HERE / "README.md"
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    today = datetime.datetime.now(datetime.UTC).date()
    when = f"Recorded on {today} with synalinks-replay {synalinks.__version__}."
    path.write_text(f"{before}{BEGIN}\n{when}\n\n{table()}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Record, and unless another folder was named, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=HERE, metavar="DIR", help="folder for the tapes (default: here)")
    options = parser.parse_args()
    record_all(options.to)
    if options.to == HERE:
        write_table()


if __name__ == "__main__":
    main()
