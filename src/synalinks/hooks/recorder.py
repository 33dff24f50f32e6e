"""A hook that writes the calls of language models to files."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from synalinks import _json, scope, session
from synalinks._json import JsonObject
from synalinks._support.home import synalinks_home
from synalinks.data import JsonDataModel, tree
from synalinks.data.models.chat_completion import to_chat_completion_message
from synalinks.errors import ConfigurationError, DataError
from synalinks.hooks.context import current_trace_context
from synalinks.hooks.everywhere import ENTRY, EVERYWHERE
from synalinks.hooks.hook import Hook
from synalinks.hooks.requests import CallsModel, Requests, failure_of
from synalinks.saving import serialize_synalinks_object
from synalinks.version import __version__

if TYPE_CHECKING:
    from synalinks.lm import Entry

#: What may not stand in the name of a file.
_ODD = re.compile(r"[^\w.-]+")
#: The file of each place; the time in its name is that of the first record of this session.
_files: dict[tuple[Path, str, str], Path] = {}
session.on_clear(_files.clear)


class Recorder(Hook):
    """Writes every call of a language model as a line of JSON, for training sets and for reading.

    The files are `<base_dir>/<program>/<module>/<module>_<time>.jsonl`: the outermost module of the call, the module
    that called the model, and the time of the first record; one folder where both are the same. A line has
    `messages`, the conversation and its answer as OpenAI's API writes them; `outputs`, `usage`, `cost` (dollars of the
    same call live, None where unknown), `duration`, `timestamp`, `call_id`, `parent_call_id`, `program`, `module`,
    `config` of the model, `inputs_hash` and `config_hash` (SHA-256), `synalinks_version`, `exception` of a call that
    failed, and what `trace_context` says.
    A streamed answer is written when it has ended. On other modules the hook does nothing.

    Prompts and answers are written as they are: the files are as private as these.

    Args:
        base_dir: the folder; that of `record_traces` or `synalinks_home()` where None.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> lm = synalinks.LanguageModel(model="ollama/any", name="lm", hooks=[synalinks.hooks.Recorder(folder)])
        >>> message = synalinks.ChatMessage(role="user", content="What is 2 + 2?")
        >>> with synalinks.use_provider(synalinks.testing.ScriptedProvider(["4"])):
        ...     _ = asyncio.run(lm(synalinks.ChatMessages(messages=[message])))
        >>> (file,) = folder.glob("lm/lm_*.jsonl")
        >>> '{"content":"4","role":"assistant"}' in file.read_text()
        True
    """

    def __init__(self, base_dir: str | Path | None = None) -> None:
        self.base_dir = Path(base_dir or trace_recording_dir())
        self._begun: dict[str, tuple[float, JsonObject]] = {}
        self._requests = Requests()

    def on_call_begin(self, call_id: str, parent_call_id: str | None, inputs: object, kwargs: object) -> None:
        """Keep what the call begins with."""
        model = self.module
        if not isinstance(model, CallsModel) or model.kind != "chat":
            return
        now = time.time()
        entry, place = ENTRY.get(), scope.current().module
        messages = _messages(inputs)
        record: JsonObject = {
            "synalinks_version": __version__,
            "call_id": call_id,
            "parent_call_id": parent_call_id,
            "program": model.name if entry is None else entry.name,
            "module": place.rpartition("/")[2] if isinstance(place, str) and place else model.name,
            "timestamp": now,
            "messages": messages,
            "inputs_hash": _digest(messages),
        }
        if (context := current_trace_context()) is not None:
            record["context"] = asdict(context)
        self._requests.begin(call_id, model)
        self._begun[call_id] = (time.perf_counter(), record)

    def on_call_end(
        self, call_id: str, parent_call_id: str | None, outputs: object = None, exception: BaseException | None = None
    ) -> None:
        """Write the record.

        Raises:
            ConfigurationError: the file can't be written.
        """
        model = self.module
        if call_id not in self._begun or not isinstance(model, CallsModel):
            return
        entry = self._requests.end(call_id, model)
        begun, record = self._begun.pop(call_id)
        answer = outputs.get_json() if isinstance(outputs, JsonDataModel) else None
        config = serialize_synalinks_object(model)
        record |= {"duration": time.perf_counter() - begun, "outputs": answer, "config": config}
        record |= {"config_hash": _digest(config), **_costs(entry)}
        if answer is not None:
            record["messages"] = [*record["messages"], _answer(answer)]
        failure = failure_of(entry, exception)
        if failure is not None and answer is None:  # else a fallback answered
            record["exception"] = failure
        self._write(record)

    def _write(self, record: JsonObject) -> None:
        program, module = (_ODD.sub("_", record[name]) for name in ("program", "module"))
        folder = self.base_dir / program / module if program != module else self.base_dir / program
        key = (self.base_dir, program, module)
        if key not in _files:
            stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
            _files[key] = folder / f"{module}_{stamp}.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with _files[key].open("ab") as file:
                file.write(_json.canonical(record) + b"\n")
        except OSError as error:
            raise ConfigurationError(f"Recorder can't write {_files[key]}: {error.strerror or error}") from error


def trace_recording_dir() -> str:
    """The folder of `record_traces`; `synalinks_home()` where it was not called."""
    make = EVERYWHERE.get(Recorder)
    return str(make.args[0]) if isinstance(make, partial) else synalinks_home()


def _messages(inputs: object) -> list[JsonObject]:
    """The conversation of a call, as OpenAI's API writes it."""
    for leaf in tree.flatten(inputs):
        value = leaf.get_json() if hasattr(leaf, "get_json") else leaf
        if isinstance(value, Mapping) and isinstance(value.get("messages"), list):
            return [_wire(message) for message in value["messages"]]
    return []


def _wire(message: JsonObject) -> JsonObject:
    thought = message.get("reasoning_content") or "\n".join(
        block["thinking"] for block in message.get("thinking_blocks") or () if block.get("thinking")
    )
    try:
        written: JsonObject = to_chat_completion_message(message).get_json()
    except DataError:
        return message
    return {**written, "reasoning_content": thought} if thought else written


def _answer(answer: JsonObject) -> JsonObject:
    """The message of an answer; that of a schema is its JSON."""
    if "role" in answer and "content" in answer:
        return _wire(answer)
    return {"role": "assistant", "content": _json.dumps(answer)}


def _costs(entry: Entry | None) -> JsonObject:
    if entry is None or entry.error is not None:
        return {"usage": None, "cost": None}
    used = entry.usage
    return {
        "usage": {
            "prompt_tokens": used.input_tokens,
            "completion_tokens": used.output_tokens,
            "total_tokens": used.total_tokens,
            "cached_tokens": used.input_cache_read or 0,
            "cache_creation_tokens": (used.input_cache_write_5m or 0) + (used.input_cache_write_1h or 0),
            "reasoning_tokens": used.output_reasoning or 0,
        },
        "cost": None if entry.as_if is None else float(entry.as_if),
    }


def _digest(value: object) -> str:
    return hashlib.sha256(_json.canonical(value)).hexdigest()
