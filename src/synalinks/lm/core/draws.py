"""The rule by which a call gets one of the answers that are already there. Cache and cassette share it.

The answers to one request form an ordered set, each with the place it was given at. A call takes

1. the answer given at its own place (scope, and ordinal within it);
2. failing that, the first that has not been taken in this run;
3. failing that, none: a new one has to be asked for.

Where a request has a single answer (temperature 0, embeddings) every call gets that one. So evaluating the
same data three times gives three samples, running the script again gives the same three, and a replay is
exact at any concurrency.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Lock

from synalinks.lm.core.place import Label, Scope

#: Tables of one count, and the places of each at first, powers of two.
TABLES, FIRST_SIZE = 64, 4

Place = tuple[Scope, int]
#: Numbers by which the first free one of a request may have moved before it is kept.
STRIDE = 16
#: Requests and places whose calls are counted though no answer of theirs is kept: the latest ones, up to twice as many.
REMEMBERED = 2**18


class Places:
    """The places at which the answers to a request were given, in the order of the answers.

    Args:
        places: of the first answers.
    """

    __slots__ = ("_all", "_numbers")

    def __init__(self, places: Iterable[Place] = ()) -> None:
        self._all: list[Place] = []
        self._numbers: dict[Place, list[int]] = {}
        for place in places:
            self.append(place)

    def append(self, place: Place) -> None:
        """Add the place of the next answer."""
        self._numbers.setdefault(place, []).append(len(self._all))
        self._all.append(place)

    def numbers_at(self, place: Place) -> Sequence[int]:
        """The numbers of the answers that were given at a place."""
        return self._numbers.get(place, ())

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Place]:
        return iter(self._all)


class Draws:
    """Which answers this run has taken, and how many calls each place has made.

    What answers are chosen by is kept as long as the answers. The calls of which no answer is kept anywhere are
    counted for the ledger alone; of these the counts of the oldest are dropped, so that memory is bounded.
    """

    __slots__ = ("_first", "_lock", "_made", "_older", "_recent", "_taken")

    def __init__(self) -> None:
        #: By the outermost label, of a hash of place and request: a run of a million calls has as many of them.
        self._made: dict[Label | None, Counts] = {}
        #: Those of calls of which no answer is kept.
        self._recent, self._older = Counts(), Counts()
        #: By request: the answers taken, each with the outermost label of the place that took it, where it is known.
        self._taken: dict[str, dict[int, Label | None]] = {}
        #: By request: a number with none below it that is free; 0 where there is none.
        self._first: dict[str, int] = {}
        self._lock = Lock()  # runs may have several threads, each with its event loop

    def ordinal(self, scope: Scope, digest: str, kept: bool = True) -> int:
        """How many calls with a request came from this place before; counts this one.

        Args:
            digest: of the request.
            kept: whether its answer may be one that a cache or a cassette has, or gets.
        """
        key = hash((scope._values, digest))  # less a call of Python than with the place
        with self._lock:
            if not kept:
                if self._recent.size >= REMEMBERED:
                    self._recent, self._older = Counts(), self._recent
                return self._recent.add(key, self._older)
            try:
                return self._made[scope.outermost].add(key)
            except KeyError:
                counts = self._made[scope.outermost] = Counts()
                return counts.add(key)

    def pick(self, digest: str, places: Places, place: Place) -> int | None:
        """Number of the answer that a call from `place` gets, now taken; None if it must ask."""
        for number in places.numbers_at(place):
            if self.take(digest, number, place[0]):
                return number
        while (number := self.first_free(digest)) < len(places):
            if self.take(digest, number, place[0]):  # a thread beside this one may have been faster
                return number
        return None

    def first_free(self, digest: str) -> int:
        """The first number of a request's answers that is not taken."""
        taken, known = self._taken.get(digest, ()), self._first.get(digest, 0)
        number = known
        while number in taken:
            number += 1
        if number - known > STRIDE:  # so all looks together take as long as there are answers
            self._first[digest] = number
        return number

    def take(self, digest: str, number: int, by: Scope | None = None) -> bool:
        """Take an answer for a call from a place; False, and nothing done, where it is taken."""
        with self._lock:
            taken = self._taken.get(digest)
            if taken is None:
                taken = self._taken[digest] = {}
            elif number in taken:
                return False
            taken[number] = None if by is None else by.outermost
            return True

    def give_back(self, digest: str, number: int) -> None:
        """Let an answer be free again, as of a number that turned out to be another run's."""
        with self._lock:
            self._taken.get(digest, {}).pop(number, None)
            self._first.pop(digest, None)

    def has_taken(self, digest: str, number: int) -> bool:
        """Whether an answer is taken."""
        return number in self._taken.get(digest, ())

    def taken(self, digest: str) -> frozenset[int]:
        """The numbers of one request's answers that are taken."""
        return frozenset(self._taken.get(digest, ()))

    def get_state(self) -> dict[str, list[int]]:
        """The answers taken, as JSON."""
        with self._lock:
            return {digest: sorted(taken) for digest, taken in self._taken.items()}

    def set_state(self, state: Mapping[str, Sequence[int]], first: int) -> None:
        """Restore a run that took these answers before the outermost label of its places became `first`."""
        with self._lock:
            self._taken = {digest: dict.fromkeys(taken) for digest, taken in state.items()}
            self._forget_made(first)

    def begin_at(self, first: int, places: Mapping[str, Iterable[Place]]) -> None:
        """As `set_state`, where the answers' places tell which are earlier.

        What this run took from `first` on, in an attempt before this one, is free again: those answers, not the ones
        that were given there.
        """
        with self._lock:
            for digest, given in places.items():
                earlier = {i: at.outermost for i, (at, _) in enumerate(given) if at.is_before(first)}
                taken = self._taken.get(digest, {})
                self._taken[digest] = {**earlier, **{i: by for i, by in taken.items() if not _at_or_after(by, first)}}
            self._forget_made(first)

    def _forget_made(self, first: int) -> None:
        self._first = {}
        self._recent, self._older = Counts(), Counts()
        self._made = {label: made for label, made in self._made.items() if not _at_or_after(label, first)}

    def clear(self) -> None:
        """Begin a new run."""
        self._made.clear()
        self._taken.clear()
        self._first.clear()
        self._recent, self._older = Counts(), Counts()


