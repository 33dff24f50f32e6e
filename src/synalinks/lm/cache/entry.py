"""Entry: an answer as the cache stores it, and its bytes.

An entry is one answer to one request at one endpoint. The answers to a request are entries 0, 1, 2, ...,
each with the place it was given at. Embeddings are kept per text. An entry is

    4 bytes   `ENTRY_FORMAT`
    4 bytes   length of the head, unsigned, little-endian
    head      canonical JSON in a stream of zlib, compressed if it is long: model, scope, draw, reply, bytes of vector
    rest      embeddings only: the vector, little-endian float32

An entry keeps the cost it was stored with, as a cassette does: what the answer cost when it was fetched, unknown if it
was unknown. A price that is set later is for calls made later, and does not change what a hit, or a call that
shares one, cost as if live. `refresh` makes a new call, at the new price.

No key, header or host with credentials stands above HTTP, so none can get in here.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from synalinks import _json
from synalinks.lm.core.call import Reply, Request
from synalinks.lm.core.draws import Place
from synalinks.lm.core.place import place_of

#: Begins every entry. Change the last byte when entries change, and no old one is read.
ENTRY_FORMAT = b"SYL1"
#: Bytes up to which a head is not compressed; beside it a store keeps some 400 of keys.
SMALL = 512
_HEAD = struct.Struct("<4sI")
#: What JSON of another shape can raise on its way to a `Reply`, down to a cost that is no number.
_UNREADABLE = (struct.error, zlib.error, ValueError, KeyError, TypeError, AttributeError, ArithmeticError)


class Entry(NamedTuple):
    """An answer as it was stored."""

    place: Place
    reply: Reply
    vector: bytes
    model: str


def key_prefix(request: Request, endpoint: str) -> str:
    """The keys of a request's answers at an endpoint, less the number of the answer."""
    return f"{request.digest} {endpoint} "


def encode(model: str, place: Place, reply: Reply, vector: bytes = b"") -> bytes:
    """The bytes of an entry."""
    scope, draw = place
    value = {"draw": draw, "model": model, "reply": reply.to_dict(), "scope": scope.to_dict()}
    value["vector"] = len(vector)
    head = _compressed(_json.canonical(value))
    return _HEAD.pack(ENTRY_FORMAT, len(head)) + head + vector


def _compressed(data: bytes) -> bytes:
    """The stream of zlib; few bytes stand in it as they are: to compress them takes longer than to store an answer."""
    if len(data) > SMALL:
        return zlib.compress(data, 1)
    packing = zlib.compressobj(0, wbits=9, memLevel=1)
    return packing.compress(data) + packing.flush()


def decode(data: bytes) -> Entry | None:
    """The entry that `encode` wrote, or None if these bytes are no such thing."""
    try:
        version, size = _HEAD.unpack_from(data)
        if version != ENTRY_FORMAT:
            return None
        end = _HEAD.size + size
        head = _json.loads(zlib.decompress(data[_HEAD.size : end]))
        vector = data[end:]
        if head["vector"] != len(vector):
            return None
        place = (place_of(head["scope"]), head["draw"])
        return Entry(place, Reply.from_dict(head["reply"], "cache"), vector, head["model"])
    except _UNREADABLE:
        return None
