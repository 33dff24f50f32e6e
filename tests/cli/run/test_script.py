"""A script run as python would run it, and its end told in the user's terms."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest

from synalinks.cli.run.script import INTERRUPTED, block, exit_code, run_script
from synalinks.errors import BudgetExceeded, CassetteMiss


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def ended(script: str, *arguments: str) -> BaseException:
    with pytest.raises(BaseException) as caught:
        run_script(script, arguments)
    return caught.value


def test_a_script_finds_what_python_would_give_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner").mkdir()
    write(tmp_path / "inner", "beside.py", "VALUE = 7\n")
    write(
        tmp_path / "inner",
        "main.py",
        "import os, sys\nimport beside\nimport __main__\n"
        "class Here: pass\n"
        "print(__name__, sys.argv[1:], beside.VALUE, os.getcwd(), __main__.Here is Here)\n"
        "print(os.path.isabs(__file__), os.path.basename(sys.argv[0]), sys.path[0])\n",
    )
    monkeypatch.chdir(tmp_path)
    before = list(sys.path), sys.argv
    run_script("inner/main.py", ["--epochs", "2"])
    assert capsys.readouterr().out.splitlines() == [
        f"__main__ ['--epochs', '2'] 7 {os.getcwd()} True",
        f"True main.py {os.path.realpath(tmp_path / 'inner')}",
    ]
    assert (sys.path, sys.argv) == before
    sys.modules.pop("beside")


def test_a_folder_and_a_zip_run_their_main(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "__main__.py", "print('from', __name__)\n")
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.write(tmp_path / "__main__.py", "__main__.py")
    run_script(str(tmp_path), [])
    run_script(str(tmp_path / "app.zip"), [])
    assert capsys.readouterr().out == "from __main__\n" * 2


@pytest.mark.parametrize("ending", ["", "import sys; sys.exit()", "raise SystemExit(0)"])
def test_success_raises_nothing(tmp_path: Path, ending: str) -> None:
    run_script(write(tmp_path, "s.py", ending), [])


def test_exit_codes_are_the_scripts_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(ended(write(tmp_path, "s.py", "import sys; sys.exit(7)"))) == 7
    assert capsys.readouterr().err == ""
    assert exit_code(ended(write(tmp_path, "s.py", "import sys; sys.exit('no data')"))) == 1
    assert capsys.readouterr().err == "no data\n"
    assert exit_code(ended(write(tmp_path, "s.py", "raise KeyboardInterrupt"))) == INTERRUPTED == 130


def test_a_traceback_shows_the_users_frames_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = write(
        tmp_path,
        "s.py",
        "import asyncio\n"
        "from synalinks._concurrency import run_all\n"
        "async def inner():\n    return {}['missing']\n"
        "async def outer():\n    await run_all([inner(), asyncio.sleep(0)])\n"
        "asyncio.run(outer())\n",
    )
    assert exit_code(ended(script)) == 1
    told = capsys.readouterr().err
    assert [line.rpartition(" ")[2] for line in told.splitlines() if line.startswith("  File")] == [
        "<module>",
        "outer",
        "inner",
    ]
    assert told.startswith("Traceback") and told.endswith("KeyError: 'missing'\n")


def test_what_raised_below_the_user_is_shown_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = write(tmp_path, "s.py", "from synalinks.session import to_snake_case\nto_snake_case(3)\n")
    exit_code(ended(script))
    told = capsys.readouterr().err
    assert "s.py" in told and "session.py" in told and "runpy" not in told


def test_causes_are_trimmed_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('bad') from error\n"
    exit_code(ended(write(tmp_path, "s.py", text)))
    told = capsys.readouterr().err
    assert "direct cause" in told and "runpy" not in told and "script.py" not in told


def test_a_syntax_error_is_shown_as_python_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(ended(write(tmp_path, "s.py", "x = (\n"))) == 1
    told = capsys.readouterr().err
    assert told.startswith(f'  File "{tmp_path / "s.py"}", line 1\n') and "SyntaxError" in told


def test_an_error_of_the_library_is_one_block_with_the_users_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = write(
        tmp_path,
        "s.py",
        "from synalinks.errors import CassetteMiss\n"
        "def ask():\n    raise CassetteMiss('not there\\nnearest: line 2')\n"
        "ask()\n",
    )
    monkeypatch.chdir(tmp_path)
    assert exit_code(ended(script)) == 1
    assert capsys.readouterr().err == "\nCassetteMiss: not there\n  nearest: line 2\n  at s.py:3 in ask\n"


def test_notes_belong_to_the_block() -> None:
    error = BudgetExceeded("used up")
    error.add_note("in the second epoch")
    assert block(error) == "BudgetExceeded: used up\n  in the second epoch"


def test_a_group_of_library_errors_is_its_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(ExceptionGroup("tasks", [CassetteMiss("first"), CassetteMiss("second")])) == 1
    assert capsys.readouterr().err == "\nCassetteMiss: first\n"
    exit_code(ExceptionGroup("tasks", [CassetteMiss("first"), ValueError("bug")]))
    assert "ValueError: bug" in capsys.readouterr().err


def test_the_scripts_own_excepthook_is_honoured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: print("mine:", error))
    exit_code(ValueError("bad"))
    assert capsys.readouterr().out == "mine: bad\n"
