"""MultiServerMCPClient against real servers of the package `mcp`: over stdio, streamable HTTP and SSE."""

from __future__ import annotations

import asyncio
import copy
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks.errors import ConfigurationError, DataError, OfflineError, ToolFailed
from synalinks.lm import Reply
from synalinks.testing import ScriptedProvider

needs_mcp = pytest.mark.skipif(find_spec("mcp") is None, reason="needs the package mcp: extra `mcp`")
SERVER = Path(__file__).with_name("mcp_server.py")
STDIO = {"transport": "stdio", "command": sys.executable, "args": [str(SERVER)], "env": {"ODD": "is set"}}


@pytest.fixture(scope="module", params=["streamable_http", "sse"])
def over_http(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    with subprocess.Popen([sys.executable, str(SERVER), request.param], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        path = "mcp" if request.param == "streamable_http" else "sse"
        yield {"transport": request.param, "url": f"http://127.0.0.1:{process.stdout.readline().strip()}/{path}"}
        process.kill()


def named(tools: list[Any]) -> dict[str, Any]:
    return {tool.name: tool for tool in tools}


async def results(connection: Any) -> dict[str, Any]:
    async with synalinks.MultiServerMCPClient({"tests": connection}) as client:
        tools = named(await client.get_tools(server_name="tests"))
        assert tools["add"].get_tool_schema()["required"] == ["first", "second"]
        assert tools["add"].description == "Add two numbers."
        assert tools["add"].to_wire()["parameters"]["properties"]["first"]["type"] == "integer"
        found = {
            "add": (await tools["add"](first=2, second=3)).get_json(),
            "count": (await tools["count"]()).get_json(),
            "say": (await tools["say"](text="hello")).get_json(),
            "odd": (await tools["odd_name_v2"]()).get_json(),
            "picture": (await tools["picture"]()).get_json()["contents"][0]["mimeType"],
        }
        with pytest.raises(DataError, match="first"):
            await tools["add"](second=3)
        with pytest.raises(ToolFailed, match="no such city"):
            await tools["fail"]()
        return found


@needs_mcp
def test_a_server_over_stdio() -> None:
    found = asyncio.run(results(STDIO))
    assert found == {
        "add": {"result": 5},
        "count": {"calls": 1},
        "say": {"result": "hello"},
        "odd": {"result": "is set"},
        "picture": "image/png",
    }


@needs_mcp
def test_a_server_over_http(over_http: dict[str, Any]) -> None:
    found = asyncio.run(results(over_http))
    assert (found["add"], found["say"]) == ({"result": 5}, {"result": "hello"})


@needs_mcp
def test_several_servers_with_their_names_before_their_tools(over_http: dict[str, Any]) -> None:
    async def main() -> set[str]:
        client = synalinks.MultiServerMCPClient({"near": STDIO, "far": over_http})
        tools = named(await client.get_tools())
        assert (await tools["near_add"](first=1, second=1)).get("result") == 2
        async with client.session("near") as session:
            assert len((await session.list_tools()).tools) == 7
        return set(tools)

    names = asyncio.run(main())
    assert {"near_add", "far_add", "near_odd_name_v2"} <= names
    assert len(names) == 14


@needs_mcp
def test_one_session_for_calls_side_by_side_and_another_after_a_server_has_gone() -> None:
    async def main() -> None:
        client = synalinks.MultiServerMCPClient({"tests": STDIO})
        tools = named(await client.get_tools("tests"))
        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(tools["add"](first=number, second=1))
        assert (await tools["count"]()).get("calls") == 5
        with pytest.raises(ToolFailed):
            await tools["leave"]()
        await asyncio.sleep(0.05)
        for _ in range(100):
            try:
                assert (await tools["count"]()).get("calls") == 0
                return
            except ToolFailed:
                await asyncio.sleep(0.05)
        raise AssertionError("no new session was opened")

    asyncio.run(asyncio.wait_for(main(), 60))


@needs_mcp
def test_an_agent_calls_them_is_copied_and_saved(tmp_path: Path) -> None:
    async def main() -> None:
        client = synalinks.MultiServerMCPClient({"math": STDIO})
        tools = [tool for tool in await client.get_tools("math") if tool.name in ("add", "fail")]
        inputs = synalinks.Input(data_model=synalinks.ChatMessages)
        outputs = await synalinks.FunctionCallingAgent(tools=tools, language_model="ollama/m")(inputs)
        program = synalinks.Program(inputs=inputs, outputs=outputs)
        program.save(tmp_path / "program.json")
        assert str(SERVER) not in (tmp_path / "program.json").read_text(encoding="utf-8")
        loaded = synalinks.Program.load(tmp_path / "program.json")
        calls = Reply(
            tool_calls=(
                {"id": "1", "name": "add", "arguments": {"first": 2, "second": 3}},
                {"id": "2", "name": "add", "arguments": {"first": "x"}},
                {"id": "3", "name": "fail", "arguments": {}},
            )
        )
        talk = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="?")])
        for one in (program, copy.deepcopy(program), loaded):
            with synalinks.use_provider(ScriptedProvider([calls, "done", "5"])):
                found = (await one(talk)).get("messages")
            assert found[2]["content"] == {"result": 5}
            assert found[3]["content"].startswith("error: wrong arguments for the tool 'add'")
            assert found[4]["content"].startswith("error: ") and "no such city" in found[4]["content"]
        assert tools[0].clone().client is client

    asyncio.run(main())


def test_a_loaded_tool_without_a_client_says_what_to_write() -> None:
    tool = synalinks.modules.McpTool(server="nowhere", tool="add", parameters={"type": "object"})
    with pytest.raises(ConfigurationError, match=r"MultiServerMCPClient\(\{'nowhere': ...\}\)"):
        asyncio.run(tool())


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ("python", "a connection is a dict"),
        ({"transport": "websocket", "url": "ws://x"}, "write one of stdio, sse, streamable_http"),
        ({"transport": "stdio"}, "stdio needs 'command'"),
        ({"url": "http://127.0.0.1:9/mcp", "header": {}}, "Did you mean 'headers'"),
        ({"transport": "sse"}, "sse needs 'url'"),
    ],
)
def test_connections_that_cannot_be_right(connection: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        synalinks.MultiServerMCPClient({"one": connection})


@needs_mcp
@pytest.mark.parametrize(
    "connection",
    [
        {"command": sys.executable, "args": ["-c", "pass"]},
        {"command": "no-such-command-anywhere"},
        {"url": "http://127.0.0.1:9/mcp"},
        {"transport": "sse", "url": "http://127.0.0.1:9/sse"},
    ],
)
def test_servers_that_are_not_there(connection: Any) -> None:
    client = synalinks.MultiServerMCPClient({"one": connection})
    with pytest.raises(ToolFailed, match="'one'"):
        asyncio.run(asyncio.wait_for(client.get_tools(), 30))
    with pytest.raises(ConfigurationError, match="there is no MCP server 'two'; there are one"):
        asyncio.run(client.get_tools("two"))
    if "url" in connection:
        with synalinks.lm.offline(), pytest.raises(OfflineError, match="over the network"):
            asyncio.run(client.get_tools())


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'synalinks-replay\[mcp\]'"):
        asyncio.run(synalinks.MultiServerMCPClient({"one": STDIO}).get_tools())


def test_no_servers_no_tools() -> None:
    assert asyncio.run(synalinks.MultiServerMCPClient().get_tools()) == []
