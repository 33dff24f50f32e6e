"""A process that trains under a budget and resumes a killed run: `python spender.py CASSETTE|- FOLDER CAP`.

`CAP` is calls, or dollars if it begins with `$`; the prices are `INPUT` and `OUTPUT` dollars a million tokens.

The state of the budget at the end is written to `FOLDER/spent.json`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import warnings
from contextlib import ExitStack
from pathlib import Path

import synalinks
from proofs.sums import solver, some_twice

#: Dollars a million tokens of prompt and answer.
INPUT, OUTPUT = 3, 12


async def main(folder: Path, budget: synalinks.Budget) -> None:
    synalinks.set_price("ollama/sums", input=INPUT, output=OUTPUT)
    program = await solver(concurrency=8, max_tokens=200)
    x, y = some_twice(16)
    history = await program.fit(
        x, y, batch_size=8, epochs=30 if budget.usd is None else 1000, validation_split=0.25, verbose=0, seed=7,
        budget=budget, resume=folder / "state",
    )  # fmt: skip
    tracker = history.budget
    said = {
        "settled": tracker.settled.calls,
        "uncertain": tracker.uncertain.calls,
        "usd": str(tracker.settled.usd),
        "stopped_by": history.stopped_by,
    }
    (folder / "spent.json").write_text(json.dumps(said))


if __name__ == "__main__":
    cassette, place, most = sys.argv[1:]
    with ExitStack() as blocks:
        warnings.simplefilter("ignore")
        if cassette != "-":
            blocks.enter_context(synalinks.use_cassette(cassette, record_mode="once"))
        cap = synalinks.Budget(usd=most[1:]) if most.startswith("$") else synalinks.Budget(calls=int(most))
        asyncio.run(main(Path(place), cap))
