"""The labels of a place in a training run, and the modules that calls are made in::

    epoch     from 0
    step      from 0, within the epoch. Validation and evaluation have none: their batches are only a unit of
              concurrency, and a cassette recorded at one batch size must replay at another
    phase     `train`, `candidate`, `validation`, `reward`, `optimizer`, `metric`, `evaluate` or `predict`
    sample    index of the example in its data set
    module    path of the module that made the call, outermost first, e.g. `agent/generator_1`

Where people read them, epochs and steps are counted from 1: in tables, messages and `str(place)`, by `counted` and
`shown`. The trainer's loop enters the first four, `Module.__call__` the last.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Token
from functools import partial

from synalinks.lm.core.place import NOWHERE, Scope, counted, current, declare, enter, leave, move_into, shown

__all__ = ["FIELDS", "NOWHERE", "Scope", "counted", "current", "enter", "enter_module", "leave", "shown"]

FIELDS = ("epoch", "step", "phase", "sample", "module")
declare(*FIELDS, counted_from_1=("epoch", "step"))


#: Go one module deeper; give the token to `leave`.
enter_module: Callable[[str], Token[Scope]] = partial(move_into, "module")
