"""Prompts: the template's text, values as JSON, and a sandbox that nothing gets out of."""

from __future__ import annotations

from typing import Any

import pytest

import synalinks
from synalinks.errors import ConfigurationError
from synalinks.modules.generators.prompts import compile_template, default_prompt_template, render, render_input

EXAMPLE = {"inputs": {"question": "Größe?"}, "outputs": {"answer": ["<b>", True, None]}}


def test_the_whole_default_prompt() -> None:
    template = compile_template(default_prompt_template())
    text = render(template, "Be kind.", [EXAMPLE], '{"in":1}', '{"out":1}')
    assert (
        text
        == """\
<instructions>
Be kind.
</instructions>
<input_schema>
{"in":1}
</input_schema>
<output_schema>
{"out":1}
</output_schema>
<examples>
<example>
<input>
{"question":"Größe?"}
</input>
<output>
{"answer":["<b>",true,null]}
</output>
</example>
</examples>"""
    )
    assert render(template, None, []) == "<instructions>\n\n</instructions>"
    assert synalinks.default_prompt_template() == default_prompt_template()


def test_the_input_is_json_as_it_is() -> None:
    assert render_input({"q": "Größe & <x>"}) == '<input>\n{"q":"Größe & <x>"}\n</input>\n<output>\n'


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ facts }}", '{"a":[1,null]}'),
        ("{{ facts.a }}", "[1,null]"),
        ("{{ flag }} {{ nothing }} {{ number }} {{ word }}", "true null 1.5 naïve"),
        ("{{ facts | tojson }} {{ word | tojson }}", '{"a":[1,null]} "naïve"'),
        ("{% for e in examples %}{{ e[0].question }}: {{ e[1] }}{% endfor %}", 'Größe?: {"answer":["<b>",true,null]}'),
        ("{{ word | upper }} {{ not_there }}", "NAÏVE "),
        ("{{ instructions }}", "mine wins"),
    ],
)
def test_values_are_json_wherever_a_template_names_them(source: str, text: str) -> None:
    variables: dict[str, Any] = {
        "facts": {"a": [1, None]}, "flag": True, "nothing": None, "number": 1.5, "word": "naïve",
        "instructions": "theirs",
    }  # fmt: skip
    assert render(compile_template(source), "mine wins", [EXAMPLE], variables=variables) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}{{ ''.__class__.__mro__ }}",
        "{{ instructions.__class__.__mro__[1].__subclasses__() }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ facts.update({'a': 2}) }}",
        "{{ facts.a.append(1) }}",
        "{{ '{0.__class__.__mro__}'.format(facts) }}",
        "{% for i in range(999999999) %}{% endfor %}",
        "{% include 'file' %}",
        "{% import 'os' as os %}",
    ],
)
def test_nothing_gets_out_of_the_sandbox(source: str) -> None:
    variables = {"facts": {"a": [1]}}
    with pytest.raises(ConfigurationError, match="prompt_template can't be rendered"):
        render(compile_template(source), "x", [], variables=variables)
    assert variables == {"facts": {"a": [1]}}


@pytest.mark.parametrize("source", ["{{ 1 / 0 }}", "{{ word + 1 }}", "{{ [].pop() }}", "{{ nothing.at.all }}"])
def test_a_template_that_fails_says_so(source: str) -> None:
    with pytest.raises(ConfigurationError, match="prompt_template can't be rendered"):
        render(compile_template(source), "x", [], variables={"word": "w"})


def test_a_template_in_error_names_its_line() -> None:
    with pytest.raises(ConfigurationError, match="prompt_template, line 2"):
        compile_template("{{ a }}\n{% if %}")


def test_a_text_is_compiled_once() -> None:
    assert compile_template("{{ x }}") is compile_template("{{ x }}")
