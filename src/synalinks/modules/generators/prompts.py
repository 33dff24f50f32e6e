"""The prompt of a generator: a jinja2 template in the sandbox, compiled once per text.

A saved program is data: a template in it can format what it is given and reach nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from synalinks import _json
from synalinks._base.lazy import LazyModule
from synalinks._json import JsonObject

if TYPE_CHECKING:
    from synalinks._support import templates
    from synalinks._support.templates import Template
else:
    templates = LazyModule("synalinks._support.templates")  # jinja2 takes 30 ms, for generators only

DEFAULT_TEMPLATE = """\
<instructions>
{{ instructions }}
</instructions>
{%- if inputs_schema %}
<input_schema>
{{ inputs_schema }}
</input_schema>
{%- endif %}
{%- if outputs_schema %}
<output_schema>
{{ outputs_schema }}
</output_schema>
{%- endif %}
{%- if examples %}
<examples>
{%- for example in examples %}
<example>
<input>
{{ example[0] }}
</input>
<output>
{{ example[1] }}
</output>
</example>
{%- endfor %}
</examples>
{%- endif %}
"""


def default_prompt_template() -> str:
    """The template generators use where none is given.

    Variables: `instructions`; `inputs_schema` and `outputs_schema` (JSON text, or None); `examples`, pairs of
    (inputs, outputs). Objects and lists are written as JSON wherever a template names them.
    """
    return DEFAULT_TEMPLATE


@lru_cache(maxsize=256)
def compile_template(source: str) -> Template:
    """A prompt template, compiled; the same text is compiled once.

    Raises:
        ConfigurationError: a syntax error, with its line.
    """
    return templates.Template(source, "prompt_template")


def render(
    template: Template,
    instructions: str | None,
    examples: Sequence[Mapping[str, object]],
    inputs_schema: str | None = None,
    outputs_schema: str | None = None,
    variables: Mapping[str, object] | None = None,
) -> str:
    """The system message: instructions, schemas and worked examples, values as JSON.

    Raises:
        ConfigurationError: the template reaches for what the sandbox forbids, exceeds a limit of it, or fails at these
            values.
    """
    values = {
        **(variables or {}),
        "instructions": instructions or "",
        "inputs_schema": inputs_schema,
        "outputs_schema": outputs_schema,
        "examples": [(example["inputs"], example["outputs"]) for example in examples],
    }
    return template.render(values)


def render_input(value: Mapping[str, object]) -> str:
    """The user message for an ordinary data model: its JSON, and an opening for the answer."""
    return f"<input>\n{_json.dumps(value)}\n</input>\n<output>\n"


def user_turn(value: Mapping[str, object], parts: Sequence[JsonObject] = ()) -> dict[str, Any]:
    """The user message for an ordinary data model, with the pictures and sounds that its JSON names."""
    text = render_input(value)
    return {"role": "user", "content": [{"type": "text", "text": text}, *parts] if parts else text}
