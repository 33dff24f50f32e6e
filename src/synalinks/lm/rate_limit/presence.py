"""Presence: a server that no connection can be made to is left out for a while, and tried again."""

from __future__ import annotations

#: Seconds that a server is left out: at first, doubled by each trial that fails, and at most.
FIRST_ABSENCE, LONGEST_ABSENCE = 1.0, 30.0


class Presence:
    """Whether a server is there, as far as the calls to it tell.

    Attributes:
        is_away: whether the last connection to it failed.

    Example:
        >>> from synalinks.lm.rate_limit.presence import Presence
        >>> presence = Presence()
        >>> presence.lost(now=10.0)
        >>> presence.is_there(10.5), presence.is_there(11.0)
        (False, True)
        >>> presence.sent(11.0)   # one call is the trial, and the others wait for what comes of it
        >>> presence.is_there(11.0)
        False
        >>> presence.found()
        >>> presence.is_there(11.0)
        True
    """

    __slots__ = ("_absence", "_trial", "_until", "is_away")

    def __init__(self) -> None:
        self.is_away = self._trial = False
        self._until = self._absence = 0.0

    def is_there(self, now: float) -> bool:
        """Whether a call may be sent there: the last one reached it, or it is time for a trial."""
        return not self.is_away or now >= self._until

    def sent(self, now: float) -> None:
        """A call goes there; if it was left out, that is the trial."""
        if self.is_away and now >= self._until:
            self._trial = True
            self._until = now + self._absence

    def lost(self, now: float) -> None:
        """No connection could be made. Of a burst of such calls the first counts."""
        if not self.is_away or self._trial or now >= self._until:
            self._absence = min(2 * self._absence or FIRST_ABSENCE, LONGEST_ABSENCE)
            self._until = now + self._absence
            self.is_away, self._trial = True, False

    def found(self) -> None:
        """It has answered, with whatever."""
        self.is_away = self._trial = False
        self._absence = 0.0
