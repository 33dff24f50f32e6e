"""The pytest plugin: cassettes beside the test, no network in a replay, nothing for those who don't use it."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import synalinks
from synalinks import session
from synalinks.lm.cassette import MODES
from synalinks.testing import OllamaServer
from synalinks.testing.pytest_plugin import plugin
from synalinks.testing.pytest_plugin import recording as _taping
from synalinks.testing.pytest_plugin.network import no_network
from synalinks.testing.pytest_plugin.plugin import Settings, cassette_path

SOURCE = Path(synalinks.__file__).parent.parent
ROOT = SOURCE.parent
PROGRAM = """
import asyncio
import os
import socket

import pytest
import synalinks


class Question(synalinks.DataModel):
    question: str = synalinks.Field(description="What to answer")


class Answer(synalinks.DataModel):
    answer: str = synalinks.Field(description="The number alone")


async def ask(question):
    inputs = synalinks.Input(data_model=Question)
    outputs = await synalinks.Generator(data_model=Answer, language_model="ollama/m")(inputs)
    return (await synalinks.Program(inputs=inputs, outputs=outputs)(Question(question=question)))["answer"]


"""
ONE = (
    PROGRAM
    + """
@pytest.mark.cassette
def test_one():
    assert asyncio.run(ask("What is 12 + 30?")) == "42"
