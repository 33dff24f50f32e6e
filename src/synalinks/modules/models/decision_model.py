"""DecisionModel: a model that chooses between values, with a probability for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from synalinks._base.warning import warn
from synalinks._json import JsonObject
from synalinks.data import ChatMessage, Form, JsonDataModel, SymbolicDataModel
from synalinks.errors import BadReply, ConfigurationError, LMError, RequestError
from synalinks.hooks import any_everywhere, hooked
from synalinks.lm import Reply, Request, Schema, schema_of
from synalinks.modules.generators.media import parted
from synalinks.modules.generators.messages import conversation_of, to_wire
from synalinks.modules.generators.prompts import user_turn
from synalinks.modules.models.decision_form import (
    DecisionForm,
    DecisionLimits,
    Probabilities,
    checked_probability,
    form_of,
)
from synalinks.modules.models.folding import LMWarning
from synalinks.modules.models.remote_model import RemoteModel


class DecisionModel(RemoteModel):
    """A chat model that fills in schemas made of choices: labels, yes or no, lists of labels, levels of a scale.

    Each choice has probabilities: those of the tokens of the answer where the provider gives log-probabilities, else
    the ones that the model states. They are what `min_confidence` and `threshold` of `Decision`, `MultiDecision` and
    `Branch` are compared with. Calls are cached, recorded, metered and budgeted as those of a `LanguageModel`.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> class Query(synalinks.DataModel):
        ...     query: str
        >>> model = synalinks.DecisionModel(model="ollama/llama3.2")
        >>> with synalinks.use_provider(ScriptedProvider([{"choice": "hard", "confidence": 0.75}])):
        ...     scores = asyncio.run(model.label_scores(Query(query="P = NP?"), ["easy", "hard"]))
        >>> scores
        {'easy': 0.25, 'hard': 0.75}

    Args:
        model: `provider/name`, as for a `LanguageModel`.
        logprobs: whether log-probabilities are requested; where the provider has them, if None. Reasoning models of
            some providers refuse them.
        api_base, timeout, retry, retry_max_wait, fallback, cache_dir, cost_per_token, name, description, hooks,
            **settings: see `RemoteModel`; a fallback is a decision model.

    Raises:
        UnknownModelError: no such provider.
        ConfigurationError: no model, a setting of the wrong kind, an unknown option, or a key among the options.
    """

    setting: ClassVar[str] = "decision_model"
    kind: ClassVar[Literal["chat", "embed"]] = "chat"
    hooks_requests: ClassVar[bool] = True
    example: ClassVar[str] = "ollama/llama3.2:latest"

    def __init__(
        self,
        *,
        model: str | None = None,
        api_base: str | Sequence[str] | None = None,
        timeout: float = 30.0,
        retry: int = 5,
        retry_max_wait: float = 60,
        fallback: Any = None,
        cache_dir: str | Path | None = None,
        cost_per_token: float | None = None,
        name: str | None = None,
        description: str | None = None,
        hooks: Any = None,
        logprobs: bool | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(
            model=model,
            api_base=api_base,
            timeout=timeout,
            retry=retry,
            retry_max_wait=retry_max_wait,
            fallback=fallback,
            cache_dir=cache_dir,
            cost_per_token=cost_per_token,
            name=name,
            description=description,
            hooks=hooks,
            **settings,
        )
        if logprobs not in (True, False, None):
            raise ConfigurationError(f"DecisionModel(logprobs={logprobs!r}): write True, False or None")
        self.logprobs = logprobs

    async def call(
        self,
        messages: Any,
        schema: Mapping[str, Any] | None = None,
        threshold: float = 0.5,
        min_confidence: float | None = None,
        **options: Any,
    ) -> JsonDataModel | None:
        """The choices of a schema for chat messages, or for any data model.

        Args:
            messages: no call is made, and None returned, where this is None.
            schema: the JSON schema of the answer. A number `confidence` in it is filled with the
                probability of the least certain choice.
            threshold: the probability from which a Boolean is true and a value of a list is in it.
            min_confidence: the probability below which there is no answer, but None.
            **options: options, over the model's own.

        Raises:
            UnsupportedSchemaError: a field of the schema is no choice.
            LMError: see `ask`.
        """
        if messages is None:
            return None
        compiled = _compiled(schema)
        limits = DecisionLimits(
            checked_probability(threshold, "threshold") or 0.0, checked_probability(min_confidence, "min_confidence")
        )
        found = await self.ask(_wire(messages), schema=compiled, options=options, limits=limits)
        if found is None:
            return None
        return JsonDataModel(schema=compiled.value, json=found[1], name=f"{self.name}_response")

    async def label_scores(
        self, messages: Any, labels: Sequence[str], question: str = "Which label fits?", **options: Any
    ) -> dict[str, float] | None:
        """The probability of each of several labels, 1 in sum; None if the call failed for good.

        Raises:
            LMError: see `ask`.
        """
        field = {"type": "string", "enum": list(labels), "description": question}
        form = form_of(schema_of({"title": "Label", "type": "object", "properties": {"choice": field}}))
        found = None if messages is None else await self._answer(form, _wire(messages), options)
        return None if found is None else dict(zip(labels, found[1]["choice"], strict=True))

    async def ask(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        schema: Schema,
        answers: Form | None = None,
        options: Mapping[str, Any] | None = None,
        limits: DecisionLimits = DecisionLimits(),  # noqa: B008  immutable
    ) -> tuple[Reply, JsonObject] | None:
        """The reply to wire messages and the value of the schema; None if the call failed or the confidence is too low.

        Raises:
            UnsupportedSchemaError: a field of the schema is no choice.
            LMError: a wrong program (bad request, no key, spent quota); any failure where `on_error="raise"`.
        """
        form = form_of(schema)
        found = await self._answer(form, messages, options)
        value = None if found is None else form.read(found[1], limits)
        if found is None or value is None:
            return None
        reply = found[0]
        try:
            return reply, value if answers is None else answers.read(value)
        except ValueError as error:
            self.handle_failure(BadReply(f"the {reply.source} decision is refused by its class: {error}", reply=reply))
            return None

    async def _answer(
        self,
        form: DecisionForm,
        messages: Sequence[Mapping[str, object]],
        options: Mapping[str, object] | None,
        is_fallback: bool = False,
        raises: bool = False,
    ) -> tuple[Reply, Probabilities] | None:
        """The reply with the choices of a form and their probabilities, of this model or of its fallback; None if both
        failed for good."""
        asked = [*messages, {"role": "user", "content": form.prompt}]
        work = partial(self._probabilities, form, messages, asked, options, is_fallback, raises)
        if not (self.hooks or any_everywhere()):
            return await work()
        inputs = (conversation_of(asked, f"inputs_{self.name}"),)
        offered = {"schema": form.schema.value, "options": {**(options or {})}}
        return await hooked(self, work, inputs, offered, self._message)

    def _message(self, found: tuple[Reply, Probabilities] | None) -> JsonDataModel | None:
        """The answer as the model wrote it."""
        if found is None:
            return None
        value = {"role": "assistant", "content": found[0].text}
        return JsonDataModel(schema=ChatMessage.get_schema(), json=value, name=f"{self.name}_response")

    async def _probabilities(
        self,
        form: DecisionForm,
        messages: Sequence[Mapping[str, object]],
        asked: Sequence[Mapping[str, object]],
        options: Mapping[str, object] | None,
        is_fallback: bool,
        raises: bool,
    ) -> tuple[Reply, Probabilities] | None:
        merged = self.merged_options(options)
        try:
            request = Request("chat", self.model, messages=asked, schema=form.schema, options=merged)
            reply = await self._sent(request, is_fallback)
            return reply, form.probabilities(reply)
        except LMError as error:
            raises = raises or self.on_error == "raise"
            if self.fallback is not None and error.fails_sample:
                return await self.fallback._answer(form, messages, options, is_fallback=True, raises=raises)
            self.handle_failure(error, raises)
            return None

    async def _sent(self, request: Request, is_fallback: bool) -> Reply:
        """The reply with log-probabilities where the provider has them, without where they are refused."""
        count = self.client.spec.top_logprobs
        if not (count > 0 if self.logprobs is None else self.logprobs):
            return await self.client.send(request, is_fallback=is_fallback)
        try:
            more = request.with_options(logprobs=True, top_logprobs=count or TOP_LOGPROBS)
            return await self.client.send(more, is_fallback=is_fallback)
        except RequestError as error:
            if "logprob" not in str(error).lower():
                raise
            warn(
                f"{self.model} refuses log-probabilities, so its decisions have the probabilities that it states; give "
                "DecisionModel(logprobs=False) to request no others",
                LMWarning,
            )
            return await self.client.send(request, is_fallback=is_fallback)

    async def compute_output_spec(self, *args: Any, **kwargs: Any) -> SymbolicDataModel:
        """A symbol of the schema given."""
        schema = args[1] if len(args) > 1 else kwargs.get("schema")
        return SymbolicDataModel(schema=_compiled(schema).value)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as far as they may be saved."""
        return {**super().get_config(), "logprobs": self.logprobs}


#: Alternatives a token that are requested where `logprobs=True` was given and the provider's table has no number.
TOP_LOGPROBS = 5


def _compiled(schema: object) -> Schema:
    """A schema that a decision model can fill in."""
    if not isinstance(schema, Mapping):
        raise ConfigurationError(f"give schema=..., a JSON schema, e.g. schema=Answer.get_schema(); got {schema!r}")
    compiled = schema_of(schema)
    form_of(compiled)
    return compiled


def _wire(messages: Any) -> list[dict[str, Any]]:
    """Wire messages of a chat; any other data model is one message with its JSON."""
    value = messages.get_json() if hasattr(messages, "get_json") else None
    if value is not None and "messages" not in value and "role" not in value:
        return [user_turn(*parted(value, messages.get_schema()))]
    return to_wire(messages)
