"""Where the LM stack is composed, and what surrounds a run: cassette, budgets, ledgers, provider, clock.

The whole stack is visible in `Client._compose`. Ambient state comes in two kinds: a cassette, a replaced
provider and the offline switch hold for the whole process while their `with` block lasts; ledgers hold for the
tasks inside their block, and so do budgets unless they are told to hold everywhere.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Literal
from weakref import WeakSet

from synalinks import scope as scopes
from synalinks import session
from synalinks._concurrency import Clock, SystemClock
from synalinks.errors import ConfigurationError, Interrupted, OfflineError
from synalinks.lm.budget.expected import UsageStatistics
from synalinks.lm.budget.layer import Budget, BudgetLayer, BudgetTracker
from synalinks.lm.budget.upper_bound import OUTPUT_ALLOWANCE, needs_of
from synalinks.lm.cache.cache_only import CacheOnlyProvider
from synalinks.lm.cache.layer import CacheLayer
from synalinks.lm.cache.store import DiskStore, Store, cache_disabled, default_directory
from synalinks.lm.cassette.session import Cassette, CassetteLayer
from synalinks.lm.core.call import Call, Handler, Layer, Reply, Request, Sink, Stack, Trace, stack
from synalinks.lm.core.draws import Draws
from synalinks.lm.ledger.ledger import Ledger, LedgerLayer
from synalinks.lm.pricing.pricing import Price, PriceLayer, is_free, price_for, price_of, stated_price
from synalinks.lm.providers import NO_CREDENTIALS, Credentials, Spec, endpoint_of, is_own_server, key_of, make, resolve
from synalinks.lm.rate_limit.account import Account, Limits
from synalinks.lm.rate_limit.layer import RateLimitLayer
from synalinks.lm.retry import RetryLayer, RetryPolicy
from synalinks.lm.single_flight import SingleFlightLayer
from synalinks.lm.validate import ValidateLayer

RecordMode = Literal["none", "once", "new_episodes", "all"]
CacheMode = Literal["use", "refresh", "off"]

_trackers: ContextVar[tuple[BudgetTracker, ...]] = ContextVar("synalinks_trackers", default=())
_ledgers: ContextVar[tuple[Ledger, ...]] = ContextVar("synalinks_ledgers", default=())
_callers = itertools.count(1)


class Runtime:
    """The state around all calls of this process.

    Attributes:
        ledger: every call of the process.
        draws: which cached answers this run has taken; begins anew at `clear_session()`.
        cassette: the open cassette, or None.
        provider: the handler that stands in for every provider, or None.
        archive: what a recording asks in place of the world, or None: the cache alone.
        trackers: the budgets that hold every call of this process, on whatever thread.
        learnt: what calls usually take, from the ledger.
        offline: whether live calls are forbidden.
        interruptible: whether a run in this process ends in order at Ctrl-C.
        stopping: whether the user asked the run to end: calls already sent come home, no other is begun.
        clock: what limiter, back-off and seconds are measured by.
        rng: jitter of the back-off, and of nothing else.
        unlimited: whether models made now have no rates to wait for, as where answers are invented.
        clients: every model's way to the wire that is alive.
    """

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.draws = Draws()
        self.cassette: Cassette | None = None
        self.provider: Handler | None = None
        self.cache_only: CacheOnlyProvider | None = None
        self.trackers: tuple[BudgetTracker, ...] = ()
        self.usage_statistics = UsageStatistics(self.ledger)
        self.offline = False
        self.interruptible = self.stopping = False
        self.clock: Clock = SystemClock()
        self.rng = random.Random()
        self.unlimited = False
        self.clients: WeakSet[Client] = WeakSet()
        self._accounts: dict[tuple[str, str, str, Limits], Account] = {}
        self._stores: dict[Path, Store] = {}
        self._mutex = threading.Lock()

    def open_trackers(self) -> tuple[BudgetTracker, ...]:
        """The trackers that hold the calls of this task, outermost first."""
        return (*self.trackers, *_trackers.get()) if self.trackers else _trackers.get()

    def hold_everything(self, tracker: BudgetTracker) -> None:
        """Hold every call of the process to a tracker."""
        with self._mutex:
            self.trackers = (*self.trackers, tracker)

    def let_go(self, tracker: BudgetTracker) -> None:
        """Hold nothing more to a tracker that held every call of the process."""
        with self._mutex:
            self.trackers = tuple(other for other in self.trackers if other is not tracker)

    def ledgers(self) -> tuple[Ledger, ...]:
        """The process's ledger and those of the blocks this task is in."""
        return (self.ledger, *_ledgers.get())

    def replays_only(self) -> bool:
        """Whether a cassette is open that can't record. Then nothing is ever in flight, and sharing, which depends on
        timing, would only make the ledger depend on it too."""
        return self.cassette is not None and not self.cassette.recording

    def check_going_on(self, call: Call) -> None:
        """Refuse a call that has not been sent yet, if the user asked the run to end.

        Raises:
            Interrupted: they did.
        """
        if self.stopping:
            raise Interrupted(f"{call.request.model!r} was not asked: the run was interrupted (at {call.scope})")

    def account(self, provider: str, endpoint: str, key: str, limits: Limits) -> Account:
        """The account that models of one provider, endpoint, key and limits share."""
        if self.unlimited:
            return Account(Limits(), self.clock)
        name = (provider, endpoint, key, limits)
        if name not in self._accounts:
            self._accounts[name] = Account(limits, self.clock)
        return self._accounts[name]

    def store(self, directory: str | Path | None) -> Store | None:
        """The store of answers in a directory (None: the user's cache directory), or None if it is off."""
        if directory is None and cache_disabled():
            return None
        path = Path(directory) if directory is not None else default_directory()
        if path not in self._stores:
            self._stores[path] = DiskStore(path)
        return self._stores[path]


