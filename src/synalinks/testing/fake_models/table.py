"""A rule that looks its answers up, for questions no rule could work out. It is not a language model."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from synalinks.errors import ConfigurationError
from synalinks.testing.fake_models.model import Law, Question, RuleModel


class TableModel(RuleModel):
    """A rule with a table of questions and their numbers, e.g. those of GSM8K.

    The question of a request is the last string of its input that stands in the table, white space at the
    ends aside. How often the answer is right is the `law`: by default 0.4 without examples and 0.9 with
    three right ones.

    Example:
        >>> from synalinks.testing import Law, TableModel
        >>> model = TableModel({"How many legs has a spider?": 8}, law=Law(base=1.0, ceiling=1.0))
        >>> model.find("How many legs has a spider?").value
        Fraction(8, 1)

    Args:
        answers: question -> number, or a number as text.
        law: how often it is right; if given, it stands for the other three.
        base: P(right) on the average question when nothing is taught.
        gain: what three right examples add to it.
        spread: how far the difficulty of questions reaches to both sides.

    Raises:
        ConfigurationError: an answer is not a number.
    """

    def __init__(
        self,
        answers: Mapping[str, str | float],
        *,
        law: Law | None = None,
        base: float = 0.4,
        gain: float = 0.5,
        spread: float = 0.25,
    ) -> None:
        super().__init__(law or Law(base=base, ceiling=base + gain, spread=spread))
        self._values = {question.strip(): _number(question, answer) for question, answer in answers.items()}

    def find(self, text: str) -> Question | None:
        """The text itself, if it is a question of the table."""
        question = text.strip()
        value = self._values.get(question)
        if value is None:
            return None
        wrong = (value + 1, value - 1, value * 2, value / 2, value + 10)
        return Question(question, value, [one for one in dict.fromkeys(wrong) if one != value], "the answer")


def _number(question: str, answer: str | float) -> Fraction:
    try:
        return Fraction(str(answer).replace(",", "").strip())
    except ValueError:
        raise ConfigurationError(
            f"TableModel answers are numbers, got {answer!r} for the question {question[:80]!r}"
        ) from None
