"""One client per event loop."""

from __future__ import annotations

import asyncio
import gc

import pytest

from synalinks.lm.providers.transport.per_loop import _OPEN, PerLoop


class Client:
    closed = False

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.closed = True


def test_each_loop_has_its_client_and_closes_it_at_its_end() -> None:
    made: list[Client] = []

    def make() -> Client:
        made.append(Client())
        return made[-1]

    clients = PerLoop(make)

    async def main() -> None:
        first = await clients.get()
        assert await clients.get() is first
        assert not first.closed

    for _ in range(3):
        asyncio.run(main())
    assert [client.closed for client in made] == [True, True, True]
    assert not _OPEN


def test_closing_early_lets_the_next_call_open_a_new_one() -> None:
    clients = PerLoop(Client)

    async def main() -> None:
        first = await clients.get()
        await clients.close()
        await clients.close()
        assert first.closed
        assert await clients.get() is not first

    asyncio.run(main())


def test_a_loop_that_was_closed_without_its_rites_is_forgotten() -> None:
    clients = PerLoop(Client)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(clients.get())
    loop.close()

    async def main() -> None:
        await clients.get()
        assert loop not in _OPEN

    asyncio.run(main())


class Slow(Client):
    """Takes a while to close, one step of the loop for each of its connections."""

    async def close(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        self.closed = True


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 50])
def test_a_client_whose_owner_is_gone_is_closed_however_soon_the_loop_ends(steps: int) -> None:
    """Needs closing that an ending loop does not cancel, neither before it has begun nor in the middle."""

    async def main() -> list[Slow]:
        made = []
        for _ in range(3):
            clients = PerLoop(Slow)
            made.append(await clients.get())
        del clients
        gc.collect()  # their providers and they refer to each other
        for _ in range(steps):
            await asyncio.sleep(0)
        return made

    assert [client.closed for client in asyncio.run(main())] == [True] * 3
    assert not _OPEN


def test_a_loop_that_goes_on_keeps_no_client_whose_owner_is_gone() -> None:
    async def main() -> None:
        for _ in range(100):
            clients = PerLoop(Client)
            client = await clients.get()
            del clients
            for _ in range(5):
                await asyncio.sleep(0)
            assert client.closed
        of_this_loop = _OPEN[asyncio.get_running_loop()]
        assert not of_this_loop.open and not of_this_loop._closing

    asyncio.run(main())


def test_an_owner_may_go_on_another_thread_and_between_two_runs_of_its_loop() -> None:
    keep: list[PerLoop[Client]] = []

    async def get() -> Client:
        keep.append(PerLoop(Client))
        return await keep[0].get()

    async def go_on_another_thread() -> None:
        await asyncio.to_thread(keep.clear)

    with asyncio.Runner() as runner:
        first = runner.run(get())
        runner.run(go_on_another_thread())
        second = runner.run(get())
        assert first.closed
        keep.clear()
        assert not second.closed
    assert second.closed and not _OPEN
