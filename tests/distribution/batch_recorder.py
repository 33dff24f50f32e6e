"""Predicts Parquet files on two workers of a Ray that it starts: `batch_recorder.py SOURCE TARGET`."""

import sys

from distribution.test_batch_on_ray import numbers
from synalinks.distribution import BatchPredictor, Ray

if __name__ == "__main__":
    source, target = sys.argv[1:]
    with Ray(workers=2, object_store_memory=100 * 2**20) as ray:
        BatchPredictor(numbers(), workers=2, batch_size=4, budget=100, ray=ray).run(source, target)
