"""The cassette's modes, draws, failures, streams and reports."""

from __future__ import annotations

import asyncio
import json
import random
from decimal import Decimal
from pathlib import Path

import pytest

from lm.cassette_helpers import Provider, ask, at, chat, embed, play, record
from synalinks import errors
from synalinks.errors import CassetteError, CassetteMiss, ConfigurationError
from synalinks.lm import AttemptCosts
from synalinks.lm.cassette import MODES
from synalinks.lm.cassette.layer import CassetteLayer
from synalinks.lm.cassette.session import Cassette, UnplayedRowsWarning
from synalinks.lm.core.call import Call, Delta, Reply, Usage, stack


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "folders" / "cassette.jsonl"


def refuse(call: object) -> Exception:
    raise AssertionError(f"sent on: {call}")


def texts(outcomes: list[Reply]) -> list[str]:
    return [outcome.text for outcome in outcomes]


def test_without_a_cassette_the_layer_passes_calls_through() -> None:
    provider = Provider()
    call = at(chat("hi"))
    assert ask(None, call, provider).source == "live"
    assert provider.asked == [call]
    assert "cassette" in repr(stack(provider, CassetteLayer(lambda call: None)))


def test_a_replay_gives_the_same_answer_for_nothing_and_asks_nobody(path: Path) -> None:
    (live,) = record(path, [at(chat("hi"), epoch=1)])
    with Cassette(path) as cassette:
        reply = ask(cassette, at(chat("hi"), epoch=1), refuse)
    assert (reply.source, reply.billed, live.source) == ("cassette", 0, "live")
    assert (reply.text, reply.usage, reply.cost, reply.seconds) == (
        live.text,
        live.usage,
        live.cost,
        live.seconds,
    )
    assert (cassette.played, cassette.recorded) == (1, 0)


def test_a_streamed_answer_keeps_its_pieces(path: Path) -> None:
    record(path, [at(chat("hi"))])
    pieces: list[Delta] = []
    with Cassette(path) as cassette:
        reply = ask(cassette, at(chat("hi"), sink=pieces.append), refuse)
    assert pieces == [Delta("a"), Delta("b", "why")] == list(reply.chunks or ())


def test_a_stream_that_broke_off_is_heard_again_as_far_as_it_went(path: Path) -> None:
    async def breaks(call: Call) -> Reply:
        assert call.sink is not None
        for delta in (Delta("seven"), Delta("teen", "why")):
            call.sink(delta)
        raise errors.ConnectionFailed("gone", uncertain=True)

    live: list[Delta] = []
    record(path, [at(chat("hi"), sink=live.append)], breaks)
    again: list[Delta] = []
    with Cassette(path) as cassette, pytest.raises(errors.ConnectionFailed, match="gone"):
        ask(cassette, at(chat("hi"), sink=again.append), refuse)
    assert again == live == [Delta("seven"), Delta("teen", "why")]


def test_an_unknown_mode_names_the_four(path: Path) -> None:
    with pytest.raises(ConfigurationError) as error:
        Cassette(path, "always")
    assert all(repr(mode) in str(error.value) for mode in MODES)


def test_mode_none_without_a_file_says_how_to_record(path: Path) -> None:
    with pytest.raises(CassetteError, match=r"no cassette .* record_mode="):
        Cassette(path)
    assert not path.parent.exists()


def test_mode_once_records_once_then_only_replays(path: Path) -> None:
    record(path, [at(chat("a"))])
    before = path.read_bytes()
    with Cassette(path, "once") as cassette:
        assert not cassette.recording
        hit, miss = play(cassette, [at(chat("a")), at(chat("b"))], refuse)
    assert hit.source == "cassette" and isinstance(miss, CassetteMiss)
    assert path.read_bytes() == before


def test_mode_new_episodes_asks_only_what_is_missing(path: Path) -> None:
    record(path, [at(chat("a"))])
    provider = Provider()
    first, second = record(path, [at(chat("a")), at(chat("b"))], provider, "new_episodes")
    assert (first.source, second.source) == ("cassette", "live")
    assert [call.request for call in provider.asked] == [chat("b")]
    with Cassette(path) as cassette:
        assert [reply.source for reply in play(cassette, [at(chat("a")), at(chat("b"))], refuse)] == ["cassette"] * 2