RUNTIME = Runtime()
session.on_clear(RUNTIME.draws.clear)


class ProviderHandler:
    """The end of a stack: the model's own provider, made at the first live call, or what replaces it."""

    def __init__(self, runtime: Runtime, spec: Spec, api_base: str | None, credentials: Credentials) -> None:
        self.name = spec.prefix
        self._runtime = runtime
        self._spec = spec
        self._api_base = api_base
        self._credentials = credentials
        self._provider: Handler | None = None

    def __call__(self, call: Call, /) -> Awaitable[Reply]:
        self._runtime.check_going_on(call)
        if self._runtime.provider is not None:
            return self._runtime.provider(call)
        if self._runtime.offline:
            raise OfflineError(
                f"{call.request.model!r} was asked for an answer that is on no cassette and in no cache, and live calls "
                f"are forbidden (at {call.scope}). Run once without --offline to record it"
            )
        if self._provider is None:
            self._provider = make(self._spec, self._api_base, credentials=self._credentials)
        return self._provider(call)


class Client:
    """A model's way to the wire: its stack of layers, built once.

    Args:
        model: with its provider's prefix.
        api_base: URL of the server; the provider's own where None.
        credentials: the key, where not the environment's.
        limits: of the account; the provider's defaults for those that are None.
        retry: when to try again.
        cache: `use`; `refresh` to ask anew and store; `off`.
        cache_dir: folder of the cache; the user's where None.
        runtime: the state around it.

    Raises:
        UnknownModelError: no such provider.
    """

    def __init__(
        self,
        model: str,
        *,
        api_base: str | None = None,
        credentials: Credentials = NO_CREDENTIALS,
        limits: Limits | None = None,
        retry: RetryPolicy | None = None,
        cache: CacheMode = "use",
        cache_dir: str | Path | None = None,
        runtime: Runtime = RUNTIME,
    ) -> None:
        self._again = partial(
            Client, model, api_base=api_base, limits=limits, retry=retry, cache=cache, cache_dir=cache_dir
        )
        self.model = model
        self.spec, self.model_name = resolve(model)
        self.endpoint = endpoint_of(self.spec, api_base)
        self.runtime = runtime
        self.caller = next(_callers)
        self._api_base = api_base
        self._credentials = credentials
        #: Gives the price of a model at this server; unknown at another than the provider's, until one is stated.
        self.price: Callable[[str], Price | None] = (
            price_of if is_own_server(self.spec, self.endpoint) else stated_price
        )
        self.limits = (limits or Limits()).over(self.spec.limits)
        self._retry = retry or RetryPolicy()
        self._cache: CacheMode = cache
        self._cache_dir = cache_dir
        #: The calls made through this client; the entries are those of the process's ledger.
        self.ledger = Ledger()
        self.stack = self._compose()
        runtime.clients.add(self)

    def __deepcopy__(self, memo: dict[int, object]) -> Client:
        return self._again(runtime=self.runtime)

    def __reduce__(self) -> tuple[Callable[[], Client], tuple[()]]:
        return self._again, ()

    def _compose(self) -> Stack:
        runtime, clock = self.runtime, self.runtime.clock
        key = key_of(self.spec, credentials=self._credentials, api_base=self._api_base)
        account = runtime.account(self.spec.prefix, self.endpoint, key or "", self.limits)
        price = self.price
        layers: list[Layer] = [
            LedgerLayer(self.spec.prefix, lambda: (self.ledger, *runtime.ledgers()), clock),
            SingleFlightLayer(
                lambda: (id(runtime.cassette), id(runtime.provider), runtime.open_trackers()),
                bypass=runtime.replays_only,
            ),
            CacheLayer(
                self._store,
                self.endpoint,
                draws=lambda: runtime.draws,
                bypass=lambda: runtime.cassette is not None or runtime.provider is not None,
                mode="refresh" if self._cache == "refresh" else "use",
            ),
            BudgetLayer(
                runtime.open_trackers,
                price,
                cassette=lambda: runtime.cassette,
                timeout=self._retry.timeout,
                statistics=runtime.usage_statistics,
            ),
            CassetteLayer(lambda: runtime.cassette, source=self._cache_only),
            RateLimitLayer(account),
            RetryLayer(self._retry, account, clock, runtime.rng, is_free),
            ValidateLayer(),
            PriceLayer(price, clock),
        ]
        return stack(ProviderHandler(runtime, self.spec, self._api_base, self._credentials), *layers)

    def _store(self) -> Store | None:
        return None if self._cache == "off" else self.runtime.store(self._cache_dir)

    def _cache_only(self) -> Handler | None:
        """What a recording asks in place of this model, if it may ask the cache only; a stand-in goes before it."""
        archive = self.runtime.cache_only
        if archive is None or self.runtime.provider is not None:
            return None
        return archive.handler(self.endpoint, self._cache_dir)

    def send(self, request: Request, sink: Sink | None = None, is_fallback: bool = False) -> Awaitable[Reply]:
        """Ask, from the place this task is in. The ambient scope is read here and nowhere else."""
        runtime, scope = self.runtime, scopes.current()
        draws = runtime.draws if runtime.cassette is None else runtime.cassette.draws
        draw = draws.ordinal(scope, request)
        call = Call(request, scope, draw, sink, self.caller, trace=Trace(), is_fallback=is_fallback)
        runtime.check_going_on(call)
        return self.stack.outermost(call)

    def __repr__(self) -> str:
        return f"<Client {self.model} at {self.endpoint}: {self.stack!r}>"


