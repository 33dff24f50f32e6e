"""Values of the metrics against scikit-learn 1.9.1, which computed them once, with zero_division=0; they stand here as
it gave them. Sets of labels went through its MultiLabelBinarizer, yes-or-no fields are columns of an indicator matrix.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer
from synalinks import metrics


class Three(synalinks.DataModel):
    """Three decisions; nothing ever wants the last one."""

    a: bool
    b: bool
    c: bool


class Labels(synalinks.DataModel):
    """A set of labels."""

    labels: list[str]


class Label(synalinks.DataModel):
    """One label."""

    label: str


def value(metric: Any, pairs: list[tuple[Any, Any]]) -> Any:
    async def main() -> Any:
        for y_true, y_pred in pairs:
            await metric.update_state(y_true, y_pred)
        return metric.result()

    return asyncio.run(main())


def three(digits: str) -> Three:
    return Three(a=digits[0] == "1", b=digits[1] == "1", c=digits[2] == "1")


TRUE = ["100", "110", "110", "110", "100", "100", "110", "100", "110", "010", "010", "110"]
PRED = ["110", "111", "011", "110", "000", "101", "110", "111", "011", "011", "101", "110"]
BINARY = [(three(t), three(p)) for t, p in zip(TRUE, PRED, strict=True)]


@pytest.mark.parametrize(
    ("average", "precision", "recall", "f1", "f_half"),
    [
        (
            None,
            [0.875, 0.7777777777777778, 0.0],
            [0.7, 0.875, 0.0],
            [0.7777777777777778, 0.8235294117647058, 0.0],
            [0.8333333333333334, 0.7954545454545454, 0.0],
        ),
        ("micro", 0.5833333333333334, 0.7777777777777778, 0.6666666666666666, 0.6140350877192983),
        ("macro", 0.5509259259259259, 0.525, 0.533769063180828, 0.5429292929292929),
        ("weighted", 0.83179012345679, 0.7777777777777778, 0.7981118373275236, 0.8164983164983165),
    ],
)
def test_decisions(average: Any, precision: Any, recall: Any, f1: Any, f_half: Any) -> None:
    exactly = {"rel": 1e-15, "abs": 1e-15}
    assert value(metrics.BinaryPrecision(average), BINARY) == pytest.approx(precision, **exactly)
    assert value(metrics.BinaryRecall(average), BINARY) == pytest.approx(recall, **exactly)
    assert value(metrics.BinaryF1Score(average), BINARY) == pytest.approx(f1, **exactly)
    assert value(metrics.BinaryFBetaScore(average, beta=0.5), BINARY) == pytest.approx(f_half, **exactly)


def test_accuracy_of_decisions_is_accuracy_score_of_each_column() -> None:
    wanted = [0.6666666666666666, 0.75, 0.4166666666666667]
    assert value(metrics.BinaryAccuracy(), BINARY) == wanted
    for average in ("micro", "macro", "weighted"):
        assert value(metrics.BinaryAccuracy(average), BINARY) == pytest.approx(sum(wanted) / 3)


NAMES = ["cat", "dog", "emu", "fox"]
SETS: list[tuple[list[str], list[str]]] = [
    (["cat", "dog"], ["cat"]),
    (["dog"], ["dog", "fox"]),
    ([], ["emu"]),
    (["emu", "cat"], ["cat", "emu"]),
    (["fox"], []),
    (["dog", "emu"], ["cat", "dog", "emu"]),
]
LABELS = [(Labels(labels=t), Labels(labels=p)) for t, p in SETS]


@pytest.mark.parametrize(
    ("average", "precision", "recall", "f1", "f_two"),
    [
        (
            None,
            [0.6666666666666666, 1.0, 0.6666666666666666, 0.0],
            [1.0, 0.6666666666666666, 1.0, 0.0],
            [0.8, 0.8, 0.8, 0.0],
            [0.9090909090909091, 0.7142857142857143, 0.9090909090909091, 0.0],
        ),
        ("micro", 0.6666666666666666, 0.75, 0.7058823529411765, 0.7317073170731707),
        ("macro", 0.5833333333333333, 0.6666666666666666, 0.6000000000000001, 0.6331168831168831),
        ("weighted", 0.7083333333333333, 0.75, 0.7, 0.7224025974025974),
    ],
)
def test_sets_of_labels(average: Any, precision: Any, recall: Any, f1: Any, f_two: Any) -> None:
    assert value(metrics.CategoricalPrecision(average, NAMES), LABELS) == pytest.approx(precision, rel=1e-15)
    assert value(metrics.CategoricalRecall(average, NAMES), LABELS) == pytest.approx(recall, rel=1e-15)
    assert value(metrics.CategoricalF1Score(average, NAMES), LABELS) == pytest.approx(f1, rel=1e-15)
    assert value(metrics.CategoricalFBetaScore(average, 2.0, NAMES), LABELS) == pytest.approx(f_two, rel=1e-15)
    if average == "micro":  # without labels all are taken together
        assert value(metrics.CategoricalFBetaScore(beta=2.0), LABELS) == pytest.approx(f_two, rel=1e-15)
    shuffled = [(t, p) for t, p in reversed(LABELS)]
    assert value(metrics.CategoricalF1Score(average, NAMES), shuffled) == pytest.approx(f1, rel=1e-15)


def test_accuracy_of_labels_is_that_of_each_column_or_jaccard_score() -> None:
    each = [0.8333333333333334, 0.8333333333333334, 0.8333333333333334, 0.6666666666666666]
    assert value(metrics.CategoricalAccuracy(labels=NAMES), LABELS) == each
    assert value(metrics.CategoricalAccuracy(), LABELS) == 0.5454545454545454  # jaccard_score(average="micro")
    assert value(metrics.CategoricalAccuracy(labels=[*NAMES, "gnu"]), LABELS) == [*each, 1.0]


@pytest.mark.parametrize(
    ("average", "precision", "recall"),
    [
        (None, [0.6666666666666666, 0.5, 0.6666666666666666, 0.0], [0.6666666666666666, 0.5, 0.6666666666666666, 0.0]),
        ("micro", 0.625, 0.625),
        ("macro", 0.45833333333333326, 0.45833333333333326),
        ("weighted", 0.625, 0.625),
    ],
)
def test_one_label_against_the_rest(average: Any, precision: Any, recall: Any) -> None:
    pairs = [(Label(label=t), Label(label=p)) for t, p in zip("abcabcca", "accbbaca", strict=True)]
    labels = ["a", "b", "c", "d"]  # nobody ever has d
    assert value(metrics.CategoricalPrecision(average, labels), pairs) == pytest.approx(precision, rel=1e-15)
    assert value(metrics.CategoricalRecall(average, labels), pairs) == pytest.approx(recall, rel=1e-15)
    assert value(metrics.CategoricalF1Score(average, labels), pairs) == pytest.approx(recall, rel=1e-15)


# --- edges -----------------------------------------------------------------------------------------------------


def test_a_bool_is_itself_whatever_the_threshold() -> None:
    pair = [(Three(a=True, b=False, c=True), Three(a=True, b=False, c=True))]
    assert value(metrics.BinaryRecall("micro", threshold=1.0), pair) == 1.0
    assert value(metrics.BinaryRecall("micro", threshold=0.0), pair) == 1.0


class Loose(synalinks.DataModel):
    """Texts that may be missing."""

    a: str | None = None
    b: str | None = None
    c: str | None = None


def test_a_field_that_is_missing_shifts_no_other() -> None:
    pairs = [(Loose(a="x", b="y", c="z"), Loose(a="x", c="z"))]
    assert value(metrics.F1Score(), pairs) == [1.0, 0.0, 1.0]
    assert value(metrics.Accuracy(), pairs) == [1.0, 0.0, 1.0]
    assert value(metrics.Recall("micro"), [(Loose(b="y"), Loose(a="x", b="y"))]) == 1.0
    assert value(metrics.Precision("micro"), [(Loose(b="y"), Loose(a="x", b="y"))]) == 0.5

    class Decisions(synalinks.DataModel):
        a: bool | None = None
        b: bool | None = None
        c: bool | None = None

    pairs = [(Decisions(a=True, b=False, c=True), Decisions(a=True, c=True))]
    assert value(metrics.BinaryAccuracy(), pairs) == [1.0, 0.0, 1.0]


def test_the_order_of_scores_does_not_depend_on_which_sample_came_first() -> None:
    first, second = (Loose(c="x"), Loose(c="x")), (Loose(a="x", b="y", c="z"), Loose(a="x", b="q", c="q"))
    assert value(metrics.F1Score(), [first, second]) == value(metrics.F1Score(), [second, first]) == [1.0, 0.0, 0.5]


def test_fields_of_other_names_are_paired_in_order() -> None:
    assert value(metrics.F1Score(), [(Loose(a="red fox"), Label(label="red fox"))]) == 1.0


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
def test_nothing_wanted_and_nothing_predicted_scores_zero(average: Any) -> None:
    for metric in (
        metrics.F1Score(average),
        metrics.CategoricalF1Score(average, ["a"]),
        metrics.BinaryF1Score(average),
    ):
        assert metric.result() == 0.0
        assert value(metric, [(Labels(labels=[]), Labels(labels=[]))]) == 0.0
        assert value(metric, [(Labels(labels=[]), None), (None, Labels(labels=[]))]) == 0.0


@pytest.mark.parametrize(("count", "k"), [(1, 1), (5, 1), (5, 3), (5, 5), (20, 7), (200, 100)])
def test_pass_at_k_is_the_estimator_of_chen_et_al_2021_as_they_programmed_it(count: int, k: int) -> None:
    """arXiv 2107.03374, figure 3: 1 - prod(1 - k / i for i in n - c + 1 ... n), and 1 where n - c < k."""
    for passed in range(0, count + 1, max(1, count // 10)):
        metric = metrics.PassAtK(k=k)
        made = [Answer(answer=1)] * passed + [Answer(answer=0)] * (count - passed)
        asyncio.run(metric.update_batch([Answer(answer=1)] * count, made))
        wanted = 1.0
        if count - passed >= k:
            wanted -= math.prod(1.0 - k / i for i in range(count - passed + 1, count + 1))
        assert metric.result() == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    ("wanted", "found", "precision", "recall"),
    [
        # As SQuAD's evaluation counts (Rajpurkar et al. 2016, section 5): multisets of words.
        ("the cat the hat", "cat cat hat", 2 / 3, 1.0),
        ("to be or not to be", "to be", 1.0, 2 / 6),
        ("Zürich, 1,000 Fr.", "zürich 1000 fr", 1.0, 1.0),
        ("red", "blue", 0.0, 0.0),
    ],
)
def test_words_are_multisets(wanted: str, found: str, precision: float, recall: float) -> None:
    pair = [(Label(label=wanted), Label(label=found))]
    assert value(metrics.Precision(), pair) == pytest.approx(precision)
    assert value(metrics.Recall(), pair) == pytest.approx(recall)
    f1 = 2 * precision * recall / (precision + recall) if precision else 0.0
    assert value(metrics.F1Score(), pair) == pytest.approx(f1)
