"""Tests of similarity: rare words make inputs alike, templates do not, and a set is chosen for what it covers."""

from __future__ import annotations

import math
import random
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from synalinks.optimizers.few_shot import lexical_similarity as similarity
from synalinks.optimizers.few_shot.lexical_similarity import LexicalSimilarity, cosine, cover, words

ANIMALS = [{"q": f"what does a {animal} eat"} for animal in ("horse", "horse and foal", "whale", "whale and seal")]


def test_the_words_of_values_are_read_at_any_depth_and_keys_are_not() -> None:
    value = {"question": "Two Red-Herrings", "more": [{"n": 12, "none": None}, ("é", True)]}
    assert list(words(value)) == ["two", "red", "herrings", "12", "é", "true"]


def test_of_a_very_long_value_only_the_beginning_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "READ", 7)
    assert list(words("one two three")) == ["one", "two"]


def test_rare_words_make_inputs_alike_and_words_that_all_share_do_not() -> None:
    near = LexicalSimilarity(ANIMALS)
    to_all = near.to_all({"q": "what does a grey whale eat"})
    assert to_all[:2].tolist() == [0.0, 0.0]  # they share the template only
    assert 0 < to_all[3] < to_all[2] < 1  # the shorter of the two says more of what they share
    assert near.to_all({"q": "what does a eat"}).tolist() == [0.0] * 4


def test_to_all_is_the_cosine_of_the_vectors() -> None:
    near = LexicalSimilarity(ANIMALS)
    one, other = ({"q": "a whale and a foal"}, {"q": "the foal of the whale"})
    expected = [cosine(near.vector(one), near.vector(value)) for value in ANIMALS]
    assert near.to_all(one) == pytest.approx(expected)
    vector = near.vector(one)
    assert math.fsum(weight**2 for weight in vector.values()) == pytest.approx(1.0)
    assert cosine(vector, near.vector(other)) == pytest.approx(cosine(near.vector(other), vector))
    assert cosine(vector, vector) == pytest.approx(1.0)


def test_a_word_weighs_its_rarity_once() -> None:
    near = LexicalSimilarity([{"q": "red wine"}, {"q": "red car"}, {"q": "blue sky"}])
    red, wine, car = math.log(4 / 3), math.log(4 / 2), math.log(4 / 2)
    assert near.to_all({"q": "car red red"})[0] == pytest.approx(red / math.sqrt((red + car) * (red + wine)))


def test_what_half_of_the_inputs_are_about_is_covered_before_what_few_are_about() -> None:
    asked = ["apples"] * 5 + ["pears"] * 3 + ["plums"] * 2
    near = LexicalSimilarity([{"q": f"{fruit} of {n}"} for n, fruit in enumerate(asked)])
    coverage = [near.coverage([{"q": f"{fruit} of other"}]) for fruit in ("apples", "pears", "plums")]
    assert coverage == sorted(coverage, reverse=True)


def test_an_input_is_not_near_itself_so_that_it_does_not_stand_for_its_kind() -> None:
    near = LexicalSimilarity(ANIMALS)
    assert near.to_all(ANIMALS[2])[2] == 0.0 and near.to_all(ANIMALS[2])[3] > 0.0


def test_coverage_is_the_mean_similarity_to_the_nearest() -> None:
    near = LexicalSimilarity(ANIMALS)
    pair = [{"q": "horse"}, {"q": "whale"}]
    best = np.maximum(near.to_all(pair[0]), near.to_all(pair[1]))
    assert near.coverage(pair) == pytest.approx(best.mean())
    assert near.coverage(pair) > near.coverage(pair[:1]) > near.coverage([]) == 0.0
    assert LexicalSimilarity([]).coverage(pair) == 0.0


def test_one_input_alone_has_no_words_that_tell() -> None:
    assert LexicalSimilarity([{"q": "a horse"}]).to_all({"q": "the horse"}).tolist() == [0.0]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "REMEMBERED", 3)
    near = LexicalSimilarity(ANIMALS)
    for n in range(10):
        near.to_all({"q": f"horse {n}"})
    assert len(near._to_all) <= 3


def test_a_set_is_chosen_for_what_it_covers_together() -> None:
    # Items 0 and 1 cover the same three inputs, item 2 the fourth: the second choice is not the second best item.
    table = np.array([[0.9, 0.8, 0.0], [0.9, 0.8, 0.0], [0.9, 0.8, 0.0], [0.0, 0.0, 0.5]])
    assert cover(table, [1.0] * 3, [0, 1, 2], 2) == [0, 2]
    assert cover(table, [0.5, 1.0, 1.0], [0, 1, 2], 2) == [1, 2]  # 0.9 * 0.5 is worth less than 0.8


def test_among_equals_the_order_decides() -> None:
    assert cover(np.zeros((4, 3)), [1.0] * 3, [2, 0, 1], 2) == [2, 0]
    assert cover(np.zeros((0, 3)), [1.0] * 3, [1, 2, 0], 3) == [1, 2, 0]
    assert cover(np.full((2, 2), 0.3), [1.0, 1.0 + 1e-13], [0, 1], 1) == [0]  # rounding is no difference


def test_the_greedy_set_reaches_what_its_theory_promises() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        table = rng.random((6, 7))
        best = max(table[:, list(some)].max(axis=1).sum() for some in combinations(range(7), 3))
        chosen = cover(table, [1.0] * 7, list(range(7)), 3)
        assert table[:, chosen].max(axis=1).sum() >= (1 - 1 / math.e) * best


# --- the index ----------------------------------------------------------------------------------------------------


def by_loops(near: LexicalSimilarity, inputs: list[Any], value: Any) -> list[float]:
    """The similarity of an input to all, worked out pair by pair in the order of the words."""
    found = []
    for other in inputs:
        total, vector = 0.0, near.vector(other)
        for word, weight in near.vector(value).items():
            total += weight * vector.get(word, 0.0)
        found.append(0.0 if other == value else total)
    return found


def test_the_index_gives_what_loops_over_all_pairs_give_to_the_last_bit() -> None:
    rng = random.Random(0)
    inputs = [{"q": " ".join(rng.choice("abcdefghijklmnop") * 2 for _ in range(12))} for _ in range(60)]
    others = [{"q": " ".join(rng.choice("abcdefghxyz") * 2 for _ in range(9))} for _ in range(20)]
    near = LexicalSimilarity([*inputs, inputs[0]])
    for value in (*inputs, *others):
        assert near.to_all(value).tolist() == by_loops(near, [*inputs, inputs[0]], value)


def test_the_similarities_of_an_input_are_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    worked_out: list[bytes] = []
    original = LexicalSimilarity._similarities

    def counted(self: LexicalSimilarity, name: bytes, vector: Any) -> Any:
        worked_out.append(name)
        return original(self, name, vector)

    monkeypatch.setattr(LexicalSimilarity, "_similarities", counted)
    near = LexicalSimilarity(ANIMALS)
    for _ in range(3):
        near.coverage(ANIMALS[:2])
    assert len(worked_out) == 2


def test_the_input_used_longest_ago_is_dropped_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "REMEMBERED", 2)
    near = LexicalSimilarity(ANIMALS)
    first = near.to_all(ANIMALS[0])
    near.to_all(ANIMALS[1])
    assert near.to_all(ANIMALS[0]) is first
    near.to_all(ANIMALS[2])
    assert near.to_all(ANIMALS[0]) is first
    assert len(near._to_all) == len(near._vectors) == 2
