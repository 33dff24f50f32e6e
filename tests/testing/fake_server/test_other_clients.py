"""Clients of others against the stand-in: litellm and DSPy, by Ollama's own paths and OpenAI's.

Neither is of the test extra; where one is installed its test runs, in a process of its own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from synalinks.testing import ArithmeticModel, Law, OllamaServer
from synalinks.testing.fake_models.chat import ChatRequest
from synalinks.testing.fake_models.layout import Layout

SURE = ArithmeticModel(Law(base=1.0, ceiling=1.0, spread=0.0))
LITELLM = """
import asyncio, json, litellm, os
url, said = os.environ["OLLAMA_API_BASE"], {}
messages = [{"role": "user", "content": "What is 2 + 2?"}]
schema = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]}
schema = {"type": "json_schema", "json_schema": {"name": "A", "schema": schema}}
for prefix in ("ollama_chat", "ollama"):
    def ask(**options):
        return litellm.completion(model=f"{prefix}/llama3.2", api_base=url, messages=messages, **options)
    whole = ask()
    said[prefix] = [
        whole.choices[0].message.content,
        "".join(part.choices[0].delta.content or "" for part in ask(stream=True)),
        json.loads(ask(response_format=schema).choices[0].message.content),
        whole.usage.prompt_tokens > 0,
    ]
info = litellm.get_model_info("ollama/llama3.2")
said["info"] = [info["max_input_tokens"], info["litellm_provider"]]
vectors = litellm.embedding(model="ollama/all-minilm", api_base=url, input=["a", "b"]).data
said["vectors"] = [len(vectors), len(vectors[0]["embedding"])]
print(json.dumps(said))
"""
#: DSPy 3.4 calls Ollama by litellm where `OLLAMA_API_BASE` is set, else by a client of its own and OpenAI's paths.
DSPY = """
import dspy, json, os
url, said = os.environ["OLLAMA_API_BASE"], []
for model, base in (("ollama/llama3.2", url), ("openai/llama3.2", url + "/v1")):
    lm = dspy.LM(model, api_base=base, api_key="unused", cache=False)
    for adapter in (dspy.ChatAdapter(), dspy.JSONAdapter()):
        with dspy.context(lm=lm, adapter=adapter):
            said.append(dspy.Predict("question -> answer: int")(question="What is 12 + 7?").answer)
            worked = dspy.ChainOfThought("question -> answer")(question="What is 12 + 7?")
            said.append([worked.reasoning, worked.answer])
print(json.dumps(said))
"""


REACT = """
import dspy, json, os
def multiply(a: int, b: int) -> int:
    'Multiply two numbers.'
    return a * b
said = []
lm = dspy.LM("openai/llama3.2", api_base=os.environ["OLLAMA_API_BASE"] + "/v1", api_key="unused", cache=False)
for adapter in (dspy.ChatAdapter(), dspy.JSONAdapter()):
    with dspy.context(lm=lm, adapter=adapter):
        found = dspy.ReAct("question -> answer: int", tools=[multiply])(question="What is 6 * 7?")
    said.append([found.answer, found.trajectory["tool_name_0"], found.trajectory["observation_0"]])
print(json.dumps(said))
"""


def uses_a_tool(request: ChatRequest) -> str:
    """A rule for an agent of DSPy: call the tool, finish, and answer, in the layout that is asked for."""
    asked = request.last_user_text
    if "next_tool_name" not in asked.rpartition("Respond with")[2]:
        fields = {"reasoning": "6 * 7 = 42", "answer": 42}
    elif "observation_0" in asked:
        fields = {"next_thought": "That is all.", "next_tool_name": "finish", "next_tool_args": {}}
    else:
        fields = {"next_thought": "Multiply.", "next_tool_name": "multiply", "next_tool_args": {"a": 6, "b": 7}}
    if request.format is not None or "JSON object" in asked:
        return json.dumps(fields)
    shown = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
    return "\n\n".join(f"[[ ## {name} ## ]]\n{value}" for name, value in (shown | {"completed": ""}).items())


def printed(library: str, script: str, url: str) -> Any:
    """The JSON that a script prints, with the address of a server in its environment."""
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    there = {"OLLAMA_API_BASE": url, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, **there}, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_litellm_by_both_of_ollamas_paths() -> None:
    with OllamaServer(model=SURE) as server:
        said = printed("litellm", LITELLM, server.url)
        paths = {record.path for record in server.requests}
    assert said["ollama_chat"] == said["ollama"] == ["2 + 2 = 4", "2 + 2 = 4", {"answer": 4}, True]
    assert said["info"] == [4096, "ollama"] and said["vectors"] == [2, 384]
    assert {"/api/chat", "/api/generate", "/api/show", "/api/embed"} <= paths


def test_dspy_predicts_and_thinks_by_both_of_its_adapters() -> None:
    with OllamaServer(model=SURE) as server:
        said = printed("dspy", DSPY, server.url)
        paths = {record.path for record in server.requests}
    assert said == [19, ["12 + 7 = 19", "19"]] * 4
    assert {"/api/generate", "/v1/chat/completions"} <= paths


def test_an_agent_of_dspy_uses_its_tool() -> None:
    with OllamaServer(model=uses_a_tool) as server:
        assert printed("dspy", REACT, server.url) == [[42, "multiply", 42]] * 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            "Respond with the corresponding output fields, starting with the field `[[ ## reasoning ## ]]`, then "
            "`[[ ## answer ## ]]` (must be formatted as a valid Python int), and then ending with the marker for "
            "`[[ ## completed ## ]]`.",
            "[[ ## reasoning ## ]]\n12 + 7 = 19\n\n[[ ## answer ## ]]\n19\n\n[[ ## completed ## ]]",
        ),
        (
            "Respond with a JSON object in the following order of fields: `reasoning`, then `answer` (must be "
            "formatted as a valid Python int).",
            '{"reasoning": "12 + 7 = 19", "answer": 19}',
        ),
        ("Be brief.", "12 + 7 = 19"),
    ],
)
def test_an_answer_has_the_layout_that_the_prompt_asks_for(words: str, text: str) -> None:
    question = f"[[ ## question ## ]]\nWhat is 12 + 7?\n\n{words}"
    assert SURE.reply(ChatRequest(messages=[{"role": "user", "content": question}])) == text


def test_a_schema_goes_before_the_layout_in_words() -> None:
    words = "Respond with a JSON object in the following order of fields: `other`."
    schema = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]}
    request = ChatRequest(messages=[{"role": "user", "content": f"2 + 2. {words}"}], format=schema)
    assert SURE.reply(request) == '{"answer": 4}'
    assert Layout.asked_in("Answer in fields.") is None
