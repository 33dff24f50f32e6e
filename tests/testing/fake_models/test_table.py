"""The rule that looks its answers up."""

from __future__ import annotations

import json

import pytest

from synalinks.errors import ConfigurationError
from synalinks.testing import ChatRequest, Law, TableModel

TABLE = {f"Tom has {n} apples and buys {n}. How many?": float(2 * n) for n in range(2, 102)}
QUESTION = next(iter(TABLE))
ANSWER = {"type": "object", "properties": {"thinking": {"type": "string"}, "answer": {"type": "number"}}}


def ask(question: str, taught: int = 0, seed: int = 0) -> ChatRequest:
    examples = "".join(
        f"<input>{json.dumps({'question': asked})}</input>\n<output>{json.dumps({'answer': value})}</output>"
        for asked, value in list(TABLE.items())[-taught:]
        if taught
    )
    return ChatRequest(
        messages=[
            {"role": "system", "content": f"<examples>{examples}</examples>"},
            {"role": "user", "content": f"<input>\n{json.dumps({'question': question})}\n</input>"},
        ],
        format=ANSWER,
        options={"seed": seed},
    )


def test_known_questions_are_answered_from_the_table() -> None:
    model = TableModel(TABLE, law=Law(base=1.0, ceiling=1.0))
    assert json.loads(str(model.reply(ask(QUESTION)))) == {"thinking": "the answer = 4", "answer": 4}
    assert model.probability(ask("What is love?")) is None


def test_examples_raise_the_share_of_right_answers() -> None:
    model = TableModel(TABLE, base=0.4, gain=0.5)
    shares = []
    for taught in (0, 3):
        answers = [json.loads(str(model.reply(ask(one, taught))))["answer"] for one in TABLE]
        shares.append(sum(said == right for said, right in zip(answers, TABLE.values(), strict=True)) / len(TABLE))
    assert shares[0] == pytest.approx(0.4, abs=0.15)
    assert shares[1] == pytest.approx(0.9, abs=0.09)


def test_answers_must_be_numbers() -> None:
    assert TableModel({"q": "1,000"}).find(" q ") is not None
    with pytest.raises(ConfigurationError, match="are numbers, got 'many'"):
        TableModel({"q": "many"})
