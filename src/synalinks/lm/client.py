"""Client: a model's way to its provider. The whole stack of layers is visible in `Client._compose`."""

from __future__ import annotations

import itertools
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Literal

from synalinks.lm.attempt import AttemptLayer
from synalinks.lm.budget.layer import BudgetLayer, BudgetTracker
from synalinks.lm.cache.layer import CacheLayer
from synalinks.lm.cache.location import Location, checked, saved_location
from synalinks.lm.cache.per_text import PerTextLayer
from synalinks.lm.cache.store import Store
from synalinks.lm.cassette.layer import CassetteLayer
from synalinks.lm.core import place as scopes
from synalinks.lm.core.call import Call, Check, Handler, Kind, Layer, Reply, Request, Sink, Stack, stack
from synalinks.lm.core.options import KNOWN, check_options
from synalinks.lm.layers import Placed, name_of, pairs_of, place
from synalinks.lm.ledger.ledger import Ledger, LedgerLayer
from synalinks.lm.pricing.pricing import Price, PriceLayer, free_unless_stated, price_of, stated_price
from synalinks.lm.process import PROCESS
from synalinks.lm.providers import (
    NO_CREDENTIALS,
    Credentials,
    Spec,
    is_loopback,
    is_own_server,
    resolve,
    saved_base,
)
from synalinks.lm.rate_limit.account import Account, Limits
from synalinks.lm.rate_limit.layer import RateLimitLayer
from synalinks.lm.retry import RetryLayer, RetryPolicy
from synalinks.lm.runtime import Runtime, StackKey, current, of_context
from synalinks.lm.servers import ProviderHandler, Server, runtime_of, servers_of
from synalinks.lm.single_flight import SingleFlightLayer
from synalinks.lm.validate import ValidateLayer

CacheMode = Literal["use", "refresh", "off"]
_callers = itertools.count(1)