"""
)


PLUGIN = ("-p", plugin.__name__)


class Box:
    """A folder with tests, run by a pytest of its own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester

    def write(self, **files: str) -> None:
        for name, text in files.items():
            self.pytester.path.joinpath(f"{name}.py").write_text(text, encoding="utf-8")

    def run(self, *words: str, inside: bool = True) -> pytest.RunResult:
        run = self.pytester.runpytest_inprocess if inside else self.pytester.runpytest_subprocess
        return run(*PLUGIN, "-W", "error", *words)

    @property
    def cassettes(self) -> list[str]:
        return sorted(str(path.relative_to(self.pytester.path)) for path in self.pytester.path.rglob("*.jsonl"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OllamaServer]:
    with OllamaServer(model=lambda request: '{"answer": "42"}', env=True) as running:
        # A pytester run in this process forgets the modules that it was the first to import, and would have
        # the others hold on to classes of which there are two. So all of them are imported here.
        warm: dict[str, object] = {}
        exec(PROGRAM, warm)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SYNALINKS_CACHE", "off")
            asyncio.run(warm["ask"]("What?"))  # type: ignore[operator]
        yield running


@pytest.fixture
def box(pytester: pytest.Pytester, server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> Box:
    monkeypatch.setenv("OLLAMA_HOST", server.url)
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # also half a second faster
    server.reset()
    return Box(pytester)


def said(result: pytest.RunResult) -> str:
    return "\n".join(result.outlines)


# ---------------------------------------------------------------------------------------------- record and replay
def test_a_cassette_is_recorded_beside_the_test_and_replayed_without_a_server(box: Box, server: OllamaServer) -> None:
    box.write(test_hello=ONE)
    box.run("--record-mode", "once").assert_outcomes(passed=1)
    assert box.cassettes == ["cassettes/test_hello/test_one.jsonl"]
    assert len(server.requests) == 1
    replayed = box.run()
    replayed.assert_outcomes(passed=1)
    assert len(server.requests) == 1, "a replay asked the server"
    assert "cassettes: 1 test, 1 played, 0 recorded, $0.0000 as if live, $0.0000 billed" in said(replayed)


def test_the_default_is_to_replay_and_a_missing_cassette_says_how_to_record_it(box: Box, server: OllamaServer) -> None:
    box.write(test_hello=ONE)
    result = box.run()
    result.assert_outcomes(errors=1)
    assert "there is no cassette" in said(result) and "--record-mode once" in said(result)
    assert "Traceback" not in said(result) and "During handling" not in said(result)
    assert len(server.requests) == 0


def test_the_command_line_goes_before_the_marker(box: Box, server: OllamaServer) -> None:
    box.write(test_hello=ONE.replace("mark.cassette", 'mark.cassette(record_mode="once")'))
    box.run().assert_outcomes(passed=1)
    assert len(server.requests) == 1
    box.run("--record-mode", "all").assert_outcomes(passed=1)
    assert len(server.requests) == 2
    box.run("--record-mode", "none").assert_outcomes(passed=1)
    assert len(server.requests) == 2


def test_a_changed_program_is_a_miss_and_new_episodes_records_it(box: Box, server: OllamaServer) -> None:
    box.write(test_hello=ONE)
    box.run("--record-mode", "once")
    box.write(test_hello=ONE.replace("12 + 30", "20 + 22"))
    result = box.run()
    result.assert_outcomes(failed=1)
    assert "CassetteMiss" in said(result) and "20 + 22" in said(result)
    assert "so far: 0 exact, 0 moved, 1 near, 0 missing; asking for what is missing costs about $0.0000" in said(result)
    places = [line for line in result.outlines if re.match(r"\S+\.py:\d+: ", line)]
    assert any(line.startswith("test_hello.py:") for line in places)
    assert not [line for line in places if "synalinks" in line], "frames of the library hide the message"
    added = box.run("--record-mode", "new_episodes")
    added.assert_outcomes(passed=1)
    assert "0 played, 1 recorded" in said(added)


def test_rows_nobody_played_fail_the_test_unless_told_otherwise(box: Box) -> None:
    twice = ONE + '    asyncio.run(ask("What is 1 + 1?"))\n'
    box.write(test_hello=twice)
    box.run("--record-mode", "once").assert_outcomes(passed=1)
    box.write(test_hello=ONE)
    result = box.run()
    result.assert_outcomes(failed=1)
    assert "1 of 2 rows of " in said(result) and "were not played:\n  line " in said(result)
    assert "The calls: 1 exact, 0 moved, 0 near, 0 missing" in said(result)
    assert "--record-mode all" in said(result)
    box.write(test_hello=ONE.replace("mark.cassette", "mark.cassette(strict=False)"))
    box.run().assert_outcomes(passed=1)
    asked_late = PROGRAM + 'def test_one(request):\n    request.getfixturevalue("cassette")\n'
    box.write(test_hello=asked_late)
    assert "2 of 2 rows of " in said(box.run())


def test_a_test_that_fails_is_not_also_blamed_for_unplayed_rows(box: Box) -> None:
    box.write(test_hello=ONE)
    box.run("--record-mode", "once")
    box.write(test_hello=ONE.replace("    assert asyncio", "    assert 0 == 1\n    assert asyncio"))
    result = box.run()
    result.assert_outcomes(failed=1)
    assert "assert 0 == 1" in said(result) and "not played" not in said(result)


def test_a_new_cassette_of_a_failed_test_is_kept_only_if_it_holds_an_answer(box: Box) -> None:
    box.write(
        test_hello=ONE.replace('== "42"', '== "43"')
        + '\n\n@pytest.mark.cassette\ndef test_two():\n    raise ValueError("before any call")\n'
        "\n\n@pytest.mark.cassette\ndef test_three():\n    pass\n"
    )
    box.run("--record-mode", "once").assert_outcomes(failed=2, passed=1)
    assert box.cassettes == ["cassettes/test_hello/test_one.jsonl", "cassettes/test_hello/test_three.jsonl"]


def test_the_recording_of_a_test_that_failed_goes_on_where_it_stopped(box: Box, server: OllamaServer) -> None:
    two = ONE + '    assert asyncio.run(ask("What is 1 + 1?")) == "42"\n'
    box.write(test_hello=two.replace('1 + 1?")) == "42"', '2 + 2?")) == "4"'))
    box.run("--record-mode", "once").assert_outcomes(failed=1)
    assert len(server.requests) == 2
    box.write(test_hello=two)
    in_ci = box.run()
    in_ci.assert_outcomes(failed=1)
    assert "The first recording of this cassette was cut off" in said(in_ci), "not that the prompt has changed"
    on = box.run("--record-mode", "once")
    on.assert_outcomes(passed=1)
    assert len(server.requests) == 3, "what the failed test was answered is not asked again"
    assert "1 played, 1 recorded" in said(on)
    again = box.run("--record-mode", "once")  # whole now, and without what only the failed test asked
    again.assert_outcomes(passed=1)
    assert len(server.requests) == 3 and "2 played, 0 recorded" in said(again)


def test_a_re_recording_that_failed_keeps_the_rows_that_it_did_not_come_to(box: Box, server: OllamaServer) -> None:
    two = ONE + '    asyncio.run(ask("What is 1 + 1?"))\n'
    box.write(test_hello=two)
    box.run("--record-mode", "once").assert_outcomes(passed=1)
    box.write(test_hello=two.replace('== "42"', '== "43"'))
    box.run("--record-mode", "all").assert_outcomes(failed=1)
    box.write(test_hello=two)
    box.run().assert_outcomes(passed=1)


FAILING = """
import asyncio

import pytest
from synalinks.errors import ConnectionFailed
from synalinks.lm import Client, Request, RetryPolicy


def fails():
    client = Client("ollama/m", api_base="http://127.0.0.1:9", retry=RetryPolicy(attempts=1))
    request = Request("chat", "ollama/m", messages=[{"role": "user", "content": "Hello?"}])
    with pytest.raises(ConnectionFailed) as caught:
        asyncio.run(client.send(request))
    return caught.value.source


@pytest.mark.cassette
def test_one(cassette):
    assert fails() == ("live" if cassette.recording else "cassette")


@pytest.mark.cassette(record_errors=False)
def test_two(cassette):
    fails()
"""


def test_failures_are_recorded_and_replayed_unless_the_marker_says_otherwise(box: Box) -> None:
    box.write(test_failing=FAILING)
    box.run("--record-mode", "once", "-p", "no:cacheprovider").assert_outcomes(passed=2)
    rows = [len((box.pytester.path / name).read_text().splitlines()) - 1 for name in box.cassettes]
    assert rows == [1, 0]
    replayed = box.run()
    replayed.assert_outcomes(passed=1, failed=1)
    assert "CassetteMiss" in said(replayed) and "test_two" in said(replayed)


# --------------------------------------------------------------------------------------------- where the cassettes are
def test_parameters_classes_and_paths_have_cassettes_of_their_own(box: Box) -> None:
    box.write(
        test_hello=PROGRAM
        + """
@pytest.mark.cassette
@pytest.mark.parametrize("text", ["a/b", "a:b", "plain-1.5", "x" * 200, "polish", "Polish"])
def test_many(text, cassette):
    assert asyncio.run(ask(text))


class TestGroup:
    pytestmark = pytest.mark.cassette(strict=False)

    def test_many(self):
        asyncio.run(ask("What is 1 + 1?"))

    @pytest.mark.cassette("elsewhere/cassette.jsonl")
    def test_named(self):
        asyncio.run(ask("What is 1 + 2?"))
"""
    )
    result = box.run("--record-mode", "once")
    result.assert_outcomes(passed=8)
    names = [Path(cassette).name for cassette in box.cassettes]
    assert "elsewhere/cassette.jsonl" in box.cassettes and "TestGroup.test_many.jsonl" in names
    assert "test_many-plain-1.5.jsonl" in names
    assert len([name for name in names if re.fullmatch(r"test_many-a_b-[0-9a-f]{8}\.jsonl", name)]) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,120}", name) for name in names)
    assert len({name.lower() for name in names}) == len(names), "on macOS and Windows these are files of their own too"
    box.run().assert_outcomes(passed=8)
    plain = Path(box.pytester.path, next(name for name in box.cassettes if "test_many-Polish-" in name))
    plain.rename(plain.with_name("test_many-Polish.jsonl"))  # as an earlier version called it
    box.run().assert_outcomes(passed=8)


def test_a_path_of_ones_own_goes_from_the_folder_of_the_test(box: Box) -> None:
    item = box.pytester.getitem("def test_func(): pass")
    assert cassette_path(item, Settings(path="t/x.jsonl.gz")) == item.path.parent / "t" / "x.jsonl.gz"
    assert cassette_path(item, Settings(path="/t/x.jsonl")) == Path("/t/x.jsonl")


def test_an_argument_the_marker_has_not_is_an_error_that_names_those_it_has(box: Box) -> None:
    box.write(test_hello=ONE.replace("mark.cassette", "mark.cassette(mode='once')"))
    result = box.run("--record-mode", "once")
    result.assert_outcomes(errors=1)
    assert "cassette(mode='once') is not understood" in said(result) and "allow_loopback=False" in said(result)
    box.write(test_hello=ONE.replace("mark.cassette", "mark.cassette(record_mode='onec')"))
    assert "'onec' is none of" in said(box.run())


# ------------------------------------------------------------------------------------------------- what is around
def test_session_cache_and_settings_are_the_tests_own(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.write(
        test_hello=PROGRAM
        + """
from synalinks import session

@pytest.mark.cassette
@pytest.mark.parametrize("turn", [1, 2])
def test_it(turn):
    assert os.environ["SYNALINKS_CACHE"] == "off"
    assert session.get_setting("language_model") is None
    assert session.auto_name("generator") == "generator"
    synalinks.set_default_language_model("ollama/m")
    assert asyncio.run(ask("What is 12 + 30?")) == "42"

def test_after():
    assert "SYNALINKS_CACHE" not in os.environ
    assert session.get_setting("language_model") is None
"""
    )
    monkeypatch.delenv("SYNALINKS_CACHE")
    box.run("--record-mode", "once").assert_outcomes(passed=3)
    assert session.get_setting("language_model") is None
    box.run().assert_outcomes(passed=3)


def test_the_cassette_is_open_before_the_fixtures_of_the_test_and_after_wider_ones(box: Box) -> None:
    box.write(
        test_hello=PROGRAM
        + """
from synalinks.lm.runtime import current

@pytest.fixture(scope="module")
def wide():
    assert current().cassette is None

@pytest.fixture
def answer():
    yield asyncio.run(ask("What is 12 + 30?"))
    assert current().cassette is not None

@pytest.mark.cassette
def test_it(wide, answer):
    assert answer == "42"

@pytest.mark.parametrize("recorded", [pytest.param(True, marks=pytest.mark.cassette), False])
def test_one_of_two(recorded):
    assert (current().cassette is not None) == recorded
"""
    )
    box.run("--record-mode", "once").assert_outcomes(passed=3)
    box.run().assert_outcomes(passed=3)


def test_unittest_classes_and_async_tests_of_a_plugin_work(box: Box) -> None:
    box.write(
        test_hello=PROGRAM
        + """
import unittest

class TestOld(unittest.IsolatedAsyncioTestCase):
    @pytest.mark.cassette
    async def test_it(self):
        self.assertEqual(await ask("What is 12 + 30?"), "42")

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
@pytest.mark.cassette
async def test_new(cassette):
    assert await ask("What is 12 + 30?") == "42"
    assert cassette.played + cassette.recorded == 1
"""
    )
    box.run("--record-mode", "once", "-p", "anyio").assert_outcomes(passed=2)
    box.run("-p", "anyio").assert_outcomes(passed=2)


# ------------------------------------------------------------------------------------------------------ the network
NETWORK = (
    PROGRAM
    + """
@pytest.mark.cassette
@pytest.mark.parametrize("address", [("127.0.0.1", 9), ("10.1.2.3", 80), ("example.org", 80)])
def test_it(address, cassette):
    if cassette.recording:
        return
    with pytest.raises(synalinks.OfflineError, match="was refused.*test_hello.py::test_it.* replays"):
        socket.create_connection(address, timeout=0.01)
    with pytest.raises(synalinks.OfflineError):
        asyncio.run(asyncio.open_connection(*address))

@pytest.mark.cassette(allow_loopback=True)
def test_loopback(cassette):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
    if not cassette.recording:
        with pytest.raises(synalinks.OfflineError):
            socket.create_connection(("10.1.2.3", 80), timeout=0.01)

def test_free():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
"""
)


def test_a_replay_connects_to_nothing(box: Box) -> None:
    before = (socket.socket.connect, socket.getaddrinfo, dict(vars(socket.socket)))
    box.write(test_hello=NETWORK)
    box.run("--record-mode", "once").assert_outcomes(passed=5)
    box.run().assert_outcomes(passed=5)
    assert (socket.socket.connect, socket.getaddrinfo, dict(vars(socket.socket))) == before


def test_unix_sockets_and_pairs_are_no_network() -> None:
    with no_network("a test"):
        left, right = socket.socketpair()
        with left, right, socket.socket(socket.AF_UNIX) as unix, pytest.raises(OSError):
            unix.connect("/there/is/none")
        with pytest.raises(synalinks.OfflineError), socket.socket() as plain:
            plain.connect_ex(("::ffff:8.8.8.8", 80))


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", True),
        ("", True),
        ("api.localhost.", True),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
        ("fe80::1%eth0", False),
    ],
)
def test_which_hosts_are_this_machine(host: str, here: bool) -> None:
    from synalinks.testing.pytest_plugin.network import _is_this_machine

    assert _is_this_machine(host) is here


