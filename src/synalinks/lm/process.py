"""What belongs to the process and to no block: its ledger, accounts, stores, usage statistics and interrupt flag."""

from __future__ import annotations

import os
import secrets
import threading
import weakref

from synalinks._concurrency import Clock
from synalinks.lm.budget.expected import UsageStatistics
from synalinks.lm.cache.location import Location, cache_disabled, checked, default_location, name_of_all_runs
from synalinks.lm.cache.store import Store
from synalinks.lm.core.call import Call
from synalinks.lm.core.errors import Interrupted
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.pricing.limits import OutputLimits
from synalinks.lm.rate_limit.account import Account, Limits


class Process:
    """State that all blocks of a process share. There is one, `PROCESS`.

    Attributes:
        ledger: every call of the process, but those of isolated blocks.
        usage_statistics: what calls usually take, from the ledger.
        output_limits: how long answers of each model can be.
        servers: those that calls were sent to, by their models' prefix and their URL; none for replays and stand-ins.
        stopping: whether Ctrl-C was pressed during such a run: sent calls finish, no other is sent.
        clients: the clients made here, by their `origin`.
        token: differs from that of any other process.
    """

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.usage_statistics = UsageStatistics(self.ledger)
        self.output_limits = OutputLimits()
        self.servers: set[tuple[str, str]] = set()
        self.stopping = False
        self.clients: weakref.WeakValueDictionary[str, object] = weakref.WeakValueDictionary()
        self.token = secrets.token_hex(8)
        self._accounts: dict[tuple[str, str, str, Limits, Clock, bool], Account] = {}
        self._stores: dict[str, Store] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Free the ledger's entries; the usage statistics of them stay."""
        self.usage_statistics.update()
        self.ledger.clear()

    def check_not_stopping(self, call: Call) -> None:
        """Refuse a call that has not been sent yet, after Ctrl-C.

        Raises:
            Interrupted: Ctrl-C was pressed.
        """
        if self.stopping:
            raise Interrupted(f"{call.request.model!r} was not asked: the run was interrupted (at {call.scope})")

    def account(
        self, provider: str, endpoint: str, key: str, limits: Limits, clock: Clock, adaptive: bool = False
    ) -> Account:
        """The account that models of one provider, endpoint, key and limits share, by the time of `clock`."""
        name = (provider, endpoint, key, limits, clock, adaptive)
        with self._lock:
            if name not in self._accounts:
                self._accounts[name] = Account(limits, clock, adaptive)
            return self._accounts[name]

    def cache_location(self, location: Location | None) -> Location | None:
        """A location, or where there is none that of all runs; None if the cache is off."""
        return location or (None if cache_disabled() else default_location())

    def store(self, location: Location | None) -> Store | None:
        """The store of answers at a location (None: that of all runs), or None if the cache is off.

        Raises:
            ConfigurationError: there can be no cache at this location.
        """
        if location is None and (location := name_of_all_runs()) is None:
            return None
        name = os.fspath(location)
        store = self._stores.get(name)
        if store is None:
            from synalinks.lm.cache.stores import open_store  # not needed where no answer is cached

            with self._lock:
                at = os.fspath(checked(location))
                if at not in self._stores:
                    self._stores[at] = open_store(location)
                store = self._stores[name] = self._stores[at]
        return store


PROCESS = Process()
