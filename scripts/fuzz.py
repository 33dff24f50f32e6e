"""Mutated programs, cassettes and data sets, for so many seconds: foreign exceptions and hangs are printed.

python scripts/fuzz.py [SECONDS] [SEED]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from security.fuzz import attempt, subjects  # the tests' folder is no package of the library


def main(seconds: float, seed: int) -> int:
    """Run until the time is over; 1 if something was found, else 0."""
    rng = random.Random(seed)
    runs: Counter[str] = Counter()
    found: Counter[str] = Counter()
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds = subjects(folder)
        while time.monotonic() < end:
            kind = rng.choice(list(kinds))
            number = rng.randrange(2**32)
            runs[kind] += 1
            if (problem := attempt(kinds[kind], number, folder)) is not None:
                where = problem.rstrip().rpartition("\n")[2][:80]
                found[f"{kind}: {where}"] += 1
                if found[f"{kind}: {where}"] == 1:
                    print(f"--- {kind}, seed {number}\n{problem}", flush=True)
    print(f"{sum(runs.values()):,} files ({', '.join(f'{kind} {count:,}' for kind, count in sorted(runs.items()))})")
    for what, count in found.most_common():
        print(f"{count:6,} {what}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 3600.0, int(sys.argv[2]) if len(sys.argv) > 2 else 0))
