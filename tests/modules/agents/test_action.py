"""Action: one call of one tool, with arguments that a model filled in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import synalinks
from synalinks.modules.tools.running import ToolWarning
from synalinks.saving import register_synalinks_serializable
from synalinks.testing import ScriptedProvider


class Query(synalinks.DataModel):
    query: str


@register_synalinks_serializable(package="action")
async def halve(number: int) -> int | None:
    """Halve an even number.

    Args:
        number: the number.
    """
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2 if number else None


def test_the_tool_runs_with_the_models_arguments(tmp_path: Path) -> None:
    async def main() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Query)
        outputs = await synalinks.Action(tool=halve, language_model="ollama/m")(inputs)
        assert list(outputs.keys()) == ["action"]
        return synalinks.Program(inputs=inputs, outputs=outputs)

    program = asyncio.run(main())
    program.save(tmp_path / "program.json")
    for one in (program, synalinks.Program.load(tmp_path / "program.json")):
        with synalinks.use_provider(ScriptedProvider([{"number": 4}, {"number": 3}, {"number": 0}])) as script:
            assert asyncio.run(one(Query(query="?"))).get("action") == {
                "inputs": {"number": 4},
                "outputs": {"result": 2},
            }
            with pytest.warns(ToolWarning):
                failed = asyncio.run(one(Query(query="?")))
            assert failed.get("action")["outputs"] == {"error": "3 is odd"}
            assert asyncio.run(one(Query(query="?"))).get("action")["outputs"] == {}
        assert script.calls[0].request.schema.value["properties"]["number"]["type"] == "integer"  # type: ignore[union-attr]
    assert asyncio.run(synalinks.Action(tool=halve)(None)) is None