def test_mode_all_records_everything_anew_and_drops_the_old(path: Path) -> None:
    record(path, [at(chat("a")), at(chat("gone"))])
    (again,) = record(path, [at(chat("a"))], Provider(lambda call: None), "all")
    assert again.source == "live"
    with Cassette(path) as cassette:
        assert len(cassette.rows()) == 1
        assert ask(cassette, at(chat("a"))).text == again.text
    assert [file.name for file in path.parent.iterdir()] == ["cassette.jsonl"]


def test_mode_all_that_recorded_nothing_keeps_the_old_cassette(path: Path) -> None:
    record(path, [at(chat("a"))])
    before = path.read_bytes()
    record(path, [], mode="all")
    assert path.read_bytes() == before


def test_mode_all_leaves_the_cassette_alone_until_it_is_closed(path: Path) -> None:
    record(path, [at(chat("a"))])
    before = path.read_bytes()
    with Cassette(path, "all") as cassette:
        play(cassette, [at(chat("b"))])
        assert path.read_bytes() == before
    assert path.read_bytes() != before


def test_mode_all_does_not_replace_a_file_that_is_no_cassette(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("my thesis\n")
    with pytest.raises(errors.CassetteFormatError):
        Cassette(path, "all")
    assert path.read_text() == "my thesis\n"


def test_the_row_is_in_the_file_before_its_answer_is_used(path: Path) -> None:
    with Cassette(path, "once") as cassette:
        reply = ask(cassette, at(chat("a")))
        assert json.loads(path.read_bytes().splitlines()[-1])["reply"]["text"] == reply.text


def test_three_samples_of_one_request_are_three_and_the_same_three_again(path: Path) -> None:
    calls = [at(chat("a"), draw, phase="evaluate") for draw in range(3)]
    first = texts(record(path, calls))
    assert len(set(first)) == 3
    for _ in range(2):  # opening a cassette begins a new run
        with Cassette(path) as cassette:
            assert texts(play(cassette, calls[::-1], refuse)) == first[::-1]


def test_another_place_takes_the_next_answer_not_taken(path: Path) -> None:
    first = texts(record(path, [at(chat("a"), sample=0), at(chat("a"), sample=1)]))
    with Cassette(path) as cassette:
        outcomes = play(cassette, [at(chat("a"), sample=1), at(chat("a"), sample=9), at(chat("a"), sample=8)], refuse)
    assert texts(outcomes[:2]) == first[::-1]
    assert isinstance(outcomes[2], CassetteMiss)
    assert "holds 2 answers to this request and all were played" in str(outcomes[2])


def test_at_temperature_0_everybody_gets_the_one_answer(path: Path) -> None:
    calls = [at(chat("a", 0), sample=number) for number in range(5)]
    provider = Provider()
    first = record(path, calls, provider)
    assert len(provider.asked) == 1 and len(set(texts(first))) == 1
    with Cassette(path) as cassette:
        assert texts(play(cassette, calls, refuse)) == texts(first)


@pytest.mark.parametrize("seed", range(5))
def test_identical_calls_at_once_replay_to_their_places_in_any_order(path: Path, seed: int) -> None:
    calls = [at(chat("same"), sample=number) for number in range(20)]
    rng = random.Random(seed)

    class Shuffled(Provider):
        async def __call__(self, call, /):  # type: ignore[no-untyped-def]
            for _ in range(rng.randrange(10)):
                await asyncio.sleep(0)
            return await super().__call__(call)

    async def run(cassette: Cassette) -> list[str]:
        handler = CassetteLayer(lambda call: cassette)(Shuffled())
        order = rng.sample(range(20), 20)
        async with asyncio.TaskGroup() as group:
            tasks = {number: group.create_task(handler(calls[number])) for number in order}
        return [tasks[number].result().text for number in range(20)]

    with Cassette(path, "once") as cassette:
        recorded = asyncio.run(run(cassette))
    with Cassette(path) as cassette:
        assert asyncio.run(run(cassette)) == recorded
        assert cassette.unplayed() == []


FAILURES = [
    errors.ServerError("500 from there", status=500),
    errors.RateLimited("slow", status=429, retry_after=2.5),
    errors.CallTimeout("late", uncertain=True),
    errors.SampleRefused("too long", kind="context_length", status=400),
    errors.RequestError("bad", status=400),
    errors.QuotaExhausted("no money", status=402),
    errors.BadReply("no JSON", reply=Reply(text="oops", usage=Usage(output_text=4), cost=Decimal("0.5"))),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_failure_is_a_row_and_replays_as_the_same_failure(path: Path, failure: errors.LMError) -> None:
    failure.attempts, failure.failed = 3, AttemptCosts(Decimal("0.25"), 11)
    (live,) = record(path, [at(chat("a"))], Provider(lambda call: failure))
    assert live is failure and live.source == "live"
    with Cassette(path) as cassette:
        (again,) = play(cassette, [at(chat("a"))], refuse)
    assert type(again) is type(failure) and str(again) == str(failure) and again.source == "cassette"
    for name in ("kind", "status", "retry_after", "uncertain", "attempts", "failed"):
        assert getattr(again, name) == getattr(failure, name), name
    assert (again.reply and again.reply.text) == (failure.reply and failure.reply.text)
    assert "line 2 of" in again.__notes__[0]


def test_a_failure_of_somebody_elses_class_is_one_of_ours_on_the_cassette(path: Path) -> None:
    class Busy(errors.ServerError):
        pass

    record(path, [at(chat("a"))], Provider(lambda call: Busy("busy")))
    with Cassette(path) as cassette:
        (again,) = play(cassette, [at(chat("a"))], refuse)
    assert type(again) is errors.ServerError


def test_failures_can_be_kept_off_the_cassette(path: Path) -> None:
    with Cassette(path, "once", record_errors=False) as cassette:
        play(cassette, [at(chat("a"))], Provider(lambda call: errors.ServerError("no")))
        assert cassette.recorded == 0


def test_what_is_no_failure_of_a_call_is_not_recorded(path: Path) -> None:
    for error in (errors.BudgetExceeded("no"), errors.OfflineError("no")):
        with Cassette(path, "new_episodes") as cassette:
            assert play(cassette, [at(chat("a"))], Provider(lambda call, error=error: error)) == [error]
            assert cassette.recorded == 0


def test_a_failure_at_temperature_0_belongs_to_its_place(path: Path) -> None:
    def fail(call):  # type: ignore[no-untyped-def]
        return errors.ServerError("no") if call.scope.sample == 0 else None

    calls = [at(chat("a", 0), sample=number) for number in range(3)]
    provider = Provider(fail)
    first = record(path, calls, provider)
    assert len(provider.asked) == 2
    with Cassette(path) as cassette:
        again = play(cassette, calls[::-1], refuse)[::-1]
    assert isinstance(first[0], errors.ServerError) and isinstance(again[0], errors.ServerError)
    assert texts(again[1:]) == texts(first[1:])


def test_no_key_in_an_error_text_gets_on_the_cassette(path: Path) -> None:
    for number, key in enumerate(("sk-abcDEF123456", "sk-***56 and Bearer abcdefgh123=", "AIza" + "x" * 30)):
        record(
            path,
            [at(chat("a"), sample=number)],
            Provider(lambda call, key=key: errors.AuthenticationError(f"Incorrect API key: {key}.")),
            "new_episodes",
        )
    text = path.read_text()
    assert "abcDEF" not in text and "abcdefgh123" not in text and "xxxx" not in text


def test_a_miss_shows_the_nearest_request_its_place_and_a_diff(path: Path) -> None:
    near = chat("Add the numbers 3 and 4.\nThink step by step.")
    record(path, [at(near, epoch=0, sample=2, module="solver"), at(chat("Write a poem about rain"), sample=1)])
    asked = at(chat("Add the numbers 3 and 4.\nThink carefully."), epoch=0, sample=2, module="solver")
    with Cassette(path) as cassette, pytest.raises(CassetteMiss) as caught:
        ask(cassette, asked, refuse)
    error, text = caught.value, str(caught.value)
    assert (error.request, error.scope, error.nearest) == (asked.request, asked.scope, near)
    for part in (
        "fake/m at epoch=1 sample=2 module=solver",
        "nearest: line 3 (fake/m, epoch=1 sample=2 module=solver",
        "+Think carefully.",
        'record_mode="new_episodes"',
        "--record-mode new_episodes",
    ):
        assert part in text, text


def test_the_nearest_request_is_of_the_same_model_if_there_is_one(path: Path) -> None:
    record(path, [at(chat("exactly this", model="fake/other")), at(chat("something else altogether"))])
    with Cassette(path) as cassette, pytest.raises(CassetteMiss) as caught:
        ask(cassette, at(chat("exactly this!")), refuse)
    assert caught.value.nearest == chat("something else altogether")
    with Cassette(path) as cassette, pytest.raises(CassetteMiss) as caught:
        ask(cassette, at(embed("exactly this")), refuse)
    assert caught.value.nearest is not None


def test_a_miss_on_an_empty_cassette_has_no_nearest_request(path: Path) -> None:
    record(path, [])
    with Cassette(path) as cassette, pytest.raises(CassetteMiss, match="cassette is empty") as caught:
        ask(cassette, at(chat("a")), refuse)
    assert caught.value.nearest is None


def test_the_diff_of_a_miss_is_bounded(path: Path) -> None:
    record(path, [at(chat("\n".join(f"line {number}" for number in range(300))))])
    with Cassette(path) as cassette, pytest.raises(CassetteMiss, match="more lines differ") as caught:
        ask(cassette, at(chat("\n".join(f"row {number}" for number in range(300)))), refuse)
    assert len(str(caught.value).splitlines()) < 60


def test_strict_tells_of_rows_nobody_played(path: Path) -> None:
    record(path, [at(chat(f"q{number}"), sample=number) for number in range(6)])
    cassette = Cassette(path, strict=True)
    play(cassette, [at(chat("q0"), sample=0)], refuse)
    assert [row.scope.sample for row in cassette.unplayed()] == [1, 2, 3, 4, 5]
    with pytest.warns(UnplayedRowsWarning, match=r"5 of 6 rows .* line 3 \(fake/m, sample=1") as caught:
        cassette.close()
    cassette.close()
    assert len(caught) == 1


def test_strict_is_silent_when_all_was_played_or_the_run_broke_off(path: Path) -> None:
    record(path, [at(chat("a"))])
    with Cassette(path, strict=True) as cassette:
        play(cassette, [at(chat("a"))], refuse)
    with pytest.raises(KeyError), Cassette(path, strict=True):
        raise KeyError


def test_unplayed_rows_are_no_matter_otherwise(path: Path) -> None:
    record(path, [at(chat("a"))])
    Cassette(path).close()


def test_a_closed_cassette_says_so(path: Path) -> None:
    with Cassette(path, "once") as cassette:
        pass
    with pytest.raises(CassetteError, match="closed"):
        ask(cassette, at(chat("a")))
    with pytest.raises(CassetteError, match="closed"):
        cassette.unplayed()
    assert "closed" in repr(cassette)


def test_re_recording_in_any_order_gives_the_same_bytes(tmp_path: Path) -> None:
    calls = [at(chat(f"q{n % 3}"), draw, sample=n, epoch=e) for n in range(5) for e in (None, 0, 1) for draw in (0, 1)]

    async def fixed(call):  # type: ignore[no-untyped-def]
        return Reply(text=str(call.place), cost=Decimal("0.1"))

    files = []
    for seed in range(3):
        path = tmp_path / f"{seed}.jsonl"
        record(path, random.Random(seed).sample(calls, len(calls)), fixed)
        files.append(path.read_bytes())
    assert files[0] == files[1] == files[2]
    record(path, random.Random(9).sample(calls, len(calls)), fixed, "all")
    assert path.read_bytes() == files[0]
    with Cassette(path) as cassette:
        places = [(row.scope.sort_key, row.draw) for row in cassette.rows()]
    assert places == sorted(places)
