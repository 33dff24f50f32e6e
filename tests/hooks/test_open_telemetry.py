"""Tests of spans of OpenTelemetry, with the SDK's exporter in memory."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Question, compiled, data, fit, learner, provider_of, solver
from synalinks.errors import ConfigurationError
from synalinks.hooks import OpenTelemetry, stop_everywhere, trace_context, use_everywhere
from synalinks.lm import Reply, Usage
from synalinks.testing import ScriptedProvider

MODEL = "openai/gpt-4o-mini"


def test_without_opentelemetry_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"hooks.OpenTelemetry needs OpenTelemetry: .*\[otel\]"):
        OpenTelemetry()


class Traced:
    """Spans of every module's calls, by name."""

    def __init__(self, provider: Any, memory: Any) -> None:
        self.provider, self._memory = provider, memory

    @property
    def spans(self) -> list[Any]:
        """All spans that have ended, in the order in which they began."""
        return sorted(self._memory.get_finished_spans(), key=lambda span: span.start_time)

    def __getitem__(self, name: str) -> Any:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def parent(self, span: Any) -> str | None:
        """The name of a span's parent."""
        if span.parent is None:
            return None
        (found,) = [one for one in self.spans if one.context.span_id == span.parent.span_id]
        return str(found.name)

    def everywhere(self, **options: Any) -> None:
        """Trace every module from here on."""
        hook = OpenTelemetry(self.provider, **options)
        use_everywhere(OpenTelemetry, lambda: hook)


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[Traced]:
    """A tracer provider whose spans are kept, and every module traced."""
    pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    monkeypatch.delenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", raising=False)
    provider, memory = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    found = Traced(provider, memory)
    found.everywhere()
    yield found
    stop_everywhere(OpenTelemetry)
    provider.shutdown()


def reply_of(text: str, **more: Any) -> Reply:
    usage = Usage(input_fresh=100, input_cache_read=900, output_text=20, output_reasoning=5)
    return Reply(text=text, finish="stop", usage=usage, **more)


async def program(**options: Any) -> synalinks.Program:
    inputs = synalinks.Input(data_model=Question)
    model = synalinks.LanguageModel(model=MODEL, name="lm", **options)
    outputs = await synalinks.Generator(data_model=Answer, language_model=model, name="gen")(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs, name="prog")


def test_a_program_is_a_workflow_with_a_span_for_each_call(traced: Traced) -> None:
    from opentelemetry.trace import SpanKind

    async def main() -> None:
        made = await program(temperature=0.5, max_tokens=64, seed=3, stop="END")
        with trace_context(user_id="ann", session_id="7", metadata={"shop": 1}, tags={"part": "search"}):
            await made(Question(question="2 + 2?"))

    with synalinks.use_provider(ScriptedProvider([reply_of('{"answer": 4}')])):
        asyncio.run(main())
    assert [span.name for span in traced.spans] == ["invoke_workflow prog", "gen", "chat gpt-4o-mini"]
    assert [traced.parent(span) for span in traced.spans] == [None, "invoke_workflow prog", "gen"]
    chat, workflow = traced["chat gpt-4o-mini"], traced["invoke_workflow prog"]
    assert (chat.kind, workflow.kind) == (SpanKind.CLIENT, SpanKind.INTERNAL)
    assert workflow.attributes["gen_ai.workflow.name"] == "prog"
    cost = 100 * Decimal("0.15e-6") + 900 * Decimal("0.075e-6") + 25 * Decimal("0.6e-6")
    wanted = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.seed": 3,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.output.type": "json",
        "gen_ai.conversation.id": "7",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.cache_read.input_tokens": 900,
        "gen_ai.usage.output_tokens": 25,
        "gen_ai.usage.reasoning.output_tokens": 5,
        "server.address": "api.openai.com",
        "server.port": 443,
        "user.id": "ann",
        "synalinks.attempts": 1,
        "synalinks.billed": pytest.approx(float(cost)),
        "synalinks.cost": pytest.approx(float(cost)),
        "synalinks.metadata.shop": "1",
        "synalinks.module.class": "LanguageModel",
        "synalinks.module.name": "lm",
        "synalinks.source": "live",
        "synalinks.tag.part": "search",
    }
    assert dict(chat.attributes) == wanted


