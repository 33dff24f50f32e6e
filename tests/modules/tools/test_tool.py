"""Tool: a function's schema, its arguments, its results and its failures."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel

import synalinks
from synalinks.errors import ConfigurationError, DataError
from synalinks.modules.tools.tool import wire_tools
from synalinks.saving import register_synalinks_serializable


class Place(BaseModel):
    city: str
    country: str = "FR"


class Weather(synalinks.DataModel):
    degrees: float


@register_synalinks_serializable(package="tools")
async def look(place: Place, days: int = 3, unit: Literal["C", "F"] = "C") -> Weather:
    """Look up the weather.

    Forecasts reach ten days.

    Args:
        place (Place): where.
        days: how many days
            to look ahead.
        unit: of the temperature.
    """
    assert isinstance(place, Place)
    return Weather(degrees=days + len(place.country))


def add(first: int, second: int):  # type: ignore[no-untyped-def]
    """Add two numbers.

    Args:
        first: one number.
        second: the other one.
    """
    return first + second


def run(tool: synalinks.Tool, *args: Any, **kwargs: Any) -> Any:
    found = asyncio.run(tool(*args, **kwargs))
    return None if found is None else found.get_json()


def test_the_schema_is_that_of_signature_and_docstring() -> None:
    tool = synalinks.Tool(look)
    schema = tool.get_tool_schema()
    assert (tool.name, tool.description, schema["title"]) == ("look", "Look up the weather.", "Look")
    assert schema["required"] == ["place"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["days"] == {
        "default": 3,
        "description": "how many days to look ahead.",
        "title": "Days",
        "type": "integer",
    }
    assert schema["properties"]["unit"]["enum"] == ["C", "F"]
    assert schema["$defs"]["Place"]["properties"]["city"]["type"] == "string"
    wire = tool.to_wire()
    assert wire["description"] == "Look up the weather.\n\nForecasts reach ten days."
    assert "title" not in wire["parameters"]
    assert synalinks.Tool(look, description="Shorter.").to_wire()["description"] == "Shorter."


def test_values_have_the_types_that_the_function_names() -> None:
    assert run(synalinks.Tool(look), place={"city": "Paris"}, days="4") == {"degrees": 6.0}
    assert run(synalinks.Tool(look), {"city": "Paris"}) == {"degrees": 5.0}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "place: Field required"),
        ({"place": {"city": 1}}, "place.city: Input should be a valid string"),
        ({"place": {"city": "x"}, "days": "many"}, "days: Input should be a valid integer"),
        ({"place": {"city": "x"}, "hours": 1}, "hours: Extra inputs are not permitted"),
        ({"place": {"city": "x"}, "unit": "K"}, "unit: Input should be 'C' or 'F'"),
    ],
)
def test_wrong_arguments_are_refused_before_the_call(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=f"wrong arguments for the tool 'look': {said}"):
        asyncio.run(synalinks.Tool(look)(**arguments))


def test_a_sync_function_and_all_kinds_of_results() -> None:
    assert run(synalinks.Tool(add), first=2, second=3) == {"result": 5}
    assert run(synalinks.Tool(add), 2, 3) == {"result": 5}
    assert run(synalinks.Tool(add), None) is None

    @dataclass
    class Point:
        x: int

    results: list[tuple[Any, Any]] = [
        (None, None),
        ({"a": 1}, {"a": 1}),
        ([1, 2], {"result": [1, 2]}),
        (Place(city="x"), {"city": "x", "country": "FR"}),
        (Weather(degrees=1.0), {"degrees": 1.0}),
        (Weather(degrees=1.0).to_json_data_model(), {"degrees": 1.0}),
        (Point(3), {"x": 3}),
        (Path("a"), {"result": "a"}),
    ]

    for value, wanted in results:

        def give(value: Any = value) -> Any:
            """Give it.

            Args:
                value: of any kind.
            """
            return value

        assert run(synalinks.Tool(give)) == wanted

    def odd() -> object:
        """Give what is not JSON."""
        return object()

    with pytest.raises(DataError, match="returned what is not JSON"):
        run(synalinks.Tool(odd))


def test_odd_names_of_parameters_and_partials_and_methods() -> None:
    def odd(schema: str, _hidden: int, model_x: Annotated[int, synalinks.Field(description="noted", ge=0)] = 1) -> str:
        """Take odd names.

        Args:
            schema: a name of pydantic's.
            _hidden: one with an underscore.
        """
        return f"{schema}{_hidden}{model_x}"

    tool = synalinks.Tool(odd)
    assert list(tool.parameters["properties"]) == ["schema", "_hidden", "model_x"]
    assert run(tool, schema="a", _hidden=2) == {"result": "a21"}
    with pytest.raises(DataError, match="greater than or equal to 0"):
        run(tool, schema="a", _hidden=2, model_x=-1)

    class Counter:
        start = 10

        def plus(self, number: int) -> int:
            """Add to the start.

            Args:
                number: what to add.
            """
            return self.start + number

        def __call__(self, number: int) -> int:
            """Call it.

            Args:
                number: what to give back.
            """
            return number

    assert run(synalinks.Tool(Counter().plus), number=1) == {"result": 11}
    assert run(synalinks.Tool(Counter(), name="counter"), number=1) == {"result": 1}
    assert run(synalinks.Tool(functools.partial(add, second=5), name="add_five"), first=1) == {"result": 6}


def _undocumented(a: int) -> int:
    return a


def _undescribed(a: int) -> int:
    """Take a."""
    return a


def _unhinted(a) -> int:  # type: ignore[no-untyped-def]
    """Take a.

    Args:
        a: something.
    """
    return int(a)


def _starred(*a: int) -> int:
    """Take many.

    Args:
        a: some things.
    """
    return len(a)


def _training(training: bool) -> bool:
    """Take the name of an argument of every module.

    Args:
        training: whether.
    """
    return training


@pytest.mark.parametrize(
    ("fn", "said"),
    [
        (_undocumented, "no docstring"),
        (_undescribed, "'a' is not described in the docstring"),
        (_unhinted, "'a' has no type hint; write e.g. a: str"),
        (_starred, "no name to be given by"),
        (_training, "a name that every module's call uses"),
        (lambda a: a, "give it one with name="),
        ("look", "takes a function, got str"),
        (Place, "takes a function"),
    ],
)
def test_what_a_model_cannot_be_shown_is_refused(fn: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        synalinks.Tool(fn)


def test_a_call_that_fails_is_made_again_unless_the_exception_says_that_it_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("tenacity.asyncio._portable_async_sleep", sleep)

    def failing(times: int, error: Exception) -> tuple[Callable[[], Any], list[int]]:
        made: list[int] = []

        async def fail() -> int:
            """Fail at first."""
            made.append(1)
            if len(made) <= times:
                raise error
            return len(made)

        return fail, made

    fn, made = failing(2, OSError("away"))
    assert run(synalinks.Tool(fn)) == {"result": 3}
    fn, made = failing(9, RuntimeError("away"))
    with pytest.raises(RuntimeError, match="away"):
        run(synalinks.Tool(fn))
    assert len(made) == 3
    for error in (ValueError("x"), KeyError("x"), TypeError("x"), DataError("x")):
        fn, made = failing(9, error)
        with pytest.raises(type(error)):
            run(synalinks.Tool(fn))
        assert len(made) == 1


def test_in_a_program_a_tool_takes_the_fields_of_its_input() -> None:
    class Pair(synalinks.DataModel):
        first: int
        second: int

    async def main() -> Any:
        inputs = synalinks.Input(data_model=Pair)
        outputs = await synalinks.Tool(look_typed)(inputs)
        program = synalinks.Program(inputs=inputs, outputs=outputs)
        assert outputs.get_schema()["properties"]["result"]["type"] == "integer"
        return await program(Pair(first=1, second=2))

    def look_typed(first: int, second: int) -> int:
        """Add.

        Args:
            first: one.
            second: two.
        """
        return first + second

    assert asyncio.run(main()).get_json() == {"result": 3}


def test_a_tool_is_saved_by_its_functions_registered_name() -> None:
    tool = synalinks.Tool(look, name="weather", description="Say the weather.")
    saved = synalinks.saving.serialize_synalinks_object(tool)
    loaded = synalinks.saving.deserialize_synalinks_object(saved)
    assert (loaded.name, loaded.to_wire()) == ("weather", tool.to_wire())
    with pytest.raises(ConfigurationError, match="can't be saved"):
        synalinks.saving.serialize_synalinks_object(synalinks.Tool(functools.partial(add, second=1), name="add_one"))


def test_tools_on_the_wire_in_every_form() -> None:
    flat = {"name": "find", "description": "Find.", "parameters": {"type": "object", "properties": {}}}
    own = {"type": "web_search_20250305", "name": "web_search"}
    found = wire_tools([synalinks.Tool(look), add, flat | {"name": "a"}], [{"type": "function", "function": flat}, own])
    assert [one["name"] for one in found] == ["look", "add", "a", "find", "web_search"]
    assert found[3] == flat
    assert found[4] == own
    with pytest.raises(ConfigurationError, match="two tools are called 'add'"):
        wire_tools([add, synalinks.Tool(add)])
    for wrong in (3, {"description": "no name"}):
        with pytest.raises(ConfigurationError, match="tool"):
            wire_tools([wrong])  # type: ignore[list-item]
