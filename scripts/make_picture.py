"""Make `docs/pictures/report.png`: the page of `synalinks report` on a run that is trained here, on a stand-in server.

    python scripts/make_picture.py    # needs chromium

The data are those of `docs/start.md`, the price is that of a small hosted model.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import synalinks
from synalinks.testing import OllamaServer

PICTURE = Path(__file__).resolve().parent.parent / "docs/pictures/report.png"
MODEL = "ollama/llama3.2:latest"
#: Width and height in pixels.
SIZE = 820, 1430


class Problem(synalinks.DataModel):
    problem: str = synalinks.Field(description="A sum")


class Answer(synalinks.DataModel):
    answer: str = synalinks.Field(description="The number alone")


async def train(folder: Path) -> None:
    """Train a program, and leave its cassette, history, state and targets in a folder."""
    pairs = [(12, 7), (9, 6), (81, 26), (15, 28), (6, 42), (30, 4), (5, 8), (63, 9), (18, 5), (44, 11)]
    sums = [f"{first} {sign} {second}" for first, second in pairs for sign in "+-*"]
    x = [Problem(problem=text) for text in sums]
    y = [Answer(answer=str(eval(text))) for text in sums]
    inputs = synalinks.Input(data_model=Problem)
    outputs = await synalinks.Generator(data_model=Answer, language_model=MODEL, name="solver")(inputs)
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="arithmetic")
    program.compile(optimizer="random_few_shot", reward="exact_match")
    synalinks.set_price(MODEL, input=0.15, output=0.60)
    with synalinks.use_cassette(folder / "solver.jsonl"):
        history = await program.fit(x, y, epochs=4, validation_split=0.3, verbose=0)
    history.save(folder / "solver.history.json")
    program.save(folder / "solver.program.json")
    targets = "".join(json.dumps(target.get_json()) + "\n" for target in y)
    (folder / "targets.jsonl").write_text(targets, encoding="utf-8")


def main() -> None:
    """Train, make the page and photograph it."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("chromium is not installed: apt-get install chromium")
    os.environ["SYNALINKS_CACHE"] = "off"
    with tempfile.TemporaryDirectory() as name, OllamaServer(env=True):
        folder = Path(name)
        asyncio.run(train(folder))
        files = [folder / f"solver.{kind}" for kind in ("jsonl", "history.json", "program.json")]
        page = folder / "report.html"
        report = ["-m", "synalinks", "report", *files, "--targets", folder / "targets.jsonl", "-o", page]
        subprocess.run([sys.executable, *report], check=True)
        PICTURE.parent.mkdir(exist_ok=True)
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={SIZE[0]},{SIZE[1]}"]
        command = [browser, *options, f"--screenshot={PICTURE}", page.as_uri()]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
