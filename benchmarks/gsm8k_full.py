"""The GSM8K tutorial at full size: live against a substitute server, then from its cassette with no server at all.

Runs a training script on the real records, unmodified, in a process of its own: three evaluations, two epochs over the
training set with validation, a checkpoint, three evaluations. The server is another process, which holds the answers
and gives the right one more often the better the examples in the prompt are; it is not a language model. Prints calls,
wall time, peak memory and the time of the replay, the share that each part has in a second replay, under a profiler,
and checks what must be true.

    python benchmarks/gsm8k_full.py SCRIPT DATA [--folder FOLDER] [--records N]

SCRIPT is the tutorial's gsm8k_training.py; DATA a folder that holds gsm8k/train.jsonl and gsm8k/test.jsonl.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import inspect
import json
import os
import re
import resource
import runpy
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

#: No server listens there: a replay that makes a live call fails.
NOWHERE = "http://127.0.0.1:9"
SOURCE = Path(__file__).resolve().parents[1] / "src"

#: The first argument of the process that runs the script.
CHILD = "--as-child"


def child(script: str, cassette: str, mode: str, report: str, profiled: str) -> None:
    """Run the script under a cassette, and write down what it took and, for the checks, what `fit` and `load` did."""
    profile = cProfile.Profile() if profiled else None
    if profile is not None:
        profile.enable()
    begun = time.perf_counter()
    import synalinks
    from synalinks import _json

    seen: dict[str, Any] = {}
    fit, load = synalinks.Program.fit, inspect.getattr_static(synalinks.Program, "load")

    async def fitting(self: Any, *arguments: Any, **options: Any) -> Any:
        history = await fit(self, *arguments, **options)
        seen["val_reward"] = history.history["val_reward"]
        seen["kept"] = [one.best for one in options["callbacks"]]
        seen["points"] = [(p.epoch, p.calls, p.val_reward) for p in history.reward_curve if p.step is None]
        return history

    class Loading:
        def __get__(self, program: Any, owner: Any) -> Any:
            def loading(path: str) -> Any:
                found = load.__get__(program, owner)(path)
                state = _json.loads(_json.dumps(program.get_state_tree()))
                seen["restored"] = state == _json.loads(Path(path).read_bytes())["variables"]
                return found

            return loading

    synalinks.Program.fit, synalinks.Program.load = fitting, Loading()
    with synalinks.use_cassette(cassette, record_mode=mode, strict=mode == "none"), synalinks.use_ledger() as ledger:
        runpy.run_path(script, run_name="__main__")
    taken = {"seconds": time.perf_counter() - begun, "cpu": time.process_time()}
    if profile is not None:
        profile.disable()
    total = ledger.total
    figures = {name: getattr(total, name) for name in ("calls", "attempts", "answers", "tokens", "failed")}
    seen |= {
        **figures,
        "billed": total.billed_tokens,
        "phases": {str(phase): one.calls for phase, one in ledger.by("phase").items()},
        **taken,
        "parts": {} if profile is None else parts_of(profile),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024),
    }
    Path(report).write_text(json.dumps(seen), encoding="utf-8")


def parts_of(profile: cProfile.Profile) -> dict[str, list[float]]:
    """The share of the time and the calls of Python functions of each part: a folder of the package, a library, or what
    imports load. A C function counts as a part of the function that calls it."""
    times, calls = Counter[str](), Counter[str]()
    for entry in profile.getstats():
        if isinstance(entry.code, str):
            continue
        part = part_of(entry.code)
        inside = sum(call.inlinetime for call in entry.calls or () if isinstance(call.code, str))
        times[part] += entry.inlinetime + inside
        calls[part] += entry.callcount
    whole = sum(times.values())
    return {part: [time / whole, calls[part]] for part, time in times.most_common()}


def part_of(code: CodeType) -> str:
    """The part that a function belongs to."""
    path = code.co_filename
    if path.startswith("<frozen importlib") or code.co_name == "<module>":
        return "imports"
    if path.startswith(str(SOURCE)):
        names = Path(path).relative_to(SOURCE).with_suffix("").parts[1:]
        return "/".join(names[: 2 if names[0] == "lm" and len(names) > 2 else 1])
    names = Path(re.split(r"site-packages/|lib/python3\.\d+/", path)[-1]).with_suffix("").parts
    return names[0] if names and names[0] != "/" else "others"


def records(data: Path, folder: Path, limit: int | None) -> dict[str, str]:
    """Questions and answers, taken from the data; of the first records only, those are copied to `folder`."""
    answers: dict[str, str] = {}
    (folder / "gsm8k").mkdir(parents=True)
    for name in ("train.jsonl", "test.jsonl"):
        lines = (data / "gsm8k" / name).read_text(encoding="utf-8").splitlines()[:limit]
        (folder / "gsm8k" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        for record in map(json.loads, lines):
            answers[record["question"]] = record["answer"].rpartition("####")[2].replace(",", "").strip()
    return answers


@contextlib.contextmanager
def server(table: Path, told: list[str]) -> Iterator[str]:
    """The stand-in as a process of its own, for a block; gives its URL, and puts its counts into `told` at the end."""
    command = [sys.executable, "-m", "synalinks.testing.fake_server.ollama", "--port", "0", "--table", str(table)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        told += process.stdout.read().splitlines()
        process.wait()


def environment(**more: str) -> dict[str, str]:
    """The environment of a child: no cache, no key, no server but those given."""
    kept = {name: value for name, value in os.environ.items() if not re.search(r"_API_KEY$|^OLLAMA_|^SYNALINKS_", name)}
    return {**kept, "PYTHONPATH": str(SOURCE), "SYNALINKS_CACHE": "off", **more}


def run(
    script: Path, folder: Path, cassette: Path, mode: str, data: Path, url: str, profiled: bool = False
) -> tuple[str, dict[str, Any]]:
    """What the script prints, and the report of its process."""
    folder.mkdir()
    report = folder.with_suffix(".json")
    command = [sys.executable, __file__, CHILD, str(script), str(cassette), mode, str(report), "profiled" * profiled]
    begun = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment(SYNALINKS_DATA_DIR=str(data), OLLAMA_HOST=url), stdout=subprocess.PIPE,
        text=True, check=True,
    )  # fmt: skip
    return done.stdout, {**json.loads(report.read_text()), "wall": time.perf_counter() - begun}


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def lines_without_times(printed: str) -> list[str]:
    """Progress lines without their seconds, and without those that come by the clock."""
    kept = re.sub(r"(?m)^\d+/\d+ - \S+ left .*\n", "", printed)
    return re.sub(r"(?m)^(\d+/\d+) - \S+ \S+/step", r"\1", kept).splitlines()


def check(what: str, true: bool) -> bool:
    """Say whether something is so."""
    print(f"  {'yes' if true else 'NO '}  {what}")
    return true


def main() -> int:
    """Run live and replayed, print the figures; 1 if something that must be true is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("script", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "--folder", type=Path, help="where cassette, pictures and checkpoints are kept; must not be there yet"
    )
    parser.add_argument("--records", type=int, help="the first records of each file only")
    options = parser.parse_args()
    with contextlib.ExitStack() as around:
        folder = options.folder or Path(around.enter_context(tempfile.TemporaryDirectory())) / "run"
        folder.mkdir(parents=True)
        folder, script = folder.resolve(), options.script.resolve()
        answers = records(options.data, folder / "data", options.records)
        (folder / "table.json").write_text(json.dumps(answers), encoding="utf-8")
        cassette, told = folder / "cassette.jsonl", list[str]()
        with server(folder / "table.json", told) as url:
            printed, live = run(script, folder / "live", cassette, "once", folder / "data", url)
        again, replay = run(script, folder / "replay", cassette, "none", folder / "data", NOWHERE)
        _, profiled = run(script, folder / "profiled", cassette, "none", folder / "data", NOWHERE, profiled=True)
        print(printed)
        report(live, replay, cassette, told)
        report_parts(profiled)
        return 0 if checks(folder, (printed, live), (again, replay), told) else 1


