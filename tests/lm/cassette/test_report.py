"""How a run fits its cassette: exact, moved, near, missing, and what asking would cost."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from lm.cassette_helpers import Provider, ask, at, chat, embed, play, record
from synalinks.errors import CassetteError, CassetteMiss
from synalinks.lm.cassette.report import Report
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.call import Request


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.jsonl"


def counts(report: Report) -> tuple[int, int, int, int]:
    return report.exact, report.moved, report.near, report.missing


def test_a_replay_as_recorded_is_exact(path: Path) -> None:
    calls = [at(chat(f"q{n}"), sample=n) for n in range(3)] + [at(embed("a", "b")), at(chat("zero", 0), sample=1)]
    record(path, calls)
    with Cassette(path) as cassette:
        play(cassette, calls[::-1])
        report = cassette.report()
    assert (counts(report), report.unplayed, report.recorded) == ((5, 0, 0, 0), 0, 0)
    assert str(report) == "5 exact, 0 moved, 0 near, 0 missing"
    assert report.price == 0


def test_an_answer_from_another_place_has_moved(path: Path) -> None:
    record(path, [at(chat("q"), step=0, sample=1), at(chat("q"), step=0, sample=2)])
    with Cassette(path) as cassette:
        play(cassette, [at(chat("q"), step=0, sample=1), at(chat("q"), step=1, sample=2)])
        assert counts(cassette.report()) == (1, 1, 0, 0)


def test_a_recording_gives_rows_the_places_that_they_answered(path: Path) -> None:
    """As after a change of the batch size: the calls that moved are exact from then on, in any order."""
    record(path, [at(chat("q"), step=0, sample=n) for n in range(2)])
    moved = [at(chat("q"), step=n, sample=n) for n in (1, 0)]
    with Cassette(path) as cassette:
        play(cassette, moved)
        assert counts(cassette.report()) == (0, 2, 0, 0), "the first took the other's, and which is first is luck"
    with Cassette(path, "new_episodes") as cassette:
        ended = [reply.text for reply in play(cassette, moved)]
        assert cassette.recorded == 0
    with Cassette(path, strict=True) as cassette:
        again = [reply.text for reply in play(cassette, moved[::-1])][::-1]
        assert again == ended
        assert counts(cassette.report()) == (2, 0, 0, 0)
        assert [(row.scope.step, row.value["scope"]["step"]) for row in cassette.rows()] == [(0, 0), (1, 1)]


def test_what_has_one_answer_only_is_at_home_everywhere(path: Path) -> None:
    record(path, [at(chat("q", 0), sample=1), at(embed("a", "b"), sample=1)])
    with Cassette(path) as cassette:
        play(cassette, [at(chat("q", 0), sample=2), at(chat("q", 0), sample=3), at(embed("b"), sample=9)])
        assert counts(cassette.report()) == (3, 0, 0, 0)


def test_a_replayed_failure_is_counted_like_an_answer(path: Path) -> None:
    from synalinks.errors import ServerError

    record(path, [at(chat("q"), sample=1)], Provider(lambda call: ServerError("no")))
    with Cassette(path) as cassette:
        play(cassette, [at(chat("q"), sample=1)])
        assert counts(cassette.report()) == (1, 0, 0, 0)


def test_a_changed_prompt_is_near_another_one_missing_and_both_are_priced(path: Path) -> None:
    record(path, [at(chat("add the numbers one and two"), sample=n) for n in range(2)] + [at(embed("text"))])
    with Cassette(path) as cassette:
        play(cassette, [at(chat("add the numbers one and two"), sample=0)])
        near, missing = play(cassette, [at(chat("add the numbers one and three")), at(chat("write some poem"))])
        report = cassette.report()
    assert isinstance(near, CassetteMiss) and isinstance(missing, CassetteMiss)
    assert counts(report) == (1, 0, 1, 1)
    assert (report.expected, report.rows, report.bounded, report.unpriced) == (Decimal("0.0246"), 2, 0, 0)
    assert report.price == Decimal("0.0246")
    assert "so far: 1 exact, 0 moved, 1 near, 0 missing; asking for what is missing costs" in str(near)
    assert "so far: 1 exact, 0 moved, 1 near, 1 missing" in str(missing)
    assert "costs about $0.0246 (mean of 2 rows of the same model)" in str(missing)


def test_a_request_asked_more_often_than_recorded_is_near(path: Path) -> None:
    record(path, [at(chat("q"))])
    with Cassette(path) as cassette:
        play(cassette, [at(chat("q")), at(chat("q"), 1)])
        assert counts(cassette.report()) == (1, 0, 1, 0)


def test_a_model_without_rows_is_priced_by_its_bound_or_is_unknown(path: Path) -> None:
    def bound(request: Request) -> Decimal | None:
        return Decimal("0.5") if request.model == "fake/big" else None

    record(path, [at(chat("q"))])
    with Cassette(path, bound=bound) as cassette:
        play(cassette, [at(chat("q", model="fake/big"))])
        known = cassette.report()
        play(cassette, [at(chat("q", model="fake/unknown")), at(chat("other", model="fake/unknown"))])
        unknown = cassette.report()
    assert known.price == Decimal("0.5") and known.price_text == "at most $0.5000 (no row of that model)"
    assert counts(known) == (0, 0, 1, 0), "the same words to another model are near"
    assert unknown.price is None, "unknown is not 0"
    assert unknown.price_text == "at most $0.5000 (no row of that model) and an unknown price for 2 calls"


def test_rows_of_unknown_cost_say_nothing(path: Path) -> None:
    from synalinks.lm.core.call import Call, Reply

    async def unpriced(call: Call) -> Reply:
        return Reply(text="a", cost=None)

    record(path, [at(chat("q"))], unpriced)
    with Cassette(path) as cassette:
        play(cassette, [at(chat("r"))])
        assert cassette.report().price is None


def test_a_recording_counts_what_it_asked(path: Path) -> None:
    record(path, [at(chat("q"))])
    with Cassette(path, "new_episodes") as cassette:
        play(cassette, [at(chat("q")), at(chat("r"))])
        assert str(cassette.report()) == "1 exact, 0 moved, 0 near, 0 missing, 1 recorded"
    with pytest.raises(CassetteError, match="closed"):
        cassette.report()


def test_rows_not_asked_for_yet_are_counted(path: Path) -> None:
    record(path, [at(chat(f"q{n}"), sample=n) for n in range(3)])
    with Cassette(path) as cassette:
        ask(cassette, at(chat("q1"), sample=1))
        assert cassette.report().unplayed == 2
