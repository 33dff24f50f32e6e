"""The prompt of a generator: a jinja2 template in the sandbox, compiled once per text.

A saved program is data: a template in it can format what it is given and reach nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from synalinks import _json
from synalinks.errors import ConfigurationError

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
    JSON texts.
    """
    return DEFAULT_TEMPLATE


@lru_cache(maxsize=256)
def compile_template(source: str) -> Any:
    """A jinja2 template compiled in the sandbox; the same text is compiled once.

    Raises:
        ConfigurationError: a syntax error, with its line.
    """
    import jinja2  # 30 ms that a program without a generator need not pay
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(autoescape=False, keep_trailing_newline=False)
    try:
        return environment.from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise ConfigurationError(f"prompt_template, line {error.lineno}: {error.message}") from error


def render(
    template: Any,
    instructions: str | None,
    examples: Sequence[Mapping[str, Any]],
    inputs_schema: str | None = None,
    outputs_schema: str | None = None,
    variables: Mapping[str, Any] | None = None,
) -> str:
    """The system message: instructions, schemas and worked examples, values as JSON."""
    pairs = [(_json.dumps(example["inputs"]), _json.dumps(example["outputs"])) for example in examples]
    text: str = template.render(
        **(variables or {}),
        instructions=instructions or "",
        inputs_schema=inputs_schema,
        outputs_schema=outputs_schema,
        examples=pairs,
    )
    return text


def render_input(value: Mapping[str, Any]) -> str:
    """The user message for an ordinary data model: its JSON, and an opening for the answer."""
    return f"<input>\n{_json.dumps(value)}\n</input>\n<output>\n"
