"""The pytest plugin: a test's calls to models come from the cassette beside it, and nothing else goes out.

    @pytest.mark.cassette
    def test_answer():
        assert asyncio.run(ask("What is 12 + 30?"))["answer"] == "42"

    pytest --record-mode once     records the cassettes that are not there yet
    pytest                        replays them: no network, no key, no model

The plugin is loaded in every pytest run of an environment that holds this library. So nothing but pytest is
imported here; the library itself is, when the first test with a cassette begins.

PYTEST_DONT_REWRITE: there are no assertions here, and pytest warns of plugins that were imported before it could
rewrite them, as where it is started by a program that uses this library.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from synalinks.lm.cassette.session import Cassette

#: As in `synalinks.lm.cassette.MODES`; written out so that the library need not be imported. A test compares them.
RECORD_MODES = ("none", "once", "new_episodes", "all")
#: What pytest-recording, whose option this plugin shares where it is installed, calls recording all anew.
_THEIR_MODES = {"rewrite": "all"}
#: The folder, beside the test's file, that cassettes lie in.
FOLDER = "cassettes"
#: Characters of a parameter's id that go into a file name, which may have 255 bytes.
_LONGEST_ID = 80
#: Unplayed rows that a failure names.
_NAMED = 5
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_MARKER = (
    "cassette(path=None, record_mode=None, strict=True, allow_loopback=False, record_errors=True): replay the test's "
    "calls to models from a cassette, by default cassettes/<module>/<test>.jsonl beside the test, or record them to it "
    "(--record-mode). path: another cassette, from the test's folder. strict: fail if rows of the cassette were not "
    "played. allow_loopback: let connections to this machine through in a replay. record_errors: record failed calls "
    "too, to fail again in a replay."
)
_OPEN: pytest.StashKey[tuple[Cassette, bool]] = pytest.StashKey()
_FAILED: pytest.StashKey[bool] = pytest.StashKey()
_FIGURES: pytest.StashKey[dict[str, Any]] = pytest.StashKey()
#: The attribute of a report that carries a test's figures, from xdist's workers too.
_ATTRIBUTE = "synalinks_cassette"


class Settings(NamedTuple):
    """What the markers of a test say; the nearest one that says something holds."""

    path: str | os.PathLike[str] | None = None
    record_mode: str | None = None
    strict: bool = True
    allow_loopback: bool = False
    record_errors: bool = True


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add `--record-mode`, unless pytest-recording, which has the same, may be loaded as well."""
    if pluginmanager.is_blocked("recording") or find_spec("pytest_recording") is None:
        _add_option(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser) -> None:
    """Add `--record-mode` after all, if pytest-recording is installed but was not loaded."""
    if not hasattr(early_config.known_args_namespace, "record_mode"):
        _add_option(parser)


