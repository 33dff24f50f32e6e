"""`synalinks run --budget` holds whatever a script starts: its event loops, and its threads with theirs."""

from __future__ import annotations

import re
from pathlib import Path

from cli.helpers import command
from synalinks.testing import OllamaServer

SCRIPT = """
import asyncio, threading

import synalinks

synalinks.set_price("ollama/m", input=1000, output=1000)


class Problem(synalinks.DataModel):
    problem: str = synalinks.Field(description="The problem")


class Answer(synalinks.DataModel):
    answer: str = synalinks.Field(description="The answer")


async def main(first):
    model = synalinks.LanguageModel(model="ollama/m", retry=1, max_tokens=200)
    inputs = synalinks.Input(data_model=Problem)
    outputs = await synalinks.Generator(data_model=Answer, language_model=model)(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name=f"p{first}")
    for number in range(first, first + 20):
        try:
            await program(Problem(problem=f"{number} + 1"))
        except synalinks.errors.BudgetExceeded:
            print("refused at", number - first)
            return


threads = [threading.Thread(target=lambda n=n: asyncio.run(main(100 * n))) for n in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_threads_of_the_script_are_held_too(tmp_path: Path) -> None:
    (tmp_path / "threads.py").write_text(SCRIPT)
    with OllamaServer() as server:
        done = command("run", "threads.py", "--budget", "4", cwd=tmp_path, OLLAMA_HOST=server.url)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("refused at") == 3
        assert 0 < server.requests.number < 60
    found = re.search(r"budget +\$([\d.]+) of \$4\.00 used", done.stdout)
    assert found, done.stdout
    assert 1 < float(found[1]) <= 4
