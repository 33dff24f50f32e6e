"""Distribution: samples and rows on the workers of a Ray cluster, with the promises of one process."""

from __future__ import annotations

from synalinks.distribution.batch_predictor import BatchPredictor, Bill
from synalinks.distribution.ray_workers import Ray

__all__ = ["BatchPredictor", "Bill", "Ray"]