@contextmanager
def use_cassette(
    path: str | Path, record_mode: RecordMode = "once", *, strict: bool = False, record_errors: bool = True
) -> Iterator[Cassette]:
    """Replay calls from a cassette, or record them to it, while the block lasts.

    Args:
        path: a `.jsonl` file, or `.jsonl.gz`.
        record_mode: `none` replays only; `once` records if the file is not there, or goes on if its first
            recording was cut off, and replays only if it is whole; `new_episodes` replays what is there and records
            what is not; `all` records everything anew.
        strict: complain at the end of a replay about rows nobody played.
        record_errors: record calls that failed in the end too; in a replay they fail again, as they happened.
            Without, a replay misses them.

    Raises:
        CassetteMiss: inside the block, at a call the cassette does not hold.
        CassetteFormatError, CassetteInUse: the file is no cassette, or somebody else writes it.
        ConfigurationError: another cassette is open.
    """
    if RUNTIME.cassette is not None:
        raise ConfigurationError(
            f"a cassette is open already ({RUNTIME.cassette.path}); close it before opening {path}"
        )
    with Cassette(path, record_mode, strict=strict, record_errors=record_errors, bound=_dearest) as cassette:
        RUNTIME.cassette = cassette
        try:
            yield cassette
        finally:
            RUNTIME.cassette = None


