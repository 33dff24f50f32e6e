"""Record every cassette of this folder anew, against the stand-in Ollama server. One command, no network:

    python cassettes/record.py             # replaces the cassettes that changed, and the table in README.md
    python cassettes/record.py --to DIR    # writes the cassettes to another folder, changes nothing here

The scripts of others are not part of this project. They are looked for in `../shared/seeds`, or in the folder that
SYNALINKS_SHARED names with `/seeds` after it; where they are not there, their cassettes are left as they are.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from synalinks.testing import OllamaServer

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # the tests run this file from elsewhere

from rules import MODELS, GuideModel  # noqa: E402

ROOT = HERE.parent
SEEDS = Path(os.environ.get("SYNALINKS_SHARED", ROOT.parent / "shared")) / "seeds"
OF_OTHERS = ("training",)
#: Open their cassettes themselves, in the folder beside their own.
OPEN_THEIR_OWN = ("record_a_run", "recording")
#: Bring the model's answers themselves.
WITHOUT_CASSETTE = ("own_optimizer",)
BEGIN, END = "<!-- cassettes: written by record.py -->", "<!-- end of cassettes -->"

#: What each script is run by, in a process of its own: prices that one script states are not the next one's.
RUN = """
import runpy, sys, synalinks
with synalinks.use_cassette(sys.argv[2], record_mode="all"):
    runpy.run_path(sys.argv[1], run_name="__main__")
"""


def scripts(place: Path) -> Iterator[tuple[Path, Path]]:
    """Each script with its cassette, as they stand in a copy of the examples at `place`."""
    for folder in ("examples", "examples/guides"):
        for script in sorted((place / folder).glob("*.py")):
            if script.stem not in WITHOUT_CASSETTE:
                yield script, place / "cassettes" / script.parent.name / f"{script.stem}.jsonl"
    for name in OF_OTHERS:
        if (SEEDS / f"{name}.py").is_file():
            yield SEEDS / f"{name}.py", place / "cassettes" / "scripts" / f"{name}.jsonl"
        else:
            print(f"{SEEDS / name}.py is not there: cassettes/scripts/{name}.jsonl is left as it is")


def record(script: Path, cassette: Path, folder: Path) -> None:
    """Run one script live, in `folder`, with a new substitute server, which has answered no call yet.

    Raises:
        subprocess.CalledProcessError: the script failed.
    """
    with OllamaServer(model=GuideModel(), models=MODELS) as server:
        environment = {**os.environ, "OLLAMA_HOST": server.url, "SYNALINKS_CACHE": "off"}
        environment["PYTHONPATH"] = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path if entry)
        command = [sys.executable, "-c", RUN, str(script), str(cassette)]
        if script.stem in OPEN_THEIR_OWN:
            command = [sys.executable, str(script)]
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        print(f"{cassette.parent.name}/{cassette.name}: {server.requests.number} calls recorded")


def rows(cassette: Path) -> list[Any]:
    """The lines of a cassette without the seconds that each answer took, which no two recordings share."""
    found = [json.loads(line) for line in cassette.read_text(encoding="utf-8").splitlines()]
    for row in found[1:]:
        for name in ("seconds", "machine_seconds", "loading", "first_token"):
            row.get("reply", {}).pop(name, None)
    return found


def record_all(to: Path) -> list[str]:
    """Record every cassette, and return the names of those that say something else than before.

    `to` is touched only when all are recorded. A cassette that differs in nothing but seconds is left as it is, so that
    the diff shows what really changed.
    """
    changed = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        shutil.copytree(ROOT / "examples", place / "examples", ignore=shutil.ignore_patterns("__pycache__"))
        for script, cassette in scripts(place):
            cassette.parent.mkdir(parents=True, exist_ok=True)
            record(script, cassette, place)
        for new in sorted((place / "cassettes").glob("*/*.jsonl")):
            old = to / new.parent.name / new.name
            if not old.exists() or rows(old) != rows(new):
                old.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(new, old)
                changed.append(f"{new.parent.name}/{new.name}")
    return changed


def line_of(cassette: Path, recorded: str) -> str:
    """A cassette's line in the table: when, calls, tokens, dollars as if live, size."""
    replies = [row["reply"] for row in rows(cassette)[1:] if "reply" in row]
    tokens = [sum(reply["usage"].get(bucket, 0) for reply in replies) for bucket in ("input_fresh", "output_text")]
    cost = sum((Decimal(reply["cost"]) for reply in replies), Decimal(0))
    size = cassette.stat().st_size / 1000
    name = f"{cassette.parent.name}/{cassette.name}"
    return f"| `{name}` | {recorded} | {len(replies)} | {tokens[0]:,} | {tokens[1]:,} | ${cost:.4f} | {size:.0f} kB |"


def dates_in(text: str) -> dict[str, str]:
    """When each cassette was recorded, as the table in a text says."""
    return dict(re.findall(r"^\| `(\S+)` \| (\d{4}-\d\d-\d\d) \|", text, re.MULTILINE))


def table(dates: Mapping[str, str]) -> str:
    """The table of all cassettes; all but the dates is of facts that the cassettes hold themselves."""
    head = "| cassette | recorded | calls | tokens in | tokens out | as if live | size |\n|---|---|--:|--:|--:|--:|--:|"
    cassettes = sorted(HERE.glob("*/*.jsonl"))
    return "\n".join(
        [head, *(line_of(cassette, dates[f"{cassette.parent.name}/{cassette.name}"]) for cassette in cassettes)]
    )


def write_table(changed: Iterable[str]) -> None:
    """Bring the table in README.md up to date; cassettes that `changed`, or have no line yet, are of today."""
    path = HERE / "README.md"
    text = path.read_text(encoding="utf-8")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    new = (f"{path.parent.name}/{path.name}" for path in HERE.glob("*/*.jsonl"))
    dates = {**dict.fromkeys(new, today), **dates_in(text), **dict.fromkeys(changed, today)}
    before, _, rest = text.partition(BEGIN)
    path.write_text(f"{before}{BEGIN}\n{table(dates)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def main() -> None:
    """Record, and unless another folder was named, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=HERE, metavar="DIR", help="folder for the cassettes (default: here)")
    options = parser.parse_args()
    changed = record_all(options.to)
    print("changed:", ", ".join(changed) or "none")
    if options.to == HERE:
        write_table(changed)


if __name__ == "__main__":
    main()
