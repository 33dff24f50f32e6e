"""Values of the metrics against published definitions, each computed by hand from the definition it names."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, compiled, data, learner, provider_of
from synalinks import metrics
from synalinks.errors import ConfigurationError
from synalinks.lm.providers.fake.scripted import ScriptedProvider
from synalinks.metrics.classification.f_score import words


class Text(synalinks.DataModel):
    """Two texts."""

    first: str
    second: str = ""


class Flags(synalinks.DataModel):
    """Decisions: a bool and a probability, beside a text that is no decision."""

    spam: bool
    urgent: float
    note: str = "n"


class Labels(synalinks.DataModel):
    """A set of labels."""

    labels: list[str]


def value(metric: Any, *pairs: tuple[Any, Any]) -> Any:
    async def main() -> Any:
        for y_true, y_pred in pairs:
            await metric.update_state(y_true, y_pred)
        return metric.result()

    return asyncio.run(main())


#: Targets and predictions: (words in both, in the prediction, in the target) = (2, 3, 4) and (1, 1, 2) by field.
TEXTS = (Text(first="red green blue black", second="one two"), Text(first="red green white", second="one"))


@pytest.mark.parametrize(
    ("name", "average", "wanted"),
    [
        # van Rijsbergen (1979), chapter 7: P = both / predicted, R = both / wanted, by field.
        ("precision", None, [2 / 3, 1.0]),
        ("recall", None, [2 / 4, 1 / 2]),
        ("precision", "micro", 3 / 4),
        ("recall", "micro", 3 / 6),
        ("precision", "macro", 5 / 6),
        ("precision", "weighted", (2 / 3 * 4 + 1.0 * 2) / 6),  # by the words in the targets, as scikit-learn's support
        ("f1_score", "micro", 2 * (3 / 4) * (1 / 2) / (3 / 4 + 1 / 2)),
        # Jaccard (1912): shared / in either = 2 / 5 and 1 / 2.
        ("accuracy", None, [2 / 5, 1 / 2]),
        ("accuracy", "micro", 3 / 7),
        ("accuracy", "macro", 9 / 20),
        ("accuracy", "weighted", (2 / 5 * 5 + 1 / 2 * 2) / 7),
    ],
)
def test_words(name: str, average: Any, wanted: Any) -> None:
    metric = metrics.get(name)
    made = type(metric)(average=average)
    assert value(made, TEXTS) == pytest.approx(wanted)
    assert value(type(metric)(average="micro"), (Text(first="so it goes"), Text(first="So, it goes!"))) == 1.0


#: By field (wanted, predicted): spam 1 1, 0 1, 1 0, 1 1; urgent (above 0.5) 1 1, 0 0, 0 1, 1 0.
FLAGS = [
    (Flags(spam=True, urgent=0.9), Flags(spam=True, urgent=0.6)),
    (Flags(spam=False, urgent=0.1), Flags(spam=True, urgent=0.5)),
    (Flags(spam=True, urgent=0.2), Flags(spam=False, urgent=0.8)),
    (Flags(spam=True, urgent=1.0), Flags(spam=True, urgent=0.0)),
]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        # The definitions of scikit-learn's user guide, 3.4.4.9:
        # TP / (TP + FP), TP / (TP + FN), (1 + b^2) PR / (b^2 P + R).
        ("binary_accuracy", [2 / 4, 2 / 4]),
        ("binary_precision", [2 / 3, 1 / 2]),
        ("binary_recall", [2 / 3, 1 / 2]),
        ("binary_f1_score", [2 / 3, 1 / 2]),
    ],
)
def test_yes_or_no(name: str, wanted: Any) -> None:
    assert value(metrics.get(name), *FLAGS) == pytest.approx(wanted)


def test_a_beta_above_one_favours_recall_and_a_threshold_moves_the_decision() -> None:
    # P = 2 / 2, R = 2 / 3 for spam with the second sample left out; F2 = 5 P R / (4 P + R).
    pairs = [FLAGS[0], FLAGS[2], FLAGS[3]]
    found = value(metrics.BinaryFBetaScore(beta=2.0, in_mask=["spam"]), *pairs)
    assert found == pytest.approx(5 * (2 / 3) / (4 + 2 / 3))
    assert value(metrics.BinaryAccuracy(threshold=0.7, in_mask=["urgent"]), FLAGS[0]) == 0.0


def test_a_decision_that_is_missing_is_a_wrong_one() -> None:
    class Answered(synalinks.DataModel):
        spam: bool

    pair = (Flags(spam=True, urgent=0.9), Answered(spam=True))
    assert value(metrics.BinaryAccuracy(average="macro"), pair) == 0.5


LABELS = [
    (Labels(labels=["a", "b"]), Labels(labels=["b", "c"])),
    (Labels(labels=["a"]), Labels(labels=["a"])),
]


@pytest.mark.parametrize(
    ("name", "labels", "wanted"),
    [
        # All labels together: in both 2, predicted 3, wanted 3, in either 4 (Godbole and Sarawagi, 2004).
        ("categorical_accuracy", None, 2 / 4),
        ("categorical_precision", None, 2 / 3),
        ("categorical_recall", None, 2 / 3),
        ("categorical_f1_score", None, 2 / 3),
        # By label (scikit-learn's user guide, 3.4.4.9, multi-label with average=None).
        ("categorical_accuracy", ["a", "b", "c"], [1 / 2, 1.0, 1 / 2]),
        ("categorical_precision", ["a", "b", "c"], [1.0, 1.0, 0.0]),
        ("categorical_recall", ["a", "b", "c"], [1 / 2, 1.0, 0.0]),
        ("categorical_fbeta_score", ["a", "b", "c"], [2 / 3, 1.0, 0.0]),
    ],
)
def test_labels(name: str, labels: Any, wanted: Any) -> None:
    made = type(metrics.get(name))(labels=labels)
    assert value(made, *LABELS) == pytest.approx(wanted)


# --- tries ---------------------------------------------------------------------------------------------------


def tries(passed: int, count: int) -> tuple[list[Any], list[Any]]:
    return [Answer(answer=1)] * count, [Answer(answer=1)] * passed + [None] * (count - passed)


@pytest.mark.parametrize(
    ("passed", "count", "k", "at", "hat"),
    [
        # Chen et al. (arXiv 2107.03374), equation 1, and Yao et al. (arXiv 2406.12045), section 3, by enumeration:
        (2, 4, 1, 1 / 2, 1 / 2),
        (2, 4, 2, 5 / 6, 1 / 6),  # of 6 pairs 5 hold a pass, 1 holds two
        (3, 4, 2, 1.0, 3 / 6),
        (0, 4, 2, 0.0, 0.0),
        (5, 5, 5, 1.0, 1.0),
    ],
)
def test_one_of_k_tries_and_all_of_them(passed: int, count: int, k: int, at: float, hat: float) -> None:
    for cls, wanted in ((metrics.PassAtK, at), (metrics.PassHatK, hat), (metrics.GapK, at - hat)):
        metric = cls(k=k)
        asyncio.run(metric.update_batch(*tries(passed, count)))
        assert metric.result() == pytest.approx(wanted)


def test_with_one_try_of_each_kind_nothing_is_gained_not_even_by_rounding() -> None:
    metric = metrics.GapK(k=1)
    asyncio.run(metric.update_batch(*tries(1, 3)))  # 1 - 2 / 3 is not 1 / 3 in floats
    assert metric.result() == 0.0


def test_problems_count_alike_and_need_k_tries() -> None:
    metric = metrics.PassAtK(k=2)
    for passed in (0, 4):
        asyncio.run(metric.update_batch(*tries(passed, 4)))
    assert metric.result() == 0.5
    with pytest.raises(ConfigurationError, match="1 are fewer than k=2"):
        asyncio.run(metric.update_state(Answer(answer=1), Answer(answer=1)))
    with pytest.raises(ConfigurationError, match="k=0"):
        metrics.PassAtK(k=0)


def test_a_batch_of_an_evaluation_is_the_tries_at_one_problem() -> None:
    program = compiled(metrics=["pass_at_k", metrics.PassHatK(k=2), metrics.GapK(k=2)])
    x, y = data(4)
    with synalinks.use_provider(provider_of(learner)):  # right about even numbers
        found = asyncio.run(program.evaluate(x, y, batch_size=2, verbose=0))
    assert (found["pass_at_k"], found["pass_hat_k"], found["gap_k"]) == (0.5, 0.0, 1.0)


# --- the simple ones -----------------------------------------------------------------------------------------


def test_a_sum_is_exact() -> None:
    metric = metrics.Sum()
    for number in [0.1] * 10:
        metric.add(number)
    assert metric.result() == 1.0
    metric.reset_state()
    assert metric.result() == 0.0


def test_cosine_similarity_is_the_mean_over_predictions() -> None:
    vectors = {"red": [1.0, 0.0], "green": [0.0, 1.0], "both": [1.0, 1.0], "": [1.0, 0.0]}
    metric = metrics.CosineSimilarity(embedding_model="ollama/e", in_mask=["first"])
    with synalinks.use_provider(ScriptedProvider(lambda call: [vectors[t] for t in call.request.texts])):
        found = value(metric, (Text(first="red"), Text(first="green")), (Text(first="red"), Text(first="both")))
    assert found == pytest.approx((0 + 0.5**0.5) / 2)
    again = metrics.get(metrics.serialize(metric))
    assert again.get_config() == metric.get_config()


@pytest.mark.parametrize("cls", metrics._CLASSES)
def test_every_metric_has_a_name_starts_at_nothing_and_is_the_same_after_saving(cls: Any) -> None:
    made = cls()
    assert type(metrics.get(made.name)) is cls and type(metrics.get(cls.__name__)) is cls
    assert made.result() in (0.0, [])
    again = metrics.get(json.loads(json.dumps(metrics.serialize(made))))
    assert type(again) is cls and again.get_config() == made.get_config()


def test_options_are_saved() -> None:
    for made in (
        metrics.BinaryPrecision(average="macro", threshold=0.3, in_mask=["spam"]),
        metrics.CategoricalFBetaScore(beta=2.0, labels=["a"], name="mine"),
        metrics.PassHatK(k=3, reward=synalinks.ExactMatch(in_mask=["answer"]), pass_threshold=0.5),
        metrics.Precision(average="micro", out_mask_pattern="x"),
    ):
        assert metrics.get(metrics.serialize(made)).get_config() == made.get_config()
    with pytest.raises(ConfigurationError, match="average='mean'"):
        metrics.Accuracy(average="mean")


#: Answers that are not the same, although what is left of them without signs is.
DIFFERENT = [
    ("-5", "5"), ("1.5", "15"), (".5", "5"), ("1e-5", "1e5"), ("3/4", "34"), ("10:30", "1030"), ("1,5", "15"),
    ("2^3", "23"), ("5-3", "53"), ("1.2.3", "12.3"), ("x<5", "x>5"), ("<5", ">5"), ("1/2", "12"), ("-5kg", "5kg"),
    ("1.5kg", "15kg"), ("2024-01-02", "20240102"), ("~5", "5"), ("18+", "18"), ("C++", "C"), ("C#", "C"), ("A+", "A"),
    ("A-", "A"), ("+", "-"), ("<", ">"), ("\u2212" + "5", "5"), ("\u2013" + "5", "5"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
@pytest.mark.parametrize("around", ["{}", "({}).", "\u201c{}\u201d", "the {}, of"])
def test_different_answers_stay_different_and_equal_ones_equal(one: str, other: str, around: str) -> None:
    assert words(around.format(one)) != words(around.format(other))
    assert words(around.format(one)) == words(one) != []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The capital of France is Paris.", ["capital", "france", "paris"]),
        ("A", ["a"]),
        ("the", ["the"]),
        ("-5", ["-5"]),
        ("+5", ["5"]),
        ("1.5", ["1.5"]),
        ("It costs $1,234.50.", ["it", "costs", "1234.50"]),
        ("(12%)", ["12"]),
        ("-5.", ["-5"]),
        ("3-5", ["3-5"]),
        (".5", ["0.5"]),
        ("\u22125", ["-5"]),
        ("+", ["+"]),
        ("?", ["?"]),
        ("of :)", [":)"]),
        ("It is \u201cParis\u201d\u2014really.", ["it", "parisreally"]),
        ("F-16, in the 1960s", ["f16", "in", "1960s"]),
        ("$-5", ["-5"]),
        ("", []),
    ],
)
def test_normalisation_keeps_the_answer(text: str, expected: list[str]) -> None:
    assert words(text) == expected
