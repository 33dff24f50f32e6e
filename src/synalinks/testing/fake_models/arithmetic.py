"""A rule that does sums, and does them better when it is taught. It is not a language model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from synalinks.testing.fake_models.chat import ChatRequest
from synalinks.testing.fake_models.model import Question, RuleModel

# Numbers of at most 40 digits, thousands set off by commas or not; then signs, and all the rest.
_TOKEN = re.compile(
    r"\d{1,3}(?:,\d{3}){1,8}(?![\d,])(?:\.\d{1,20})?|\d{1,40}(?:\.\d{1,20})?"
    r"|[-+*/()\u00d7\u00f7\u2212]|(?<=[\d\s)])x(?=[\d\s(])|\s+|[^\W\d]+|.",
    re.DOTALL,
)
_SIGNS = {"\u00d7": "*", "x": "*", "\u00f7": "/", "\u2212": "-"}
#: Longer or deeper expressions are no questions; this keeps hostile texts cheap.
_MOST_TOKENS, _DEEPEST, _MOST_BITS = 200, 40, 800
_TOOL_WORDS = ("calc", "arithmetic", "expression", "math")


class _NoExpressionError(Exception):
    """The tokens at hand are not an expression, or one without a value."""


class _Parser:
    """A recursive-descent parser over tokens; exact values."""

    def __init__(self, tokens: list[str], place: int) -> None:
        self.tokens = tokens
        self.place = place
        self.depth = 0
        self.operators = 0

    def _peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def sum(self) -> Fraction:
        """Terms joined by + and -."""
        value = self._product()
        while (sign := self._peek()) in ("+", "-") and self._operand_follows():
            self.place += 1
            self.operators += 1
            term = self._product()
            value = _bounded(value + term if sign == "+" else value - term)
        return value

    def _product(self) -> Fraction:
        value = self._factor()
        while (sign := self._peek()) in ("*", "/") and self._operand_follows():
            self.place += 1
            self.operators += 1
            factor = self._factor()
            if sign == "/" and factor == 0:
                raise _NoExpressionError
            value = _bounded(value * factor if sign == "*" else value / factor)
        return value

    def _operand_follows(self) -> bool:
        after = self.tokens[self.place + 1 : self.place + 2]
        return bool(after) and (after[0] in "(-" or after[0][0].isdigit())

    def _factor(self) -> Fraction:
        token = self._peek()
        self.place += 1
        if token[:1].isdigit():
            return Fraction(token.replace(",", ""))
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _NoExpressionError
        if token == "-":
            value = -self._factor()
        elif token == "(":
            value = self.sum()
            if self._peek() != ")":
                raise _NoExpressionError
            self.place += 1
        else:
            raise _NoExpressionError
        self.depth -= 1
        return value


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MOST_BITS:
        raise _NoExpressionError
    return value


def _runs(text: str) -> list[list[str]]:
    """The stretches of a text that hold nothing but numbers and signs, white space left out."""
    runs: list[list[str]] = [[]]
    for token in _TOKEN.findall(text):
        if token.isspace():
            continue
        token = _SIGNS.get(token, token)
        if token in "+-*/()" or token[0].isdecimal():
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if 3 <= len(run) <= _MOST_TOKENS]


def expressions(text: str) -> list[tuple[str, Fraction]]:
    """The sums in a text, in order, each in its normal form and with its exact value."""
    found: list[tuple[str, Fraction]] = []
    for run in _runs(text):
        place = 0
        while place < len(run):
            parser = _Parser(run, place)
            try:
                value = parser.sum()
            except _NoExpressionError:
                place += 1
                continue
            if parser.operators:
                found.append((_normal(run[place : parser.place]), value))
            place = max(parser.place, place + 1)
    return found


def _normal(tokens: list[str]) -> str:
    """An expression with single spaces round its operators, none inside parentheses or after a sign."""
    text, after_operand = "", False
    for token in tokens:
        if token in "+-*/" and after_operand:
            text += f" {token} "
            after_operand = False
        else:
            text += token
            after_operand = token == ")" or token[0].isdigit()
    return text


def slips(text: str, value: Fraction) -> list[Fraction]:
    """Plausible wrong values: off by one either way, the wrong sign, and one operator mistaken."""
    wrong = [value + 1, value - 1, -value]
    for right, taken in (("+", "-"), ("-", "+"), ("*", "+"), ("/", "*")):
        other = expressions(text.replace(f" {right} ", f" {taken} ", 1))
        if other and f" {right} " in text:
            wrong.append(other[-1][1])
            break
    return [one for place, one in enumerate(wrong) if one != value and one not in wrong[:place]]


class ArithmeticModel(RuleModel):
    """A rule that evaluates the last sum of the last user message, as well as its `law` says.

    Sums are made of numbers, `+ - * /` and parentheses, and are worked out exactly. Of the tools offered, one
    whose name or description speaks of calculating is called with the sum, if it takes a string.

    Example:
        >>> from synalinks.testing import ArithmeticModel
        >>> ArithmeticModel().find("What is 2 + 3 * 4?").value
        Fraction(14, 1)

    """

    def find(self, text: str) -> Question | None:
        """The last sum in a text."""
        found = expressions(text)
        if not found:
            return None
        normal, value = found[-1]
        return Question(normal, value, slips(normal, value))

    def tool_call(self, request: ChatRequest, question: Question | None) -> tuple[str, Mapping[str, Any]] | None:
        """A calculator among the tools, called with the sum."""
        if question is None:
            return None
        for tool in request.tools:
            function = tool.get("function", tool)
            about = f"{function.get('name', '')} {function.get('description', '')}".lower()
            properties = function.get("parameters", {}).get("properties", {})
            strings = [name for name, spec in properties.items() if spec.get("type") == "string"]
            if strings and any(word in about for word in _TOOL_WORDS):
                name = "expression" if "expression" in strings else strings[0]
                return str(function.get("name", "")), {name: question.text}
        return None
