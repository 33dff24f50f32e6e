"""The servers of one model, and the end of its stack: the handler that sends a call to the one that was chosen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from operator import attrgetter

from synalinks.lm.core.call import Call, Handler, Reply
from synalinks.lm.core.errors import ConfigurationError, OfflineError
from synalinks.lm.process import PROCESS
from synalinks.lm.providers import (
    LOCAL_LIMITS,
    Credentials,
    Spec,
    address_of,
    bases_of,
    key_of,
    limits_at,
    make,
)
from synalinks.lm.rate_limit.account import Limits
from synalinks.lm.runtime import Runtime

#: The runtime that a call of a client was made in.
runtime_of: Callable[[Call], Runtime] = attrgetter("runtime")


class Server:
    """A server of a model: its address, what may be sent there, and its handler, made at the first live call.

    Args:
        spec: the provider whose API it has.
        api_base: its URL, where not the provider's own.
        credentials: the key, where not the environment's.
        limits: as the program states them; the provider's defaults for those that are None.

    Attributes:
        endpoint: its URL in one spelling.
        key: what distinguishes its account from others there.
        limits: of the account.
        adaptive: whether the number of calls at once is found by what the server can do: on one's own machine, where
            none is stated.
    """

    def __init__(
        self, spec: Spec, api_base: str | None, credentials: Credentials, limits: Limits | None = None
    ) -> None:
        self._spec, self._api_base, self._credentials = spec, api_base, credentials
        address = address_of(spec, api_base)
        self.endpoint = address.endpoint
        oauth = credentials.oauth
        self.key = (key_of(spec, credentials=credentials, api_base=api_base) if oauth is None else oauth.account) or ""
        defaults = limits_at(spec, self.endpoint)
        self.limits = (limits or Limits()).over(defaults)
        self.adaptive = defaults is LOCAL_LIMITS and (limits is None or limits.concurrency is None)
        #: Whether another process can make the same handler: a key or password that is stated stays in this one.
        self.sent_anywhere = credentials.api_key is None and address.auth is None and not address.query
        self._handler: Handler | None = None

    def __call__(self, call: Call, /) -> Awaitable[Reply]:
        if self._handler is None:
            self._handler = make(self._spec, self._api_base, credentials=self._credentials)
            PROCESS.servers.add((self._spec.prefix, self.endpoint))
        return self._handler(call)


def servers_of(
    spec: Spec, api_base: str | Sequence[str] | None, credentials: Credentials, limits: Limits | None
) -> tuple[Server, ...]:
    """The servers that `api_base` names, else the environment, else the provider's own.

    Raises:
        ConfigurationError: not a URL, no URL, or one twice.
    """
    servers = tuple(Server(spec, base, credentials, limits) for base in bases_of(spec, api_base))
    endpoints = [server.endpoint for server in servers]
    twice = [endpoint for endpoint in endpoints if endpoints.count(endpoint) > 1]
    if twice:
        raise ConfigurationError(f"api_base names {twice[0]} twice; name each server once")
    return servers


class ProviderHandler:
    """The end of a stack: the model's own servers, or the handler that replaces them.

    Attributes:
        servers: of the model; the call's admission says which of them it goes to.
    """

    def __init__(self, spec: Spec, servers: Sequence[Server], credentials: Credentials) -> None:
        self.name = spec.prefix
        self.servers = tuple(servers)
        self._spec, self._credentials = spec, credentials
        self._by_endpoint = {server.endpoint: server for server in servers}

    def __call__(self, call: Call, /) -> Awaitable[Reply]:
        if PROCESS.stopping:
            PROCESS.check_not_stopping(call)
        runtime = runtime_of(call)
        if runtime.provider is not None:
            return runtime.provider(call)
        if runtime.offline:
            raise OfflineError(
                f"{call.request.model!r} was called for an answer that is on no cassette and in no cache, and live "
                f"calls are forbidden (at {call.scope}). Run once without --offline to record it"
            )
        server = self.server_of(call)
        return call.via(call) if call.via is not None and server.sent_anywhere else server(call)

    def server_of(self, call: Call) -> Server:
        """The server that an attempt goes to."""
        return self.servers[0 if call.admission is None else call.admission.host]

    def at(self, endpoint: str) -> Server:
        """The server at a URL, which the environment of another process may have named."""
        if endpoint not in self._by_endpoint:
            self._by_endpoint[endpoint] = Server(self._spec, endpoint, self._credentials)
        return self._by_endpoint[endpoint]
