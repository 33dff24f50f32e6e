"""Properties of the cassette: whatever order answers come in, every place gets its own again."""

from __future__ import annotations

import asyncio
import random
import struct
import tempfile
import warnings
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lm.cassette_helpers import over
from synalinks.errors import LMError, ServerError
from synalinks.lm.cassette.disk import CassetteWarning
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.call import Call, Reply, Request, Usage
from synalinks.lm.core.shares import apportion, apportion_money
from synalinks.scope import Scope

Outcome = str | tuple[bytes, ...]

PLACES = st.builds(
    Scope,
    epoch=st.none() | st.integers(0, 2),
    phase=st.sampled_from([None, "train", "validation"]),
    sample=st.none() | st.integers(0, 5),
    module=st.sampled_from([None, "a", "a/b"]),
)
TEXTS = st.sampled_from(["", "x", "yy", "\u6f22\u5b57", "\ud800"])
CHATS = st.builds(
    lambda text, temperature: Request(
        "chat", "fake/m", messages=[{"role": "user", "content": text}], options={"temperature": temperature}
    ),
    TEXTS,
    st.sampled_from([0.7, 1.0]),
)
SEEDS = st.tuples(st.integers(0, 2**32), st.integers(0, 2**32))


def placed(asked: Sequence[tuple[Request, Scope]]) -> list[Call]:
    """Calls, numbered within their place as a run does it."""
    made: dict[tuple[Scope, str], int] = {}
    calls = []
    for request, scope in asked:
        key = (scope, request.digest)
        calls.append(Call(request, scope, made.get(key, 0)))
        made[key] = made.get(key, 0) + 1
    return calls


def run(path: Path, mode: str, calls: Sequence[Call], seed: int, cut: bool = False) -> list[Outcome]:
    """The outcomes of calls started and answered in an order that `seed` shuffles; every third fails."""
    rng = random.Random(seed)

    async def provider(call: Call) -> Reply:
        assert mode != "none", "a replay asks nobody"
        for _ in range(rng.randrange(6)):
            await asyncio.sleep(0)
        if call.request.kind == "embed":
            vectors = tuple(struct.pack("<f", hash(text) % 1000 / 7) for text in call.request.texts)
            return Reply(vectors=vectors, usage=Usage(input_fresh=5), cost=Decimal("0.01"))
        if rng.random() < 0.3:
            raise ServerError(f"failed {rng.random()}")
        return Reply(text=f"answer {rng.random()}", cost=Decimal("0.01"))

    async def one(handler: object, call: Call) -> Outcome:
        try:
            reply = await handler(call)  # type: ignore[operator]
        except LMError as error:
            return str(error)
        return reply.vectors or reply.text

    async def main() -> list[Outcome]:
        with Cassette(path, mode) as cassette:
            handler = over(cassette, provider)
            async with asyncio.TaskGroup() as group:
                order = rng.sample(range(len(calls)), len(calls))
                tasks = {number: group.create_task(one(handler, calls[number])) for number in order}
            if mode == "none":
                assert cassette.unplayed() == []
            if cut:
                cassette.close(cut=True)
        return [tasks[number].result() for number in range(len(calls))]

    return asyncio.run(main())


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(CHATS, PLACES), max_size=25), SEEDS, st.sampled_from(["t.jsonl", "t.jsonl.gz"]))
def test_every_place_gets_its_own_answer_back(
    asked: list[tuple[Request, Scope]], seeds: tuple[int, int], name: str
) -> None:
    calls = placed(asked)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        recorded = run(path, "once", calls, seeds[0])
        before = path.read_bytes()
        assert run(path, "none", calls, seeds[1]) == recorded
        assert run(path, "once", calls, seeds[0] ^ seeds[1]) == recorded
        assert path.read_bytes() == before


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(CHATS, PLACES), min_size=1, max_size=20), SEEDS, st.data())
def test_what_new_episodes_adds_disturbs_nothing(
    asked: list[tuple[Request, Scope]], seeds: tuple[int, int], data: st.DataObject
) -> None:
    calls = placed(asked)
    part = calls[: data.draw(st.integers(0, len(calls)))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.jsonl"
        first = run(path, "once", part, seeds[0])
        ordered = run_in_order(path, calls)
        assert ordered[: len(part)] == first
        assert run(path, "none", calls, seeds[1]) == ordered


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(CHATS, PLACES), min_size=1, max_size=20), SEEDS, st.data())
def test_what_was_taken_up_again_replays_as_it_went_in_the_end(
    asked: list[tuple[Request, Scope]], seeds: tuple[int, int], data: st.DataObject
) -> None:
    """Any calls may have been answered when a recording was cut off, or ended; and again."""
    cut = data.draw(st.booleans())
    mode = "once" if cut else "new_episodes"
    calls = placed(asked)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", CassetteWarning)
        path = Path(folder) / "t.jsonl"
        for _ in range(2):
            part = [call for call in calls if data.draw(st.booleans())]
            run(path, mode, part, seeds[0], cut=cut)
        ended = run(path, mode, calls, seeds[1])
        assert run(path, "none", calls, seeds[0] ^ seeds[1]) == ended
        assert len(path.read_text(errors="surrogatepass").splitlines()) == 1 + len(calls)


def run_in_order(path: Path, calls: Sequence[Call]) -> list[Outcome]:
    """The outcomes of calls made one after the other, with what is missing recorded."""

    async def provider(call: Call) -> Reply:
        return Reply(text=f"later, at {call.place}")

    async def main() -> list[Outcome]:
        outcomes: list[Outcome] = []
        with Cassette(path, "new_episodes") as cassette:
            handler = over(cassette, provider)
            for call in calls:
                try:
                    outcomes.append((await handler(call)).text)
                except LMError as error:
                    outcomes.append(str(error))
        return outcomes

    return asyncio.run(main())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.lists(TEXTS, max_size=5), PLACES), max_size=8), SEEDS, st.integers(1, 4))
def test_embeddings_come_back_in_any_order_and_batching(
    asked: list[tuple[list[str], Scope]], seeds: tuple[int, int], size: int
) -> None:
    calls = placed([(Request("embed", "fake/e", texts=texts), scope) for texts, scope in asked])
    words = [text for texts, _ in asked for text in texts]
    other = [Call(Request("embed", "fake/e", texts=words[at : at + size])) for at in range(0, len(words), size)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.jsonl"
        recorded = run(path, "once", calls, seeds[0])
        assert run(path, "none", calls, seeds[1]) == recorded
        flat = [one for outcome in recorded for one in outcome]
        assert [one for outcome in run(path, "none", other, seeds[1]) for one in outcome] == flat


@given(st.integers(0, 10**30), st.lists(st.integers(0, 10**6), min_size=1, max_size=50))
def test_shares_sum_to_the_whole_and_are_less_than_one_off(total: int, weights: list[int]) -> None:
    shares = apportion(total, weights)
    assert sum(shares) == total
    whole = sum(weights)
    if whole:
        assert all(abs(share * whole - total * w) < whole for share, w in zip(shares, weights, strict=True))


@given(
    st.decimals(min_value=0, max_value=10**6, allow_nan=False, places=12),
    st.lists(st.integers(0, 9999), min_size=1, max_size=30),
)
def test_shares_of_money_sum_to_the_cent_and_beyond(total: Decimal, weights: list[int]) -> None:
    shares = [share for share in apportion_money(total, weights) if share is not None]
    assert sum(shares) == total and min(shares) >= 0
