"""A process that records a fit, to be killed: `python recorder.py CASSETTE MODE FOLDER`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import synalinks
from proofs.sums import train

if __name__ == "__main__":
    cassette, mode, folder = sys.argv[1:]
    with synalinks.use_cassette(cassette, record_mode=mode):  # type: ignore[arg-type]
        asyncio.run(train(Path(folder)))
