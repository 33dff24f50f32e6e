"""Decision models fill in any schema of choices: what comes out obeys it, and probabilities are 1 in sum."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from synalinks.lm import Reply, schema_of, value_probabilities
from synalinks.lm.logprobs import TokenLogprob
from synalinks.modules.models.decision_form import DecisionLimits, form_of

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
labels = st.lists(texts, min_size=2, max_size=6, unique=True)
numbers = st.lists(st.integers(-50, 50), min_size=2, max_size=6, unique=True).map(sorted)
fields = st.one_of(
    st.just({"type": "boolean"}),
    labels.map(lambda found: {"enum": found}),
    numbers.map(lambda found: {"type": "integer", "enum": found}),
    labels.map(lambda found: {"type": "array", "items": {"enum": found}}),
    numbers.map(lambda found: {"type": "number", "minimum": found[0], "maximum": found[-1], "examples": found}),
)
schemas = st.dictionaries(texts, fields, min_size=1, max_size=4).map(
    lambda properties: {"type": "object", "properties": properties, "required": list(properties)}
)


@given(schema=schemas, chosen=st.integers(0, 5), certainty=st.floats(0, 1), threshold=st.floats(0, 1))
@settings(max_examples=150, deadline=None)
def test_what_is_filled_in_obeys_the_schema(schema: Any, chosen: int, certainty: float, threshold: float) -> None:
    form = form_of(schema_of(schema))
    said: dict[str, Any] = {}
    for name, field in form.schema.value["properties"].items():
        values = field.get("enum") or ([True, False] if field["type"] == "boolean" else [certainty])
        said[name] = values[chosen % len(values)]
    found = form.probabilities(Reply(json.dumps(said)))
    assert all(abs(sum(one) - 1) < 1e-9 for one in found.values())
    value = form.read(found, DecisionLimits(threshold))
    assert schema_of(schema).problem(value) is None


@given(values=labels, shares=st.lists(st.floats(0.01, 1), min_size=6, max_size=6))
@settings(max_examples=200, deadline=None)
def test_probabilities_of_tokens_are_those_of_the_values(values: list[str], shares: list[float]) -> None:
    """Each value is one token here; values of several are in `tests/lm/core/test_logprobs.py`."""
    written = [json.dumps(value, ensure_ascii=False) for value in values]
    total = sum(shares[: len(values)])
    weights = [share / total for share in shares[: len(values)]]
    rows = {text: math.log(weight) for text, weight in zip(written, weights, strict=True)}
    chosen = written[0]
    others = {text: logprob for text, logprob in rows.items() if text != chosen}
    tokens = [TokenLogprob('{"c": ', 0.0), TokenLogprob(chosen, rows[chosen], others), TokenLogprob("}", 0.0)]
    found = value_probabilities(tokens, "c", values)
    assert found is not None
    assert all(abs(one - weight) < 1e-6 for one, weight in zip(found, weights, strict=True))
