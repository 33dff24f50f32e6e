"""Datasets: rows of files as batches of data models, and public datasets by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synalinks._base.lazy import loading
from synalinks._not_here_yet import attribute_of
from synalinks.datasets import arcagi
from synalinks.datasets.built_in import benchmark_module, hotpot_module
from synalinks.datasets.dataset import Dataset, split_train_test
from synalinks.datasets.files import CSVDataset, JSONDataset, JSONLDataset
from synalinks.datasets.folders import ImageFolderDataset, TextDataset, TextDocument
from synalinks.datasets.huggingface import HuggingFaceDataset, load_split
from synalinks.datasets.mlflow import MLflowDataset
from synalinks.datasets.parquet import ParquetDataset

if TYPE_CHECKING:
    from synalinks.datasets.markdown import (
        MarkdownDataset,
        MarkdownDocument,
        MarkdownSection,
        parse_markdown_sections,
    )
else:  # the parser of Markdown takes 30 ms
    __getattr__ = loading(
        __name__,
        {"markdown": "MarkdownDataset MarkdownDocument MarkdownSection parse_markdown_sections"},
        attribute_of(__name__),
    )

arc_challenge = benchmark_module("arc_challenge")
bbh = benchmark_module("bbh")
bbq = benchmark_module("bbq")
boolq = benchmark_module("boolq")
drop = benchmark_module("drop")
gsm8k = benchmark_module("gsm8k")
hellaswag = benchmark_module("hellaswag")
hotpotqa = hotpot_module()
humaneval = benchmark_module("humaneval")
ifeval = benchmark_module("ifeval")
lambada = benchmark_module("lambada")
logiqa = benchmark_module("logiqa")
mmlu = benchmark_module("mmlu")
squad = benchmark_module("squad")
truthfulqa = benchmark_module("truthfulqa")
winogrande = benchmark_module("winogrande")

__all__ = [
    "CSVDataset",
    "Dataset",
    "HuggingFaceDataset",
    "ImageFolderDataset",
    "JSONDataset",
    "JSONLDataset",
    "MLflowDataset",
    "MarkdownDataset",
    "MarkdownDocument",
    "MarkdownSection",
    "ParquetDataset",
    "TextDataset",
    "TextDocument",
    "arc_challenge",
    "arcagi",
    "bbh",
    "bbq",
    "boolq",
    "drop",
    "gsm8k",
    "hellaswag",
    "hotpotqa",
    "humaneval",
    "ifeval",
    "lambada",
    "load_split",
    "logiqa",
    "mmlu",
    "parse_markdown_sections",
    "split_train_test",
    "squad",
    "truthfulqa",
    "winogrande",
]
