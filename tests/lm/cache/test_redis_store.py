"""The Redis store: what it keeps and for how long, what it says of itself, and what it does without its server."""

from __future__ import annotations

import asyncio
import itertools
import pickle
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import synalinks
from lm.redis_server import Server, free_port, redis_server, tls_options
from proofs import sums
from synalinks.errors import ConfigurationError
from synalinks.lm import Client
from synalinks.lm.cache.location import default_location, shown
from synalinks.lm.cache.store import UNREADABLE, StoreBusy
from synalinks.lm.cache.stores import open_store
from synalinks.lm.process import PROCESS
from synalinks.testing import OllamaServer

redis_store = pytest.importorskip("synalinks.lm.cache.redis_store", reason="the extra `redis` is not installed")
RedisStore = redis_store.RedisStore
PASSWORD = "correct-horse"


@pytest.fixture
def server() -> Iterator[Server]:
    with redis_server() as running:
        yield running


def test_answers_outlive_the_process_that_stored_them(server: Server) -> None:
    assert RedisStore(server.url).add("k", b"\0\xffvalue")
    again = RedisStore(server.url)
    assert again.get("k") == b"\0\xffvalue"
    assert not again.add("k", b"other") and again.get("k") == b"\0\xffvalue"
    assert again.add("k", b"other", replace=True)
    assert again.get_many(["none", "k"]) == [None, b"other"]


def test_a_loop_is_never_made_to_wait_for_the_network(server: Server) -> None:
    store = RedisStore(server.url)
    for work in (
        lambda: store.get("k", wait=False),
        lambda: store.get_many(["k"], wait=False),
        lambda: store.add("k", b"", wait=False),
        lambda: store.claim(["k"], "me", 1.0, wait=False),
        lambda: store.extend(["k"], "me", 1.0, wait=False),
    ):
        with pytest.raises(StoreBusy):
            work()


def test_answers_are_kept_for_good_or_as_long_as_the_url_says(server: Server) -> None:
    RedisStore(server.url).add("always", b"x")
    RedisStore(f"{server.url}?ttl=2h").add("for a while", b"x")
    RedisStore(f"{server.url}?ttl=2h").add("for a while", b"y", replace=True)
    left = [server.command("PTTL", redis_store.ANSWERS + key) for key in ("always", "for a while")]
    assert left[0] == -1
    assert isinstance(left[1], int) and 7_000_000 < left[1] <= 7_200_000


@pytest.mark.parametrize("value", [(b"SET", "short"), (b"HSET", "field", "x"), (b"RPUSH", "x")])
def test_what_another_program_put_there_is_no_answer(server: Server, value: tuple[str, ...]) -> None:
    command, *words = value
    server.command(command, f"{redis_store.ANSWERS}k", *words)  # type: ignore[arg-type]
    store = RedisStore(server.url)
    assert store.get("k") in (None, UNREADABLE)
    assert not store.add("k", b"mine")
    assert store.add("k", b"mine", replace=True) and store.get("k") == b"mine"


def test_answers_decode_to_bytes_whatever_the_url_says(server: Server) -> None:
    store = RedisStore(f"{server.url}?decode_responses=true")
    store.add("k", b"\xff")
    assert store.get("k") == b"\xff"


def test_entries_are_found_and_removed_among_keys_of_others(server: Server) -> None:
    store, begun = RedisStore(server.url), time.time()
    server.command("SET", "theirs", "x")
    for number in range(3 * redis_store.AT_ONCE):
        store.add(f"k {number}", b"%d" % number)
    store.claim(["k 1"], "me", 60.0)
    found = {key: (stored, value) for key, stored, value in store.entries()}
    assert len(found) == 3 * redis_store.AT_ONCE and found["k 7"][1] == b"7"
    assert all(begun - 1 <= stored <= time.time() + 1 for stored, _ in found.values())
    store.remove([key for key in found if key != "k 7"])
    assert [key for key, _, _ in store.entries()] == ["k 7"]
    assert server.command("GET", "theirs") == b"x"


# --- a server that can't be used ---------------------------------------------------------------------------------


def one_warning(store: Any, words: str) -> None:
    """The store goes on in memory, and says so once."""
    with pytest.warns(RuntimeWarning, match=words) as caught:
        assert store.add("new", b"x")
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.get("new") == b"x"
        assert not store.add("new", b"y")
        assert store.claim(["a", "b"], "me", 1.0) == ["a", "b"]
        store.extend(["a"], "me", 0.0)


