"""A process that makes calls which others make too: `python sharer.py LEASE CALLS`, then a line on its input to begin.

`CALLS` is JSON: a list of `["chat", text, options, epoch]` or `["embed", [text, ...]]`, all made at once. Prints
`ready`, then what each was answered with.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from synalinks.lm import Client, Request, RetryPolicy
from synalinks.lm.cache import leases
from synalinks.lm.core import place
from synalinks.lm.rate_limit.account import Limits
from synalinks.scope import Scope

CHAT, EMBED = "ollama/chat", "ollama/embed"


async def answer(clients: dict[str, Client], kind: str, *rest: Any) -> Any:
    if kind == "embed":
        reply = await clients[EMBED].send(Request("embed", EMBED, texts=tuple(rest[0])))
        return [vector.hex() for vector in reply.vectors]
    text, options, epoch = rest
    place.move(Scope(epoch=epoch))
    request = Request("chat", CHAT, messages=[{"role": "user", "content": text}], options=options)
    return (await clients[CHAT].send(request)).text


async def main(calls: list[list[Any]]) -> list[Any]:
    retry = RetryPolicy(attempts=1)
    clients = {model: Client(model, retry=retry, limits=Limits(concurrency=64)) for model in (CHAT, EMBED)}
    return await asyncio.wait_for(asyncio.gather(*(answer(clients, *call) for call in calls)), 120)


if __name__ == "__main__":
    leases.LEASE = float(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(asyncio.run(main(json.loads(sys.argv[2])))), flush=True)
