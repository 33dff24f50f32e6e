"""Labels: the answers that a decision chooses from, checked, and their place in schemas and instructions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synalinks import _json
from synalinks._json import JsonObject
from synalinks.data import DataModel, Field
from synalinks.errors import ConfigurationError

THINKING = {"type": "string", "title": "Thinking", "description": "Step by step thinking that leads to the choice"}
CERTAINTY = {
    "type": "number",
    "minimum": 0,
    "maximum": 1,
    "title": "Confidence",
    "description": "The probability that the choice is right, from 0 to 1",
}


class Question(DataModel):
    """The question that a decision answers."""

    question: str = Field(description="The question to decide")


def checked_question(question: object, where: str) -> str:
    """A question as it was given.

    Raises:
        ConfigurationError: no text.
    """
    if not isinstance(question, str) or not question.strip():
        raise ConfigurationError(f"{where}(question={question!r}): write the question to decide, a text")
    return question


def checked_labels(labels: object, where: str, least: int = 2) -> list[str]:
    """Labels as a list of their own.

    Raises:
        ConfigurationError: no list of at least so many different texts.
    """
    if isinstance(labels, (str, Mapping)) or not isinstance(labels, Sequence):
        raise ConfigurationError(f"{where}(labels={labels!r}): give a list of texts, e.g. labels=['easy', 'hard']")
    for label in labels:
        if not isinstance(label, str) or not label.strip():
            raise ConfigurationError(f"{where}(labels=...): each label is a text that is not empty, got {label!r}")
    twice = sorted({label for label in labels if list(labels).count(label) > 1})
    if twice:
        raise ConfigurationError(f"{where}(labels=...): {twice} are there more than once; a label is one answer")
    if len(labels) < least:
        raise ConfigurationError(
            f"{where}(labels={list(labels)}): a decision needs at least {('no', 'one label', 'two labels')[least]} to "
            "choose from"
        )
    return list(labels)


def choice_of(labels: Sequence[str], description: str) -> JsonObject:
    """The schema of one label."""
    return {"type": "string", "enum": list(labels), "title": "Choice", "description": description}


def decision_schema(title: str, fields: Mapping[str, JsonObject]) -> JsonObject:
    """The schema of a decision with these fields, all required."""
    return {
        "title": title,
        "type": "object",
        "properties": dict(fields),
        "required": list(fields),
        "additionalProperties": False,
    }


def listed(labels: Sequence[str]) -> str:
    """Labels as instructions write them."""
    return ", ".join(map(_json.dumps, labels))


def beside(inputs: Any, more: Any) -> Any:
    """An input with more fields where a prompt shows them: behind its own, or before the messages of a chat."""
    return more + inputs if "messages" in inputs else inputs + more
