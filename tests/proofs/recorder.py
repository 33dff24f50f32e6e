"""A process that records a fit, to be killed: `python recorder.py TAPE MODE FOLDER`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import synalinks
from proofs.sums import train

if __name__ == "__main__":
    tape, mode, folder = sys.argv[1:]
    with synalinks.use_cassette(tape, record_mode=mode):  # type: ignore[arg-type]
        asyncio.run(train(Path(folder)))