def test_no_server_at_all(tmp_path: Path) -> None:
    one_warning(RedisStore(f"unix://{tmp_path}/none"), "goes on without it")


def test_a_refused_connection() -> None:
    one_warning(RedisStore("redis://127.0.0.1:1/0"), r"redis://127\.0\.0\.1:1/0 can't be used .*goes on without it")


def test_a_server_that_goes_and_comes_back(server: Server) -> None:
    now = [0.0]
    store = RedisStore(server.url, now=lambda: now[0])
    store.add("before", b"x")
    server.stop()
    one_warning(store, "goes on without it")
    server.start()
    assert store.get("before") is None and store.get("before", wait=False) is None  # not tried again yet
    now[0] += redis_store.PAUSE
    assert store.add("after", b"y")
    assert RedisStore(server.url).get("after") == b"y"
    assert store.get("new") == b"x"


def test_a_server_that_was_restarted_between_two_calls_is_no_failure(server: Server) -> None:
    store = RedisStore(server.url)
    store.add("before", b"x")
    server.stop()
    server.start()
    assert store.get("before") is None and store.add("after", b"y")
    assert RedisStore(server.url).get("after") == b"y"


def test_a_server_that_does_not_answer(server: Server) -> None:
    store = RedisStore(f"{server.url}?socket_timeout=0.1")
    server.freeze()
    one_warning(store, "(?i)timeout")


def test_a_read_only_replica_is_read(server: Server) -> None:
    RedisStore(server.url).add("before", b"x")
    server.command("REPLICAOF", "127.0.0.1", "1")
    store = RedisStore(server.url)
    assert store.get("before") == b"x"
    one_warning(store, "read only replica")
    assert store.get("before") == b"x"


def test_a_server_without_memory_is_read(server: Server) -> None:
    RedisStore(server.url).add("before", b"x")
    server.command("CONFIG", "SET", "maxmemory", "1")
    store = RedisStore(server.url)
    one_warning(store, "maxmemory")
    assert store.get("before") == b"x"


def test_a_server_over_tls(tmp_path: Path) -> None:
    port = free_port()
    with redis_server(*tls_options(tmp_path, port)):
        url = f"rediss://127.0.0.1:{port}/0"
        store = RedisStore(f"{url}?ssl_ca_certs={tmp_path / 'certificate.pem'}")
        store.check()
        assert store.add("k", b"x") and store.get("k") == b"x"
        assert store.claim(["a", "b"], "me", 5.0) == ["a", "b"]
        one_warning(RedisStore(url), "(?i)certificate.*goes on without it")  # one that the system does not know
        one_warning(RedisStore(f"redis://127.0.0.1:{port}/0"), "goes on without it")  # without TLS


def test_a_node_of_a_cluster_is_refused_in_words_and_the_run_goes_on() -> None:
    with redis_server("--port", str(free_port()), "--cluster-enabled", "yes", "--cluster-port", "0") as server:
        one_warning(RedisStore(server.url), "node of a Redis Cluster, which is not supported")
        with pytest.raises(ConfigurationError, match="node of a Redis Cluster"):
            RedisStore(server.url).remove(["a", "b"])


def test_evicted_answers_are_missing_and_no_more(server: Server) -> None:
    server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    server.command("CONFIG", "SET", "maxmemory", "3mb")
    store = RedisStore(server.url)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(40):
            assert store.add(f"k{number}", b"x" * 100_000)
    found = store.get_many([f"k{number}" for number in range(40)])
    assert 0 < sum(value is not None for value in found) < 40


def goes(server: Server) -> None:
    server.stop()


def freezes(server: Server) -> None:
    server.freeze()


def is_read_only(server: Server) -> None:
    server.command("REPLICAOF", "127.0.0.1", "1")


def is_full(server: Server) -> None:
    server.command("CONFIG", "SET", "maxmemory", "1")


def wants_a_password(server: Server) -> None:
    server.command("CONFIG", "SET", "requirepass", PASSWORD)


