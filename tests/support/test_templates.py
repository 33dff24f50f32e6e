"""Tests of templates: what one may do, and that hostile ones end early, small and with the library's own error."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from synalinks._support.templates import MOST_CHARACTERS, MOST_STEPS, Template
from synalinks.errors import ConfigurationError

DOUBLED = "{% set ns = namespace(x=START) %}{% for i in range(60) %}{% set ns.x = ns.x OP ns.x %}{% endfor %}"

#: By what they try: the template, and a part of the message.
HOSTILE = {
    "loops within loops": (
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        f"more than {MOST_STEPS:,} steps|more than 0.5 s",
    ),
    "calls within calls": (
        "{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(60) }}",
        "steps|more than 0.5 s",
    ),
    "recursion": ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion"),
    "recursive loop": ("{% for a in [[[]]] recursive %}{{ loop([a]) }}{% endfor %}", "recursion"),
    "slow filter": ("{% for a in range(99999) %}{{ (range(99999)|sort)[0] }}{% endfor %}", "more than 0.5 s"),
    "a product": ("{{ 'a' * 10**9 }}", "characters"),
    "a product of constants": ("{{ 'a' * 1000000000 }}", "characters"),
    "a list": ("{{ [1] * 10**9 }}", "characters"),
    "bytes": ("{{ 'a'.encode() * 10**9 }}", "characters"),
    "a power": ("{{ 9 ** 99999 ** 9 }}", "bits"),
    "a large number": ("{{ " + "9" * 6000 + " }}", "can't be compiled"),
    "center": ("{{ 'a'|center(1000000000) }}", "characters"),
    "center, mapped": ("{{ ['a']|map('center', 1000000000)|list }}", "characters"),
    "ljust": ("{{ 'a'.ljust(1000000000) }}", "characters"),
    "expandtabs": ("{{ ('\\t' * 100000).expandtabs(1000000) }}", "characters"),
    "indent": ("{{ ('a\\n' * 100000)|indent(1000000) }}", "characters"),
    "format": ("{{ '%1000000000d'|format(1) }}", "width"),
    "str.format": ("{{ '{:1000000000}'.format(1) }}", "width"),
    "a width that is a value": ("{{ '{:{w}}'.format(1, w=1000000000) }}", "width"),
    "a width that is a value, behind a sign": ("{{ '{:>{}}'.format(1, 1000000000) }}", "width"),
    "a width that is a value, behind a conversion": ("{{ '{!r:_>{}}'.format(1, 1000000000) }}", "width"),
    "links": ("{{ ('http://a.b ' * 100000)|urlize }}", "characters"),
    "%": ("{{ '%*d' % (1000000000, 1) }}", "width"),
    "join": ("{{ range(99999)|map('string')|join('x' * 100000) }}", "characters|more than 0.5 s"),
    "str.join": ("{{ ('x' * 100000).join(range(99999)|map('string')) }}", "characters|more than 0.5 s"),
    "replace": ("{{ ('a' * 100000).replace('a', 'b' * 100000) }}", "characters"),
    "translate": ("{{ ('a' * 100000).translate({97: 'b' * 100000}) }}", "translate"),
    "batch": ("{{ [1]|batch(10**9, 'x')|list }}", "characters"),
    "slice": ("{{ [1]|slice(10**9)|list }}", "characters"),
    "tojson": ("{{ range(99999)|list|tojson(indent=1000000) }}", "characters"),
    "lipsum": ("{{ lipsum(n=1000000) }}", "undefined"),
    "doubled by ~": (DOUBLED.replace("START", "'a'").replace("OP", "~"), "characters"),
    "doubled by +": (DOUBLED.replace("START", "'a'").replace("OP", "+"), "characters"),
    "lists doubled by +": (DOUBLED.replace("START", "[1]").replace("OP", "+"), "characters"),
    "doubled by a block": (
        "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}"
        "{% set ns.x = y %}{% endfor %}",
        "characters",
    ),
    "a long text": ("{% for i in range(99999) %}" + "x" * 1000 + "{% endfor %}", "characters|more than 0.5 s"),
    "a value too deep for JSON": (
        "{% set ns = namespace(l=[]) %}{% for i in range(9999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
        "can't be rendered",
    ),
    "brackets": ("{{ " + "(" * 100_000 + "1" + ")" * 100_000 + " }}", "can't be compiled"),
    "blocks": ("{% for i in [1] %}" * 60 + "{% endfor %}" * 60, "can't be compiled"),
    "private names": ("{{ ''.__class__.__mro__ }}", "unsafe"),
}


@pytest.mark.parametrize(("source", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_template_ends_early_and_small(source: str, message: str) -> None:
    tracemalloc.start()
    begun = time.thread_time()
    try:
        with pytest.raises(ConfigurationError, match=message) as caught:
            Template(source, "prompt_template").render({})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith("prompt_template")
    assert peak < 100_000_000
    assert time.thread_time() - begun < 10, "it ends; a second at most without the tracing of memory"


def test_what_ordinary_templates_do_still_works() -> None:
    source = (
        "{% macro line(m) %}{{ m.role|upper }}: {{ m.content ~ '!' }}{% endmacro %}"
        "{% for m in messages if m.content %}{{ loop.index }}. {{ line(m) }}\n{% else %}none{% endfor %}"
        "{{ messages|map(attribute='role')|unique|join(', ') }} {{ ', '.join(names) }} {{ '%03d' % 7 }} "
        "{{ '{:>5}'.format('x') }} {{ 'a-b'.replace('-', '+') }} {{ 2 ** 10 }} {{ 3 * 'ab' }} {{ names }} {{ none }}"
    )
    values = {"messages": [{"role": "user", "content": "hi"}, {"role": "tool", "content": ""}], "names": ["é", "b"]}
    assert Template(source, "t").render(values) == (
        '1. USER: hi!\nuser, tool é, b 007     x a+b 1024 ababab ["é","b"] null'
    )


def test_long_values_pass() -> None:
    text = "x" * (MOST_CHARACTERS - 1_000)
    assert Template("{{ text }}", "t").render({"text": text}) == text
    many = [{"content": "word " * 20}] * 10_000
    assert len(Template("{% for m in many %}{{ m.content }}{% endfor %}", "t").render({"many": many})) == 1_000_000


def test_a_name_that_is_not_among_the_values() -> None:
    assert Template("a{{ b }}c", "t").render({}) == "ac"
    with pytest.raises(ConfigurationError, match="t can't be rendered: 'b' is undefined"):
        Template("a{{ b }}c", "t", strict=True).render({})


def test_a_syntax_error_has_its_line() -> None:
    with pytest.raises(ConfigurationError, match="input_template, line 2: unexpected"):
        Template("a\n{{ b", "input_template")