class Client:
    """A model's way to its provider: a stack of layers, made once for each kind of runtime.

    Args:
        model: with its provider's prefix.
        api_base: URL of the server, or of each of several that have the model; the provider's own where None.
        credentials: the key, where not the environment's.
        limits: of the account, at each server; the provider's defaults for those that are None.
        retry: when to try again.
        cache: `use`; `refresh` to ask anew and store; `off`.
        cache_dir: folder of the cache, or URL of a Redis server (`redis://`, `rediss://`, `unix://`); that of all runs
            where None.
        layers: layers of one's own, each a layer or a pair `(layer, Above("cache"))`; just below the ledger without
            one.
        price: what this model costs here; by the price table where None.

    Example:
        >>> import asyncio
        >>> from synalinks.lm import Client, Request, use_provider
        >>> from synalinks.testing import ScriptedProvider
        >>> request = Request("chat", "ollama/llama3.2", messages=[{"role": "user", "content": "hello"}])
        >>> with use_provider(ScriptedProvider(["hi"])):
        ...     reply = asyncio.run(Client("ollama/llama3.2").send(request))
        >>> reply.text
        'hi'

    Raises:
        UnknownModelError: no such provider.
        ConfigurationError: a layer at a position that the stack does not have.
    """

    def __init__(
        self,
        model: str,
        *,
        api_base: str | Sequence[str] | None = None,
        credentials: Credentials = NO_CREDENTIALS,
        limits: Limits | None = None,
        retry: RetryPolicy | None = None,
        cache: CacheMode = "use",
        cache_dir: Location | None = None,
        layers: Sequence[Placed] = (),
        price: Price | None = None,
    ) -> None:
        self._again = partial(
            Client,
            model,
            api_base=api_base,
            credentials=credentials,
            limits=limits,
            retry=retry,
            cache=cache,
            cache_dir=cache_dir,
            layers=layers,
            price=price,
        )
        self.model = model
        self.spec, self.model_name = resolve(model)
        self._options = {kind: names | self.spec.options for kind, names in KNOWN.items()}
        self._provider = ProviderHandler(self.spec, servers_of(self.spec, api_base, credentials, limits), credentials)
        #: The URLs of the servers that share its calls.
        self.endpoints = tuple(server.endpoint for server in self.servers)
        #: The first of them, under which the cache has the answers of all.
        self.endpoint = self.endpoints[0]
        self.caller = next(_callers)
        #: Names the client, and every copy of it that a pickle made in another process.
        self.origin = f"{PROCESS.token} {self.caller}"
        PROCESS.clients[self.origin] = self
        self._api_base = api_base
        #: Gives the price of a model at this server; unknown at another than the provider's, until one is stated.
        self.price: Callable[[str], Price | None] = _price_at(self.spec, self.endpoints)
        if price is not None:
            self.price = lambda _: price
        self._retry = retry or RetryPolicy()
        self._cache: CacheMode = cache
        self._cache_dir = None if cache_dir is None else checked(cache_dir)
        self._cache_name = None if self._cache_dir is None else os.fspath(self._cache_dir)
        self._layers = pairs_of(layers)
        #: The calls made through this client; the entries are those of the process's ledger.
        self.ledger = Ledger()
        self._stacks: dict[tuple[StackKey, Kind, bool], Stack] = {}
        self._compose(current())  # a layer at a position that the stack does not have is refused here

    def __deepcopy__(self, memo: dict[int, object]) -> Client:
        return self._again()

    def __reduce__(self) -> tuple[Callable[[Callable[[], Client], str], Client], tuple[Callable[[], Client], str]]:
        settings = {"api_base": saved_base(self._api_base), "cache_dir": saved_location(self._cache_dir)}
        return _unpickled, (partial(self._again, **settings), self.origin)  # a pickle is a file: it gets no key

    @property
    def servers(self) -> tuple[Server, ...]:
        """Those that share its calls."""
        return self._provider.servers

    @property
    def limits(self) -> Limits:
        """Of the account, at the first server."""
        return self.servers[0].limits

    @property
    def stack(self) -> Stack:
        """All layers and the provider, for the current runtime; a call passes through those that can act on it."""
        runtime = current()
        return replace(self._compose(runtime), runtime=runtime)

    def _stack_for(self, runtime: Runtime, request: Request) -> Stack:
        """The stack without the layers that would hand each call of such a request on unchanged in a runtime."""
        key = (runtime.stack_key, request.kind, request.single_answer)
        found = self._stacks.get(key)
        if found is None:
            idle = runtime.idle_layers if request.kind == "embed" else runtime.idle_layers | {"per_text"}
            idle |= frozenset() if request.single_answer else {"single_flight"}
            found = self._stacks[key] = self._compose(runtime, idle)
        return found

    def accounts(self, runtime: Runtime | None = None) -> list[Account]:
        """The account at each of its servers; in the current runtime where none is given."""
        runtime = runtime or current()
        if runtime.unlimited:
            return [Account(Limits(), runtime.clock) for _ in self.servers]
        adaptive = runtime.provider is None
        return [
            PROCESS.account(
                self.spec.prefix, one.endpoint, one.key, one.limits, runtime.clock, one.adaptive and adaptive
            )
            for one in self.servers
        ]

    def _compose(self, runtime: Runtime, idle: frozenset[str] = frozenset()) -> Stack:
        clock, rng, accounts = runtime.clock, runtime.rng, self.accounts(runtime)
        account: Account | Hosts = accounts[0]
        if len(accounts) > 1:
            from synalinks.lm.rate_limit.hosts import Hosts  # most models have one server

            account = Hosts(accounts, self.endpoints)
        layers: list[Layer] = [
            # an isolated run leaves no entry in the client's own ledger
            LedgerLayer(self.spec.prefix, _ledgers, clock, None if runtime.isolated else self.ledger),
            SingleFlightLayer(_shared_by),
            PerTextLayer(self._stores, _shared_by),
            CacheLayer(
                self._store,
                self.endpoint,
                draws=attrgetter("runtime.draws"),
                mode="refresh" if self._cache == "refresh" else "use",
                shares=_may_wait,
            ),
            CassetteLayer(
                attrgetter("runtime.cassette"),
                source=None if runtime.cache_only is None else self._cache_only,
                budgets=_budgets if runtime.trackers else None,
            ),
            RateLimitLayer(account, "budget" not in idle, _seconds_left),
            RetryLayer(self._retry, account, clock, rng, self._is_free, _seconds_left),
            BudgetLayer(
                _trackers,
                self.price,
                timeout=self._retry.timeout,
                statistics=PROCESS.usage_statistics,
                limits=PROCESS.output_limits,
            ),
            AttemptLayer(self._retry.timeout, account),
            ValidateLayer(),
            PriceLayer(self.price, clock, [one.machine_time for one in accounts]),
        ]
        left_out = [layer for layer in layers if name_of(layer) in idle]
        return stack(self._provider, *(layer for layer in place(layers, self._layers) if layer not in left_out))

    def _is_free(self, model: str) -> bool:
        price = self.price(model)
        return price is not None and price.is_free

    @property
    def cache_location(self) -> Location | None:
        """Folder or URL of the cache, with the credentials it was given with; None where there is none."""
        return None if self._cache == "off" else PROCESS.cache_location(self._cache_dir)

    def _store(self) -> Store | None:
        return None if self._cache == "off" else PROCESS.store(self._cache_name)

    def _stores(self, call: Call) -> bool:
        """Whether the answer to a call is stored: on the open cassette, or in the cache."""
        runtime = runtime_of(call)
        return runtime.cassette is not None or (runtime.provider is None and self._store() is not None)

    def _cache_only(self, call: Call) -> Handler | None:
        """The cache, where a recording may take answers from it only; a provider of `use_provider` goes before it."""
        runtime = runtime_of(call)
        if runtime.cache_only is None or runtime.provider is not None:
            return None
        return runtime.cache_only.handler(self.endpoint, self._cache_dir)

    def send(
        self,
        request: Request,
        sink: Sink | None = None,
        is_fallback: bool = False,
        check: Check | None = None,
        via: Handler | None = None,
    ) -> Awaitable[Reply]:
        """Send a request from the current place. Runtime and place are read here, once a call.

        Args:
            request: what is asked.
            sink: receives the answer's text as it comes.
            is_fallback: whether another model's call failed before.
            check: raises ValueError for a parsed answer that is of no use though it obeys the schema.
            via: sends attempts from another process in place of the provider of this one; None sends them here.

        Raises:
            ConfigurationError: an option of the request that is not known, with the nearest that is.
        """
        if not request.options.keys() <= self._options[request.kind]:
            check_options(self.model, request.options, request.kind, self.spec.options)
        runtime, scope = of_context() or current(), scopes.current()
        if runtime.sender is not None:
            call = Call(request, scope, sink=sink, is_fallback=is_fallback, check=check, runtime=runtime)
            return runtime.sender(self, call)
        kept = runtime.cassette is not None or (runtime.provider is None and self._cache != "off")
        draw = runtime.taken.ordinal(scope, request.digest, kept)
        call = Call(
            request,
            scope,
            draw,
            sink,
            self.caller,
            is_fallback=is_fallback,
            check=check,
            keep_loaded=runtime.keep_loaded,
            via=via,
            runtime=runtime,
        )
        if PROCESS.stopping:
            PROCESS.check_not_stopping(call)
        stack = self._stacks.get((runtime.stack_key, request.kind, request.single_answer))
        return (stack or self._stack_for(runtime, request)).outermost(call)

    def endpoint_for(self, call: Call) -> str:
        """The URL of the server that an attempt goes to."""
        return self._provider.server_of(call).endpoint

    def send_here(self, call: Call, endpoint: str) -> Awaitable[Reply]:
        """Send an attempt from this process to a server, past all layers of the stack."""
        return self._provider.at(endpoint)(call)

    def __repr__(self) -> str:
        return f"<Client {self.model} at {', '.join(self.endpoints)}: {self.stack!r}>"