class Counts:
    """How often each number was added, in about 12 bytes for one that was added once; a dict takes 80.

    The numbers are in tables of open addressing, which double when they are two thirds full: many small ones, so that
    no call waits for a large one.

    Attributes:
        size: how many different numbers were added.
    """

    __slots__ = ("_again", "_sizes", "_tables", "size")

    def __init__(self) -> None:
        self.size = 0
        self._tables = [array("q", bytes(8 * FIRST_SIZE)) for _ in range(TABLES)]
        self._sizes = [0] * TABLES
        self._again: dict[int, int] = {}

    def times(self, number: int) -> int:
        """How often a number was added."""
        number = number or 1
        table = self._tables[number % TABLES]
        mask = len(table) - 1
        place = (number // TABLES) & mask
        while (found := table[place]) and found != number:
            place = (place + 1) & mask
        return 1 + self._again.get(number, 0) if found else 0

    def add(self, number: int, older: Counts | None = None) -> int:
        """Add a number; how often it was added before.

        Args:
            older: where it is counted from, if it is new here.
        """
        number = number or 1  # 0 is an empty place
        index = number % TABLES
        table = self._tables[index]
        mask = len(table) - 1
        place = (number // TABLES) & mask
        while (found := table[place]) and found != number:
            place = (place + 1) & mask
        if found:
            before = self._again[number] = self._again.get(number, 0) + 1
            return before
        table[place] = number
        self._sizes[index] += 1
        self.size += 1
        if 3 * self._sizes[index] > 2 * len(table):
            self._tables[index] = _doubled(table)
        if older is not None and (before := older.times(number)):
            self._again[number] = before
            return before
        return 0


def _doubled(table: array[int]) -> array[int]:
    larger = array("q", bytes(16 * len(table)))
    mask = len(larger) - 1
    for number in table:
        if number:
            place = (number // TABLES) & mask
            while larger[place]:
                place = (place + 1) & mask
            larger[place] = number
    return larger


def _at_or_after(outermost: Label | None, first: int) -> bool:
    return isinstance(outermost, int) and outermost >= first
