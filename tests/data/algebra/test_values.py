from __future__ import annotations

from synalinks.data.algebra import values


def test_concat_keeps_order_and_numbers_clashes() -> None:
    first, second = {"q": 1, "a": 2}, {"a": 3, "b": 4}
    assert list(values.concat(first, second).items()) == [("q", 1), ("a", 2), ("a_1", 3), ("b", 4)]
    assert first == {"q": 1, "a": 2} and second == {"a": 3, "b": 4}


def test_concat_keeps_a_number_for_a_field_that_is_none() -> None:
    assert values.concat({}, {"a": 1}, ["a"], ["a"]) == {"a_1": 1}


def test_factorize_gathers_scalars_and_lists() -> None:
    value = {"answer": 1, "note_1": "n", "answers": [2, 3], "answer_1": 4}
    assert values.factorize(value) == {"answers": [1, 2, 3, 4], "note": "n"}


def test_factorize_makes_a_list_of_one_where_the_schema_has_more() -> None:
    assert values.factorize({"answer": 1}, ["answer", "answer_1"]) == {"answers": [1]}


def test_a_lone_plural_stays() -> None:
    assert values.factorize({"answers": [1]}) == {"answers": [1]}


def test_in_mask_is_recursive_and_needs_the_container() -> None:
    value = {"answer": {"text": 1, "answer": 2}, "steps": [{"answer": 3}], "query": 4}
    assert values.in_mask(value, ["answers"]) == {"answer": {"answer": 2}}
    assert values.in_mask(value, ["answer", "step"]) == {"answer": {"answer": 2}, "steps": [{"answer": 3}]}
    assert values.in_mask(value, ["answer"], recursive=False) == {"answer": {"text": 1, "answer": 2}}
    assert values.in_mask(value) == {}


def test_out_mask_is_recursive() -> None:
    value = {"answer_1": 1, "steps": [{"answer": 3, "text": 4}], "query": 4}
    assert values.out_mask(value, ["answer"]) == {"steps": [{"text": 4}], "query": 4}
    assert values.out_mask(value, ["answer"], recursive=False) == {
        "steps": [{"answer": 3, "text": 4}],
        "query": 4,
    }
    assert values.out_mask(value) == value
    assert values.out_mask(value, pattern="^q|^st") == {"answer_1": 1}


def test_prefix_and_suffix() -> None:
    assert values.prefix({"a": 1}, "x") == {"x_a": 1}
    assert values.suffix({"a": 1}, "x") == {"a_x": 1}


def test_copy_json_shares_nothing() -> None:
    value = {"a": [{"b": (1, 2)}]}
    copied = values.copy_json(value)
    assert copied == value
    copied["a"][0]["b"] = 3
    assert value == {"a": [{"b": (1, 2)}]}
