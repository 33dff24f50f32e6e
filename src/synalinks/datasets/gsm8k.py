"""GSM8K: 7,473 + 1,319 word problems of grade-school arithmetic, with worked solutions.

Source: Cobbe et al., "Training Verifiers to Solve Math Word Problems", arXiv:2110.14168; the files are those of
github.com/openai/grade-school-math at the commit below (2021-11-19, MIT licence). The last line of a solution
is `#### ` and the number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from synalinks._json import Json
from synalinks.data import DataModel, Field
from synalinks.datasets.dataset import Array, Dataset
from synalinks.datasets.download import Remote, local_file
from synalinks.datasets.files import JSONLDataset
from synalinks.errors import ConfigurationError, DataError

_COMMIT = "3101c7d5072418e28b9008a6636bde82a006892c"
_URL = f"https://raw.githubusercontent.com/openai/grade-school-math/{_COMMIT}/grade_school_math/data"
_FILES = {
    "train": Remote(
        "gsm8k",
        "train.jsonl",
        f"{_URL}/train.jsonl",
        "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465",
    ),
    "test": Remote(
        "gsm8k",
        "test.jsonl",
        f"{_URL}/test.jsonl",
        "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
    ),
}
#: Stands between the worked solution and the number.
_MARK = "####"

Arrays = tuple[Array, Array]
Split = Literal["train", "test"]


class MathQuestion(DataModel):
    """A word problem."""

    question: str = Field(description="The word problem to solve")


class NumericalAnswer(DataModel):
    """A worked solution, and the number it ends in."""

    thinking: str = Field(description="The solution, worked out one step after the other")
    answer: float = Field(description="The number that answers the question, alone")


class _Rows(JSONLDataset):
    """The records of a file, solutions taken apart."""

    def _iter_rows(self) -> Iterable[Mapping[str, Json]]:
        for number, row in enumerate(super()._iter_rows(), start=1):
            if missing := {"question", "answer"} - row.keys():
                raise DataError(f"{self.path}: record {number} lacks {sorted(missing)}; it has {sorted(row)}")
            try:
                thinking, answer = parse_solution(row["answer"])
            except DataError as error:
                raise DataError(f"{self.path}: record {number}: {error}") from None
            yield {"question": row["question"], "thinking": thinking, "answer": answer}


def parse_solution(solution: str) -> tuple[str, float]:
    """The worked part of a published solution, and its number.

    Raises:
        DataError: no `####`, or no number after it.
    """
    thinking, mark, number = solution.rpartition(_MARK)
    try:
        if not mark:
            raise ValueError
        return thinking.strip(), float(number.strip().replace(",", ""))
    except ValueError:
        raise DataError(f"a GSM8K solution ends in {_MARK!r} and a number, got {solution[-200:]!r}") from None


def get_input_data_model() -> type[DataModel]:
    """The data model of questions: `question`."""
    return MathQuestion


def get_output_data_model() -> type[DataModel]:
    """The data model of answers: `thinking` and `answer`, a number."""
    return NumericalAnswer


def load_data() -> tuple[Arrays, Arrays]:
    """`((x_train, y_train), (x_test, y_test))`: object arrays of 7,473 and 1,319 examples.

    The files come from `SYNALINKS_DATA_DIR` (`gsm8k/train.jsonl` and `gsm8k/test.jsonl` in it, or those names in
    the directory itself), else they are downloaded once.

    Raises:
        DataError: a file is missing and can't be downloaded; the message says what to put where.
    """
    train, test = (iterable_dataset(split=split).materialize() for split in ("train", "test"))
    return (train[0], train[-1]), (test[0], test[-1])


def iterable_dataset(
    repeat: int = 1, batch_size: int | None = 1, limit: int | None = None, split: Split = "train"
) -> Dataset:
    """The examples of one split as a stream of batches.

    Args:
        repeat: how many times each example follows itself.
        batch_size: examples in a batch; None gives all in one.
        limit: examples to read; None reads all.
        split: `train` or `test`.

    Raises:
        ConfigurationError: another split.
        DataError: as for `load_data`.
    """
    if split not in _FILES:
        raise ConfigurationError(f"GSM8K has the splits {sorted(_FILES)}, got {split!r}")
    return _Rows(
        local_file(_FILES[split]),
        input_data_model=MathQuestion,
        output_data_model=NumericalAnswer,
        batch_size=batch_size,
        limit=limit,
        repeat=repeat,
    )
