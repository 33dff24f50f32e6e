"""Files are made exclusively, for their owner to read only, and no link is followed when one is written."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

import synalinks
from synalinks._base.files import made, replacing
from synalinks.errors import CassetteError
from synalinks.lm.cache.disk_store import DATABASE, DiskStore
from synalinks.lm.cassette.disk import rewrite
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.reply import Reply

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions, and links for administrators")


class Answers:
    """Answers at once."""

    name = "answers"

    async def __call__(self, call: synalinks.lm.Call, /) -> Reply:
        return Reply(text="hello", finish="stop")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def record(path: Path, mode: str = "once") -> None:
    message = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content=mode)])
    with synalinks.use_provider(Answers()), synalinks.use_cassette(path, record_mode=mode):
        asyncio.run(synalinks.LanguageModel("scripted/m", caching=False)(message))


@pytest.fixture(autouse=True)
def open_umask() -> object:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_cassette_is_its_owners(name: str, tmp_path: Path) -> None:
    record(tmp_path / name)
    assert mode_of(tmp_path / name) == 0o600
    (tmp_path / name).chmod(0o644)
    record(tmp_path / name, "all")
    assert mode_of(tmp_path / name) == 0o644
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_cache_is_its_owners(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    assert store.add("key", b"value")
    assert {mode_of(path) for path in tmp_path.glob(DATABASE + "*")} == {0o600}
    store.close()


def test_a_cache_that_is_a_link_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / DATABASE).symlink_to(tmp_path / "elsewhere")
    store = DiskStore(tmp_path / "cache")
    with pytest.warns(RuntimeWarning, match="is a symbolic link"):
        store.add("key", b"value")
    assert store.get("key") == b"value" and not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all"])
def test_no_recording_follows_a_link(mode: str, tmp_path: Path) -> None:
    link, target = tmp_path / "link.jsonl", tmp_path / "target.jsonl"
    link.symlink_to(target)
    if mode != "once":
        record(target)
    before = target.read_bytes() if target.exists() else None
    with pytest.raises(CassetteError, match="symbolic link"):
        record(link, mode)
    assert link.is_symlink() and (target.read_bytes() if target.exists() else None) == before


def test_a_link_replays(tmp_path: Path) -> None:
    record(tmp_path / "target.jsonl")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "target.jsonl")
    with Cassette(tmp_path / "link.jsonl") as cassette:
        assert len(cassette.rows()) == 1


def test_a_torn_cassette_is_not_repaired_through_a_link(tmp_path: Path) -> None:
    record(tmp_path / "target.jsonl")
    with (tmp_path / "target.jsonl").open("ab") as file:
        file.write(b'{"digest"')
    before = (tmp_path / "target.jsonl").read_bytes()
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "target.jsonl")
    with pytest.warns(UserWarning, match="in memory only"):
        Cassette(tmp_path / "link.jsonl").close()
    assert (tmp_path / "target.jsonl").read_bytes() == before


def test_a_link_that_waits_at_the_temporary_name_is_not_followed(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "a.jsonl"
    victim.write_text("old", encoding="utf-8")
    (tmp_path / f".a.jsonl.{os.getpid()}.part").symlink_to(victim)
    rewrite(path, [b"{}\n"])
    assert victim.read_text(encoding="utf-8") == "old" and path.read_bytes() == b"{}\n" and not path.is_symlink()


def test_a_saved_program_replaces_a_link_and_leaves_its_target(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "a.json"
    victim.write_text("old", encoding="utf-8")
    path.symlink_to(victim)
    with replacing(path) as file:
        file.write(b"new")
    assert victim.read_text(encoding="utf-8") == "old" and path.read_bytes() == b"new"


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old", encoding="utf-8")
    with pytest.raises(ValueError, match="no"), replacing(tmp_path / "a") as file:
        file.write(b"new")
        raise ValueError("no")
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["old"]
    with pytest.raises(FileExistsError):
        made(tmp_path / "a")
