"""The failure schedule."""

from __future__ import annotations

from typing import Any

import pytest

from synalinks.errors import ConfigurationError
from synalinks.testing.fake_server.faults import Fault, FaultSchedule


def struck(fault: Fault, upto: int = 12, path: str = "/api/chat") -> list[int]:
    return [number for number in range(1, upto + 1) if fault.applies(number, path)]


def test_when_a_fault_strikes() -> None:
    assert struck(Fault(at=3, status=429)) == [3]
    assert struck(Fault(first=2, drop=True)) == [1, 2]
    assert struck(Fault(every=5, status=500)) == [5, 10]
    assert struck(Fault(every=1, drop=True, path="/api/embed")) == []


def test_probability_is_a_schedule_of_its_seed() -> None:
    one = struck(Fault(probability=0.3, status=500, seed=1), 2000)
    assert one == struck(Fault(probability=0.3, status=429, seed=1), 2000)
    assert one != struck(Fault(probability=0.3, status=500, seed=2), 2000)
    assert 520 < len(one) < 680


def test_the_first_fault_that_strikes_is_the_one() -> None:
    late, early = Fault(every=2, status=500), Fault(at=4, drop=True)
    schedule = FaultSchedule([early, late])
    assert [schedule.pick(number, "/api/chat") for number in (1, 2, 4)] == [None, late, early]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"status": 500}, "one of at="),
        ({"at": 1, "every": 2, "status": 500}, "one of at="),
        ({"at": 1}, "or a delay="),
        ({"at": 1, "status": 500, "drop": True}, "status"),
        ({"at": 0, "status": 500}, "above 0"),
        ({"at": 1, "status": 200}, "400 to 599"),
        ({"at": 1, "drop": True, "retry_after": 1.0}, "go with status="),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Fault(**arguments)


def test_a_schedule_takes_faults_only() -> None:
    with pytest.raises(ConfigurationError, match="takes Fault"):
        FaultSchedule([500])  # type: ignore[list-item]
