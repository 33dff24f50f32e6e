"""Whatever JSON a dict has: as a data model it is the same value, and obeys the schema that was inferred of it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from synalinks._base.media import media_in, without_bytes
from synalinks.data import is_record, record
from synalinks.lm import schema_of

atoms = st.one_of(st.none(), st.booleans(), st.integers(-99, 99), st.floats(-9, 9), st.text(max_size=5))
values = st.recursive(
    atoms, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3))
)
dicts = st.dictionaries(st.text(min_size=1, max_size=5), values, min_size=1, max_size=4).filter(is_record)


@given(dicts)
def test_a_dict_as_a_data_model(value: dict[str, Any]) -> None:
    found = record(value)
    assert found.get_json() == {name: item for name, item in value.items() if item is not None}
    assert schema_of(found.get_schema()).problem(found.get_json()) is None
    assert (found + found).get_json().keys() >= found.get_json().keys()


@given(values)
def test_json_without_media_stays_as_it_is(value: Any) -> None:
    assert without_bytes(value) is value and list(media_in(value)) == []
