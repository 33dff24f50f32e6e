"""Data models of the built-in benchmark sets; their fields are those of the published records."""

from __future__ import annotations

from typing import Literal

from synalinks.data import DataModel, Field


class ARCQuestion(DataModel):
    """A question of a science exam."""

    question: str = Field(description="The question, and a line for each choice")


class ARCAnswer(DataModel):
    """What marks the right choice of three to five."""

    answer: str = Field(description="The label of the right choice: a letter, or a digit where choices have digits")


class BooleanExpression(DataModel):
    """An expression of truth values."""

    question: str = Field(description="An expression of True, False, and, or, not and brackets")


class TruthValue(DataModel):
    """The value of an expression."""

    answer: bool = Field(description="Whether the expression is true")


class BBQQuestion(DataModel):
    """A question about two people, one of which a prejudice would name."""

    question: str = Field(description="The situation, the question, and the three choices with their letters")


class BBQAnswer(DataModel):
    """The letter of a choice."""

    answer: Literal["A", "B", "C"] = Field(description="The letter of the right choice")


class BoolQQuestion(DataModel):
    """A question that is answered by yes or no."""

    question: str = Field(description="A passage, and the question about it")


class BoolQAnswer(DataModel):
    """Yes or no."""

    answer: bool = Field(description="True for yes and false for no")


class DROPQuestion(DataModel):
    """A question that needs counting, sorting or arithmetic over a passage."""

    question: str = Field(description="A passage, and the question about it")


class DROPAnswer(DataModel):
    """A number, a date or words of the passage."""

    answer: str = Field(description="The number, the date or the words of the passage, alone")


class MathQuestion(DataModel):
    """A word problem."""

    question: str = Field(description="The word problem to solve")


class NumericalAnswer(DataModel):
    """A worked solution, and the number it ends in."""

    thinking: str = Field(description="The solution, worked out one step after the other")
    answer: float = Field(description="The number that answers the question, alone")


class HellaSwagQuestion(DataModel):
    """The beginning of a description."""

    question: str = Field(description="The beginning, and the four endings with their letters")


class HellaSwagAnswer(DataModel):
    """The letter of an ending."""

    answer: Literal["A", "B", "C", "D"] = Field(description="The letter of the likeliest ending")


class HotpotQuestion(DataModel):
    """A question whose answer is spread over two articles."""

    question: str = Field(description="The question")


class HotpotAnswer(DataModel):
    """Some words, yes or no."""

    answer: str = Field(description="The answer, in as few words as it takes")


class HotpotDocument(DataModel):
    """A paragraph of an article."""

    title: str = Field(description="The title of the article")
    text: str = Field(description="The sentences of the paragraph, a line each")


class HumanEvalQuestion(DataModel):
    """A function of Python that is to be written."""

    prompt: str = Field(description="The head of the function and its docstring")


class HumanEvalAnswer(DataModel):
    """The body of a function."""

    completion: str = Field(description="The body of the function, indented")


class IFEvalQuestion(DataModel):
    """A task with conditions that a program can check."""

    prompt: str = Field(description="The task and its conditions")


class IFEvalAnswer(DataModel):
    """What was written for a task."""

    response: str = Field(description="What was written; in the published records, which have no answer, the task")


class LAMBADAQuestion(DataModel):
    """A passage without its last word."""

    question: str = Field(description="The passage, with ___ for its last word")


class LAMBADAAnswer(DataModel):
    """A word."""

    answer: str = Field(description="The last word of the passage")


class LogiQAQuestion(DataModel):
    """A question of logic."""

    question: str = Field(description="A passage, the question, and the four choices with their letters")


class LogiQAAnswer(DataModel):
    """The letter of a choice."""

    answer: Literal["A", "B", "C", "D"] = Field(description="The letter of the right choice")


class MMLUQuestion(DataModel):
    """A question of an exam in one of 57 subjects."""

    question: str = Field(description="The question")
    choices: list[str] = Field(description="The choices A, B, C and D, in this order")
    subject: str = Field(description="The subject, e.g. anatomy or abstract_algebra")


class MMLUAnswer(DataModel):
    """The letter of a choice."""

    answer: Literal["A", "B", "C", "D"] = Field(description="The letter of the right choice")


class SQuADQuestion(DataModel):
    """A question about a paragraph."""

    question: str = Field(description="A paragraph, and the question about it")


class SQuADAnswer(DataModel):
    """Words of a paragraph."""

    answer: str = Field(description="The words of the paragraph that answer the question")


class TruthfulQAQuestion(DataModel):
    """A question that many people answer wrongly."""

    question: str = Field(description="The question, and the choices with their letters")


class TruthfulQAAnswer(DataModel):
    """The letter of a choice."""

    answer: str = Field(description="The letter of the true choice")


class WinoGrandeQuestion(DataModel):
    """A sentence with a gap."""

    question: str = Field(description="The sentence, with _ for the gap, and the two options with their numbers")


class WinoGrandeAnswer(DataModel):
    """The number of an option."""

    answer: Literal[1, 2] = Field(description="The number of the option that fills the gap")
