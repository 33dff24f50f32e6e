"""Recordings that did not come to their end: marked, taken up again, and never less than what was paid for."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from lm.cassette_helpers import Provider, at, chat, embed, play, record, vector
from synalinks import errors
from synalinks.errors import BudgetExceeded, CassetteError, CassetteMiss, LMError
from synalinks.lm.cassette.disk import CassetteWarning
from synalinks.lm.cassette.file import CassetteFile
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.call import Call, Reply

CALLS = [at(chat(f"q{number}"), sample=number) for number in range(4)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.jsonl"


def cut(path: Path, calls: list[Call], error: BaseException, mode: str = "once", provider: Any = None) -> None:
    """A recording that an exception ends."""
    with pytest.raises(type(error)), Cassette(path, mode) as cassette:
        play(cassette, calls, provider)
        raise error


def unfinished(path: Path) -> bool:
    cassette = CassetteFile(path)
    cassette.close()
    return cassette.unfinished


def sources(outcomes: list[Any]) -> list[str]:
    return [getattr(outcome, "source", type(outcome).__name__) for outcome in outcomes]


@pytest.mark.parametrize(
    "error", [KeyError("bug"), KeyboardInterrupt(), SystemExit(3), errors.Interrupted("Ctrl-C")], ids=repr
)
@pytest.mark.parametrize("mode", ["once", "new_episodes", "all"])
def test_a_first_recording_that_an_exception_ended_goes_on(path: Path, mode: str, error: BaseException) -> None:
    cut(path, CALLS[:2], error, mode)
    assert unfinished(path)
    with Cassette(path) as cassette:
        outcomes = play(cassette, CALLS[:3])
        assert sources(outcomes) == ["cassette", "cassette", "CassetteMiss"]
        assert "first recording of this cassette was cut off" in str(outcomes[2])
        assert 'record_mode="once"' in str(outcomes[2]) and "new_episodes" not in str(outcomes[2])
    with pytest.warns(CassetteWarning, match="cut off after 2 calls and is taken up again"):
        cassette = Cassette(path, "once")
    with cassette:
        assert cassette.recording
        assert sources(play(cassette, CALLS)) == ["cassette", "cassette", "live", "live"]
    assert not unfinished(path)
    with Cassette(path, "once", strict=True) as cassette:
        assert not cassette.recording
        assert sources(play(cassette, CALLS)) == ["cassette"] * 4


@pytest.mark.parametrize(
    "error",
    [BudgetExceeded("spent"), SystemExit(0), SystemExit(), ExceptionGroup("", [BudgetExceeded("spent")])],
    ids=repr,
)
def test_a_run_that_ends_as_it_should_is_whole(path: Path, error: BaseException) -> None:
    cut(path, CALLS[:2], error)
    assert not unfinished(path)
    with Cassette(path, "once") as cassette:
        assert sources(play(cassette, CALLS[:3])) == ["cassette", "cassette", "CassetteMiss"]


def test_a_whole_cassette_stays_whole_whatever_ends_a_run(path: Path) -> None:
    record(path, CALLS[:2])
    cut(path, CALLS[:3], KeyError(), "new_episodes")
    assert not unfinished(path)
    with Cassette(path) as cassette:
        assert sources(play(cassette, CALLS[:3])) == ["cassette"] * 3


def test_a_recording_anew_that_was_cut_keeps_the_older_rows_it_did_not_come_to(path: Path) -> None:
    record(path, CALLS[:3], lambda call: _answer("old"))
    with pytest.warns(CassetteWarning, match="cut off after 1 calls; all are kept"):
        cut(path, CALLS[1:2], KeyError(), "all", lambda call: _answer("new"))
    with Cassette(path) as cassette:
        assert [reply.text for reply in play(cassette, CALLS[:3])] == ["old", "new", "old"]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_recording_anew_that_was_cut_before_its_first_row_changes_nothing(path: Path) -> None:
    record(path, CALLS)
    before = path.read_bytes()
    cut(path, [], KeyError(), "all")
    assert path.read_bytes() == before


async def _answer(text: str) -> Reply:
    return Reply(text=text)


# --- failures of a run that was cut ---------------------------------------------------------------------------

DEAD = [
    errors.ConnectionFailed("nobody listens"),
    errors.CallTimeout("late", uncertain=True),
    errors.RateLimited("slow down"),
    errors.ServerError("500"),
    errors.AuthenticationError("no key"),
    errors.ModelNotFound("no such model"),
    errors.QuotaExhausted("no credit"),
]


@pytest.mark.parametrize("failure", DEAD, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("temperature", [0, 0.7])
@pytest.mark.filterwarnings("ignore::synalinks.lm.cassette.disk.CassetteWarning")
def test_what_failed_for_want_of_a_server_is_asked_again(path: Path, failure: LMError, temperature: float) -> None:
    calls = [at(chat(f"q{number}", temperature), sample=number) for number in range(3)]
    cut(path, calls, KeyError(), provider=Provider(lambda call: failure if call.scope.sample else None))
    with Cassette(path) as cassette:  # a replay plays what happened
        assert sources(play(cassette, calls)) == ["cassette"] * 3
        assert cassette.report().missing == 0
    with Cassette(path, "once") as cassette:
        replies = play(cassette, calls)
        assert sources(replies) == ["cassette", "live", "live"]
    with Cassette(path, strict=True) as cassette:
        assert [reply.text for reply in play(cassette, calls)] == [reply.text for reply in replies]
        assert len(cassette.rows()) == 3, "the failures are no more"


@pytest.mark.parametrize(
    "failure", [errors.SampleRefused("no", kind="content_filter"), errors.BadReply("no JSON", reply=Reply(text="{"))]
)
@pytest.mark.filterwarnings("ignore::synalinks.lm.cassette.disk.CassetteWarning")
def test_what_the_model_made_of_a_call_is_not_paid_for_again(path: Path, failure: LMError) -> None:
    cut(path, CALLS[:1], KeyError(), provider=Provider(lambda call: failure))
    with Cassette(path, "once") as cassette:
        (again,) = play(cassette, CALLS[:1])
        assert isinstance(again, type(failure)) and again.source == "cassette"


@pytest.mark.filterwarnings("ignore::synalinks.lm.cassette.disk.CassetteWarning")
def test_a_call_that_fails_once_more_has_its_newer_failure_only(path: Path) -> None:
    cut(path, CALLS[:1], KeyError(), provider=Provider(lambda call: errors.ServerError("first")))
    cut(path, CALLS[:1], KeyError(), provider=Provider(lambda call: errors.ServerError("second")))
    with Cassette(path, "once") as cassette:
        (third,) = play(cassette, CALLS[:1], Provider(lambda call: errors.ServerError("third")))
        assert str(third) == "third"
    with Cassette(path) as cassette:
        assert [str(failure) for failure in play(cassette, CALLS[:1])] == ["third"]
        assert len(cassette.rows()) == 1


@pytest.mark.filterwarnings("ignore::synalinks.lm.cassette.disk.CassetteWarning")
def test_an_answer_after_a_failure_holds_even_if_the_run_is_cut_again(path: Path) -> None:
    cut(path, CALLS[:1], KeyError(), provider=Provider(lambda call: errors.ServerError("down")))
    cut(path, CALLS[:1], KeyError())
    with Cassette(path) as cassette:
        assert isinstance(play(cassette, CALLS[:1])[0], Reply)
    with Cassette(path, "once") as cassette:
        assert sources(play(cassette, CALLS[:1])) == ["cassette"]
    with Cassette(path, strict=True) as cassette:
        assert isinstance(play(cassette, CALLS[:1])[0], Reply)
        assert len(cassette.rows()) == 1


@pytest.mark.filterwarnings("ignore::synalinks.lm.cassette.disk.CassetteWarning")
def test_embeddings_that_failed_are_asked_again_text_by_text(path: Path) -> None:
    calls = [at(embed("a", "b", "a"), sample=0), at(embed("b"), sample=1)]

    def fail(call: Call) -> Exception | None:
        return errors.ServerError("down") if call.scope.sample == 0 else None

    cut(path, calls, KeyError(), provider=Provider(fail))
    provider = Provider()
    with Cassette(path, "once") as cassette:
        replies = play(cassette, calls, provider)
    assert [call.request.texts for call in provider.asked] == [("a",)]
    assert replies[0].vectors == (vector("a"), vector("b"), vector("a"))
    with Cassette(path, strict=True) as cassette:
        again = play(cassette, calls)
        assert [reply.vectors for reply in again] == [reply.vectors for reply in replies]


# --- what the cut run asked, and the one that finishes does not ----------------------------------------------


def test_rows_that_the_finishing_run_did_not_ask_for_are_told_and_kept(path: Path) -> None:
    cut(path, CALLS[:2], KeyError())
    with pytest.warns(CassetteWarning) as told, Cassette(path, "once") as cassette:
        play(cassette, CALLS[1:3])
    assert "of the recording that was cut off, 1 of 3 rows were not played" in str(told[-1].message)
    assert "line 2 (fake/m, sample=0" in str(told[-1].message)
    with Cassette(path) as cassette:
        assert len(cassette.rows()) == 3


@pytest.mark.filterwarnings("ignore::synalinks.lm.cassette.disk.CassetteWarning")
def test_they_can_be_dropped(path: Path) -> None:
    cut(path, CALLS[:2], KeyError())
    with Cassette(path, "once") as cassette:
        play(cassette, CALLS[1:3])
        assert cassette.drop_unplayed() == 1
        assert cassette.unplayed() == []
    with Cassette(path) as cassette:
        assert [row.scope.sample for row in cassette.rows()] == [1, 2]
        with pytest.raises(CassetteError, match="only a recording drops rows"):
            cassette.drop_unplayed()


def test_a_miss_on_a_whole_cassette_says_how_to_record_the_rest(path: Path) -> None:
    record(path, CALLS[:1])
    with Cassette(path) as cassette:
        (miss,) = play(cassette, CALLS[1:2])
    assert isinstance(miss, CassetteMiss)
    assert "--record-mode new_episodes" in str(miss) and "cut off" not in str(miss)


def test_a_run_that_asked_nothing_has_not_gone_on(path: Path) -> None:
    cut(path, CALLS[:2], KeyError())
    before = path.read_bytes()
    with pytest.warns(CassetteWarning) as told, Cassette(path, "once"):
        pass
    assert len(told) == 1 and "is taken up again" in str(told[0].message)
    assert unfinished(path) and path.read_bytes() == before


def test_a_warning_made_an_error_leaves_the_cassette_to_the_next_who_opens_it(path: Path) -> None:
    """Needs the file and its lock to be let go: nobody has the cassette who could close it."""
    cut(path, CALLS[:2], KeyError("bug"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CassetteWarning) as raised:  # its traceback keeps the cassette from being collected
            Cassette(path, "once")
    with pytest.warns(CassetteWarning, match="taken up again"):
        Cassette(path, "once").close()
    assert raised
