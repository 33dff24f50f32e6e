"""Datasets: rows of files as batches of data models, and public datasets by name."""

from __future__ import annotations

from synalinks.datasets import gsm8k
from synalinks.datasets.dataset import Dataset, split_train_test
from synalinks.datasets.files import CSVDataset, JSONDataset, JSONLDataset

__all__ = ["CSVDataset", "Dataset", "JSONDataset", "JSONLDataset", "gsm8k", "split_train_test"]
