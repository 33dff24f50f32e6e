"""The law of how often a rule is right, draws, and proposals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from synalinks.errors import ConfigurationError
from synalinks.testing import ArithmeticModel, ChatRequest, Law
from synalinks.testing.fake_models.chat import model_of
from synalinks.testing.fake_models.model import Prior
from synalinks.testing.fake_models.proposals import PHRASES

ANSWER = {"type": "object", "properties": {"thinking": {"type": "string"}, "answer": {"type": "string"}}}
PLAIN = "Answer with a JSON containing the following keys: ['thinking', 'answer']"


def system(examples: Sequence[tuple[str, str]] = (), instructions: str = PLAIN) -> str:
    blocks = "".join(
        "<example>\n<input>\n"
        + json.dumps({"problem": asked})
        + "\n</input>\n<output>\n"
        + json.dumps({"thinking": "step by step", "answer": answer})
        + "\n</output>\n</example>\n"
        for asked, answer in examples
    )
    text = f"<instructions>\n{instructions}\n</instructions>\n"
    return text + (f"<examples>\n{blocks}</examples>\n" if blocks else "")


def request(problem: str, text: str = "", **options: Any) -> ChatRequest:
    user = "<input>\n" + json.dumps({"problem": problem}) + "\n</input>\n<output>\n"
    messages = [{"role": "system", "content": text or system()}, {"role": "user", "content": user}]
    return ChatRequest(messages=messages, format=ANSWER, options=options)


def right(model: ArithmeticModel, asked: ChatRequest) -> bool:
    question, reply = model.question(asked), model.reply(asked)
    assert question is not None
    assert isinstance(reply, str)
    return bool(json.loads(reply)["answer"] == str(question.value))


GOOD = [("2 + 3", "5"), ("5 * 4", "20"), ("8 / 2", "4")]
PROBLEMS = [f"{a} {sign} {b}" for a in range(11, 31) for sign, b in (("+", 7), ("*", 3), ("-", 9), ("+", 28), ("*", 5))]


def share(text: str) -> tuple[float, float]:
    """(measured, expected) share of right answers over 100 problems, 4 draws each."""
    model = ArithmeticModel()
    asked = [request(problem, text, seed=seed) for problem in PROBLEMS for seed in range(4)]
    expected = [model.probability(one) or 0.0 for one in asked]
    return sum(right(model, one) for one in asked) / len(asked), sum(expected) / len(asked)


def test_three_right_examples_beat_none_by_a_margin() -> None:
    untaught, untaught_expected = share(system())
    taught, taught_expected = share(system(GOOD))
    # 400 answers each: the standard deviation of a share is at most 0.025.
    assert untaught == pytest.approx(untaught_expected, abs=0.06)
    assert taught == pytest.approx(taught_expected, abs=0.03)
    assert taught_expected == pytest.approx(0.97)
    assert taught - untaught > 0.3


def test_each_thing_taught_counts() -> None:
    shares = [share(system(GOOD[:count]))[1] for count in range(4)]
    assert shares == sorted(shares)
    assert shares[1] - shares[0] > 0.15
    assert share(system([("2 + 3", "6")]))[1] < shares[0] - 0.1
    precise = share(system(instructions="Calculate step by step. Give only the number."))[1]
    assert shares[0] + 0.15 < precise < shares[3]


def test_a_prior_is_read_from_its_blocks_only() -> None:
    model = ArithmeticModel()
    taught = model.prior(system([*GOOD, ("1 + 1", "2 units"), ("what?", "5")], "Check the SIGN."))
    assert taught == Prior(right=3, wrong=1, cues=2)
    assert model.prior(system([GOOD[0], GOOD[0]])) == Prior(right=1)
    assert model.prior("<output_schema>calculate step by step</output_schema>") == Prior()
    assert model.prior("Calculate it.") == Prior(cues=1)


def test_questions_differ_in_difficulty_until_all_is_learnt() -> None:
    law = Law()
    chances = [law.probability(Prior(), problem) for problem in PROBLEMS]
    assert max(chances) - min(chances) > 0.4
    assert sum(chances) / len(chances) == pytest.approx(law.base, abs=0.05)
    assert {law.probability(Prior(right=3), problem) for problem in PROBLEMS} == {law.ceiling}


def test_a_law_out_of_bounds_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="floor <= base"):
        Law(base=0.99, ceiling=0.9)


def test_the_draw_is_the_seed_or_the_first_or_the_next() -> None:
    assert request("1 + 1", seed=7).draw == 7
    assert request("1 + 1", temperature=0).draw == 0
    third = request("1 + 1")
    third.asked = 3
    assert third.draw == 3
    seeded = request("1 + 1", seed=7, temperature=0.5)
    assert seeded.uniform("x") == request("1 + 1", seed=7).uniform("x")
    assert seeded.uniform("x") != request("1 + 1", seed=8).uniform("x")
    assert seeded.uniform("x") != request("1 + 2", seed=7).uniform("x")


def test_a_model_is_a_function_or_has_reply() -> None:
    assert model_of(lambda _: "yes")(ChatRequest()) == "yes"
    with pytest.raises(ConfigurationError, match="method `reply`"):
        model_of(42)


INSTRUCTIONS = {
    "type": "object",
    "properties": {"thinking": {"type": "string"}, "instructions": {"type": "string"}},
    "required": ["thinking", "instructions"],
}


def propose(value: dict[str, Any], seed: int) -> str:
    user = {"role": "user", "content": "<input>\n" + json.dumps(value) + "\n</input>"}
    asked = ChatRequest(messages=[user], format=INSTRUCTIONS, options={"seed": seed})
    reply = ArithmeticModel().reply(asked)
    assert isinstance(reply, str)
    answer = json.loads(reply)
    assert list(answer) == ["thinking", "instructions"]
    return str(answer["instructions"])


def test_a_mutation_adds_a_phrase() -> None:
    current = {"program_inputs": [{"problem": "1 + 1"}], "current_variable": {"instructions": "Do it."}}
    texts = {propose(current, seed) for seed in range(80)}
    assert texts == {f"Do it. {phrase}" for phrase in PHRASES}
    assert propose(current, 1) == propose(current, 1)


def test_a_crossover_takes_over_what_the_other_has() -> None:
    value = {
        "other_variable": {"instructions": "Do it. Think step by step."},
        "current_variable": {"instructions": "Do it. Be friendly."},
    }
    text = propose(value, 0)
    assert text.startswith("Do it. Be friendly. Think step by step. ")


def test_proposals_teach() -> None:
    text = PLAIN + "."
    for seed in range(6):
        text = propose({"current_variable": {"instructions": text}}, seed)
    assert ArithmeticModel().prior(system(instructions=text)).cues >= 3
