"""Tests of JSON in its canonical form."""

from __future__ import annotations

import math

import pytest

from synalinks import _json
from synalinks.errors import ConfigurationError


def test_canonical_does_not_depend_on_the_order_of_keys() -> None:
    assert _json.canonical({"b": 1, "a": [1, "ü"]}) == '{"a":[1,"ü"],"b":1}'.encode()
    assert _json.canonical({"a": 1, "b": None}) == _json.canonical({"b": None, "a": 1})


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_is_refused_however_deep(bad: float) -> None:
    for write in (_json.canonical, _json.dumps):
        with pytest.raises(ConfigurationError, match="NaN"):
            write({"a": [{"b": bad}]})


def test_none_and_the_word_null_are_fine() -> None:
    assert _json.canonical([None, "null"]) == b'[null,"null"]'


def test_integers_over_64_bits_and_lone_surrogates_have_a_canonical_form() -> None:
    assert _json.canonical({"n": 2**70}) == b'{"n":1180591620717411303424}'
    assert _json.canonical("\ud800") == b'"\\ud800"'
    assert _json.dumps({"n": 2**70}) == '{"n":1180591620717411303424}'


def test_what_is_not_json_is_refused_and_shown() -> None:
    with pytest.raises(ConfigurationError, match=r"not a JSON value.*object"):
        _json.canonical({"a": object()})


def test_a_schema_keeps_the_order_of_its_properties_and_of_nothing_else() -> None:
    one = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "string"}}}
    two = {"properties": {"b": {"type": "string"}, "a": {"type": "string"}}, "type": "object"}
    other = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    assert _json.canonical_schema(one) == _json.canonical_schema(two) != _json.canonical_schema(other)
    nested = {"properties": {"properties": {"type": "object", "properties": {"z": {}, "y": {}}}}}
    assert b'"z":{},"y":{}' in _json.canonical_schema(nested)


def test_dumps_keeps_order_and_letters_and_pretty_ends_with_a_newline() -> None:
    assert _json.dumps({"b": "ü", "a": 1}) == '{"b":"ü","a":1}'
    assert _json.pretty({"b": "ü"}) == '{\n  "b": "ü"\n}\n'
    with pytest.raises(ValueError):
        _json.pretty({"a": math.nan})


def test_digest_is_sha256() -> None:
    assert _json.digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
