"""Recordings of real providers made by other projects' test suites, as exchanges; skips where they are not there.

Formats (see the README beside them): Ruby VCR, vcrpy, vcrpy with parsed bodies, and bare bodies.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from tests.lm.providers.wire import ROOT, Exchange, folder

#: Headers of the transfer, which no longer describe a body that was unpacked here.
OF_THE_TRANSFER = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive"})


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML that knows Ruby's tag for base64."""


_Loader.add_constructor("!binary", lambda loader, node: base64.b64decode(loader.construct_scalar(node)))


def stems(provider: str) -> list[str]:
    """Names of all recordings of a provider; none where they are not there. Does not skip: used while collecting."""
    shared = Path(os.environ.get("SYNALINKS_SHARED") or ROOT.parent / "shared")
    found = shared / "wire" / provider
    return sorted(path.stem for path in found.iterdir()) if found.is_dir() else []


def read(provider: str, name: str) -> tuple[Exchange, ...]:
    """The exchanges of one recording, in order. `name` is a part of its file's name that only it has."""
    found = [path for path in sorted(folder(provider).iterdir()) if name in path.name]
    exact = [path for path in found if path.stem == name]
    if len(exact or found) != 1:
        raise LookupError(f"{len(found)} recordings of {provider} have {name!r} in their names: {found}")
    return _read((exact or found)[0])


def one(provider: str, name: str) -> Exchange:
    """The only (or first) exchange of a recording."""
    return read(provider, name)[0]


@cache
def _read(path: Path) -> tuple[Exchange, ...]:
    if path.suffix in (".json", ".sse"):
        kind = "application/json" if path.suffix == ".json" else "text/event-stream"
        return (Exchange("", None, 200, {"content-type": kind}, (path.read_text("utf-8"),)),)
    value = yaml.load(path.read_text("utf-8"), Loader=_Loader)
    return tuple(_exchange(pair) for pair in value.get("http_interactions") or value["interactions"])


def _exchange(pair: dict[str, Any]) -> Exchange:
    request, response = pair["request"], pair["response"]
    address = urlsplit(request["uri"])
    headers = {name.lower(): ", ".join(map(str, values)) for name, values in (response.get("headers") or {}).items()}
    kept = {name: text for name, text in headers.items() if name not in OF_THE_TRANSFER}
    said = _body(response)
    return Exchange(
        address.path + (f"?{address.query}" if address.query else ""),
        _parsed(_body(request)),
        response["status"]["code"],
        kept,
        (said,) if said else (),
    )


def _body(side: dict[str, Any]) -> str:
    """A body as text, unpacked."""
    if "parsed_body" in side:
        return json.dumps(side["parsed_body"], ensure_ascii=False)
    found = side.get("body")
    if isinstance(found, dict):
        found = found.get("string", found.get("base64_string"))
    if isinstance(found, bytes):
        found = (gzip.decompress(found) if found.startswith(b"\x1f\x8b") else found).decode("utf-8")
    return found or ""


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text or None