@contextmanager
def use_cache_only(directory: str | Path | None = None) -> Iterator[CacheOnlyProvider]:
    """Have recordings inside the block ask the cache in a folder (None: the user's), and make no live call.

    Raises:
        OfflineError: inside the block, at a call that the cache holds no answer to.
    """
    before = RUNTIME.cache_only
    RUNTIME.cache_only = CacheOnlyProvider(directory, RUNTIME.draws)
    try:
        yield RUNTIME.cache_only
    finally:
        RUNTIME.cache_only = before


def _dearest(request: Request) -> Decimal | None:
    """The most an answer can cost in dollars; None if the price is unknown, or by the hour."""
    price = price_for(request)
    if price is None or price.per_hour:
        return None
    needs = needs_of(request, price, ())
    return needs.amount(OUTPUT_ALLOWANCE if needs.limit is None else needs.limit).usd


@contextmanager
def use_provider(handler: Handler) -> Iterator[Handler]:
    """Have `handler` answer in place of every model's provider while the block lasts.

    All layers stay above it except the cache, which is bypassed: a stand-in's answers are not the model's.
    """
    before = RUNTIME.provider
    RUNTIME.provider = handler
    try:
        yield handler
    finally:
        RUNTIME.provider = before


@contextmanager
def use_budget(
    budget: Budget | Decimal | float | str, *, name: str = "budget", everywhere: bool = False
) -> Iterator[BudgetTracker]:
    """Hold every call inside the block to a budget (an amount is in dollars); blocks nest.

    Args:
        budget: the caps.
        name: what messages call it.
        everywhere: hold every call of the process while the block lasts, on all threads and event loops, not only
            those of the tasks inside the block. Other processes are not held.

    Raises:
        BudgetExceeded: inside the block, before a call that might not fit is sent.
    """
    tracker = BudgetTracker(Budget.of(budget), RUNTIME.clock, name)
    if not everywhere:
        with use_tracker(tracker):
            yield tracker
        return
    RUNTIME.hold_everything(tracker)
    try:
        yield tracker
    finally:
        RUNTIME.let_go(tracker)


def open_trackers() -> tuple[BudgetTracker, ...]:
    """The trackers that hold the calls of this task, outermost first."""
    return RUNTIME.open_trackers()


@contextmanager
def use_tracker(tracker: BudgetTracker) -> Iterator[BudgetTracker]:
    """Hold the calls of the block to a tracker that may have been open before."""
    token = _trackers.set((*_trackers.get(), tracker))
    try:
        yield tracker
    finally:
        _trackers.reset(token)


@contextmanager
def use_ledger(ledger: Ledger | None = None) -> Iterator[Ledger]:
    """Collect the entries of every call inside the block."""
    collected = Ledger() if ledger is None else ledger
    token = _ledgers.set((*_ledgers.get(), collected))
    try:
        yield collected
    finally:
        _ledgers.reset(token)


@contextmanager
def offline() -> Iterator[None]:
    """Forbid live calls while the block lasts: only cassette, cache and stand-ins answer."""
    before = RUNTIME.offline
    RUNTIME.offline = True
    try:
        yield
    finally:
        RUNTIME.offline = before
