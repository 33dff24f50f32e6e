"""Embeddings on a cassette: found text by text, sent once, exact to the last bit, each with its share."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from decimal import Decimal, localcontext
from pathlib import Path

import pytest

from lm.cassette_helpers import Provider, ask, at, embed, over, play, record, vector
from synalinks import errors
from synalinks.errors import CassetteFormatError, CassetteMiss
from synalinks.lm import AttemptCosts
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.call import Reply, Usage
from synalinks.lm.core.shares import apportion, apportion_money


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.jsonl"


def refuse(call: object) -> Exception:
    raise AssertionError(f"sent on: {call}")


def asked(provider: Provider) -> list[tuple[str, ...]]:
    return [call.request.texts for call in provider.asked]


def test_vectors_come_back_bit_by_bit(path: Path) -> None:
    odd = struct.pack("<4f", float("nan"), float("-inf"), 1e-45, 0.1)

    async def provider(call):  # type: ignore[no-untyped-def]
        return Reply(vectors=(odd, vector("b")))

    record(path, [at(embed("a", "b"))], provider)
    with Cassette(path) as cassette:
        assert ask(cassette, at(embed("b", "a")), refuse).vectors == (vector("b"), odd)


def test_a_row_keeps_texts_vectors_and_shares_that_sum_to_the_bill(path: Path) -> None:
    record(path, [at(embed("a", "bbb", "cc"))])
    row = json.loads(path.read_text().splitlines()[1])
    assert row["request"]["texts"] == ["a", "bbb", "cc"]
    assert [base64.b64decode(text) for text in row["reply"]["vectors"]] == [vector(t) for t in ("a", "bbb", "cc")]
    assert row["reply"]["tokens"] == [1, 3, 2]
    assert row["reply"]["costs"] == ["0.00001", "0.00003", "0.00002"]


def test_only_missing_texts_are_sent_in_one_call_each_once(path: Path) -> None:
    provider = Provider()
    record(path, [at(embed("a", "b", "a")), at(embed("c", "b", "d", "c", "a"))], provider)
    assert asked(provider) == [("a", "b"), ("c", "d")]


def test_the_recorded_request_played_again_has_the_bill_of_the_row(path: Path) -> None:
    (live,) = record(path, [at(embed("a", "bb", "a"))])
    with Cassette(path) as cassette:
        again = ask(cassette, at(embed("a", "bb", "a")), refuse)
    assert (again.usage, again.cost, again.model, again.vectors) == (
        live.usage,
        live.cost,
        "e-2026",
        live.vectors,
    )
    assert (again.source, again.billed) == ("cassette", 0)


def test_texts_are_found_one_by_one_at_another_batch_size(path: Path) -> None:
    words = ["x" * size for size in range(1, 13)]
    record(path, [at(embed(*words[:8])), at(embed(*words[8:]))])
    for size in (1, 5, 12):
        with Cassette(path) as cassette:
            calls = [at(embed(*words[start : start + size])) for start in range(0, 12, size)]
            replies = play(cassette, calls, refuse)
            assert [one for reply in replies for one in reply.vectors] == [vector(word) for word in words]
            assert sum(reply.cost for reply in replies) == Decimal("0.00001") * 78
            assert sum(reply.usage.input_tokens for reply in replies) == 78
            assert cassette.unplayed() == []


def test_a_call_partly_on_the_cassette_counts_the_same_recorded_and_replayed(path: Path) -> None:
    calls = [at(embed("a", "bb"), sample=0), at(embed("bb", "ccc"), sample=1)]
    first = record(path, calls)
    assert (first[1].source, first[1].billed) == ("live", Decimal("0.00003"))
    with Cassette(path) as cassette:
        again = play(cassette, calls[::-1], refuse)[::-1]
    for one, other in zip(first, again, strict=True):
        assert (one.vectors, one.usage, one.cost, one.failed.cost) == (
            other.vectors,
            other.usage,
            other.cost,
            other.failed.cost,
        )
        assert (other.source, other.billed) == ("cassette", 0)
    assert sum(reply.attempts for reply in first) == sum(reply.attempts for reply in again) == 2


def test_what_failed_attempts_cost_is_shared_out_too(path: Path) -> None:
    async def provider(call):  # type: ignore[no-untyped-def]
        return Reply(
            vectors=(b"1234", b"5678"),
            cost=Decimal("0.1"),
            attempts=3,
            failed=AttemptCosts(Decimal("0.3"), 7),
        )

    record(path, [at(embed("a", "bb"))], provider)
    with Cassette(path) as cassette:
        parts = [ask(cassette, at(embed(text)), refuse) for text in ("a", "bb")]
        whole = ask(cassette, at(embed("a", "bb")), refuse)
    assert sum(part.failed.cost or 0 for part in parts) == whole.failed.cost == Decimal("0.3")
    assert sum(part.cost or 0 for part in parts) == whole.cost == Decimal("0.1")
    assert sum(part.failed.tokens for part in parts) == 7
    assert [part.attempts for part in parts] == [3, 0], "once, with the first of the texts"


def test_unknown_costs_and_counts_stay_unknown(path: Path) -> None:
    async def provider(call):  # type: ignore[no-untyped-def]
        return Reply(vectors=(b"1234",) * len(call.request.texts))

    record(path, [at(embed("a", "b"))], provider)
    with Cassette(path) as cassette:
        part = ask(cassette, at(embed("b")), refuse)
    assert (part.cost, part.usage) == (None, Usage())


def test_another_model_or_other_options_are_other_vectors(path: Path) -> None:
    record(path, [at(embed("a"))])
    with Cassette(path) as cassette:
        (outcome,) = play(cassette, [at(embed("a", model="fake/other"))], refuse)
    assert isinstance(outcome, CassetteMiss)


def test_a_missing_text_is_a_miss_that_shows_it(path: Path) -> None:
    record(path, [at(embed("a", "b"))])
    with Cassette(path) as cassette:
        (outcome,) = play(cassette, [at(embed("a", "new text"))], refuse)
    assert isinstance(outcome, CassetteMiss) and '+    "new text"' in str(outcome)


def test_rows_are_played_when_one_of_their_texts_is(path: Path) -> None:
    record(path, [at(embed("a", "b"), sample=0), at(embed("c"), sample=1)])
    with Cassette(path) as cassette:
        ask(cassette, at(embed("b")), refuse)
        assert [row.request.texts for row in cassette.unplayed()] == [("c",)]


def test_no_texts_no_call(path: Path) -> None:
    (reply,) = record(path, [at(embed())], refuse)
    assert reply.vectors == () and reply.cost == 0


def test_a_text_being_asked_for_is_not_asked_for_again(path: Path) -> None:
    provider = Provider()

    async def main() -> list[Reply]:
        provider.may_answer = asyncio.Event()
        with Cassette(path, "once") as cassette:
            handler = over(cassette, provider)
            async with asyncio.TaskGroup() as group:
                first = group.create_task(handler(at(embed("a", "b"))))
                second = group.create_task(handler(at(embed("b", "c"))))
                for _ in range(5):
                    await asyncio.sleep(0)
                provider.may_answer.set()
        return [first.result(), second.result()]

    replies = asyncio.run(main())
    assert asked(provider) == [("a", "b"), ("c",)]
    assert replies[1].vectors == (vector("b"), vector("c"))


def test_who_waits_for_a_text_asks_itself_when_the_other_fails(path: Path) -> None:
    def fail(call):  # type: ignore[no-untyped-def]
        return errors.ServerError("no") if len(call.request.texts) == 2 else None

    provider = Provider(fail)

    async def main() -> tuple[BaseException | None, Reply]:
        with Cassette(path, "once") as cassette:
            handler = over(cassette, provider)
            first = asyncio.ensure_future(handler(at(embed("a", "b"), sample=0)))
            second = asyncio.ensure_future(handler(at(embed("b"), sample=1)))
            await asyncio.wait([first, second])
            return first.exception(), second.result()

    error, reply = asyncio.run(main())
    assert isinstance(error, errors.ServerError) and reply.vectors == (vector("b"),)
    with Cassette(path) as cassette:
        outcomes = play(cassette, [at(embed("b"), sample=1), at(embed("a", "b"), sample=0)], refuse)
    assert outcomes[0].vectors == (vector("b"),) and isinstance(outcomes[1], errors.ServerError)


def test_the_wrong_number_of_vectors_is_a_bad_reply(path: Path) -> None:
    async def provider(call):  # type: ignore[no-untyped-def]
        return Reply(vectors=(b"1234",))

    (outcome,) = record(path, [at(embed("a", "b"))], provider)
    assert isinstance(outcome, errors.BadReply) and "1 vectors for 2 texts" in str(outcome)


def test_an_edited_text_is_noticed_when_its_vector_is_played(path: Path) -> None:
    record(path, [at(embed("old one", "b"))])
    path.write_text(path.read_text().replace("old one", "new one"))
    with Cassette(path) as cassette:
        (outcome,) = play(cassette, [at(embed("new one"))], refuse)
    assert isinstance(outcome, CassetteFormatError)


def test_shares_are_whole_numbers_by_largest_remainder() -> None:
    assert apportion(10, [1, 1, 1]) == [4, 3, 3]
    assert apportion(7, [5, 3, 1]) == [4, 2, 1]
    assert apportion(5, [0, 0]) == [3, 2]
    assert apportion(0, [1, 2]) == [0, 0]
    assert apportion(3, []) == []


@pytest.mark.parametrize("total", ["0", "0.1", "1E-9", "1E+3", "0.12345678901234567890123456789012345"])
def test_shares_of_money_sum_exactly(total: str) -> None:
    shares = apportion_money(Decimal(total), [3, 1, 7, 0])
    with localcontext(prec=100):
        assert sum(share for share in shares if share is not None) == Decimal(total)
    assert apportion_money(None, [1, 2]) == [None, None]
