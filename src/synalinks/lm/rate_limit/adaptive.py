"""Calls at once with a server of one's own: as many as it says it has slots for, else as many as raise throughput."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, log

from synalinks._concurrency import Slots
from synalinks.lm.core.reply import Reply

#: Calls at once to begin with, and the most that are tried.
FIRST, MOST = 2, 64
#: Calls that a number is judged by, after a first round of them: so many, and so many for each call at once.
LEAST_CALLS, CALLS_A_SLOT = 6, 2
#: A larger number is kept if throughput grows by this share of what it would grow by if all calls ran in parallel; a
#: smaller one, if at least this share of throughput is left. Between the two nothing changes, so that noise does not
#: move the number to and fro.
WORTH, ENOUGH = 0.2, 0.95
#: A step up: the first ones double, and after the first that did not help they add a half.
DOUBLE, HALF_MORE = 2.0, 1.5
#: Windows of calls between two trials once a number was found, since a server's other users come and go.
PATIENCE = 8


@dataclass(slots=True)
class _Window:
    """The calls answered at one number at once, by model: how many, their seconds, and their units of work.

    Attributes:
        skip: answers that are left out first: they ran beside those of another number.
    """

    skip: int = 0
    models: dict[str, tuple[int, float, float]] = field(default_factory=dict)
    calls: int = 0

    def add(self, model: str, seconds: float, work: float) -> None:
        if self.skip:
            self.skip -= 1
            return
        calls, all_seconds, all_work = self.models.get(model, (0, 0.0, 0.0))
        self.models[model] = (calls + 1, all_seconds + seconds, all_work + work)
        self.calls += 1

    def slower_than(self, other: _Window) -> float | None:
        """How many times as long a unit of work took as in another window; None where no model is in both.

        It is the geometric mean over models, each with the calls that it has in the window with fewer of them: a phase
        that calls other models, or the same ones in another ratio, is not taken for a change of speed.
        """
        weights = logs = 0.0
        for model, (calls, seconds, work) in self.models.items():
            other_calls, other_seconds, other_work = other.models.get(model, (0, 0.0, 0.0))
            if other_calls and seconds * work * other_seconds * other_work > 0:
                weight = min(calls, other_calls)
                weights += weight
                logs += weight * log(seconds / work * other_work / other_seconds)
        return exp(logs / weights) if weights else None


class AdaptiveConcurrency:
    """Hill climbing on throughput: another number of calls at once is tried, and kept if it helps.

    Throughput at n calls at once is n calls in the time that one takes, so that it grows with n as long as calls don't
    slow each other down, and not at all where the server queues them. Only calls count that ran while all slots were
    taken, from beginning to end at one number; the time in which a model was loaded is left out.

    Source: the gradient limits of Netflix's concurrency-limits, with trials in place of a running minimum.

    Args:
        slots: those of the account, whose number is changed.

    Attributes:
        number: calls at once now.
        trial: counts the changes; a call counts for the number that was in force when it began.
    """

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self.number = FIRST
        self.trial = 0
        self._told = False
        self._window = _Window(skip=FIRST)
        self._kept: tuple[int, _Window] | None = None  # while another number is tried: the one to return to
        self._up = True
        self._step = DOUBLE
        self._wait = 0

    def told(self, number: int) -> None:
        """Keep to the number of slots that the server says it has."""
        self._told = True
        if number != self.number:
            self._change(number)

    def add(self, model: str, reply: Reply, trial: int) -> None:
        """Take in an answer, whose call began at a trial; its slot is still taken."""
        if self._told or trial != self.trial or self._slots.free > 0 or reply.seconds is None:
            return
        self._window.add(model, max(0.0, reply.seconds - (reply.loading or 0.0)), _work(reply))
        if self._window.calls >= max(LEAST_CALLS, CALLS_A_SLOT * self.number):
            self._judge()

    def overloaded(self, trial: int) -> None:
        """Halve the number: the server refused a call as too many, or did not come to it in time."""
        if self._told or trial != self.trial:  # the first such call of a burst counts
            return
        self._kept, self._up, self._step, self._wait = None, True, HALF_MORE, PATIENCE
        self._change(max(1, self.number // 2))

    def _judge(self) -> None:
        window, self._window = self._window, _Window()
        if self._kept is None:
            self._wait -= 1
            if self._wait <= 0:
                self._try_another(window)
            return
        number, before = self._kept
        slower = window.slower_than(before)
        if slower is None:
            return  # other models: judged by the next calls
        growth = self.number / number
        gain = growth / slower
        self._kept = None
        if gain >= (1 + WORTH * (growth - 1) if growth > 1 else ENOUGH):
            self._try_another(window)
            return
        first, self._step = self._up and self._step == DOUBLE and number == FIRST, HALF_MORE
        self._wait, self._up = 1 if first else PATIENCE, not self._up
        self._change(number)

    def _try_another(self, window: _Window) -> None:
        """Try the next number in the direction that is being searched; at its end, look in the other one later."""
        higher = min(MOST, max(self.number + 1, int(self.number * self._step)))
        number = higher if self._up else self.number // 2
        if number == self.number or number < 1:
            self._up, self._wait = not self._up, PATIENCE
            return
        self._kept = (self.number, window)
        self._change(number)

    def _change(self, number: int) -> None:
        self.trial += 1
        self._window = _Window(skip=number)
        self._slots.resize(number)
        self.number = number


def _work(reply: Reply) -> float:
    """Units of work of an answer: its tokens, else those of the texts whose vectors it holds, else one."""
    usage = reply.usage
    return float(usage.output_tokens or usage.input_tokens or 1)
