"""The working time of a server, shared out among the calls that are in flight together."""

from __future__ import annotations

#: A call in flight: what identifies it, and the share of one call in the time before it.
Mark = tuple[object, float]


class MachineTime:
    """Shares out the seconds in which a server works: of a second with three calls in flight, each takes a third.

    So the shares of all calls add up to the time in which there were any, which is what a machine by the hour costs,
    however many calls it answers at once.

    Example:
        >>> from synalinks.lm.core.machine_time import MachineTime
        >>> machine = MachineTime()
        >>> first = machine.begin(0.0)
        >>> second = machine.begin(1.0)
        >>> machine.end(first, 3.0), machine.end(second, 4.0)
        (2.0, 2.0)
    """

    __slots__ = ("_at", "_out", "_share")

    def __init__(self) -> None:
        self._out: set[object] = set()
        self._at = self._share = 0.0

    def begin(self, now: float) -> Mark:
        """A call goes out."""
        share = self._until(now)
        key = object()
        self._out.add(key)
        return key, share

    def end(self, mark: Mark, now: float) -> float:
        """A call has come back; the seconds that are its share."""
        key, share = mark
        taken = self._until(now) - share
        self._out.discard(key)
        return taken

    def _until(self, now: float) -> float:
        """The share of a call that is in flight all the time, up to now."""
        if self._out:
            self._share += (now - self._at) / len(self._out)
        self._at = now
        return self._share
