"""This library beside its peers: every row in turn, round by round, against one server that answers at once.

    python benchmarks/peers/run.py [--rounds N] [--only ROW ...] [--page docs/speed.md]

Makes a virtual environment for each peer, in a folder that is kept (`--environments`). The library itself is that of
the Python that runs this. What is read are ratios, and of all rounds the least, which other work on the machine raises
least; a machine whose speed drifts slows all participants of a round. `--page` puts the table into a document, between
its two marks.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from instant_server import TEXT, Instant
from rows import IMPORTS, PROBES, ROWS, Row
from worker import LATENCY, Settings

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

#: What is installed beside one another for a participant, by name of the participant; its version is that of the first.
PACKAGES = {
    "aiohttp": ["aiohttp"],
    "httpx": ["httpx"],
    "ollama": ["ollama"],
    "litellm": ["litellm"],
    "DSPy": ["dspy"],
    "diskcache": ["diskcache"],
    "vcrpy": ["vcrpy", "httpx"],
    "orjson": ["orjson"],
}
MARKS = ("<!-- begin: benchmarks/peers/run.py -->\n", "<!-- end -->\n")
#: Seconds and megabytes of a program from the start of its process on.
PROBE = """
import resource, time
begun, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
{program}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(time.process_time() - begun, peak / 1024, (peak - before) / 1024)
"""
OPEN = """
import synalinks.lm
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
block = synalinks.lm.use_cassette({path!r}, "none")
block.__enter__()
"""
CASSETTE = ROOT / "cassettes/examples/hello.jsonl"
#: Commands by row, and what runs one as the script that is installed does.
STARTS = {
    "hello": ["run", str(ROOT / "examples/hello.py"), "--cassette", str(CASSETTE), "--offline"],
    "help": ["--help"],
}
START = "import sys; from synalinks.cli import main; sys.argv[0] = 'synalinks'; main()"


def package(participant: str) -> str:
    """The participant that another one shares its environment with: a variant of it, after a comma."""
    return participant.partition(",")[0]


def python_of(participant: str, environments: Path) -> str:
    """The Python of a participant, with its packages installed."""
    packages = PACKAGES.get(package(participant))
    if packages is None:
        return sys.executable
    folder = environments / package(participant)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        print(f"installing {', '.join(packages)}", file=sys.stderr)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", *packages], check=True)
    return str(python)


def environment(folder: Path) -> dict[str, str]:
    """That of a process: no cache but a stated one, no server but those given, no look-up of prices in the network, and
    compiled modules in a folder of their own."""
    left_out = ("SYNALINKS_", "OLLAMA_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    own = {"PYTHONPATH": str(ROOT / "src"), "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    return {**kept, **own, "PYTHONHASHSEED": "0", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


class Worker:
    """The process of a participant."""

    def __init__(self, participant: str, python: str, settings: Path) -> None:
        command = [python, str(HERE / "worker.py"), participant, str(settings)]
        self._participant = participant
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(settings.parent)
        )

    def measure(self, row: str) -> dict[str, float]:
        """Seconds of an operation of a row, of CPU and of the clock."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(f"{row}\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self._participant} ended at {row}; its error is above")
        found: dict[str, float] = json.loads(line)
        return found

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with self._process:
            pass


class Probes:
    """What is measured in fresh processes."""

    def __init__(self, environments: Path, folder: Path) -> None:
        self._environments = environments
        self._environment = environment(folder)
        self._cassette = folder / "100000.jsonl"

    def measure(self, row: Row, participant: str) -> float:
        """One number of a row, in its unit."""
        if participant == "the file":
            return self._cassette.stat().st_size / 2**20
        if row.name.startswith("import"):
            seconds, peak, _ = self._probe(IMPORTS[participant], python_of(participant, self._environments))
            return peak if row.quantity == "mb" else seconds
        if row.name == "opened_mb":
            return self._probe(OPEN.format(path=str(self._cassette)), sys.executable)[2]
        program = ["-c", START, *STARTS[row.name]] if participant == "synalinks" else ["-c", "pass"]
        begun = _of_children()
        subprocess.run([sys.executable, *program], check=True, stdout=subprocess.DEVNULL, env=self._environment)
        return _of_children() - begun

    def _probe(self, program: str, python: str) -> list[float]:
        command = [python, "-c", PROBE.format(program=program)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=self._environment)
        return [float(number) for number in done.stdout.split()]