def test_siblings_that_run_side_by_side_have_their_own_parents_tokens_and_failures(traced: Traced) -> None:
    begun: list[int] = []

    async def answer(call: Any) -> Any:
        number = int(call.request.messages[-1]["content"])
        begun.append(number)
        while len(begun) < 8:  # until all of them are under way
            await asyncio.sleep(0)
        for _ in range(8 - number):  # the last one ends first
            await asyncio.sleep(0)
        if number == 5:
            return synalinks.errors.RequestError("no such model")
        return Reply(text=str(number), finish="stop", usage=Usage(input_fresh=number, output_text=2 * number))

    model = synalinks.LanguageModel(model="ollama/llama3.2", name="lm", concurrency=8)

    class Votes(synalinks.Module):
        """Calls one model several times in one place."""

        async def call(self, inputs: Any) -> Any:
            first = inputs.get("answer")
            asked = [synalinks.ChatMessage(role="user", content=str(first + n)) for n in range(4)]
            calls = [model(synalinks.ChatMessages(messages=[one]).to_json_data_model()) for one in asked]
            await asyncio.gather(*calls, return_exceptions=True)
            return inputs

    async def main() -> None:
        await asyncio.gather(*(Votes(name=f"votes_{n}")(Answer(answer=n)) for n in (0, 4)))

    with synalinks.use_provider(ScriptedProvider(answer)):
        asyncio.run(main())
    chats = [span for span in traced.spans if span.name == "chat llama3.2"]
    assert len(chats) == 8
    found = {}
    for span in chats:
        tokens = span.attributes.get("gen_ai.usage.input_tokens")
        found[tokens] = (span.attributes.get("gen_ai.usage.output_tokens"), traced.parent(span), span.status.is_ok)
    assert found == {
        **{n: (2 * n, f"votes_{n - n % 4}", True) for n in (0, 1, 2, 3, 4, 6, 7)},
        None: (None, "votes_4", False),
    }


def test_a_failure_is_an_error_whether_it_is_raised_or_none(traced: Traced) -> None:
    class Fails(synalinks.Module):
        async def call(self, inputs: Any) -> Any:
            raise ValueError("no")

    async def main() -> None:
        made = await program(retry=1)
        with pytest.warns(UserWarning, match="counts as None"):
            assert await made(Question(question="?")) is None
        with pytest.raises(ValueError, match="no"):
            await Fails(name="fails")(Question(question="?"))

    with synalinks.use_provider(ScriptedProvider([synalinks.errors.ServerError("it is on fire")])):
        asyncio.run(main())
    chat, fails = traced["chat gpt-4o-mini"], traced["fails"]
    assert chat.attributes["error.type"] == "server" and chat.attributes["gen_ai.response.finish_reasons"] == ("error",)
    assert not chat.status.is_ok and "it is on fire" in chat.status.description
    assert traced["gen"].status.is_ok  # it gave None, which programs go on with
    assert fails.attributes["error.type"] == "ValueError" and not fails.status.is_ok
    (event,) = fails.events
    assert event.name == "exception" and event.attributes["exception.message"] == "no"


def test_a_fallback_is_a_span_of_its_own(traced: Traced) -> None:
    first = synalinks.LanguageModel(model=MODEL, retry=1, fallback="ollama/llama3.2")
    messages = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="?")])
    script = ScriptedProvider([synalinks.errors.ServerError("down"), "4"])
    with synalinks.use_provider(script):
        assert asyncio.run(first(messages)).get("content") == "4"
    failed, answered = traced["chat gpt-4o-mini"], traced["chat llama3.2"]
    assert traced.parent(answered) == "chat gpt-4o-mini"
    assert not failed.status.is_ok and answered.status.is_ok
    assert answered.attributes["synalinks.is_fallback"] is True