@pytest.mark.parametrize(
    ("happens", "request_number"),
    [
        *itertools.product([goes, freezes, is_read_only, is_full], [0, 20]),
        (wants_a_password, 0),  # a connection that is there needs none
    ],
)
def test_a_fit_goes_on_whatever_becomes_of_its_server(
    happens: Callable[[Server], None], request_number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the start, or in mid-run: the outcome is that of a run without a cache, and there is one warning."""
    shared: list[Server] = []

    def latency(number: int) -> float:
        if number == request_number:
            for one in shared:
                happens(one)
        return 0.0

    def trained() -> tuple[bytes, bytes, int]:
        with OllamaServer(env=True, latency=latency) as server:
            outcome = asyncio.run(sums.train(tmp_path))
            return outcome.history, outcome.program, server.requests.number

    expected = trained()
    with redis_server() as cache:
        shared.append(cache)
        if request_number == 0:
            happens(cache)
        monkeypatch.setenv("SYNALINKS_CACHE", f"{cache.url}?socket_timeout=0.2")
        with pytest.warns(RuntimeWarning, match="the run goes on without it") as caught:
            assert trained() == expected
        assert len(caught) == 1


# --- what is secret ----------------------------------------------------------------------------------------------


def test_a_wrong_password_is_not_repeated() -> None:
    with redis_server("--requirepass", PASSWORD) as server:
        right = RedisStore(f"unix://:{PASSWORD}@{server.path}")
        assert right.add("k", b"x") and PASSWORD not in repr(right)
        wrong = RedisStore(f"unix://me:wrong-{PASSWORD}@{server.path}?client_name=hidden-name")
        with pytest.warns(RuntimeWarning) as caught:
            assert wrong.get("k") is None
        said = str(caught[0].message)
        assert PASSWORD not in said and "hidden-name" not in said and str(server.path) in said
        with pytest.raises(ConfigurationError) as refused:
            wrong.check()
        assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://me:pass-word@host:6379/0?password=pass-word&ttl=1d", "redis://host:6379/0"),
        ("unix://me:pass-word@/run/redis.sock?db=1", "unix:///run/redis.sock"),
        ("rediss://host", "rediss://host"),
        ("redis://:pass/word@host:6379", "redis://..."),
        ("redis://:pass?word@host:6379/0", "redis://..."),
        ("redis://:pass#word@host:6379/0", "redis://..."),
        ("redis://:pass@word@host/0", "redis://..."),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
    ],
)
def test_what_is_shown_of_a_url(url: str, words: str) -> None:
    assert shown(url) == words


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://host/cache", "a URL with redis://, rediss://, unix://"),
        ("redis://:pass/word@host:6379", "can't be read"),
        ("redis://host:port/0", "can't be read"),
        ("redis://host/0?no_such_thing=1", "no_such_thing"),
        ("redis://host/0?ttl=soon", "ttl=soon is no time"),
        ("redis://host/0?ttl=0d", "ttl=0d is no time"),
        (Path("redis://host/0"), "give it as a str"),
    ],
)
def test_a_url_that_can_not_be_meant_is_an_error(url: str | Path, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        open_store(url)
    assert words in str(refused.value)
    assert "pass/" not in str(refused.value) and "/word" not in str(refused.value)


def test_no_credentials_are_saved(tmp_path: Path) -> None:
    url = f"redis://me:{PASSWORD}@127.0.0.1:1/0?ttl=1d"
    model = synalinks.LanguageModel("ollama/m", cache_dir=url)
    for saved in (pickle.dumps(model), pickle.dumps(Client("ollama/m", cache_dir=url)), repr(model).encode()):
        assert PASSWORD.encode() not in saved
    assert "cache_dir" not in model.get_config()
    assert pickle.loads(pickle.dumps(model)).client.cache_location == "redis://127.0.0.1:1/0"
    assert model.clone().client.cache_location == url


# --- where it is named -------------------------------------------------------------------------------------------


def test_the_environment_names_the_server(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("SYNALINKS_CACHE", server.url)
    assert default_location() == server.url
    assert isinstance(PROCESS.store(None), RedisStore)
    assert PROCESS.store(None) is PROCESS.store(server.url)
    monkeypatch.setenv("SYNALINKS_CACHE", "on")
    assert default_location() == tmp_path
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", server.url)
    assert default_location() == server.url
    monkeypatch.setenv("SYNALINKS_CACHE", "off")
    assert PROCESS.store(None) is None


def test_without_the_client_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "synalinks.lm.cache.redis_store", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'synalinks-replay\[redis\]'"):
        open_store("redis://host/0")


def test_the_client_is_not_loaded_before_it_is_needed(tmp_path: Path) -> None:
    script = """
import sys
from synalinks.lm.process import PROCESS
from synalinks.testing import OllamaServer
PROCESS.store("x")
assert "redis" not in sys.modules
"""
    source = Path(synalinks.__file__).parent.parent
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, env={"PYTHONPATH": str(source)})
