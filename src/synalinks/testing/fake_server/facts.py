"""What a stand-in server says of itself and of its models."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from synalinks.testing.fake_server import openai as _openai
from synalinks.testing.fake_server.capacity import Scheduler
from synalinks.testing.fake_server.dialect import CONTEXT_LENGTH, decode
from synalinks.testing.fake_server.http import Exchange
from synalinks.testing.fake_server.log import RecordedRequest
from synalinks.testing.fake_server.shelf import Shelf, show

#: Path of one model.
MODEL = "/v1/models/"
VERSION = "0.0.0"


def facts(exchange: Exchange, record: RecordedRequest, shelf: Shelf, scheduler: Scheduler | None) -> Any:
    """The JSON of a path that needs no answer of a model.

    Raises:
        RefusalError: no model is named, or none that the server has.
    """
    path = exchange.path
    if path.startswith(MODEL):
        record.model = unquote(path.removeprefix(MODEL))
        shelf.abilities({"model": record.model})
        return _openai.model(record.model)
    slots, busy = (1, 0) if scheduler is None else (scheduler.capacity.parallel, scheduler.busy)
    match path:
        case "/api/version":
            return {"version": VERSION}
        case "/api/show":
            body = decode(exchange.body)
            record.model = str(body.get("model") or body.get("name"))
            return show(shelf.abilities(body))
        case "/api/tags":
            return {"models": shelf.listing()}
        case "/api/ps":
            memory = dict.fromkeys(shelf.models, 0.0) if scheduler is None else scheduler.in_memory()
            return {"models": shelf.in_memory(memory)}
        case "/props":
            settings = {"n_ctx": CONTEXT_LENGTH}
            return {"default_generation_settings": settings, "total_slots": slots, "model_path": "stand-in"}
        case "/slots":
            return [{"id": i, "n_ctx": CONTEXT_LENGTH, "is_processing": i < busy} for i in range(slots)]
        case "/health":
            return {"status": "ok"}
    return _openai.models(shelf.listing())
