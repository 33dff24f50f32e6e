"""RemoteModel: what chat and embedding models share: their settings, their way to the wire, their counters."""

from __future__ import annotations

import sys
import sysconfig
import warnings
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from synalinks import scope, session
from synalinks._secrets import scrubbed
from synalinks.errors import ConfigurationError, LMError
from synalinks.lm.client import CacheMode, Client
from synalinks.lm.ledger.ledger import Totals
from synalinks.lm.rate_limit.account import Limits
from synalinks.lm.retry import RetryPolicy
from synalinks.modules.core.module import Module
from synalinks.saving import deserialize_synalinks_object, serialize_synalinks_object

OnError = Literal["none", "raise"]


class LMWarning(UserWarning):
    """A call to a model failed for good and its sample goes on without an answer."""


class RemoteModel(Module):
    """A model behind a provider.

    Args:
        model: `provider/name`, e.g. `ollama/llama3.2:latest`.
        api_base: URL of the server; the provider's own where None.
        timeout: seconds for one attempt.
        retry: attempts in all.
        retry_max_wait: longest wait between two attempts, in seconds.
        fallback: a model to ask when this one fails for good.
        caching: False switches the disk cache off; `"refresh"` asks anew and stores.
        cache_dir: folder of the disk cache; the user's cache directory where None.
        rpm, tpm, concurrency: requests and tokens a minute, calls at once; the provider's defaults where
            None, shared by all models of one account.
        on_error: what a call that fails for good gives: `"none"` (None and a warning) or `"raise"`. It raises where
            this model or a fallback that failed too says so.
        name, description, hooks: as for any module.
        **default_kwargs: options of every call, e.g. `temperature=0.2`.

    Raises:
        UnknownModelError: no such provider.
        ConfigurationError: no model, a setting of the wrong kind, or a key among the options.
    """

    shared_when_saved: ClassVar[bool] = True
    enters_scope: ClassVar[bool] = False
    #: The session setting that holds the default model of this kind.
    setting: ClassVar[str]
    #: A name to show in error messages.
    example: ClassVar[str]

    def __init__(
        self,
        model: str | None = None,
        api_base: str | None = None,
        timeout: float = 600.0,
        retry: int = 5,
        retry_max_wait: float = 60.0,
        fallback: Any = None,
        caching: bool | Literal["refresh"] = True,
        cache_dir: str | Path | None = None,
        rpm: float | None = None,
        tpm: float | None = None,
        concurrency: int | None = None,
        on_error: OnError = "none",
        name: str | None = None,
        description: str | None = None,
        hooks: Any = None,
        **default_kwargs: Any,
    ) -> None:
        super().__init__(name=name, description=description, trainable=False, hooks=hooks)
        kind = type(self).__name__
        if not model:
            raise ConfigurationError(f"{kind}(model=...) is missing; write e.g. {self.example!r}")
        if on_error not in ("none", "raise"):
            raise ConfigurationError(f"{kind}(on_error={on_error!r}): write 'none' or 'raise'")
        if caching not in (True, False, "refresh"):
            raise ConfigurationError(f"{kind}(caching={caching!r}): write True, False or 'refresh'")
        self.model = model
        self.on_error: OnError = on_error
        self.fallback: Self | None = None if fallback is None else type(self).get(fallback)
        self.default_kwargs = refuse_secrets(kind, default_kwargs)
        self._settings: dict[str, Any] = {
            "model": model,
            "api_base": api_base,
            "timeout": timeout,
            "retry": retry,
            "retry_max_wait": retry_max_wait,
            "caching": caching,
            "cache_dir": None if cache_dir is None else str(cache_dir),
            "rpm": rpm,
            "tpm": tpm,
            "concurrency": concurrency,
            "on_error": on_error,
        }
        cache: CacheMode = "refresh" if caching == "refresh" else "use" if caching else "off"
        self.client = Client(
            model,
            api_base=api_base,
            limits=Limits(rpm, tpm, concurrency),
            retry=RetryPolicy(attempts=retry, max_wait=retry_max_wait, timeout=timeout),
            cache=cache,
            cache_dir=cache_dir,
        )
        self.built = True

    def release_earmark(self, error: LMError, raises: bool = False) -> None:
        """Make of a failure what SEMANTICS asks: raise it, or warn and let the sample go on without.

        Args:
            raises: whether the model that this one stands in for has `on_error="raise"`.

        Raises:
            LMError: a wrong program, or any failure where `on_error="raise"`.
        """
        if not error.fails_sample or raises or self.on_error == "raise":
            raise error
        warnings.warn(
            f"{self.model}: a call failed for good and counts as None: {scrubbed(str(error))} (at {scope.current()})",
            LMWarning,
            stacklevel=_users_level(),
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; no key is ever among them."""
        own = {"name": self.name, "description": self.description}
        fallback = None if self.fallback is None else serialize_synalinks_object(self.fallback)
        return {**self._settings, "fallback": fallback, **own, **self.default_kwargs}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The model that `get_config` described."""
        return cls(**{name: deserialize_synalinks_object(value) for name, value in config.items()})

    @classmethod
    def get(cls, identifier: Any) -> Any:
        """A model from an instance, a `provider/name`, a saved config, or None (the session's default).

        Raises:
            ConfigurationError: anything else.
        """
        if identifier is None:
            identifier = session.get_setting(cls.setting)
        if identifier is None or isinstance(identifier, RemoteModel):
            return identifier
        if isinstance(identifier, str):
            return cls(model=identifier)
        if isinstance(identifier, Mapping):
            return deserialize_synalinks_object(identifier)
        raise ConfigurationError(f"not a {cls.__name__}: {identifier!r}; give one, or a name such as {cls.example!r}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.model} at {self.client.endpoint}>"

    # --- counters: read-only views of the ledger ---------------------------------------------------------

    def _mine(self) -> Totals:
        return self.client.ledger.total

    @property
    def cumulated_calls(self) -> int:
        """Calls made through this object."""
        return self._mine().calls

    @property
    def cumulated_cost(self) -> Decimal:
        """Dollars its calls cost as if live, as far as known."""
        return self._mine().as_if.known

    @property
    def cumulated_prompt_tokens(self) -> int:
        """Prompt tokens, cached ones included."""
        return self._mine().input_tokens

    @property
    def cumulated_completion_tokens(self) -> int:
        """Answer tokens, reasoning included."""
        return self._mine().output_tokens

    @property
    def cumulated_tokens(self) -> int:
        """Prompt and answer tokens."""
        return self._mine().tokens

    @property
    def failed_calls(self) -> int:
        """Calls that ended in an error."""
        return self._mine().failed

    @property
    def last_call_cost(self) -> Decimal | None:
        """Dollars of the last call as if live; None if unknown or if there was none."""
        entry = self.client.ledger.last()
        return entry.as_if if entry else None

    @property
    def last_call_tokens(self) -> int | None:
        """Tokens of the last call; None if unknown or if there was none."""
        entry = self.client.ledger.last()
        return entry.usage.total_tokens if entry else None


def _users_level() -> int:
    """The `stacklevel` by which a warning names the nearest line that is not of a library: the `await` in the user's
    program, or the `asyncio.run` that all its tasks come from; this module's own where there is none, as on a thread.
    """
    paths = sysconfig.get_paths()
    libraries = (
        str(Path(__file__).parents[2]),
        *(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    )
    frame, level = sys._getframe(1), 1
    while frame.f_code.co_filename.startswith((*libraries, "<frozen")):
        if frame.f_back is None:
            return 1
        frame, level = frame.f_back, level + 1
    return level


#: Options under which other libraries take keys. Options are part of a request, and requests are kept on cassettes.
SECRET = frozenset({
    "api_key", "apikey", "key", "token", "password", "secret", "auth", "authorization", "headers", "extra_headers",
    "default_headers",
})  # fmt: skip


def refuse_secrets(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, unless one of them would put a key on a cassette, in the cache or into a saved program.

    Raises:
        ConfigurationError: one would.
    """
    for option in options:
        if option.lower() in SECRET:
            raise ConfigurationError(
                f"{name}({option}=...): options are kept on cassettes, in the cache and in saved programs, so no key may "
                "be among them. Set the provider's environment variable instead, e.g. OPENAI_API_KEY"
            )
    return dict(options)
