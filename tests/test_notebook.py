"""The example notebook runs in a real kernel, shows what it was saved with, and leaves no files behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import synalinks

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed (extra `test`)")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed (extra `test`)")
pytest.importorskip("ipykernel", reason="ipykernel is not installed (extra `test`)")
pytest.importorskip("pandas", reason="pandas is not installed (extra `notebook`)")
pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra `plots`)")

NOTEBOOK = EXAMPLES / "notebook.ipynb"


def executed(notebook: Any, folder: Path) -> Any:
    """The notebook with the outputs of a kernel of this Python, in a process of its own, which closes all sockets."""
    path = folder / "run.ipynb"
    nbformat.write(notebook, path)
    source = str(Path(synalinks.__file__).parent.parent)
    places = {name: str(folder / name) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR")}
    environment = {**os.environ, **places, "PYTHONPATH": source}
    command = [sys.executable, str(Path(__file__)), str(path)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    return nbformat.read(path, as_version=4)


def execute(path: Path) -> None:
    """Run a notebook's cells in the folder of the examples, and save it with what they show."""
    from jupyter_client.kernelspec import KernelSpecManager  # only the process that runs a notebook needs it
    from jupyter_client.manager import AsyncKernelManager

    class Here(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> Any:
            found = super().get_kernel_spec(kernel_name)
            found.argv = [sys.executable, *found.argv[1:]]
            return found

    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=Here())
    where = {"metadata": {"path": str(EXAMPLES)}}
    notebook = nbformat.read(path, as_version=4)
    saved = nbclient.NotebookClient(notebook, km=manager, timeout=120, resources=where).execute()
    for number, cell in enumerate(saved.cells):
        cell.metadata.pop("execution", None)
        cell.id = f"cell-{number}"
    saved.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(saved, path)


def shown(notebook: Any) -> list[list[dict[str, str]]]:
    """Texts of the outputs, by cell; pictures by their kind alone, tables of pandas without the identity of a style."""
    cells = []
    for cell in notebook.cells:
        outputs = []
        for output in cell.get("outputs", ()):
            assert output.output_type != "error"
            found = output.get("data") or {"stream": output.get("text", "")}
            outputs.append({kind: _plain(kind, text) for kind, text in found.items()})
        cells.append(outputs)
    return cells


def _plain(kind: str, text: str) -> str:
    return kind if kind.startswith("image/") else re.sub(r"PosixPath\(.*|Picture\(.*|0x[0-9a-f]+", "", text)


def test_the_notebook_shows_what_it_was_saved_with(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    before, files = shown(notebook), sorted(EXAMPLES.iterdir())
    after = shown(executed(notebook, tmp_path))
    assert after == before, "run `python tests/test_notebook.py` to save the outputs anew, and look at them"
    assert all(len(outputs) <= 1 for outputs in after), "a value shows itself once"
    assert sorted(EXAMPLES.iterdir()) == files, "a plot without a name given is only shown"
    kinds = {kind for outputs in after for output in outputs for kind in output}
    assert {"text/html", "image/png"} <= kinds
    html = "".join(output.get("text/html", "") for outputs in after for output in outputs)
    for part in ("<svg", "History, 2 epochs", "Ledger, 56 calls", "Candidate", "as if"):
        assert part in html


INTERRUPTED = """
import synalinks, os, signal, threading
from synalinks.testing import ScriptedProvider
class Question(synalinks.DataModel):
    question: str
class Answer(synalinks.DataModel):
    answer: str
inputs = synalinks.Input(data_model=Question)
model = synalinks.LanguageModel(model="ollama/m")
outputs = await synalinks.Generator(data_model=Answer, language_model=model)(inputs)
program = synalinks.Program(inputs=inputs, outputs=outputs)
program.compile(optimizer="random_few_shot", reward=synalinks.ExactMatch())
class Stop(synalinks.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            os.kill(os.getpid(), signal.SIGINT)
def answer(call):
    return {"answer": "yes"}
x, y = [Question(question=str(i)) for i in range(8)], [Answer(answer="yes")] * 8
"""
FIT = """
with synalinks.use_provider(ScriptedProvider(answer)):
    await program.fit(x, y, epochs=50, verbose=0, validation_split=0.25, callbacks=[Stop()])
"""


def test_an_interrupted_cell_leaves_the_history_and_a_usable_kernel(tmp_path: Path) -> None:
    cells = [INTERRUPTED, FIT, "print(len(program.history.epoch), program.history.stopped_by)\nprogram.history"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    notebook.cells[1].metadata["tags"] = ["raises-exception"]
    last = executed(notebook, tmp_path).cells[2].outputs
    assert last[0].text.split() in (["2", "interrupt"], ["3", "interrupt"]), last
    assert "stopped by interrupt" in last[1].data["text/html"]


if __name__ == "__main__":
    execute(Path(sys.argv[1]) if sys.argv[1:] else NOTEBOOK)