# --------------------------------------------------------------------------------------------- the plugin as a guest
def test_the_entry_point_is_this_module() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["entry-points"]["pytest11"] == {"synalinks": plugin.__name__}


@pytest.fixture
def installed(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution in the path of processes that pytester starts, with the entry point of this one."""
    info = box.pytester.mkdir("site") / "guest-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: guest\nVersion: 0\n")
    (info / "entry_points.txt").write_text(f"[pytest11]\nsynalinks = {plugin.__name__}\n")
    (info / "RECORD").write_text("synalinks/__init__.py,,\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(SOURCE), str(info.parent))))
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")


@pytest.mark.usefixtures("installed")
def test_an_installed_plugin_needs_no_conftest_and_works_under_xdist(box: Box) -> None:
    box.write(test_hello=ONE, test_other=ONE)
    recorded = box.pytester.runpytest_subprocess("-W", "error", "--strict-markers", "-n", "2", "--record-mode=once")
    recorded.assert_outcomes(passed=2)
    assert "cassettes: 2 tests, 0 played, 2 recorded, $0.0000 as if live, $0.0000 billed" in said(recorded)
    assert "--record-mode" in said(box.pytester.runpytest_subprocess("--help"))


@pytest.mark.usefixtures("installed")
def test_pytest_started_by_a_program_that_has_imported_the_library_warns_of_nothing(box: Box) -> None:
    box.write(test_plain="def test_plain(): pass")
    program = "import sys, synalinks, pytest; sys.exit(pytest.main(['-q', '-W', 'error', 'test_plain.py']))"
    done = box.pytester.run(sys.executable, "-c", program)
    assert done.ret == 0 and "1 passed" in said(done)


def test_a_run_without_cassettes_loads_and_prints_nothing(box: Box) -> None:
    box.write(
        test_plain="""
import sys

def test_plain(request):
    heavy = ("numpy", "httpx", "pydantic", "orjson", "synalinks.lm", "synalinks.errors", "synalinks.session")
    assert [name for name in heavy if name in sys.modules] == []
    assert request.fixturenames == ["request"]
"""
    )
    result = box.run(inside=False)
    result.assert_outcomes(passed=1)
    assert "cassettes:" not in said(result)


def test_the_modes_of_the_option_are_those_of_cassettes() -> None:
    assert plugin.RECORD_MODES == MODES


def test_the_plugin_imports_nothing_beside_pytest_but_a_few_modules_of_its_own() -> None:
    program = f"import sys, pytest; old = set(sys.modules); import {plugin.__name__}; print(*set(sys.modules) - old)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = done.stdout.split()
    assert plugin.__name__ in imported
    assert [name for name in imported if not name.startswith("synalinks")] == []
    assert len(imported) < 12


@pytest.mark.parametrize("theirs_first", [True, False])
def test_the_option_is_shared_with_pytest_recording(box: Box, server: OllamaServer, theirs_first: bool) -> None:
    box.pytester.syspathinsert()
    box.write(
        test_hello=ONE,
        pytest_recording="""
def pytest_addoption(parser):
    parser.getgroup("recording").addoption("--record-mode", default=None, choices=["once", "rewrite", "none"])
""",
    )
    both = [(*PLUGIN,), ("-p", "pytest_recording")]
    words = [word for part in (reversed(both) if theirs_first else both) for word in part]
    box.pytester.runpytest_inprocess(*words, "--record-mode", "once").assert_outcomes(passed=1)
    box.pytester.runpytest_inprocess(*words, "--record-mode", "rewrite").assert_outcomes(passed=1)
    assert len(server.requests) == 2
    box.pytester.runpytest_inprocess(*words).assert_outcomes(passed=1)
    # Installed but not loaded: the option is this plugin's.
    box.run("--record-mode", "all").assert_outcomes(passed=1)
    assert len(server.requests) == 3


def test_money_is_summed_with_what_is_unknown(box: Box) -> None:
    box.write(
        test_hello=ONE.replace(
            "class Question", "synalinks.set_price('ollama/m', input=1_000_000, output=0)\n\n\nclass Question"
        )
    )
    try:
        recorded = box.run("--record-mode", "once")
        replayed = box.run()
    finally:
        synalinks.set_price("ollama/m", input=0, output=0)
    found = re.search(r"1 recorded, \$([\d,.]+) as if live, \$([\d,.]+) billed", said(recorded))
    assert found and found[1] == found[2] != "0.0000"
    assert f"${found[1]} as if live, $0.0000 billed" in said(replayed)


def test_figures_travel_as_plain_types(tmp_path: Path) -> None:
    with _taping.recorded(tmp_path / "t.jsonl", "once", test="t", allow_loopback=False) as (cassette, mark):
        pass
    assert _taping.figures(cassette, mark) == {"played": 0, "recorded": 0, "as_if": ("0", 0), "billed": ("0", 0)}
    assert _taping.has_no_answer(mark)
