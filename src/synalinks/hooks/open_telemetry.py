"""A hook that makes spans of OpenTelemetry of the calls of modules."""

from __future__ import annotations

import importlib.util
import os
from contextvars import Token
from typing import TYPE_CHECKING

from synalinks.errors import ConfigurationError
from synalinks.hooks.gen_ai import begun, content_of_inputs, content_of_outputs, ended, span_name
from synalinks.hooks.hook import Hook
from synalinks.hooks.kinds import kind_of
from synalinks.hooks.requests import Requests, failure_of
from synalinks.version import __version__

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, TracerProvider

#: The variable that has instrumentations of OpenTelemetry record prompts and answers.
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


class OpenTelemetry(Hook):
    """Makes a span of each call of its modules, by the semantic conventions for generative AI (extra `otel`).

    The span of a model is named `chat <model>` or `embeddings <model>`. It has the provider, options, tokens and finish
    reason as `gen_ai.*`, the dollars of the call live and those that this run paid as `synalinks.cost` and
    `synalinks.billed`, where the answer came from (`live`, `cache`, ...) as `synalinks.source`, and the place in a run.
    Those of tools, agents and programs are named `execute_tool <name>`, `invoke_agent <name>` and
    `invoke_workflow <name>`; any other module's has the module's name. A failed call is a span with the status of an
    error and `error.type`, also where the program goes on with None. A span stands in that of the call around it, or in
    any other that is open there, e.g. of a web framework; user, session, metadata and tags of `trace_context` are
    attributes.

    Spans go where the tracer provider sends them, which is set up with OpenTelemetry's SDK; nothing is sent by this
    class itself. Estimates and dry runs have no spans.

    Args:
        tracer_provider: what makes the spans; the global one where None.
        capture_content: also record prompts, answers, and arguments and results of tools, media by their names; where
            None, as the environment's `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` says, else no.

    Source: OpenTelemetry's semantic conventions for generative AI, 1.41.

    Raises:
        ConfigurationError: OpenTelemetry is not installed.

    Example:
        >>> from opentelemetry.sdk.trace import TracerProvider
        >>> from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        >>> from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        >>> provider, memory = TracerProvider(), InMemorySpanExporter()
        >>> provider.add_span_processor(SimpleSpanProcessor(memory))
        >>> hook = synalinks.hooks.OpenTelemetry(provider)
        >>> model = synalinks.LanguageModel("ollama/llama3.2", hooks=[hook])
        >>> messages = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="2 + 2?")])
        >>> with synalinks.use_provider(synalinks.testing.ScriptedProvider(["4"])):
        ...     _ = asyncio.run(model(messages))
        >>> (span,) = memory.get_finished_spans()
        >>> span.name, span.attributes["gen_ai.provider.name"], span.attributes["synalinks.cost"]
        ('chat llama3.2', 'ollama', 0.0)
    """

    def __init__(self, tracer_provider: TracerProvider | None = None, capture_content: bool | None = None) -> None:
        if importlib.util.find_spec("opentelemetry") is None:
            raise ConfigurationError("hooks.OpenTelemetry needs OpenTelemetry: pip install 'synalinks-replay[otel]'")
        from opentelemetry import trace  # the extra

        self._tracer = trace.get_tracer("synalinks", __version__, tracer_provider)
        if capture_content is None:
            capture_content = os.environ.get(CAPTURE, "").strip().lower() in (
                "true",
                "1",
                "span_only",
                "span_and_event",
            )
        self.capture_content = capture_content
        self._open: dict[str, tuple[Span, Token[Context]]] = {}
        self._requests = Requests()

    def on_call_begin(self, call_id: str, parent_call_id: str | None, inputs: object, kwargs: object) -> None:
        """Open a span, in the one that is open here."""
        from opentelemetry import context, trace  # the extra

        module, kind = self.module, kind_of(self.module)
        span = self._tracer.start_span(
            span_name(kind, module),
            kind=trace.SpanKind.CLIENT if kind in ("chat", "embed") else trace.SpanKind.INTERNAL,
            attributes=begun(kind, module, kwargs),
        )
        if self.capture_content and span.is_recording():
            span.set_attributes(content_of_inputs(kind, inputs, kwargs))
        self._open[call_id] = span, context.attach(trace.set_span_in_context(span))
        self._requests.begin(call_id, module)

    def on_call_end(
        self, call_id: str, parent_call_id: str | None, outputs: object = None, exception: BaseException | None = None
    ) -> None:
        """Close the span."""
        from opentelemetry import context  # the extra
        from opentelemetry.trace import StatusCode

        entry = self._requests.end(call_id, self.module)
        if call_id not in self._open:
            return
        span, token = self._open.pop(call_id)
        context.detach(token)
        kind = kind_of(self.module)
        span.set_attributes(ended(entry, outputs))
        if self.capture_content and span.is_recording() and outputs is not None:
            span.set_attributes(content_of_outputs(kind, outputs, entry))
        if exception is not None:
            span.record_exception(exception)
        if (failure := failure_of(entry, exception)) is not None:
            failed = None if entry is None else entry.error
            span.set_attribute("error.type", failed or type(exception).__qualname__)
            span.set_status(StatusCode.ERROR, failure)
        span.end()