def _add_option(parser: pytest.Parser) -> None:
    parser.getgroup("synalinks", "cassettes of calls to models (synalinks)").addoption(
        "--record-mode",
        choices=RECORD_MODES,
        default=None,
        help="What tests marked `cassette` do with their cassettes. none: replay only (the default). once: record "
        "where there is no cassette yet. new_episodes: replay what is there, record what is not. all: record anew. "
        "Given here, it goes before what a marker says.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and have what tests with cassettes did added up."""
    config.addinivalue_line("markers", _MARKER)
    config.pluginmanager.register(Tally(), "synalinks-tally")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have every marked test use the fixture, before any other fixture that is made for it alone."""
    for item in items:
        if not isinstance(item, pytest.Function) or item.get_closest_marker("cassette") is None:
            continue
        if "cassette" not in item.fixturenames:
            place = _first_of_its_own(item)
            # A list of its own: the tests of one parametrised function share theirs.
            item.fixturenames = [*item.fixturenames[:place], "cassette", *item.fixturenames[place:]]


def _first_of_its_own(item: pytest.Function) -> int:
    """Where in a test's fixtures those begin that are made for this test alone; the wider ones come before."""
    known = item._fixtureinfo.name2fixturedefs
    for place, name in enumerate(item.fixturenames):
        definitions = known.get(name)
        if name == "request" or (definitions and definitions[-1].scope == "function"):
            return place
    return len(item.fixturenames)


@pytest.fixture
def cassette(request: pytest.FixtureRequest) -> Iterator[Cassette]:
    """The cassette of this test, open: a `synalinks.lm.cassette.session.Cassette` with `path`, `played` and `recorded`.

    While it is open the session is fresh, the disk cache is off and, in a replay, the network is blocked.
    """
    from synalinks.errors import SynalinksError  # the library is loaded for tests that have a cassette only
    from synalinks.testing.pytest_plugin.recording import figures, finish, has_no_answer, recorded

    item = request.node
    settings = _settings_of(item)
    path, mode = cassette_path(item, settings), _mode(request.config, settings)
    is_new = not path.exists()
    cassette = recorded(
        path,
        mode,
        test=item.nodeid,
        allow_loopback=settings.allow_loopback,
        record_errors=settings.record_errors,
    )
    refused: SynalinksError | None = None
    try:
        opened, ledger = cassette.__enter__()
    except SynalinksError as error:
        refused = error
    if refused is not None:  # told outside the `except`, or pytest would tell it twice
        pytest.fail(str(refused), pytrace=False)
    item.stash[_OPEN] = (opened, settings.strict)
    try:
        yield opened
    finally:
        del item.stash[_OPEN]
        finish(opened, failed=item.stash.get(_FAILED, False))
        cassette.__exit__(None, None, None)
        item.stash[_FIGURES] = figures(opened, ledger)
        # With no answer on it, the next run would not record but replay, say, a refused connection.
        if is_new and item.stash.get(_FAILED, False) and has_no_answer(ledger):
            path.unlink(missing_ok=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test that passed but left rows of its cassette unplayed; tell a miss shortly."""
    if _OPEN not in item.stash:
        yield
    else:
        from synalinks.errors import CassetteMiss  # loaded: a cassette is open
        from synalinks.testing.pytest_plugin.recording import shortened

        try:
            yield
        except CassetteMiss as miss:
            raise shortened(miss) from miss.__cause__
    opened = item.stash.get(_OPEN, None)  # again: a test may ask for the fixture while it runs
    if opened is None:
        return
    cassette, strict = opened
    left = [] if cassette.recording or not strict else cassette.unplayed()
    if left:
        named = "".join(f"\n  {row}" for row in left[:_NAMED]) + ("\n  ..." if len(left) > _NAMED else "")
        pytest.fail(
            f"{len(left)} of {len(cassette.rows())} rows of {cassette.path} were not played:{named}\n"
            f"The calls: {cassette.report()}\n"
            "The test makes fewer calls than when it was recorded. Record it again with --record-mode all, delete "
            "these lines, or mark it @pytest.mark.cassette(strict=False)",
            pytrace=False,
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put what a test did with its cassette on its last report, and show an error of this library in short."""
    _shorten(call)
    report = yield
    if report.when != "teardown":
        if not report.passed:
            item.stash[_FAILED] = True
    elif (did := item.stash.get(_FIGURES, None)) is not None:
        vars(report)[_ATTRIBUTE] = did
    return report


class Tally:
    """What all tests with cassettes did, on one line at the end of a run that had some."""

    def __init__(self) -> None:
        self._all: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in a test, of this process or of a worker."""
        if (did := vars(report).get(_ATTRIBUTE)) is not None:
            self._all.append(did)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the line."""
        if not self._all or terminalreporter.config.get_verbosity() < -1:
            return
        from decimal import Decimal  # tests with cassettes have loaded it, other runs need not

        from synalinks.lm.ledger.ledger import Money

        def money(name: str) -> Money:
            return Money(
                sum((Decimal(did[name][0]) for did in self._all), Decimal(0)), sum(did[name][1] for did in self._all)
            )

        tests, played, recorded = (
            len(self._all),
            *(sum(did[name] for did in self._all) for name in ("played", "recorded")),
        )
        terminalreporter.write_line(
            f"cassettes: {tests:,} {'test' if tests == 1 else 'tests'}, {played:,} played, {recorded:,} recorded, "
            f"{money('as_if')} as if live, {money('billed')} billed"
        )


def _mode(config: pytest.Config, settings: Settings) -> str:
    """The record mode: the command line's, else the marker's, else `none`."""
    asked = config.getoption("record_mode", None) or settings.record_mode or "none"
    return _THEIR_MODES.get(asked, asked)


def _settings_of(item: pytest.Item) -> Settings:
    """What the test's markers say, those of its class and module included."""
    said: dict[str, Any] = {}
    for mark in item.iter_markers("cassette"):  # the nearest first
        try:
            given = Settings(*mark.args, **mark.kwargs)
        except TypeError:
            wrong = (
                f"{', '.join([*map(repr, mark.args), *(f'{name}={value!r}' for name, value in mark.kwargs.items())])}"
            )
            pytest.fail(
                f"{item.nodeid}: @pytest.mark.cassette({wrong}) is not understood; its arguments are "
                f"{', '.join(f'{name}={value!r}' for name, value in Settings._field_defaults.items())}",
                pytrace=False,
            )
        named = {*Settings._fields[: len(mark.args)], *mark.kwargs}
        for name in named:
            said.setdefault(name, getattr(given, name))
    return Settings(**said)


def cassette_path(item: pytest.Item, settings: Settings) -> Path:
    """The file of a test's cassette: the marker's, from the test's folder, or one of the test's own.

    Of its own it is `cassettes/<module>/<class>.<test>-<parameters>.jsonl`. An id of parameters that can't stand in a
    file name as it is, or that has capitals (macOS and Windows do not tell `polish` from `Polish`), is shortened to
    what can, and a digest of the whole is added. A file of an earlier version, without the digest, is used where it
    exists.
    """
    folder = item.path.parent
    if settings.path is not None:
        return folder / settings.path
    function: str = getattr(item, "originalname", None) or item.name
    owner = getattr(item, "cls", None)
    name = _ODD.sub("_", function if owner is None else f"{owner.__qualname__}.{function}")
    callspec = getattr(item, "callspec", None)
    if callspec is not None:
        safe = _ODD.sub("_", callspec.id)[:_LONGEST_ID]
        digest = "-" + hashlib.sha256(callspec.id.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        if safe != callspec.id or (
            safe != safe.lower() and not _exists(folder / FOLDER / item.path.stem, f"{name}-{safe}.jsonl")
        ):
            safe += digest
        name += "-" + safe
    return folder / FOLDER / item.path.stem / f"{name}.jsonl"


def _exists(folder: Path, name: str) -> bool:
    """Whether a folder has a file of exactly this name, capitals included, whatever the file system says."""
    return folder.is_dir() and any(path.name == name for path in folder.iterdir())


def _shorten(call: pytest.CallInfo[None]) -> None:
    """Leave the test's own frames in the traceback of an error of this library."""
    error = None if call.excinfo is None else call.excinfo.value
    if error is None or not type(error).__module__.startswith("synalinks."):  # nothing need be imported for others
        return
    from synalinks._support import tracebacks

    if not tracebacks.is_full() and tracebacks.own_error(error) is error:
        error.__traceback__ = tracebacks.trimmed(tracebacks.users_frames(error)) or error.__traceback__
        error.__cause__, error.__suppress_context__ = None, True
        call.excinfo = pytest.ExceptionInfo.from_exception(error)
