"""Errors of this library are shown with the user's lines: in scripts, in IPython, by pytest and by the commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "src"
SCRIPT = """
import asyncio
import synalinks

class Q(synalinks.DataModel):
    q: str

async def main():
    inputs = synalinks.Input(data_model=Q)
    outputs = await synalinks.Generator(data_model=Q, language_model="openai/gpt-4o-mini")(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs)
    program.compile(reward="exact_match", optimizer="random_few_shot")
    await program.fit([Q(q="a")] * 4, [Q(q="b")] * 4, verbose=0)

"""


def run(command: list[str], cwd: Path, **env: str) -> str:
    names = {name: value for name, value in os.environ.items() if name not in ("OPENAI_API_KEY", "SYNALINKS_TRACEBACK")}
    environment = {**names, "PYTHONPATH": str(SRC), "SYNALINKS_CACHE": "off", "IPYTHONDIR": str(cwd / "ipython"), **env}
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=60, check=False)
    return done.stdout + done.stderr


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT + "asyncio.run(main())\n")
    return path


def test_a_script_shows_the_users_lines_and_the_message(script: Path) -> None:
    said = run([sys.executable, str(script)], script.parent)
    assert len(said.splitlines()) <= 12
    assert "await program.fit(" in said and "in <module>" not in said
    assert "AuthenticationError: no key for OpenAI" in said and "set OPENAI_API_KEY" in said
    assert "site-packages" not in said and str(SRC) not in said


def test_the_whole_traceback_is_there_on_request(script: Path) -> None:
    said = run([sys.executable, str(script)], script.parent, SYNALINKS_TRACEBACK="full")
    assert str(SRC) in said and len(said.splitlines()) > 30


def test_other_errors_are_shown_as_ever_and_a_hook_of_the_users_stays(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("import synalinks\n{}['key']\n")
    assert run([sys.executable, str(path)], tmp_path).splitlines()[-1] == "KeyError: 'key'"
    path.write_text(
        "import sys\nsys.excepthook = lambda *error: print('mine')\nimport synalinks\nraise synalinks.LMError('x')\n"
    )
    assert run([sys.executable, str(path)], tmp_path) == "mine\n"


def test_an_error_of_the_users_own_that_led_to_it_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(
        "import synalinks\n"
        "try:\n    {}['key']\nexcept KeyError as error:\n    raise synalinks.LMError('x') from error\n"
    )
    said = run([sys.executable, str(path)], tmp_path)
    assert "KeyError: 'key'" in said and said.splitlines()[-1] == "LMError: x"


def test_the_command_says_where_the_users_code_met_it(script: Path) -> None:
    command = [sys.executable, "-m", "synalinks", "run", "--quiet", str(script)]
    assert "at train.py:13 in main" in run(command, script.parent)
    assert str(SRC) in run(command, script.parent, SYNALINKS_TRACEBACK="full")


def test_a_notebooks_cell_shows_the_cells_lines_and_the_message(tmp_path: Path) -> None:
    pytest.importorskip("IPython", reason="IPython is not installed")
    path = tmp_path / "cell.py"
    path.write_text(
        "from IPython.core.interactiveshell import InteractiveShell\n"
        f"shell = InteractiveShell.instance()\nshell.run_cell({SCRIPT!r})\n"
        "shell.run_cell('asyncio.run(main())')\nshell.run_cell('1 / 0')\n"
        "shell.run_cell('synalinks.Generator(1)')\nshell.run_cell('%run fails.py')\n"
    )
    (tmp_path / "fails.py").write_text("import synalinks\nsynalinks.LanguageModel('olama/x')\n")
    ours, _, others = run([sys.executable, str(path)], tmp_path).partition("AuthenticationError: no key")
    others, _, ran = others.partition("Give the arguments of Generator by name")
    assert "synalinks.LanguageModel('olama/x')" in ran and len(ran.splitlines()) <= 6 and str(SRC) not in ran
    assert "await program.fit(" in ours and len(ours.splitlines()) <= 12 and str(SRC) not in ours
    assert "ZeroDivisionError" in others and str(SRC) not in others.partition("ZeroDivisionError")[0]


def test_pytest_shows_the_tests_lines_and_the_message(script: Path) -> None:
    path = script.parent / "test_it.py"
    path.write_text(SCRIPT + "def test_it():\n    asyncio.run(main())\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)]
    said = run(command, script.parent)
    assert "AuthenticationError: no key for OpenAI" in said and "await program.fit(" in said
    assert str(SRC) not in said and "tenacity" not in said
    assert "tenacity" in run(command, script.parent, SYNALINKS_TRACEBACK="full")


def test_an_interrupted_training_says_what_is_kept_and_how_to_go_on(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(
        SCRIPT.replace("openai/gpt-4o-mini", "ollama/m") + "import os, signal\n"
        "async def provider(call):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    await asyncio.sleep(0.1)\n"
        "    return synalinks.lm.Reply(text='{\"q\": \"b\"}', finish='stop')\n"
        "with synalinks.use_provider(provider):\n    asyncio.run(main())\n"
    )
    said = run([sys.executable, str(path)], tmp_path)
    assert "Traceback" not in said and len(said.splitlines()) <= 8
    assert "has the best candidate so far" in said and "program.history" in said
    assert "1 call was made (local models: " in said
    assert "resume=True" in said
