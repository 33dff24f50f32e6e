"""Predicts the rows of Parquet files with a saved program: `python predict.py PROGRAM SOURCE TARGET [ADDRESS]`."""

import sys

import synalinks
from synalinks.distribution import BatchPredictor, Ray

if __name__ == "__main__":
    saved, source, target, *address = sys.argv[1:]
    program = synalinks.Program.load(saved)
    with Ray(address=address[0] if address else None) as ray:
        bill = BatchPredictor(program, workers=2, batch_size=256, budget=20, ray=ray).run(source, target)
    sys.exit(bill.stopped_by)
