"""LeaseTable: the leases of a folder's store, as rows of SQLite."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synalinks.lm.cache.leases import is_of_ended_process

#: The most, in seconds, that a lease can end later than it was given for: the clock was set back meanwhile.
CLOCK_STEP = 1.0
#: Leases by key: who has one, and when it ends.
LEASE_TABLE = "CREATE TABLE IF NOT EXISTS Lease (key TEXT PRIMARY KEY, owner TEXT, end REAL) WITHOUT ROWID"
#: Takes a lease that is new, the own, or has ended; or that ends too late, as after the clock was set back.
CLAIM = """
INSERT INTO Lease VALUES (:key, :owner, :end) ON CONFLICT (key) DO UPDATE SET owner = :owner, end = :end
WHERE Lease.owner = :owner OR Lease.end <= :now OR Lease.end > :latest
"""
#: Makes a lease that was left one on another key, which has none.
REPLACE = "UPDATE OR IGNORE Lease SET key = :key, owner = :owner, end = :end WHERE key = :left AND owner = :left_owner"
EXTEND = "UPDATE Lease SET end = :end WHERE key = :key AND owner = :owner"


class LeaseTable:
    """The leases in a database: what a diskcache `Cache` has beside its answers.

    A lease whose answer is stored is left until another one replaces it, so that both are one commit.
    """

    _left: dict[str, str]  # owners by key

    if TYPE_CHECKING:  # the cache has them
        transact: Any

        @property
        def _con(self) -> sqlite3.Connection: ...

    def make_leases(self) -> None:
        """Make the table of leases, without those that have ended, as of processes that died."""
        self._left = {}
        self._con.execute(LEASE_TABLE)
        self._con.execute("DELETE FROM Lease WHERE end <= ?", (time.time(),))

    def claim(self, keys: Sequence[str], owner: str, seconds: float) -> list[str]:
        """Take a lease on each key that no other owner has one on; the keys that were taken."""
        if len(keys) == 1:
            return self._claimed(keys, owner, seconds)
        with self.transact():
            return self._claimed(keys, owner, seconds)

    def _claimed(self, keys: Sequence[str], owner: str, seconds: float) -> list[str]:
        now = time.time()
        lease = {"owner": owner, "end": now + seconds, "now": now, "latest": now + seconds + CLOCK_STEP}
        taken = []
        for key in keys:
            if self._replaced(key, lease):
                taken.append(key)
                continue
            while not (mine := self._con.execute(CLAIM, {"key": key, **lease}).rowcount):
                holder = self._con.execute("SELECT owner FROM Lease WHERE key = ?", (key,)).fetchone()
                if holder is not None and not is_of_ended_process(holder[0]):
                    break
                self._con.execute("DELETE FROM Lease WHERE key = ? AND owner = ?", (key, *(holder or ("",))))
            if mine:
                taken.append(key)
        return taken

    def _replaced(self, key: str, lease: dict[str, object]) -> bool:
        """Whether a lease that was left is one on this key now; one that can't be is ended."""
        try:
            left, owner = (key, self._left.pop(key)) if key in self._left else self._left.popitem()
        except KeyError:  # there is none, or another thread was faster
            return False
        if self._con.execute(REPLACE, {"key": key, **lease, "left": left, "left_owner": owner}).rowcount:
            return True
        self.extend([left], owner, 0.0)
        return False

    def leave(self, keys: Sequence[str], owner: str) -> None:
        """Let other leases replace the owner's on these keys."""
        self._left.update(dict.fromkeys(keys, owner))

    def extend(self, keys: Sequence[str], owner: str, seconds: float) -> None:
        """Let the owner's leases on these keys end in so many seconds; with 0 they end now."""
        for key in keys:
            if seconds:
                self._con.execute(EXTEND, {"key": key, "owner": owner, "end": time.time() + seconds})
            else:
                self._con.execute("DELETE FROM Lease WHERE key = ? AND owner = ?", (key, owner))
