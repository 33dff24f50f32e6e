"""Records a fit on two workers of a Ray that it starts: `ray_recorder.py CASSETTE FOLDER`; killed by a test."""

import asyncio
import sys
from pathlib import Path

import synalinks
from proofs import sums
from synalinks.distribution import Ray

if __name__ == "__main__":
    cassette, folder = Path(sys.argv[1]), Path(sys.argv[2])
    with (
        Ray(workers=2, object_store_memory=100 * 2**20) as distribution,
        synalinks.use_distribution(distribution),
        synalinks.use_cassette(cassette),
    ):
        asyncio.run(sums.train(folder))