def test_tools_agents_embeddings_and_decisions(traced: Traced) -> None:
    traced.everywhere(capture_content=True)

    @synalinks.saving.register_synalinks_serializable("Tests")
    async def add(first: int, second: int) -> int:
        """Add two numbers.

        Args:
            first: one number.
            second: the other one.
        """
        return first + second

    asked = Reply(
        tool_calls=({"id": "c1", "name": "add", "arguments": {"first": 2, "second": 3}},), finish="tool_calls"
    )

    async def main() -> None:
        agent = synalinks.FunctionCallingAgent(
            tools=[synalinks.Tool(add)], language_model=MODEL, data_model=Answer, name="agent", autonomous=True
        )
        inputs = synalinks.Input(data_model=Question)
        made = synalinks.Program(inputs=inputs, outputs=await agent(inputs), name="prog")
        with synalinks.use_provider(ScriptedProvider([asked, "5", '{"answer": 5}'])):
            await made(Question(question="2 + 3?"))
        embedding = synalinks.EmbeddingModel("openai/text-embedding-3-small", dimensions=2)
        with synalinks.use_provider(ScriptedProvider([[[0.5, 1.0]]])):
            await embedding.embed(["a text"])
        labels = synalinks.DecisionModel(model=MODEL, logprobs=False)
        with synalinks.use_provider(ScriptedProvider(lambda call: {"choice": "b", "confidence": 0.9})):
            await labels.label_scores(synalinks.ChatMessages(messages=[]).to_json_data_model(), ["a", "b"])

    asyncio.run(main())
    tool, agent = traced["execute_tool add"], traced["invoke_agent agent"]
    assert tool.attributes["gen_ai.tool.description"].startswith("Add two numbers")
    assert json.loads(tool.attributes["gen_ai.tool.call.arguments"]) == {"first": 2, "second": 3}
    assert json.loads(tool.attributes["gen_ai.tool.call.result"])["result"] == 5
    assert traced.parent(tool) == "invoke_agent agent" and agent.attributes["gen_ai.agent.name"] == "agent"
    embedded = traced["embeddings text-embedding-3-small"].attributes
    assert embedded["gen_ai.operation.name"] == "embeddings" and embedded["gen_ai.embeddings.dimension.count"] == 2
    assert json.loads(embedded["synalinks.inputs"]) == [{"texts": ["a text"]}] and "synalinks.outputs" not in embedded
    chats = [span for span in traced.spans if span.name == "chat gpt-4o-mini"]
    (part,) = json.loads(chats[0].attributes["gen_ai.output.messages"])[0]["parts"]
    assert part == {"type": "tool_call", "id": "c1", "name": "add", "arguments": {"first": 2, "second": 3}}
    assert [one["name"] for one in json.loads(chats[0].attributes["gen_ai.tool.definitions"])] == ["add"]
    responses = json.loads(chats[1].attributes["gen_ai.input.messages"])[-1]["parts"]
    assert [one["type"] for one in responses] == ["tool_call_response"] and responses[0]["id"] == "c1"
    assert json.loads(chats[-1].attributes["gen_ai.output.messages"])[0]["finish_reason"] == "stop"


def test_prompts_and_answers_are_recorded_when_asked_for(traced: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    def attributes() -> dict[str, Any]:
        async def main() -> None:
            await (await program())(Question(question="2 + 2?"))

        with synalinks.use_provider(ScriptedProvider(['{"answer": 4}'])):
            asyncio.run(main())
        return dict(traced.spans[-1].attributes)

    assert "2 + 2" not in str(attributes())
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    traced.everywhere()
    found = attributes()
    assert json.loads(found["gen_ai.system_instructions"])[0]["type"] == "text"
    (asked,) = json.loads(found["gen_ai.input.messages"])
    assert asked["role"] == "user" and "2 + 2?" in asked["parts"][0]["content"]
    assert json.loads(found["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": '{"answer":4}'}], "finish_reason": "stop"}
    ]
    traced.everywhere(capture_content=False)
    assert "2 + 2" not in str(attributes())


def test_spans_stand_in_the_span_that_is_open_and_leave_none_open(traced: Traced) -> None:
    from opentelemetry import trace

    async def main() -> None:
        with traced.provider.get_tracer("web").start_as_current_span("GET /"):
            await (await program())(Question(question="2 + 2?"))
        assert trace.get_current_span() is trace.INVALID_SPAN

    with synalinks.use_provider(ScriptedProvider(['{"answer": 4}'])):
        asyncio.run(main())
    assert traced.parent(traced["invoke_workflow prog"]) == "GET /"


def test_the_place_in_a_run_and_nothing_of_estimates(traced: Traced) -> None:
    made = compiled(solver(name="adder"))
    x, y = data(4)
    asyncio.run(made.estimate(x, y))
    assert traced.spans == []
    fit(made, provider_of(learner), x, y, epochs=2)
    chats = [span.attributes for span in traced.spans if span.name.startswith("chat")]
    assert {one["synalinks.epoch"] for one in chats} == {0, 1}
    assert {one["synalinks.phase"] for one in chats} >= {"train", "validation"}
