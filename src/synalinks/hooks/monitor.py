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
from synalinks.hooks.requests import CallsModel, entry_since
from synalinks.hooks.span import Span

#: The experiment of traces where none is given.
DEFAULT_EXPERIMENT = "synalinks_traces"
#: MLflow's spans of calls that are under way, whichever hook began them: a call's is the parent of those in it.
_open: dict[str, Any] = {}
_KINDS = {"chat": "CHAT_MODEL", "embed": "EMBEDDING"}


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
        self._begun: dict[str, tuple[float, int]] = {}

    def on_call_begin(self, call_id: str, parent_call_id: str | None, inputs: object, kwargs: object) -> None:
        """Open a span.

        Raises:
            ConfigurationError: the server does not answer, at the first call.
        """
        module = self.module
        ledger = module.client.ledger if isinstance(module, CallsModel) else None
        self._begun[call_id] = (time.perf_counter(), 0 if ledger is None else ledger.mark)
        span = Span(event="call_begin", inputs=_plain(inputs), **self._fields(call_id, parent_call_id))
        parent = _open.get(parent_call_id or "")
        _open[call_id] = mlflow().start_span_no_context(
            name=span.module_name,
            span_type=_kind(module),
            parent_span=parent,
            inputs=span.inputs,
            attributes=_attributes(span),
            **({"experiment_id": self._experiment(), **_labels(current_trace_context())} if parent is None else {}),
        )

    def on_call_end(
        self, call_id: str, parent_call_id: str | None, outputs: object = None, exception: BaseException | None = None
    ) -> None:
        """Close the span."""
        opened = _open.pop(call_id, None)
        if opened is None:
            return
        begun, mark = self._begun.pop(call_id)
        entry = entry_since(self.module.client, mark) if isinstance(self.module, CallsModel) else None
        span = Span(
            event="call_end",
            outputs=_plain(outputs),
            duration=time.perf_counter() - begun,
            exception=None if exception is None else f"{type(exception).__name__}: {exception}",
            success=exception is None,
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
                raise ConfigurationError(
                    f"hooks.Monitor: MLflow at {library.get_tracking_uri()} has no experiment "
                    f"{self.experiment_name!r}: {error}"
                ) from error
        return str(self._experiment_id)


def _kind(module: object) -> str:
    """MLflow's kind of a module's spans."""
    name = type(module).__name__
    if isinstance(module, CallsModel):
        return _KINDS[module.kind]
    return "TOOL" if name == "Tool" else "AGENT" if name.endswith("Agent") else "CHAIN"


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
