"""What the Markdown files promise is true: commands, paths, programs, and what they print."""

from __future__ import annotations

import re
import textwrap
import tomllib
from pathlib import Path

import pytest

import synalinks
from playing import (
    EXAMPLES,
    OPEN_THEIR_OWN,
    OUTPUT,
    PROGRAM,
    ROOT,
    blocks_of,
    cassette_of,
    documents,
    printed_by,
    run_page,
    run_program,
    timeless,
)
from synalinks.testing import ArithmeticModel, Law, OllamaServer

DOCUMENTS = documents()
README = DOCUMENTS["README.md"]
OUTPUTS = {found["line"]: found["shown"] for text in DOCUMENTS.values() for found in OUTPUT.finditer(text)}
PROGRAMS = [
    pytest.param(found, id=f"{path}:{text.count(chr(10), 0, found.start()) + 1}")
    for path, text in DOCUMENTS.items()
    for found in PROGRAM.finditer(text)
]
#: Blocks that are lines of a script.
EXCERPT = re.compile(r"^<!-- from: (?P<script>\S+) -->\n```python\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
EXCERPTS = [
    pytest.param(path, found, id=f"{path}:{text.count(chr(10), 0, found.start()) + 1}")
    for path, text in DOCUMENTS.items()
    for found in EXCERPT.finditer(text)
]
#: Documents whose Python blocks run one after the other.
PAGES = [path for path, text in DOCUMENTS.items() if path.startswith(("README", "ARCH", "docs/")) and blocks_of(text)]
DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
COMMANDS = dict(re.findall(r"^<!-- command: (\w+) -->\n```sh\n(.*?)^```$", README, re.DOTALL | re.MULTILINE))
ALL = "\n".join(DOCUMENTS.values())
[TEST_FILE] = re.findall(r"^<!-- test: with a server -->\n```python\n(.*?)^```$", ALL, re.DOTALL | re.MULTILINE)
[QUICK_START] = re.findall(r"^<!-- run: with a server -->\n```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
[QUICK_START_PRINTS] = re.findall(
    r"^<!-- prints: with a server -->\n```text\n(.*?)^```$", README, re.DOTALL | re.MULTILINE
)
REFRESH = "if that is as it should be: python tests/refresh_documents.py"
#: Top-level names of which a path in a document must be one that is there.
TOP = {path.name for path in ROOT.iterdir()} - {".venv"}


def test_the_two_commands_are_whole() -> None:
    assert set(COMMANDS) == {"main", "tests"}
    for line in COMMANDS.values():
        assert line.count("\n") == 1, "one line each, as .ci/run and people copy it"
        assert line.startswith("python3 -m venv .venv && .venv/bin/pip install -q "), (
            "nothing but Python and pip is needed"
        )
        steps = line.strip().split(" && ")
        assert len(steps) == 3
    assert "pip install -q . &&" in COMMANDS["main"]
    assert "pip install -q -e '.[test]' &&" in COMMANDS["tests"]


def test_the_main_command_is_the_one_whose_output_is_shown() -> None:
    last = COMMANDS["main"].strip().rpartition(" && ")[2]
    assert last.removeprefix(".venv/bin/") in OUTPUTS
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "synalinks" in project["scripts"]
    assert "test" in project["optional-dependencies"]


@pytest.mark.parametrize("line", OUTPUTS)
def test_a_command_prints_what_is_shown(line: str) -> None:
    assert timeless(printed_by(line)) == timeless(OUTPUTS[line]), REFRESH


@pytest.mark.parametrize("path", DOCUMENTS)
def test_paths_are_there(path: str) -> None:
    text, here = DOCUMENTS[path], (ROOT / path).parent
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (here / target).exists(), f"{path} links to {target}"
    for name in re.findall(r"[\w./-]+/[\w./-]*\w", re.sub(r"\w+://\S+", "", text)):
        if name.partition("/")[0] in TOP:
            assert (ROOT / name).exists() or (here / name).exists(), f"{path} names {name}"


@pytest.mark.parametrize("found", PROGRAMS)
def test_a_program_runs_and_prints_what_is_shown(found: re.Match[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert timeless(run_program(found["code"])) == timeless(found["shown"] or ""), REFRESH


@pytest.mark.parametrize("path", PAGES)
def test_the_blocks_of_a_page_run_and_print_what_is_shown(path: str, tmp_path: Path) -> None:
    blocks = blocks_of(DOCUMENTS[path])
    for block, printed in zip(blocks, run_page(DOCUMENTS[path], tmp_path), strict=True):
        if block["shown"] is not None:
            assert timeless(printed) == timeless(block["shown"]), REFRESH


def test_every_document_of_programs_has_some() -> None:
    assert len(PROGRAM.findall(DOCUMENTS["src/synalinks/lm/README.md"])) >= 2
    assert len(OUTPUTS) >= 6
    assert len(PAGES) >= 15


@pytest.mark.parametrize("path", sorted((EXAMPLES / "guides").glob("*.py")), ids=lambda path: path.stem)
def test_a_guide_has_its_output_and_its_cost_on_one_page(path: Path) -> None:
    script, cassette = path.relative_to(ROOT).as_posix(), cassette_of(path).relative_to(ROOT).as_posix()
    given = "" if path.stem in OPEN_THEIR_OWN else f" --cassette {cassette}"
    shown = f"synalinks run {script}{given} --offline --quiet", f"synalinks estimate {script} --learn-from {cassette}"
    pages = [text for text in DOCUMENTS.values() if all(f"<!-- output: {line} -->" in text for line in shown)]
    assert len(pages) == 1, shown


@pytest.mark.parametrize(("path", "found"), EXCERPTS)
def test_an_excerpt_is_in_its_script(path: str, found: re.Match[str]) -> None:
    script = (ROOT / found["script"]).read_text(encoding="utf-8").splitlines()
    shown = found["code"].splitlines()
    parts = ("\n".join(script[line : line + len(shown)]) for line in range(len(script)))
    assert any(textwrap.dedent(part).split("\n") == shown for part in parts), f"{path}: not in {found['script']}"


def test_the_guides_are_listed_in_their_order() -> None:
    listed = re.findall(r"^\d+\. \[.+?\]\((guides/\S+?)\)", DOCUMENTS["docs/README.md"], re.MULTILINE)
    assert sorted(listed) == sorted(path.removeprefix("docs/") for path in DOCUMENTS if path.startswith("docs/guides/"))


def test_decisions_are_numbered_listed_and_whole() -> None:
    index = DOCUMENTS["docs/decisions/README.md"]
    assert [path.name[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]
    for path in DECISIONS:
        text = path.read_text(encoding="utf-8")
        [title] = re.findall(rf"^# {path.name[:4]}\. (.+)$", text, re.MULTILINE)
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
        assert f"- [{path.name[:4]}]({path.name}) {title}" in index, f"{path.name} is not listed with its title"


def test_quick_start_records_and_then_needs_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len([line for line in QUICK_START.splitlines() if line.strip()]) <= 25
    with OllamaServer(env=True) as server:
        first = run_program(QUICK_START)
        assert server.requests.number > 5
    assert timeless(first) == timeless(QUICK_START_PRINTS)
    before, after = map(float, re.findall(r"(\d\.\d+) right before, (\d\.\d+) after", first)[0])
    assert after - before > 0.3, "training shows a gain on sums that it never saw"
    saved = (tmp_path / "solver.json").read_bytes()
    synalinks.clear_session()
    with synalinks.offline():
        second = run_program(QUICK_START)
    assert timeless(second) == timeless(first)
    assert (tmp_path / "solver.json").read_bytes() == saved


def test_quick_start_without_its_cassette_costs_nothing_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYNALINKS_CACHE")
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "cache"))
    unrecorded = QUICK_START.replace('with synalinks.use_cassette("solver.jsonl"):', "if True:")
    assert unrecorded != QUICK_START
    with OllamaServer(env=True) as server:
        first = run_program(unrecorded)
        asked = server.requests.number
        synalinks.clear_session()
        second = run_program(unrecorded)
        assert asked == server.requests.number > 5
    assert timeless(second)[:5] == timeless(first)[:5]


def test_the_readme_warns_of_the_other_distribution() -> None:
    assert re.search(r"Do not install this beside the distribution `synalinks`", README)


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "9. Accepting Warranty or Additional Liability" in text


def test_the_test_file_records_and_replays(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a user would: with a model once, then without; the model answers right whatever it is shown."""
    pytester.makepyfile(test_solver=TEST_FILE)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the entry point may be installed, or not
    plugin = ("-p", "synalinks.testing.pytest_plugin.plugin", "-p", "no:cacheprovider")
    with OllamaServer(model=ArithmeticModel(Law(base=1.0, ceiling=1.0, spread=0.0)), env=True):
        pytester.runpytest_subprocess(*plugin, "--record-mode", "once").assert_outcomes(passed=3)
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    result = pytester.runpytest_subprocess(*plugin)
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["cassettes: 3 tests, 3 played, 0 recorded, *"])


def test_the_readme_of_the_lm_layer_names_each_of_its_files() -> None:
    folder = ROOT / "src/synalinks/lm"
    text = DOCUMENTS["src/synalinks/lm/README.md"]
    files = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    assert {name for name in files if name not in text} == set()
