"""Tests of datasets: batches, templates, limits, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import Answer, Question
from synalinks.datasets import Dataset, split_train_test
from synalinks.errors import ConfigurationError, DataError

ROWS = [{"question": f"q{i}", "answer": i, "more": "-"} for i in range(5)]


class Rows(Dataset):
    """Rows from memory."""

    def __init__(self, rows: list[dict[str, Any]] = ROWS, **options: Any) -> None:
        super().__init__(**options)
        self.rows = rows
        self.read = 0

    def _iter_rows(self) -> Iterable[Mapping[str, Any]]:
        for row in self.rows:
            self.read += 1
            yield row


MODELS = {"input_data_model": Question, "output_data_model": Answer}


def both(**options: Any) -> Rows:
    return Rows(**MODELS, **options)


def test_batches_of_inputs_and_targets() -> None:
    batches = list(both(batch_size=2))
    assert [len(x) for x, _ in batches] == [2, 2, 1]
    x, y = batches[1]
    assert x.dtype == y.dtype == object
    assert [one.question for one in x] == ["q2", "q3"]
    assert [one.answer for one in y] == [2, 3]


def test_each_pass_starts_anew_and_the_length_is_in_batches() -> None:
    data = both(batch_size=2)
    assert len(list(data)) == len(list(data)) == len(data) == 3


def test_one_batch_where_no_size_is_given() -> None:
    data = both()
    assert len(data) == 1
    [(x, _)] = list(data)
    assert len(x) == 5


def test_no_more_rows_are_read_than_the_limit() -> None:
    data = both(limit=2, batch_size=1)
    assert sum(1 for _ in data) == 2  # list() would ask for the length, which counts rows
    assert data.read == 2


def test_a_repeated_example_follows_itself_as_the_same_object() -> None:
    (x, _) = both(limit=2, repeat=2).materialize()
    assert [one.question for one in x] == ["q0", "q0", "q1", "q1"]
    assert x[0] is x[1]


def test_inputs_alone() -> None:
    [batch] = list(Rows(input_data_model=Question))
    assert len(batch) == 1


def test_templates_render_json_of_the_data_model() -> None:
    data = Rows(
        input_data_model=Question,
        input_template='{"question": {{ (question ~ "?") | tojson }}}',
        output_template='{"role": "assistant", "content": "{{ answer }}"}',
    )
    x, y = data.materialize()
    assert x[3].question == "q3?"
    assert isinstance(y[3], synalinks.ChatMessage)
    assert y[3].content == "3"


def test_schemas_in_the_place_of_classes() -> None:
    (x,) = Rows(input_schema=Question.get_schema()).materialize()
    assert isinstance(x[0], synalinks.JsonDataModel)
    assert x[0].get_json() == {"question": "q0"}


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ nothing }}", "row 1.*'nothing' is undefined .*; the row has"),
        ('{"question": {{ nothing | tojson }}}', "row 1.*'nothing' is undefined .*; the row has"),
        ("{{ question }}", "row 1.*renders no JSON"),
        ("[]", "row 1.*must render a JSON object, got list"),
        ('{"other": 1}', "row 1 makes no example"),
        ("{{ question.__class__.__mro__ }}", "row 1"),
    ],
)
def test_a_row_that_makes_no_example_is_named(template: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(Rows(input_data_model=Question, input_template=template))


def test_a_template_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="input_template, line 1: unexpected end"):
        Rows(input_template="{{ question")


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"limit": 0}, {"repeat": 0}])
def test_sizes_below_one_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="at least 1 is needed"):
        both(**wrong)


def test_what_an_example_is_must_be_said_once() -> None:
    with pytest.raises(ConfigurationError, match="needs input_data_model="):
        Rows()
    with pytest.raises(ConfigurationError, match="not both"):
        Rows(input_data_model=Question, input_schema=Question.get_schema())


def test_no_rows() -> None:
    with pytest.raises(DataError, match="has no rows"):
        Rows([], input_data_model=Question).materialize()


def test_split_takes_the_last_fraction_for_testing() -> None:
    x, y = both().materialize()
    (x_train, y_train), (x_test, y_test) = split_train_test(x, y, validation_split=0.4)
    assert [one.answer for one in y_train] == [0, 1, 2]
    assert [one.question for one in x_test] == ["q3", "q4"]
    assert len(x_train) == 3
    assert len(y_test) == 2


@pytest.mark.parametrize(
    ("count", "part", "first"), [(7, 0.2, 5), (10, 0.2, 8), (10, 0.3, 7), (2, 0.01, 1), (3, 0.99, 1)]
)
def test_a_split_rounds_as_fit_does(count: int, part: float, first: int) -> None:
    x, y = Rows([{"question": str(i), "answer": i} for i in range(count)], **MODELS).materialize()
    assert len(split_train_test(x, y, validation_split=part)[0][0]) == first


def test_a_split_refuses_what_it_can_not_split() -> None:
    x, y = both().materialize()
    with pytest.raises(DataError, match="paired by position"):
        split_train_test(x, y[:-1])
    with pytest.raises(ConfigurationError, match="between 0 and 1"):
        split_train_test(x, y, validation_split=1.0)
    with pytest.raises(DataError, match="at least 2"):
        split_train_test(np.array(x[:1]), y[:1])


def test_a_new_pass_by_a_call() -> None:
    data = both(batch_size=2)
    assert [len(x) for x, _ in data()] == [len(x) for x, _ in data()] == [2, 2, 1]


class WithNamesOfItsOwn(Dataset):
    """A subclass as users write it: names that a base may have for itself."""

    def __init__(self, rows: list[dict[str, Any]], **options: Any) -> None:
        super().__init__(**options)
        self._rows = self._count = self._input = self._output = rows

    def _iter_rows(self) -> Iterable[Mapping[str, Any]]:
        yield from self._rows

    def __len__(self) -> int:
        return self._total_batches(len(self._rows))


def test_a_subclass_may_have_attributes_of_any_name() -> None:
    data = WithNamesOfItsOwn(ROWS, input_data_model=Question, batch_size=2, repeat=2)
    assert len(data) == len(list(data)) == 5
    assert len(data.materialize()[0]) == 10


def test_a_schema_as_text() -> None:
    (x,) = Rows(input_schema='{"type": "object", "properties": {"question": {"type": "string"}}}').materialize()
    assert x[1].get_json() == {"question": "q1"}
    with pytest.raises(ConfigurationError, match="input_schema is no JSON"):
        Rows(input_schema="{")
    with pytest.raises(ConfigurationError, match="a dict or JSON string is wanted, got int"):
        Rows(input_schema=3)  # type: ignore[arg-type]


TOOLS = '[{"name": {{ question | tojson }}, "parameters": {}}]'


def test_tools_of_a_row() -> None:
    data = Rows(
        input_template='{"messages": [{"role": "user", "content": "{{ more }}"}]}', tools_template=TOOLS, limit=2
    )
    (x,) = data.materialize()
    assert x[1].messages[0].content == "-"
    assert x[1].tools == [{"name": "q1", "parameters": {}}]


def test_tools_in_a_model_of_the_user() -> None:
    class Task(synalinks.DataModel):
        question: str
        tools: list[dict[str, Any]]

    (x,) = Rows(input_data_model=Task, tools_template=TOOLS).materialize()
    assert x[2].get_json() == {"question": "q2", "tools": [{"name": "q2", "parameters": {}}]}
    with pytest.raises(ConfigurationError, match=r"fills the field 'tools', and the inputs have only \['question'\]"):
        Rows(input_data_model=Question, tools_template=TOOLS)
    with pytest.raises(DataError, match="tools_template must render a JSON list, got dict"):
        Rows(input_data_model=Task, tools_template="{}").materialize()


def test_sizes_are_whole_numbers() -> None:
    with pytest.raises(ConfigurationError, match=r"batch_size='2'\): a whole number is wanted"):
        both(batch_size="2")
