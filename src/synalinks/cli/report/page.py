"""The page of a report: what is made here, the samples as JSON, and a script that shows them. All in one file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources

from jinja2 import Environment
from markupsafe import Markup

from synalinks._json import Json, JsonObject
from synalinks.cli.report import sections
from synalinks.cli.report.files import RunFiles
from synalinks.cli.report.samples import Texts, samples_of

_PARTS = (
    ("What each epoch took", sections.costs),
    ("Candidates", sections.candidates),
    ("The best prompt as the model has it", sections.prompts),
)


def page(runs: Sequence[RunFiles], targets: Sequence[Json] | None = None) -> str:
    """The HTML of a report.

    Nothing is loaded from anywhere, and by the policy in its head no script runs but the page's own, whatever the
    prompts and answers hold.

    Args:
        runs: as `read_runs` gives them.
        targets: that of each sample, where known.
    """
    texts = Texts()
    samples: list[JsonObject] = []
    for number, run in enumerate(runs):
        samples += [{"run": number, **sample} for sample in samples_of(run, targets, texts)]
    script = _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    shown = [
        {
            "name": run.name,
            "facts": Markup(sections.facts(run)),
            "missing": Markup(sections.missing(run)),
            "parts": [(title, Markup(made(run))) for title, made in _PARTS],
        }
        for run in runs
    ]
    template = Environment(autoescape=True, trim_blocks=True).from_string(_asset("page.html"))
    return template.render(
        title=", ".join(run.name for run in runs),
        runs=shown,
        curves=Markup(sections.curves(runs)),
        count=len(samples),
        style=Markup(_asset("page.css")),
        script=Markup(script),
        policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        data=Markup(_data({"runs": [run.name for run in runs], "samples": samples, "texts": texts.all})),
    )


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _data(value: JsonObject) -> str:
    """JSON that can stand in a page: no character in it begins a tag. It is ASCII, lone surrogates included."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
