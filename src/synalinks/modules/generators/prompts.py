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
    (inputs, outputs). Objects and lists are written as JSON wherever a template names them.
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

    environment = ImmutableSandboxedEnvironment(autoescape=False, keep_trailing_newline=False, finalize=_as_json)
    environment.filters["tojson"] = _json.dumps  # jinja2's own is for HTML and escapes <, > and &
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
    """The system message: instructions, schemas and worked examples, values as JSON.

    Raises:
        ConfigurationError: the template reaches for what the sandbox forbids, or fails at these values.
    """
    values = {
        **(variables or {}),
        "instructions": instructions or "",
        "inputs_schema": inputs_schema,
        "outputs_schema": outputs_schema,
        "examples": [(example["inputs"], example["outputs"]) for example in examples],
    }
    try:
        text: str = template.render(values)
    except _template_errors() as error:
        raise ConfigurationError(f"prompt_template can't be rendered: {error} ({type(error).__name__})") from error
    return text


def _as_json(value: Any) -> Any:
    """What a template prints for a value: JSON, never Python's own notation."""
    return value if isinstance(value, str) or not isinstance(value, _JSON_VALUES) else _json.dumps(value)


_JSON_VALUES = (dict, list, tuple, bool, type(None))


def _template_errors() -> tuple[type[Exception], ...]:
    """What rendering raises; evaluated only when something was raised."""
    import jinja2  # it is loaded: a template was compiled

    return (jinja2.TemplateError, TypeError, ValueError, LookupError, ArithmeticError)


def render_input(value: Mapping[str, Any]) -> str:
    """The user message for an ordinary data model: its JSON, and an opening for the answer."""
    return f"<input>\n{_json.dumps(value)}\n</input>\n<output>\n"
