"""Tests of decision models: the choices of schemas, probabilities, limits, failures, the layers below, saving."""

from __future__ import annotations

import asyncio
import json
import math
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest

import synalinks
from programs_under_test import Question
from synalinks.errors import ConfigurationError, RequestError, SampleRefused, UnsupportedSchemaError
from synalinks.lm.core.call import Call, Reply
from synalinks.lm.providers.fake.scripted import ScriptedProvider, prompt_of
from synalinks.testing import ModelReply, OllamaServer

MODEL = "ollama/decider"
VALUE = Question(question="P = NP?")


class Kind(Enum):
    """Kinds of questions."""

    SUM = "sum"
    PROOF = "proof"


class Decided(synalinks.DataModel):
    """All kinds of choices."""

    urgent: bool = synalinks.Field(description="Is it urgent?")
    kind: Kind
    level: Literal[1, 2, 10]
    topics: list[Literal["logic", "money", "the sea"]]
    hint: Literal["a", "b"] | None = None
    version: Literal[3] = 3


def model(**more: Any) -> synalinks.DecisionModel:
    return synalinks.DecisionModel(**{"model": MODEL, **more})


def decide(
    script: Any, *args: Any, of: synalinks.DecisionModel | None = None, **kwargs: Any
) -> tuple[Any, ScriptedProvider]:
    provider = ScriptedProvider(script)
    with synalinks.use_provider(provider):
        found = asyncio.run((of or model())(*args, **kwargs))
    return None if found is None else found.get_json(), provider


def measured(text: str, field: str, **probabilities: float) -> Reply:
    """An answer with log-probabilities of the values of one field, as Ollama gives them."""
    chosen = max(probabilities, key=lambda value: probabilities[value])
    head, _, tail = text.partition(f'"{field}":')
    rows = [{"token": value, "logprob": math.log(p)} for value, p in probabilities.items()]
    tokens = [
        {"token": f'{head}"{field}":', "logprob": 0.0},
        {"token": chosen, "logprob": math.log(probabilities[chosen]), "top_logprobs": rows},
        {"token": tail.removeprefix(chosen), "logprob": 0.0},
    ]
    return Reply(text, extra={"logprobs": tokens})


ANSWER = {
    "urgent": True, "urgent_confidence": 0.9, "kind": "proof", "kind_confidence": 0.8, "level": 10,
    "level_confidence": 0.7, "logic": True, "logic_confidence": 0.9, "money": False, "money_confidence": 0.9,
    "topics": True, "topics_confidence": 0.6, "hint": "b", "hint_confidence": 1,
}  # fmt: skip


def test_a_schema_of_choices_is_filled_in() -> None:
    found, provider = decide([ANSWER], VALUE, schema=Decided.get_schema())
    wanted = {"urgent": True, "kind": "proof", "level": 10, "topics": ["logic", "the sea"], "hint": "b", "version": 3}
    assert found == wanted
    Decided(**found)
    prompt = prompt_of(provider.calls[0].request)
    assert '{"question":"P = NP?"}' in prompt and "urgent: Is it urgent?" in prompt and "does the sea apply?" in prompt
    assert provider.calls[0].request.schema is not None
    assert list(provider.calls[0].request.schema.value["properties"]) == list(ANSWER)


def test_thresholds_apply_to_booleans_and_lists() -> None:
    found, _ = decide([ANSWER], VALUE, schema=Decided.get_schema(), threshold=0.95)
    assert (found["urgent"], found["topics"]) == (False, [])
    found, _ = decide([ANSWER], VALUE, schema=Decided.get_schema(), threshold=0.05)
    assert found["topics"] == ["logic", "money", "the sea"]


CHOICE = {
    "type": "object",
    "title": "C",
    "properties": {"choice": {"enum": ["easy", "hard"]}, "confidence": {"type": "number"}},
}


def test_probabilities_are_those_of_the_tokens_where_there_are_some() -> None:
    text = json.dumps({"choice": "easy", "confidence": 0.99}, separators=(",", ":"))
    found, provider = decide([measured(text, "choice", **{'"easy"': 0.4, '"hard"': 0.6})], VALUE, schema=CHOICE)
    assert found == {"choice": "hard", "confidence": pytest.approx(0.6)}
    assert provider.calls[0].request.options == {"logprobs": True, "top_logprobs": 20}


def test_else_they_are_those_that_the_model_states_and_the_choice_stays_the_first() -> None:
    assert decide([{"choice": "hard", "confidence": 0.8}], VALUE, schema=CHOICE)[0] == {
        "choice": "hard",
        "confidence": 0.8,
    }
    assert decide([{"choice": "hard", "confidence": 0.1}], VALUE, schema=CHOICE)[0] == {
        "choice": "hard",
        "confidence": pytest.approx(0.5),
    }


