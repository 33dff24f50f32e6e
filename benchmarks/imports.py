"""Time and memory of `import synalinks` beside httpx alone, each in fresh processes, in turn; and the installed size.

python benchmarks/imports.py [--rounds N]
"""

from __future__ import annotations

import argparse
import importlib.metadata
import statistics
import subprocess
import sys
from pathlib import Path

#: What is imported: the bare package, the names every program uses, and what a Generator call pulls in besides.
PROGRAMS = {
    "httpx alone": "import httpx",
    "import synalinks": "import synalinks",
    "synalinks, names of a program": "from synalinks import DataModel, Field, Generator, Input, LanguageModel, Program",
}
PROBE = """
import sys, time, resource
begun = time.perf_counter()
{program}
print(time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def probe(program: str) -> tuple[float, float]:
    """Seconds and peak megabytes of a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(program=program)], capture_output=True, text=True, check=True
    )
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def closure(name: str, seen: set[str]) -> set[str]:
    """A distribution and all it requires, extras left out."""
    name = name.lower().replace("_", "-")
    if name in seen:
        return seen
    try:
        requires = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return seen
    seen.add(name)
    for requirement in requires:
        if "extra ==" not in requirement:
            closure(requirement.split(";")[0].split("[")[0].strip("()~<>=! 0123456789.,"), seen)
    return seen


def size(names: set[str]) -> float:
    """Megabytes of the files of some distributions, compiled ones left out."""
    total = 0
    for name in names:
        for file in importlib.metadata.files(name) or []:
            path = Path(str(file.locate()))
            if path.is_file() and path.suffix != ".pyc":
                total += path.stat().st_size
    return total / 1e6


def main() -> None:
    """Print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in PROGRAMS}
    for _ in range(rounds):
        for name, program in PROGRAMS.items():
            found[name].append(probe(program))
    base = statistics.median(seconds for seconds, _ in found["httpx alone"])
    for name, pairs in found.items():
        seconds = statistics.median(pair[0] for pair in pairs)
        megabytes = statistics.median(pair[1] for pair in pairs)
        print(f"  {name:<32} {seconds * 1e3:7.1f} ms  {megabytes:6.1f} MB   x {seconds / base:5.2f}")
    named = set[str]()
    for name in ("pydantic", "numpy", "httpx", "ollama", "diskcache", "tenacity", "pytest", "vcrpy"):
        closure(name, named)
    ours = closure("synalinks-replay", set())
    print(f"  installed: named packages alone {size(named):.0f} MB, ours with all it requires {size(ours):.0f} MB")


if __name__ == "__main__":
    main()
