"""RemoteModel: the base of chat and embedding models: settings, client, counters, saving."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, SupportsIndex

from synalinks import scope, session
from synalinks._support.setting_of import FixedSetting
from synalinks.errors import ConfigurationError, LMError
from synalinks.lm import (
    CacheMode,
    Client,
    Credentials,
    Limits,
    ModelInfo,
    OAuth,
    Placed,
    Price,
    ProviderInfo,
    RetryPolicy,
    check_options,
    model_info,
    provider_info,
    saved_base,
    saved_location,
    scrubbed,
)
from synalinks.modules.core.module import Module
from synalinks.modules.models.counters import ModelCounters
from synalinks.modules.models.folding import warn_of_failure
from synalinks.modules.models.saved_layers import layers_config, layers_from
from synalinks.saving import (
    cloning,
    deserialize_synalinks_object,
    is_cloning,
    is_unsafe_deserialization,
    load_as,
    serialize_synalinks_object,
)

OnError = Literal["none", "raise"]


#: Whether the model that is being made is described by a file.
_from_file: ContextVar[bool] = ContextVar("synalinks_model_from_file", default=False)


class RemoteModel(ModelCounters, Module):
    """A model behind a provider: the base of `LanguageModel` and `EmbeddingModel`.

    Args:
        model: `provider/name`, e.g. `ollama/llama3.2:latest`.
        api_base: URL of the server; where None, that of `set_api_base`, the environment's or the provider's own.
            `user:password@` and the query string are sent and never saved. A list is of servers that have the same
            model: each call goes to the one with the fewest calls out; one that can't be reached is left out for a
            while, and its calls go to the others.
        timeout: seconds for one attempt.
        retry: attempts in all.
        retry_max_wait: longest wait between two attempts, in seconds.
        fallback: a model to call when a call to this one fails for good.
        caching: False switches the disk cache off; `"refresh"` makes each call anew and stores its answer.
        cache_dir: folder of the disk cache, or URL of a Redis server (`redis://`, `rediss://`, `unix://`); the cache of
            all runs where None. Not saved.
        rpm, tpm, concurrency: requests and tokens a minute, calls at once, of each server; the provider's defaults
            where None, shared by all models of one account. A server on this machine is sent as many calls at once as
            it can use, unless `concurrency` says how many.
        on_error: what a call that fails for good gives: `"none"` (None and a warning) or `"raise"`. It raises where
            this model or a fallback that failed too says so.
        name, description, hooks: as for any module.
        api_key: the key of this model, held in memory only: it is never saved, recorded or printed. The provider's
            environment variable where None.
        oauth: where access tokens come from in place of a key: an `OAuth`, or its settings as a mapping. Secrets and
            tokens are held in memory only.
        api_key_env: the environment variable that holds the key, in place of the provider's own. Its name is saved.
        layers: layers of one's own in the model's stack, each a layer, or a pair `(layer, position)` with
            `Above("cache")`, `Below("retry")` or the like as position. Without one a layer stands just below the
            ledger: it gets each call once, cached and replayed ones included. Clones keep them; a model is saved only
            with layers that are registered (`synalinks.saving.register_synalinks_serializable`).
        cost_per_token: dollars a token, of prompt and answer alike; the price of the table where None.
        **default_kwargs: options of every call, e.g. `temperature=0.2`; fields of the body that this library has no
            option for go into `extra_body={...}`.

    Raises:
        UnknownModelError: no such provider.
        ConfigurationError: no model, a setting of the wrong kind, an unknown option, or a key among the options.
    """

    shared_when_saved: ClassVar[bool] = True
    enters_scope: ClassVar[bool] = False
    #: The session setting that holds the default model of this kind.
    setting: ClassVar[str]
    #: The kind of its requests.
    kind: ClassVar[Literal["chat", "embed"]]
    #: A name to show in error messages.
    example: ClassVar[str]
    takes_plain_values = True

    api_base = FixedSetting("_address")
    timeout = FixedSetting("_settings")
    retry = FixedSetting("_settings")
    retry_max_wait = FixedSetting("_settings")
    caching = FixedSetting("_settings")
    cache_dir = FixedSetting("_settings")
    rpm = FixedSetting("_settings")
    tpm = FixedSetting("_settings")
    concurrency = FixedSetting("_settings")
    cost_per_token = FixedSetting("_settings")

    def __init__(
        self,
        model: str | None = None,
        api_base: str | Sequence[str] | None = None,
        timeout: float = 600,
        retry: int = 5,
        retry_max_wait: float = 60,
        fallback: Any = None,
        caching: bool | Literal["refresh"] = True,
        cache_dir: str | Path | None = None,
        name: str | None = None,
        description: str | None = None,
        hooks: Any = None,
        *,
        rpm: float | None = None,
        tpm: float | None = None,
        concurrency: int | None = None,
        on_error: OnError = "none",
        api_key: str | None = None,
        api_key_env: str | None = None,
        oauth: OAuth | Mapping[str, Any] | None = None,
        layers: Sequence[Placed] = (),
        cost_per_token: float | str | Decimal | None = None,
        **default_kwargs: Any,
    ) -> None:
        super().__init__(name=name, description=description, trainable=False, hooks=hooks)
        # get_config describes the model, and a key is kept in one place only
        self.constructor_arguments: tuple[tuple[Any, ...], dict[str, Any]] = (
            (),
            {},
        )
        cls = type(self).__name__
        if not model:
            raise ConfigurationError(f"{cls}(model=...) is missing; write e.g. {self.example!r}")
        if on_error not in ("none", "raise"):
            raise ConfigurationError(f"{cls}(on_error={on_error!r}): write 'none' or 'raise'")
        if caching not in (True, False, "refresh"):
            raise ConfigurationError(f"{cls}(caching={caching!r}): write True, False or 'refresh'")
        self.model = model
        self.on_error: OnError = on_error
        self.fallback: Self | None = None if fallback is None else self._family().get(fallback)
        self.layers = tuple(layers)
        if oauth is not None and (api_key or api_key_env):
            raise ConfigurationError(f"{cls}(...): give oauth= or a key, not both; they use one header")
        if isinstance(oauth, Mapping):
            oauth = OAuth.from_config(oauth, from_file=_from_file.get())
        if api_key is None and api_key_env is None and oauth is None and (api_base is None or not _from_file.get()):
            api_key = session.get_setting("api_key")
        self._credentials = Credentials(api_key, api_key_env, _from_file.get(), oauth)
        self._settings: dict[str, Any] = {
            "model": model,
            "api_base": [*api_base] if isinstance(api_base, (list, tuple)) else api_base,
            "timeout": timeout,
            "retry": retry,
            "retry_max_wait": retry_max_wait,
            "caching": caching,
            "cache_dir": cache_dir,
            "rpm": rpm,
            "tpm": tpm,
            "concurrency": concurrency,
            "on_error": on_error,
            "cost_per_token": None if cost_per_token is None else str(cost_per_token),
        }
        cache: CacheMode = "refresh" if caching == "refresh" else "use" if caching else "off"
        self.client = Client(
            model,
            api_base=session.get_setting("api_base") if api_base is None or api_base == "" else api_base,
            credentials=self._credentials,
            limits=Limits(rpm, tpm, concurrency),
            retry=RetryPolicy(attempts=retry, max_wait=retry_max_wait, timeout=timeout),
            cache=cache,
            cache_dir=cache_dir,
            layers=self.layers,
            price=None if cost_per_token is None else Price.per_token(cost_per_token),
        )
        self.default_kwargs = check_options(
            cls, default_kwargs, self.kind, self.client.spec.options, near=_arguments(type(self).__init__)
        )
        self.built = True

    @property
    def _address(self) -> Mapping[str, Any]:
        """The URL of the server as it was given; where none was, that of a server of the user's own."""
        first, *others = self.client.endpoints
        own = None if not self.client.spec.local else [first, *others] if others else first
        return {"api_base": self._settings["api_base"] or own}

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        reduced: Any = super().__reduce_ex__(protocol)
        settings = {**self._settings, "api_base": saved_base(self._settings["api_base"])}
        settings["cache_dir"] = saved_location(settings["cache_dir"])
        made, arguments, state, *rest = reduced
        return made, arguments, {**state, "_settings": settings}, *rest  # a pickle is a file: it gets no key

    def merged_options(self, options: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """The options of one call: the model's own, and over them those given.

        Raises:
            ConfigurationError: an unknown option, or a key among them.
        """
        if not options:
            return self.default_kwargs
        near = _arguments(type(self).call)
        return {**self.default_kwargs, **check_options(self.name, options, self.kind, self.client.spec.options, near)}

    def handle_failure(self, error: LMError, raises: bool = False) -> None:
        """Raise a failure, or warn of it and let the sample go on without an answer.

        Within `fit`, `evaluate` and `predict` one of each kind is warned of, and at the end how many more there were;
        elsewhere the first, the 10th, the 100th and so on of each kind in an event loop.

        Args:
            raises: whether the model whose fallback this one is has `on_error="raise"`.

        Raises:
            LMError: a wrong program, or any failure where `on_error="raise"`.
        """
        if not error.fails_sample or raises or self.on_error == "raise":
            raise error
        words = scrubbed(str(error)).removeprefix(f"{self.model}: ")
        warn_of_failure(
            self.model,
            error.kind,
            f"{self.model}: a call failed for good and counts as None: {words} (at {scope.current()})",
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as far as they may be saved: no key is among them, and no folder of the cache.

        Raises:
            ConfigurationError: a layer that is not registered.
        """
        settings = dict(self._settings)
        key: dict[str, Any] = {"api_key_env": self._credentials.api_key_env}
        if is_cloning():
            key |= {"api_key": self._credentials.api_key, "layers": self.layers}
            key |= {} if self.oauth is None else {"oauth": self.oauth}
        else:
            if self.oauth is not None:
                key["oauth"] = self.oauth.get_config()
            del settings["cache_dir"]
            settings["api_base"] = saved_base(settings["api_base"])
            if self.layers:
                key["layers"] = layers_config(self.layers, self.name)
        fallback = None if self.fallback is None else serialize_synalinks_object(self.fallback)
        own = {"name": self.name, "description": self.description}
        return {**settings, **key, "fallback": fallback, **own, **self.default_kwargs}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The model that `get_config` described.

        A config may come from a file, so the model gets the environment's key only for an address that is the
        provider's own or that the environment names, and a `cache_dir` in it is not followed.
        """
        arguments = {
            name: deserialize_synalinks_object(value)
            for name, value in config.items()
            if name not in ("cache_dir", "api_key", "layers")
        }
        arguments["layers"] = layers_from(config.get("layers") or ())
        return cls._made(arguments, from_file=not is_unsafe_deserialization())

    @classmethod
    def _made(cls, arguments: Mapping[str, Any], from_file: bool) -> Self:
        token = _from_file.set(from_file)
        try:
            return cls(**arguments)
        finally:
            _from_file.reset(token)

    def clone(self, name: str | None = None) -> Self:
        """A new model of the same settings, key and layers included, under a name of its own."""
        with cloning():
            arguments = {**self.get_config(), "name": name or session.auto_name(type(self).__name__)}
            return self._made(arguments, from_file=self._credentials.from_file)

    @classmethod
    def get(cls, identifier: Any) -> Any:
        """A model from an instance, a `provider/name`, a saved config, or None (the session's default).

        Raises:
            ConfigurationError: anything else.
        """
        if identifier is None:
            identifier = session.get_setting(cls.setting)
        if identifier is None or isinstance(identifier, cls):
            return identifier
        if isinstance(identifier, str):
            return cls(model=identifier)
        if isinstance(identifier, Mapping):
            return load_as(cls, identifier)
        raise ConfigurationError(f"not a {cls.__name__}: {identifier!r}; give one, or a name such as {cls.example!r}")

    @classmethod
    def _family(cls) -> type[RemoteModel]:
        """The kind of model that this is one of: its fallback may be any of them."""
        return next(one for one in reversed(cls.__mro__) if issubclass(one, RemoteModel) and one is not RemoteModel)

    @property
    def api_key_env(self) -> str | None:
        """The environment variable that holds its key, where it has one of its own; the key itself can't be read."""
        return self._credentials.api_key_env

    @property
    def oauth(self) -> OAuth | None:
        """Where its access tokens come from; None where it has a key or needs none."""
        return self._credentials.oauth

    @property
    def model_info(self) -> ModelInfo:
        """What is known of the model before it is called (`synalinks.language_models.model_info`)."""
        return model_info(self.model)

    @property
    def provider_info(self) -> ProviderInfo:
        """What is known of its provider (`synalinks.language_models.provider_info`)."""
        return provider_info(self.model)

    @property
    def supports_tools(self) -> bool | None:
        """Whether it can be given tools; None where that is not known, as of the others."""
        return self.model_info["supports_tools"]

    @property
    def supports_structured_output(self) -> bool | None:
        """Whether it can be given a schema."""
        return self.model_info["supports_structured_output"]

    @property
    def supports_streaming(self) -> bool | None:
        """Whether its answers come in pieces."""
        return self.model_info["supports_streaming"]

    @property
    def supports_reasoning(self) -> bool | None:
        """Whether it is listed as one that reasons before it answers."""
        return self.model_info["supports_reasoning"]

    @property
    def supports_vision(self) -> bool | None:
        """Whether it takes pictures."""
        return self.model_info["supports_vision"]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.model} at {', '.join(self.client.endpoints)}>"


@functools.cache
def _arguments(function: Callable[..., object]) -> frozenset[str]:
    """Names of a function's arguments."""
    return frozenset(inspect.signature(function).parameters)
