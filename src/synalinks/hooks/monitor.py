"""A hook that writes calls of modules to MLflow, as traces."""

from __future__ import annotations

import time
from typing import Any

from synalinks import session
from synalinks._base.media import without_bytes
from synalinks._json import JsonObject
from synalinks._support.mlflow import check_mlflow, mlflow
from synalinks.data import JsonDataModel, tree
from synalinks.errors import ConfigurationError
from synalinks.hooks.context import TraceContext, current_trace_context
from synalinks.hooks.hook import Hook
from synalinks.hooks.kinds import kind_of
from synalinks.hooks.requests import Requests, failure_of
from synalinks.hooks.span import Span
from synalinks.lm import scrubbed

#: The experiment of traces where none is given.
DEFAULT_EXPERIMENT = "synalinks_traces"
#: MLflow's spans of calls that are under way, whichever hook began them: a call's is the parent of those in it.
_open: dict[str, Any] = {}
_KINDS = {"chat": "CHAT_MODEL", "embed": "EMBEDDING", "tool": "TOOL", "agent": "AGENT"}


class Monitor(Hook):
    """Writes each call of its modules to MLflow (extra `mlflow`): a span, in that of the call that made it.

    A span has the inputs and outputs, and as `synalinks.*` the fields of `callbacks.monitor.Span`. A trace has the user
    and the session of `trace_context`, its metadata and its tags. Nothing is contacted before the first call.

    Args:
        tracking_uri: of the server or database; that of `enable_observability` or of MLflow's environment where None.
        experiment_name: that of `enable_observability`, or `synalinks_traces`, where None.

    Raises:
        ConfigurationError: MLflow is not installed.

    Example:
        >>> monitor = synalinks.hooks.Monitor(tracking_uri="sqlite:///mlflow.db")
        >>> monitor.experiment_name
        'synalinks_traces'
    """

    def __init__(self, tracking_uri: str | None = None, experiment_name: str | None = None) -> None:
        check_mlflow("hooks.Monitor")
        given = session.get_setting("observability", {})
        self.tracking_uri: str | None = tracking_uri or given.get("tracking_uri")
        self.experiment_name: str = experiment_name or given.get("experiment_name") or DEFAULT_EXPERIMENT
        self._experiment_id: str | None = None
        self._begun: dict[str, float] = {}
        self._requests = Requests()

    def on_call_begin(self, call_id: str, parent_call_id: str | None, inputs: object, kwargs: object) -> None:
        """Open a span.

        Raises:
            ConfigurationError: the server does not answer, at the first call.
        """
        module = self.module
        span = Span(event="call_begin", inputs=_plain(inputs), **self._fields(call_id, parent_call_id))
        parent = _open.get(parent_call_id or "")
        _open[call_id] = mlflow().start_span_no_context(
            name=span.module_name,
            span_type=_KINDS.get(kind_of(module), "CHAIN"),
            parent_span=parent,
            inputs=span.inputs,
            attributes=_attributes(span),
            **({"experiment_id": self._experiment(), **_labels(current_trace_context())} if parent is None else {}),
        )
        self._requests.begin(call_id, module)
        self._begun[call_id] = time.perf_counter()

    def on_call_end(
        self, call_id: str, parent_call_id: str | None, outputs: object = None, exception: BaseException | None = None
    ) -> None:
        """Close the span."""
        entry = self._requests.end(call_id, self.module)
        opened = _open.pop(call_id, None)
        if opened is None:
            return
        failure = failure_of(entry, exception)
        span = Span(
            event="call_end",
            outputs=_plain(outputs),
            duration=time.perf_counter() - self._begun.pop(call_id),
            exception=failure,
            success=failure is None,
            cost=None if entry is None or entry.as_if is None else float(entry.as_if),
            **self._fields(call_id, parent_call_id),
        )
        opened.end(outputs=span.outputs, attributes=_attributes(span), status="OK" if span.success else "ERROR")

    def _fields(self, call_id: str, parent_call_id: str | None) -> JsonObject:
        """The fields that both ends of a call have."""
        module = self.module
        return {
            "is_symbolic": False,
            "call_id": call_id,
            "parent_call_id": parent_call_id,
            "module": type(module).__name__,
            "module_name": "module" if module is None else module.name,
            "module_description": "" if module is None else module.description or "",
            "timestamp": time.time(),
        }

    def _experiment(self) -> str:
        """The id of the experiment, which is made where it is not there."""
        if self._experiment_id is None:
            library = mlflow()
            try:
                if self.tracking_uri is not None:
                    library.set_tracking_uri(self.tracking_uri)
                client = library.MlflowClient()
                found = client.get_experiment_by_name(self.experiment_name)
                self._experiment_id = (
                    client.create_experiment(self.experiment_name) if found is None else found.experiment_id
                )
            except library.exceptions.MlflowException as error:
                said = f"hooks.Monitor: MLflow at {library.get_tracking_uri()} has no experiment "
                raise ConfigurationError(scrubbed(f"{said}{self.experiment_name!r}: {error}")) from error
        return str(self._experiment_id)


def _attributes(span: Span) -> JsonObject:
    fields = span.get_json()
    return {f"synalinks.{key}": fields[key] for key in fields.keys() - {"inputs", "outputs", "event"}}


def _labels(context: TraceContext | None) -> JsonObject:
    """What a trace says besides its spans, under the names that MLflow gives users and sessions."""
    if context is None:
        return {}
    whom = {"mlflow.trace.user": context.user_id, "mlflow.trace.session": context.session_id}
    said = {key: value for key, value in whom.items() if value is not None}
    return {"metadata": {**context.metadata, **said}, "tags": dict(context.tags)}


def _plain(values: object) -> list[JsonObject] | None:
    found = [without_bytes(leaf.get_json()) for leaf in tree.flatten(values) if isinstance(leaf, JsonDataModel)]
    return found or None
