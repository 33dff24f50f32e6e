"""Warnings of failed calls, folded."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable

import synalinks
from programs_under_test import compiled, data, fit, lm, provider_of, right
from synalinks.errors import ServerError
from synalinks.lm.core.call import Call
from synalinks.modules.models.folding import folded_warnings, warn_of_failure

CHAT = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="number 1")])


def down(number: int, call: Call) -> object:
    return ServerError("down") if number % 4 else {"answer": number}


def told(do: Callable[[], object]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        do()
    return [str(one.message) for one in caught]


def test_an_evaluation_warns_of_the_first_failure_and_of_the_number_of_the_others() -> None:
    x, y = data(120)
    program = compiled()

    def evaluate() -> None:
        with synalinks.use_provider(provider_of(down)):
            asyncio.run(program.evaluate(x, y, verbose=0))

    first, rest = told(evaluate)
    assert "counts as None: down" in first
    assert rest == "ollama/test: 89 more calls failed like this (server)"
    assert len(first) + len(rest) < 400
    assert told(evaluate)[1:] == [rest], "the next run counts anew"


def test_failures_of_another_kind_are_warned_of_by_themselves() -> None:
    def two(number: int, call: Call) -> object:
        return {0: ServerError("down"), 1: "no JSON"}.get(number % 3, {"answer": number})

    x, y = data(9)

    def evaluate() -> None:
        with synalinks.use_provider(provider_of(two)):
            asyncio.run(compiled().evaluate(x, y, verbose=0))

    kinds = [message.rpartition("(")[2] for message in told(evaluate) if " more calls " in message]
    assert sorted(kinds) == ["bad_reply)", "server)"]


def test_calls_outside_a_run_warn_at_the_first_the_tenth_and_the_hundredth() -> None:
    asked = [synalinks.ChatMessages(messages=CHAT.messages)] * 120

    async def main() -> None:
        model = lm()
        for one in asked:
            await model(one)

    def ask() -> None:
        with synalinks.use_provider(synalinks.testing.ScriptedProvider(lambda call: ServerError("down"))):
            asyncio.run(main())

    said = told(ask)
    assert [message.partition(" more")[0] for message in said[1:]] == ["ollama/test: 9", "ollama/test: 99"]
    assert len(told(ask)) == 3, "another event loop begins anew"


def test_a_run_in_a_run_has_no_warning_of_its_own() -> None:
    def nested() -> None:
        with folded_warnings():
            with folded_warnings():
                warn_of_failure("m", "server", "down")
            warn_of_failure("m", "server", "down")

    assert told(nested) == ["down", "m: 1 more call failed like this (server)"]


def test_a_run_without_failures_warns_of_nothing() -> None:
    x, y = data(4)
    assert told(lambda: fit(compiled(), provider_of(right), x, y)) == []


def test_where_warnings_are_errors_the_end_of_a_run_is_none() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with folded_warnings():
            for _ in range(2):
                warn_of_failure("m", "server", "down")
            warnings.simplefilter("error")
