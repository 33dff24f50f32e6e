"""The paragraphs that HotpotQA's questions are about."""

from __future__ import annotations

from synalinks.data import DataModel
from synalinks.datasets.built_in.benchmark import records
from synalinks.datasets.built_in.models import HotpotDocument
from synalinks.datasets.built_in.table import BENCHMARKS
from synalinks.datasets.dataset import Array, object_array
from synalinks.errors import DataError


def get_knowledge_data_model() -> type[DataModel]:
    """The data model of paragraphs: `title` and `text`."""
    return HotpotDocument


def load_knowledge() -> Array:
    """The paragraphs of the training split as an object array, each once, in the order of the questions.

    Raises:
        DataError: a file is missing and can't be downloaded; the message says what to put where.
    """
    found: dict[tuple[str, str], HotpotDocument] = {}
    for path in BENCHMARKS["hotpotqa"].paths("hotpotqa", "train"):
        for number, record in enumerate(records(path), start=1):
            if not isinstance(context := record.get("context"), dict) or not {"title", "sentences"} <= context.keys():
                raise DataError(f"{path}: record {number} has no paragraphs; it has {sorted(record)}")
            for title, sentences in zip(context["title"], context["sentences"], strict=True):
                text = "\n".join(sentences)
                if (title, text) not in found:
                    found[title, text] = HotpotDocument(title=title, text=text)
    return object_array(list(found.values()))