def _unpickled(again: Callable[[], Client], origin: str) -> Client:
    client = again()
    client.origin = origin
    return client


def _price_at(spec: Spec, endpoints: Sequence[str]) -> Callable[[str], Price | None]:
    """What gives the price of a model at servers: the provider's own have the listed prices, those on this machine are
    free unless a price was stated, and of any other, or of some of each, only a stated price is known."""
    if all(is_own_server(spec, endpoint) for endpoint in endpoints):
        return partial(price_of, spec=spec)
    return free_unless_stated if all(map(is_loopback, endpoints)) else stated_price


#: What surrounds a call of a client.
_ledgers: Callable[[Call], Sequence[Ledger]] = attrgetter("runtime.all_ledgers")
_trackers: Callable[[Call], Sequence[BudgetTracker]] = attrgetter("runtime.trackers")


def _may_wait(call: Call) -> bool:
    """Whether an answer that another process is fetching may be waited for: not where this call could not be sent."""
    return not (runtime_of(call).offline or PROCESS.stopping or _seconds_left(call) == 0)


def _budgets(call: Call) -> list[dict[str, str]]:
    """Names and caps of the budgets that hold a call, as cassettes keep them."""
    return [tracker.to_dict() for tracker in _trackers(call)]


def _seconds_left(call: Call) -> float | None:
    """Seconds after which a budget lets a call out no more; None without a time cap."""
    least: float | None = None
    for tracker in _trackers(call):
        end = None if tracker.budget.seconds is None else tracker.seconds_open
        if end is not None and (least is None or end < least):
            least = end
    return least


def _shared_by(call: Call) -> tuple[object, ...]:
    """What must be the same of two calls, besides the request, to share an answer."""
    runtime = runtime_of(call)
    parts = (runtime.cassette, runtime.provider, runtime.cache_only, runtime.draws)
    return (*map(id, parts), runtime.offline, runtime.trackers)