def _of_children() -> float:
    """CPU seconds of processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(rows: Sequence[Row], rounds: int, environments: Path) -> dict[str, dict[str, list[float]]]:
    """The measures of each participant of each row, one a round."""
    found: dict[str, dict[str, list[float]]] = {}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sizes = sorted({str(row.cassette) for row in rows if row.cassette})
        subprocess.run([sys.executable, HERE / "ours.py", folder, TEXT, *sizes], check=True, env=environment(folder))
        messages, schema = json.loads((folder / "task.json").read_text())
        servers = stack.enter_context(Instant()), stack.enter_context(Instant(LATENCY * 1e3))
        settings = Settings(servers[0].url, servers[1].url, str(folder), messages, schema, TEXT)
        given = {name: value for name, value in vars(settings).items() if name != "open"}
        (folder / "settings.json").write_text(json.dumps(given))
        workers: dict[str, Worker] = {}
        for participant in {name for row in rows if row in ROWS for name in row.participants}:
            python = python_of(participant, environments)
            workers[participant] = worker = Worker(participant, python, folder / "settings.json")
            stack.callback(worker.close)
        probes = Probes(environments, folder)
        for row in rows:
            of_row: dict[str, list[float]] = {name: [] for name in row.participants}
            for name in () if row in ROWS else row.participants:
                probes.measure(row, name)  # compiles what it imports
            for _ in range(rounds):
                for name, numbers in of_row.items():
                    if row in ROWS:
                        numbers.append(workers[name].measure(row.name)[row.quantity])
                    else:
                        numbers.append(probes.measure(row, name))
            found[row.name] = of_row
            print_row(row, of_row)
    return found


def print_row(row: Row, of_row: dict[str, list[float]]) -> None:
    """The least of all rounds, the median, the ratio of this library, and whether it reached its aim."""
    least = {name: min(numbers) for name, numbers in of_row.items()}
    print(f"\n{row.work} ({row.quantity})" + (f"; aim: {row.aim_text}" if row.aim_text else ""))
    missed = row.missed(least)
    for name, numbers in of_row.items():
        ratio = least[row.ours[0]] / least[name]
        aim = "" if name not in row.aims else "  MISSED" if name in missed else "  reached"
        middle = row.show(statistics.median(numbers))
        print(
            f"  {name:<28}{row.show(least[name]):>16}  (median {middle})  {row.ours[0]} x {ratio:.2f}{aim}", flush=True
        )


def version_of(participant: str, environments: Path) -> str:
    """The version that is installed for a participant."""
    program = f"import importlib.metadata as m; print(m.version({PACKAGES[participant][0]!r}))"
    command = [python_of(participant, environments), "-c", program]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def table(rows: Sequence[Row], found: dict[str, dict[str, list[float]]]) -> str:
    """The least of all rounds as Markdown."""
    lines = ["| work | floor | peers | synalinks | aim | |", "|---|---|---|---|---|---|"]
    for row in rows:
        least = {name: min(numbers) for name, numbers in found[row.name].items()}
        cells = []
        for names in (row.floors, row.peers, row.ours):
            named = [(name.removeprefix("synalinks").removeprefix(", "), row.show(least[name])) for name in names]
            cells.append("<br>".join(f"{name} {shown}".strip() for name, shown in named))
        missed = [name.removeprefix("synalinks, ") for name in row.missed(least)]
        state = "" if not row.aims else "reached" if not missed else "missed"
        if missed and len(row.aims) > 1:
            state += ": " + ", ".join(missed)
        lines.append(f"| {row.work} | {' | '.join(cells)} | {row.aim_text} | {state} |")
    return "\n".join(lines) + "\n"


def put(page: Path, text: str) -> None:
    """Put a text between the marks of a document."""
    begin, rest = page.read_text(encoding="utf-8").split(MARKS[0])
    end = rest.split(MARKS[1])[1]
    page.write_text(f"{begin}{MARKS[0]}\n{text}\n{MARKS[1]}{end}", encoding="utf-8")


def main() -> None:
    """Measure, print, and write the page."""
    rows = (*ROWS, *PROBES)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="*", choices=[row.name for row in rows], help="these rows; all where none")
    parser.add_argument("--environments", type=Path, default=ROOT / "build/peers")
    parser.add_argument("--page", type=Path, help="a document that the table is put into")
    options = parser.parse_args()
    rows = tuple(row for row in rows if not options.only or row.name in options.only)
    found = measured(rows, options.rounds, options.environments.resolve())
    peers = sorted({package(name) for row in rows for name in row.participants} & PACKAGES.keys(), key=str.lower)
    versions = [f"{name} {version_of(name, options.environments.resolve())}" for name in peers]
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    text = f"{table(rows, found)}\n{'; '.join([machine, *versions])}; the least of {options.rounds} rounds.\n"
    print(f"\n{text}")
    if options.page:
        put(options.page, text)


if __name__ == "__main__":
    main()
