"""A process that trains with PromptRacing and resumes a killed run: `python racer.py FOLDER`.

The trained program is saved as `FOLDER/program.json`, and what became of each candidate as `FOLDER/candidates.json`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import warnings
from pathlib import Path

import synalinks
from proofs.sums import Result, Sum, sums

#: Calls of the whole fit, and samples; an epoch is one call for each sample.
CALLS, SAMPLES = 240, 40


async def main(folder: Path) -> None:
    inputs = synalinks.Input(data_model=Sum)
    model = synalinks.LanguageModel("ollama/sums", temperature=0, concurrency=8)
    outputs = await synalinks.Generator(data_model=Result, language_model=model)(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="solver")
    program.compile(
        optimizer=synalinks.optimizers.PromptRacing("ollama/proposer"), reward=synalinks.ExactMatch(in_mask=["answer"])
    )
    history = await program.fit(
        *sums(SAMPLES), calls=CALLS, validation_split=0.25, verbose=0, seed=7, resume=folder / "state"
    )
    program.save(folder / "program.json")
    (folder / "candidates.json").write_text(json.dumps([history.candidates, history.history]))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    asyncio.run(main(Path(sys.argv[1])))