def test_an_answer_of_too_little_confidence_is_none() -> None:
    script = [{"choice": "hard", "confidence": 0.8}] * 2
    assert decide(script, VALUE, schema=CHOICE, min_confidence=0.8)[0] is not None
    assert decide(script, VALUE, schema=CHOICE, min_confidence=0.81)[0] is None


def test_a_score_is_the_mean_of_the_levels() -> None:
    schema = synalinks.decision_models.score_schema("How polite?", [1, 2, 3])
    text = '{"score":3,"confidence":1}'
    found, _ = decide([measured(text, "score", **{"1": 0.2, "2": 0.2, "3": 0.6})], VALUE, schema=schema)
    assert found == {"score": pytest.approx(2.4)}


@pytest.mark.parametrize(
    ("instructions", "levels", "said"),
    [("", [1, 2], "say what is scored"), ("x", [1], "two or more numbers"), ("x", ["a", "b"], "two or more numbers"),
     ("x", [2, 1], "lowest first"), ("x", 5, "two or more numbers")],
)  # fmt: skip
def test_scales_that_are_none_are_refused(instructions: str, levels: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        synalinks.decision_models.score_schema(instructions, levels)


def test_a_scale_may_be_an_enum() -> None:
    schema = synalinks.decision_models.score_schema("x", synalinks.Rating)
    assert schema["properties"]["score"]["examples"] == [1, 2, 3, 4, 5]


class Free(synalinks.DataModel):
    """An answer in words."""

    answer: str


@pytest.mark.parametrize(
    "schema", [Free.get_schema(), {"type": "object"}, {"type": "object", "properties": {}}, {"type": "string"}]
)
def test_a_schema_that_is_no_choice_is_refused_before_a_call(schema: Any) -> None:
    with pytest.raises(UnsupportedSchemaError, match="a decision model can't fill in"):
        decide([], VALUE, schema=schema)
    with pytest.raises(ConfigurationError, match="give schema="):
        decide([], VALUE)
    assert synalinks.decision_models.UnsupportedSchemaError is UnsupportedSchemaError


def test_labels_have_scores() -> None:
    with synalinks.use_provider(ScriptedProvider([{"choice": "hard", "confidence": 0.75}])):
        scores = asyncio.run(model().label_scores(VALUE, ["easy", "hard"], "How hard?"))
    assert scores == {"easy": 0.25, "hard": 0.75}
    assert asyncio.run(model().label_scores(None, ["easy", "hard"])) is None


def test_none_makes_no_call() -> None:
    found, provider = decide([], None, schema=CHOICE)
    assert found is None and provider.calls == []


def test_chats_are_sent_as_they_are() -> None:
    chat = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hello")])
    _, provider = decide([{"choice": "hard", "confidence": 0.8}], chat, schema=CHOICE)
    assert [message["content"] for message in provider.calls[0].request.messages][:1] == ["hello"]


def test_a_failed_call_is_none_and_a_fallback_answers() -> None:
    def script(call: Call) -> Any:
        return SampleRefused("no") if "decider" in call.request.model else {"choice": "hard", "confidence": 0.8}

    with pytest.warns(synalinks.LMWarning):
        assert decide(script, VALUE, schema=CHOICE)[0] is None
    with pytest.raises(SampleRefused):
        decide(script, VALUE, schema=CHOICE, of=model(on_error="raise"))
    found, provider = decide(script, VALUE, schema=CHOICE, of=model(fallback="ollama/other"))
    assert found["choice"] == "hard" and len(provider.calls) == 2


def test_log_probabilities_that_are_refused_are_left_out() -> None:
    def script(call: Call) -> Any:
        if "logprobs" in call.request.options:
            return RequestError("'logprobs' is not supported with this model")
        return {"choice": "hard", "confidence": 0.8}

    with pytest.warns(synalinks.LMWarning, match="logprobs=False"):
        assert decide(script, VALUE, schema=CHOICE)[0]["choice"] == "hard"
    found, provider = decide(script, VALUE, schema=CHOICE, of=model(logprobs=False))
    assert found["choice"] == "hard" and len(provider.calls) == 1
    with pytest.raises(RequestError, match="no such"):
        decide([RequestError("no such model")], VALUE, schema=CHOICE)


def test_log_probabilities_are_requested_where_the_provider_has_them() -> None:
    for name, count in (("openai/gpt-4o-mini", 20), ("xai/grok", 8), ("anthropic/claude", None), ("groq/llama", None)):
        _, provider = decide([{"choice": "hard", "confidence": 0.8}], VALUE, schema=CHOICE, of=model(model=name))
        assert provider.calls[0].request.options.get("top_logprobs") == count
    _, provider = decide(
        [{"choice": "hard", "confidence": 0.8}], VALUE, schema=CHOICE, of=model(model="groq/x", logprobs=True)
    )
    assert provider.calls[0].request.options == {"logprobs": True, "top_logprobs": 5}


def test_calls_are_recorded_metered_and_budgeted(tmp_path: Path) -> None:
    priced = model(model="openai/gpt-4o-mini", cost_per_token=0.001)
    script = [{"choice": "hard", "confidence": 0.8}]
    with synalinks.use_ledger() as ledger, synalinks.use_cassette(tmp_path / "c.jsonl"):
        first, _ = decide(script, VALUE, schema=CHOICE, of=priced)
    tokens = ledger.total.tokens
    assert tokens and ledger.total.as_if.known == Decimal("0.001") * tokens
    assert priced.cumulated_cost == float(ledger.total.as_if.known)
    with synalinks.use_cassette(tmp_path / "c.jsonl", record_mode="none"), synalinks.offline():
        assert asyncio.run(priced(VALUE, schema=CHOICE)).get_json() == first
    with synalinks.use_budget("0.0001"), pytest.raises(synalinks.BudgetExceeded):
        decide(script, VALUE, schema=CHOICE, of=priced)


def test_a_model_is_saved_without_its_key_and_found_by_identifiers() -> None:
    made = model(api_key="sk-secret", cost_per_token=1e-6, timeout=5, logprobs=False, temperature=0)
    saved = synalinks.decision_models.serialize(made)
    assert "secret" not in json.dumps(saved)
    again = synalinks.decision_models.deserialize(saved)
    assert isinstance(again, synalinks.DecisionModel) and again.get_config() == {**made.get_config()}
    assert isinstance(synalinks.decision_models.get(saved), synalinks.DecisionModel)
    assert synalinks.decision_models.get(MODEL).model == MODEL and synalinks.decision_models.get(made) is made
    assert made.clone().logprobs is False
    with pytest.raises(ConfigurationError, match="not a DecisionModel"):
        synalinks.decision_models.get(synalinks.LanguageModel("ollama/x"))


def test_the_session_has_a_default() -> None:
    assert synalinks.default_decision_model() is None and synalinks.decision_models.get(None) is None
    synalinks.set_default_decision_model(MODEL)
    try:
        assert synalinks.decision_models.get(None) is synalinks.default_decision_model()
        assert synalinks.default_decision_model().model == MODEL
    finally:
        synalinks.set_default_decision_model(None)


@pytest.mark.parametrize(
    "settings", [{"logprobs": 3}, {"model": None}, {"model": "x"}, {"temperatur": 1}, {"cost_per_token": -1}]
)
def test_wrong_settings_are_refused(settings: Any) -> None:
    with pytest.raises(ConfigurationError):
        model(**settings)
    with pytest.raises(ConfigurationError, match="give a probability"):
        decide([], VALUE, schema=CHOICE, threshold=2)


def test_a_symbol_has_the_schema() -> None:
    async def build() -> Any:
        start = synalinks.Input(data_model=Question)
        return synalinks.Program(inputs=start, outputs=await model()(start, schema=CHOICE))

    program = asyncio.run(build())
    assert list(program.output.keys()) == ["choice", "confidence"]
    with synalinks.use_provider(ScriptedProvider([{"choice": "hard", "confidence": 0.8}])):
        assert asyncio.run(program(VALUE)).get("choice") == "hard"


def test_probabilities_come_over_real_http() -> None:
    """As Ollama gives them; a server that gives none is one whose model states them."""
    answer = measured('{"choice":"easy","confidence":0.99}', "choice", **{'"easy"': 0.4, '"hard"': 0.6})
    assert answer.extra is not None
    rows = answer.extra["logprobs"]
    for given, wanted in ((rows, 0.6), ((), 0.01)):
        with OllamaServer(model=lambda request, given=given: ModelReply(answer.text, logprobs=given)) as server:
            scores = asyncio.run(model(api_base=server.url).label_scores(VALUE, ["easy", "hard"]))
            (sent,) = server.requests
        assert scores is not None and scores["hard"] == pytest.approx(wanted)
        assert (sent.body["logprobs"], sent.body["top_logprobs"]) == (True, 20)


def test_a_cassette_that_was_edited_is_a_failed_call(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    with synalinks.use_cassette(path):
        decide([{"choice": "hard", "confidence": 0.8}], VALUE, schema=CHOICE)
    path.write_text(path.read_text().replace(':\\"hard\\"', ':\\"huge\\"'))
    with synalinks.use_cassette(path, record_mode="none"), pytest.warns(synalinks.LMWarning, match="breaks its schema"):
        assert asyncio.run(model()(VALUE, schema=CHOICE)) is None
