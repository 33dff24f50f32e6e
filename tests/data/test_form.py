"""Form: classes that give a value back as it is are left out, and all others run."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import (
    AfterValidator,
    ConfigDict,
    StringConstraints,
    WithJsonSchema,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)

import synalinks
from synalinks.data.form import Form


class Plain(synalinks.DataModel):
    """An answer."""

    thinking: str = synalinks.Field(description="Step by step")
    answer: str
    sure: bool


class Inherited(Plain):
    more: str


PLAIN = {"thinking": "2 and 2", "answer": "4", "sure": True}


def pydantic_calls(monkeypatch: pytest.MonkeyPatch, model: type[synalinks.DataModel]) -> list[Any]:
    calls: list[Any] = []
    original = model.model_validate

    def counted(value: Any) -> Any:
        calls.append(value)
        return original(value)

    monkeypatch.setattr(model, "model_validate", counted)
    return calls


@pytest.mark.parametrize(("model", "value"), [(Plain, PLAIN), (Inherited, {**PLAIN, "more": "!"})])
def test_a_plain_class_is_not_run(monkeypatch: pytest.MonkeyPatch, model: Any, value: dict[str, Any]) -> None:
    answers = Form(model.get_schema(), model)
    assert answers.read(value) == model.model_validate(value).get_json()
    calls = pydantic_calls(monkeypatch, model)
    assert answers.read(value) is value
    assert not calls


def test_fields_in_another_order_are_put_in_that_of_the_class() -> None:
    moved = {"sure": True, "answer": "4", "thinking": "2 and 2"}
    assert list(Form(Plain.get_schema(), Plain).read(moved)) == ["thinking", "answer", "sure"]


def stripped(text: str) -> str:
    return text.strip()


class ByAnnotation(synalinks.DataModel):
    text: Annotated[str, AfterValidator(stripped)]


class ByField(synalinks.DataModel):
    text: str

    @field_validator("text")
    @classmethod
    def strip(cls, text: str) -> str:
        return text.strip()


class ByModel(synalinks.DataModel):
    text: str

    @model_validator(mode="before")
    @classmethod
    def strip(cls, value: Any) -> Any:
        return {"text": value["text"].strip()}


class AfterModel(synalinks.DataModel):
    text: str

    @model_validator(mode="after")
    def strip(self) -> AfterModel:
        self.__dict__["text"] = self.text.strip()
        return self


class ByConfig(synalinks.DataModel):
    model_config = ConfigDict(str_strip_whitespace=True)
    text: str


class ByConstraint(synalinks.DataModel):
    text: Annotated[str, StringConstraints(strip_whitespace=True)]


class ByInit(synalinks.DataModel):
    text: str

    def __init__(self, text: str) -> None:
        super().__init__(text=text.strip())


class ByPostInit(synalinks.DataModel):
    text: str

    def model_post_init(self, context: Any) -> None:
        self.__dict__["text"] = self.text.strip()


class BySerializer(synalinks.DataModel):
    text: str

    @field_serializer("text")
    def strip(self, text: str) -> str:
        return text.strip()


class ByWholeSerializer(synalinks.DataModel):
    text: str

    @model_serializer
    def strip(self) -> dict[str, str]:
        return {"text": self.text.strip()}


class ByOwnJson(synalinks.DataModel):
    text: str

    def get_json(self) -> dict[str, Any]:
        return {"text": self.text.strip()}


class Mixin:
    def get_json(self) -> dict[str, Any]:
        return {"text": self.text.strip()}  # type: ignore[attr-defined]


class ByMixin(Mixin, synalinks.DataModel):  # type: ignore[misc]
    text: str


@pytest.mark.parametrize(
    "model",
    [
        ByAnnotation,
        ByField,
        ByModel,
        AfterModel,
        ByConfig,
        ByConstraint,
        ByInit,
        ByPostInit,
        BySerializer,
        ByWholeSerializer,
        ByOwnJson,
        ByMixin,
    ],
)
def test_a_class_that_changes_a_value_is_run(model: type[synalinks.DataModel]) -> None:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    assert Form(schema, model).read({"text": " 4 "}) == {"text": "4"}


class Number(synalinks.DataModel):
    value: float


class Text(synalinks.DataModel):
    value: Annotated[str, WithJsonSchema({"type": "integer"})]


class Choice(synalinks.DataModel):
    value: Literal["a", "b"]


class Nested(synalinks.DataModel):
    value: Plain


class Twice(synalinks.DataModel):
    text: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def twice(self) -> str:
        return self.text * 2


def test_other_types_of_fields_are_read_by_the_class() -> None:
    assert isinstance(Form(Number.get_schema(), Number).read({"value": 5})["value"], float)
    with pytest.raises(ValueError, match="value"):
        Form(Text.get_schema(), Text).read({"value": 5})
    assert Form(Choice.get_schema(), Choice).read({"value": "a"}) == {"value": "a"}
    moved = {"value": dict(reversed(PLAIN.items()))}
    assert list(Form(Nested.get_schema(), Nested).read(moved)["value"]) == list(PLAIN)
    assert Form(Twice.get_schema(), Twice).read({"text": "a"}) == {"text": "a"}
