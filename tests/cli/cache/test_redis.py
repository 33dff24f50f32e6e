"""`synalinks cache` and other commands on a cache that is on a Redis server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from cli.helpers import call, command
from lm.redis_server import Server, redis_server
from synalinks.lm.cache.entry import encode
from synalinks.lm.cache.stores import open_store
from synalinks.lm.core.call import Reply, Usage
from synalinks.lm.forecast.priors import Priors
from synalinks.scope import NOWHERE
from synalinks.testing import OllamaServer

DAY = 86400.0
PASSWORD = "correct-horse"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with two answers to one request, one of another model 40 days old, a broken one and another's key."""
    with redis_server("--requirepass", PASSWORD) as running:
        running.url = f"unix://:{PASSWORD}@{running.path}"
        store = open_store(running.url)
        usage = Usage(input_fresh=1000, output_text=10)
        for key, model, age in (("a x 0", "fake/m", 5), ("a x 1", "fake/m", 50), ("b x 0", "fake/n", 40)):
            with monkeypatch.context() as patch:
                then = time.time() - age * DAY
                patch.setattr(time, "time", lambda then=then: then)
                store.add(key, encode(model, (NOWHERE, 0), Reply("yes", usage=usage, cost=Decimal("0.25"))))
        store.add("c x 0", b"SYL0 something of an older version")
        store.claim(["d x 0"], "me", 600.0)
        yield running


def test_stats_are_by_model(server: Server) -> None:
    done = call("cache", "stats", server.url)
    assert done.exit_code == 0 and PASSWORD not in done.output
    facts, table = done.output.split("\n\n")
    assert facts.startswith(f"The cache in unix://{server.path}\n  holds 3 answers, ")
    assert "on the server" in facts and "1 entry can't be read" in facts and "stored between 20" in facts
    assert [line.split()[:2] for line in table.splitlines() if "fake" in line] == [["fake/m", "2"], ["fake/n", "1"]]


def test_a_part_goes_by_age_and_by_model(server: Server) -> None:
    told = call("cache", "prune", server.url, "--older-than", "30d", "--dry-run")
    assert told.exit_code == 0 and PASSWORD not in told.output
    assert "fake/n" in told.output and "fake/m" not in told.output
    done = call("cache", "prune", server.url, "--older-than", "30d", "--yes")
    assert done.output.splitlines()[-1].startswith("Removed 1 answer (")
    done = call("cache", "prune", server.url, "--model", "fake/m", "--yes")
    assert done.output.splitlines()[-1].startswith("Removed 2 answers (")
    assert "holds 0 answers" in call("cache", "stats", server.url).output


def test_clear_leaves_the_keys_of_others(server: Server) -> None:
    store = open_store(server.url)
    done = call("cache", "clear", server.url, "--yes")
    assert done.output == f"Removed 4 answers from unix://{server.path}\n"
    assert store.get("a x 0") is None
    assert store.claim(["d x 0"], "you", 1.0) == []  # a run under way goes on


def test_the_environment_names_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNALINKS_CACHE", server.url)
    assert call("cache", "stats").output.startswith(f"The cache in unix://{server.path}\n")
    told = call("doctor").output
    assert f"unix://{server.path}" in told and "the server answers" in told and PASSWORD not in told
    server.stop()
    told = call("doctor").output
    assert "SYNALINKS_CACHE" in told.partition("Needed:")[2] and PASSWORD not in told


@pytest.mark.parametrize("url", ["http://host", f"redis://:{PASSWORD}@127.0.0.1:1/0"])
def test_what_can_not_be_reached_is_one_message(url: str) -> None:
    for words in (("stats", url), ("clear", url, "--yes"), ("prune", url, "--keep", "0")):
        done = call("cache", *words)
        assert done.exit_code == 1 and "Traceback" not in done.output and PASSWORD not in done.output
        assert "can't be" in done.output


def test_estimates_learn_from_it(server: Server) -> None:
    priors = Priors()
    priors.add_cache(server.url)
    assert sum(priors.stored.values()) == 3 and priors.lengths("fake/m", None) == [10, 10]
    server.stop()
    Priors().add_cache(server.url)  # nothing is learnt, and nothing is said


SCRIPT = """
import asyncio
from synalinks.lm import Client, Request

request = Request("chat", "ollama/m", messages=[{"role": "user", "content": "What is 2 + 2?"}])
print(asyncio.run(Client("ollama/m").send(request)).text)
"""


def test_a_cassette_of_answers_on_a_server(server: Server, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    with OllamaServer(model=lambda request: "4") as model:
        environment = {"OLLAMA_HOST": model.url, "SYNALINKS_CACHE": server.url}
        live = command("run", "script.py", cwd=tmp_path, **environment)
        assert live.returncode == 0, live.stderr
        made = command("cassette", "from-cache", "script.py", "script.jsonl", cwd=tmp_path, **environment)
        assert made.returncode == 0, made.stderr
        assert model.requests.number == 1
    assert PASSWORD not in (tmp_path / "script.jsonl").read_text() + live.stdout + live.stderr + made.stdout
    played = command("run", "script.py", "--cassette", "script.jsonl", "--record-mode", "none", cwd=tmp_path)
    assert played.stdout.startswith("4\n"), played.stderr
