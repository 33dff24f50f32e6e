"""Hostile files and schemas end in an error of this library, within a second and 100 MB."""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import synalinks
from synalinks.errors import CassetteFormatError, ConfigurationError, SynalinksError
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.request import Request, Schema

HEADER = b'{"synalinks_cassette":2,"request_format":1}\n'
#: Seconds and bytes that a refusal may take; seconds are generous for busy machines.
SECONDS, MEMORY = 3.0, 100 << 20

PROGRAM = """
import asyncio, resource, sys, time
from pathlib import Path
import synalinks
from synalinks.callbacks.backup_and_restore import BackupAndRestore
from synalinks.cli.report.files import read_runs
from synalinks.lm.cassette.session import Cassette
class Row(synalinks.DataModel):
    text: str
kind, path = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
opens = {
    "cassette": lambda: Cassette(path),
    "program": lambda: synalinks.Program.load(path),
    "json": lambda: list(synalinks.datasets.JSONDataset(path, input_data_model=Row)),
    "jsonl": lambda: list(synalinks.datasets.JSONLDataset(path, input_data_model=Row)),
    "csv": lambda: list(synalinks.datasets.CSVDataset(path, input_data_model=Row)),
    "md": lambda: list(synalinks.datasets.MarkdownDataset(Path(path).parent)),
    "state": lambda: BackupAndRestore(Path(path).parent)._read(),
    "run": lambda: read_runs([Path(path)]),
}
before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
try:
    opens[kind]()
except synalinks.errors.SynalinksError as error:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(type(error).__name__, time.perf_counter() - begun, used * 1024)
"""


#: Names of files by what they are opened as, where the ending is another.
NAMES = {"cassette": "a.jsonl", "program": "a.json", "state": "training_state.json", "run": "run.jsonl"}


def bomb(path: Path, first: bytes, megabyte: bytes, count: int = 1000) -> Path:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(first)
        for _ in range(count):
            file.write(megabyte)
    return path


def hostile(kind: str, path: Path) -> Path:
    """The file of a kind of attack, made in the folder of `path`."""
    row = json.dumps({"scope": {}, "event": {"name": "x", "message": "y" * 2000, "budget": {}}}).encode() + b"\n"
    brackets = b"[" * 200_000
    if kind == "device":
        return Path("/dev/zero")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "sparse":
        with path.open("wb") as file:
            file.write(HEADER)
            file.truncate(10 << 30)
    elif kind == "large":  # a regular file of zeros, without a line end
        with path.open("wb") as file:
            file.truncate(5 << 30)
    elif kind == "zeros.gz":
        return bomb(path.with_name(path.name + ".gz"), b"", b"\0" * (1 << 20))
    elif kind == "zeros_in_a_row.gz":
        return bomb(path.with_name(path.name + ".gz"), HEADER, b"\0" * (1 << 20))
    elif kind == "long_row.gz":
        return bomb(path.with_name(path.name + ".gz"), HEADER + b'{"digest":"', b"a" * (1 << 20), 200)
    elif kind == "many_rows.gz":
        return bomb(path.with_name(path.name + ".gz"), HEADER, row * ((1 << 20) // len(row)), 100)
    elif kind == "brackets":
        path.write_bytes(brackets)
    elif kind == "brackets_in_a_row":
        path.write_bytes(HEADER + brackets + b"\n")
    elif kind == "nested_row":
        path.write_bytes(b'{"text":' + b"[" * 800 + b"]" * 800 + b"}")
    return path


@pytest.mark.parametrize(
    ("opened", "kind"),
    [
        *[("cassette", kind) for kind in ("device", "pipe", "sparse", "brackets", "brackets_in_a_row")],
        *[("cassette", kind) for kind in ("zeros.gz", "zeros_in_a_row.gz", "long_row.gz", "many_rows.gz")],
        *[("program", kind) for kind in ("device", "pipe", "brackets")],
        *[("json", kind) for kind in ("device", "brackets")],
        *[("jsonl", kind) for kind in ("device", "brackets", "nested_row")],
        *[(opened, "large") for opened in ("cassette", "program", "json", "jsonl", "csv", "md", "state", "run")],
    ],
)
def test_a_hostile_file_is_refused_soon_and_in_little_memory(opened: str, kind: str, tmp_path: Path) -> None:
    path = hostile(kind, tmp_path / NAMES.get(opened, f"a.{opened}"))
    arguments = [sys.executable, "-c", PROGRAM, opened, str(path)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and done.stdout, done.stderr[-2000:]
    name, seconds, memory = done.stdout.split()
    assert issubclass(getattr(synalinks.errors, name), SynalinksError)
    assert float(seconds) < SECONDS and int(memory) < MEMORY, done.stdout


def nested(depth: int) -> dict[str, object]:
    schema: dict[str, object] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


@pytest.mark.parametrize("depth", [101, 150, 400, 800, 20_000])
def test_a_deep_schema_is_refused(depth: int) -> None:
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        Schema(nested(depth))
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        synalinks.Generator(schema=nested(depth), language_model=synalinks.LanguageModel("scripted/m"))


def test_a_schema_of_admitted_depth_works() -> None:
    value: object = "x"
    for _ in range(60):
        value = {"a": value}
    assert Schema(nested(60)).problem(value) is None


def test_deep_messages_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        Request("chat", "scripted/m", messages=[{"role": "user", "content": nested(20_000)}]).canonical  # noqa: B018


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "^(?:(?=a)a+)+$", r"^(a+)+\1$", "^(?=(a+)+$)b"])
def test_the_pattern_of_a_schema_takes_no_exponential_time(pattern: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    assert Schema({"type": "string", "pattern": pattern}).problem("a" * 5_000 + "!") is not None
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 1


def test_look_around_in_the_pattern_of_a_schema_works() -> None:
    schema = Schema({"type": "string", "pattern": "^(?!no)[a-z]+$"})
    assert schema.problem("yes") is None and schema.problem("nonsense") is not None


@pytest.mark.parametrize(
    "header", ['{"synalinks_cassette":2,"request_format":"1"}', '{"synalinks_cassette":"2"}', "[]"]
)
def test_a_header_of_another_shape_is_refused(header: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(header + "\n", encoding="utf-8")
    with pytest.raises(CassetteFormatError, match=r"a\.jsonl"):
        Cassette(tmp_path / "a.jsonl")
