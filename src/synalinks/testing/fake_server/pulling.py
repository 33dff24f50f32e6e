"""`/api/pull`: the lines that a server sends while it fetches a model.

The words are those of Ollama's `docs/api.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from synalinks.testing.fake_server.dialect import RefusalError, digest_of
from synalinks.testing.fake_server.shelf import Shelf, tagged

#: Pieces in which a model's file comes.
PIECES = 4
_UNKNOWN = "pull model manifest: file does not exist"


def name_of(body: Mapping[str, object]) -> str:
    """The full name of the model that a request is for.

    Raises:
        RefusalError: 400, without a name.
    """
    name = body.get("model") or body.get("name")
    if not name:
        raise RefusalError(400, "invalid model name")
    return tagged(str(name))


def lines(shelf: Shelf, name: str) -> Iterator[dict[str, Any]]:
    """What is said while a model is fetched, which is on the shelf after the last line but one.

    Raises:
        RefusalError: 500, in the place of the second line, if no library has the model.
    """
    yield {"status": "pulling manifest"}
    size = shelf.size_to_pull(name)
    if size is None:
        raise RefusalError(500, _UNKNOWN)
    digest = f"sha256:{digest_of(name)}"
    for piece in range(PIECES + 1):
        done = size * piece // PIECES
        line = {"status": f"pulling {digest[7:19]}", "digest": digest, "total": size}
        yield line | ({"completed": done} if done else {})
    yield {"status": "verifying sha256 digest"}
    yield {"status": "writing manifest"}
    shelf.add(name)
    yield {"status": "success"}
