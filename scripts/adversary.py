"""Random schedules of calls under budgets against a server that does its worst: a table of promise, runs, violations.

python scripts/adversary.py [SCHEDULES] [FIRST SEED]

2,000 schedules take about half a minute, and run in the tests; 1,000,000 are for a night. Exit status 1 if a promise
was broken; its seed is printed, and `adversary.py 1 SEED` runs it again.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from lm.adversary import PROMISES, Violation, attempt  # the tests' folder is no package of the library


def main(schedules: int, first: int) -> int:
    """Run them; 1 if a promise was broken, else 0."""
    runs: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    begun = time.monotonic()
    for seed in range(first, first + schedules):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                attempt(seed, runs)
        except Violation as found:
            promise = next(each for each in PROMISES if each in str(found))
            broken[promise] += 1
            if broken[promise] <= 3:
                print(found, flush=True)
    print(f"{schedules:,} schedules in {time.monotonic() - begun:.0f} s")
    print("| promise | runs | violations |\n|---|---|---|")
    for promise in PROMISES:
        print(f"| {promise} | {runs[promise]:,} | {broken[promise]:,} |")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000, int(sys.argv[2]) if len(sys.argv) > 2 else 0))