def report(live: dict[str, Any], replay: dict[str, Any], cassette: Path, told: list[str]) -> None:
    """The figures."""
    print("server: ", *told, sep="\n  ")
    print(f"calls: {live['calls']:,}, by phase {live['phases']}, failed {live['failed']}; tokens {live['tokens']:,}")
    for name, one in (("live", live), ("replay", replay)):
        each = one["wall"] / one["calls"] * 1e3
        taken = f"{one['wall']:.1f} s ({each:.2f} ms a call), {one['cpu']:.1f} s of CPU"
        print(f"{name}: {taken}, peak memory {one['peak']:.0f} MB")
    print(f"cassette: {cassette.stat().st_size / 1e6:.1f} MB")
    print(f"reward curve at the ends of epochs (epoch, calls, val_reward): {live['points']}")


def report_parts(profiled: dict[str, Any]) -> None:
    """Each part of a replay with 1 % or more of its time, and the rest."""
    print(f"\n{'part of a replay':<24}{'share':>8}{'Python calls a call':>22}")
    rows = list(profiled["parts"].items())
    shown = [row for row in rows if row[1][0] >= 0.01]
    small = [figures for _, figures in rows if figures[0] < 0.01]
    for part, (share, calls) in [*shown, ("the rest", [sum(column) for column in zip(*small, strict=True)])]:
        print(f"{part:<24}{share:>8.1%}{calls / profiled['calls']:>22.1f}")


def checks(folder: Path, live: Any, replay: Any, told: list[str]) -> bool:
    """What must be true; whether all is."""
    (printed, of_live), (again, of_replay) = live, replay
    rewards = [float(found) for found in re.findall(r"step - reward: (\d\.\d{4})$", printed, re.MULTILINE)]
    made, remade = files(folder / "live"), files(folder / "replay")
    pictures = [name for name in made if name.endswith(".png")]
    counts = [int(number) for number in re.findall(r"\d+", told[0].rpartition(":")[2])] if told else [0, 0, 0]
    billed = of_live["answers"], of_live["billed"]
    print(f"evaluations before: {rewards[:3]}; after: {rewards[3:]}")
    return all([
        check("calls and tokens of the ledger are the server's", billed == (counts[0], sum(counts[1:]))),
        check("three evaluations before and three after", len(rewards) == 6),
        check("they differ, so the spread is real", len(set(rewards[:3])) > 1 and len(set(rewards[3:])) > 1),
        check("the worst after training is above the best before", min(rewards[3:]) > max(rewards[:3])),
        check("four pictures and a checkpoint were written", len(pictures) == 4 and len(made) == 5),
        check("the checkpoint is of the best epoch", of_live["kept"] == [max(of_live["val_reward"])]),
        check("program.load restored it", of_live["restored"] is True),
        check("the replay printed the same", lines_without_times(printed) == lines_without_times(again)),
        check("the replay wrote the same bytes", made == remade),
        check("the replay made no live call", of_replay["answers"] == 0 and of_replay["calls"] == of_live["calls"]),
    ])  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(child(*sys.argv[2:]) if sys.argv[1:2] == [CHILD] else main())
