"""The registry of providers: names, providers of other packages, prices and the one place that says what is local."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks import errors
from synalinks.lm import Call, Client, Price, Reply, Request, Spec, Usage, list_providers, price_of, register_provider
from synalinks.lm.providers import SPECS, registry, resolve


@pytest.fixture(autouse=True)
def _registered_again() -> Iterator[None]:
    before = dict(registry._registry.by_prefix)
    yield
    registry._registry.by_prefix.clear()
    registry._registry.by_prefix.update(before)


@pytest.mark.parametrize(
    ("model", "prefix", "name"),
    [
        ("ollama/llama3.2:latest", "ollama", "llama3.2:latest"),
        ("ollama_chat/llama3.2", "ollama", "llama3.2"),
        ("vllm/org/model", "hosted_vllm", "org/model"),
        ("openrouter/openai/gpt-4o-mini", "openrouter", "openai/gpt-4o-mini"),
        ("scripted/x", "scripted", "x"),
    ],
)
def test_names(model: str, prefix: str, name: str) -> None:
    spec, found = resolve(model)
    assert (spec.prefix, found) == (prefix, name)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("olama/m", ["'olama'", "Did you mean 'ollama'?", "gemini", "ollama/llama3.2:latest", "register_provider"]),
        ("llama3.2", ["'llama3.2' names no provider", "ollama/llama3.2:latest"]),
        ("zzz/m", ["unknown provider 'zzz'", "Known providers: ollama"]),
        ("ollama/", ["no model"]),
        ("", ["names no provider"]),
        (None, ["None names no provider"]),
    ],
)
def test_unknown_names(model: str, words: list[str]) -> None:
    with pytest.raises(errors.UnknownModelError) as caught:
        resolve(model)
    assert all(word in str(caught.value) for word in words)
    assert "Did you mean" in str(caught.value) or model != "olama/m"


class Echo:
    """Answers with the last message."""

    def __init__(self, endpoint: str, **settings: Any) -> None:
        self.endpoint, self.settings = endpoint, settings

    async def __call__(self, call: Call, /) -> Reply:
        return Reply(text=f"{self.endpoint}: {call.request.messages[-1]['content']}", usage=Usage(10, output_text=10))


def ask(model: str, **settings: Any) -> Reply:
    request = Request("chat", model, messages=[{"role": "user", "content": "hi"}], options={"max_tokens": 100})
    return asyncio.run(Client(model, cache="off", **settings).send(request))


def test_a_registered_provider_answers_under_its_prefix_and_aliases() -> None:
    spec = register_provider(Spec("echo", Echo, "http://127.0.0.1:1", aliases=("eco",), local=True))
    assert resolve("echo/x") == (spec, "x") and resolve("eco/x") == (spec, "x")
    assert spec in list_providers() and set(SPECS) <= set(list_providers())
    assert ask("echo/x").text == "http://127.0.0.1:1: hi"
    assert synalinks.LanguageModel("echo/x").client.endpoint == "http://127.0.0.1:1"


def test_a_local_provider_is_free_in_every_place_that_counts_money() -> None:
    """One statement, `local=True`: the price, the budget's upper bound and the bill read it."""
    register_provider(Spec("echo", Echo, "http://127.0.0.1:1", local=True))
    with synalinks.use_budget("0.01"):
        assert ask("echo/x").cost == 0
    register_provider(Spec("cloud", Echo, "https://cloud.example"))
    assert price_of("cloud/x") is None
    with synalinks.use_budget("0.01"), pytest.raises(errors.ConfigurationError, match="price is unknown"):
        ask("cloud/x")


def test_a_spec_brings_prices_along_for_its_own_server() -> None:
    price = Price(input=Decimal(1), output=Decimal(2))
    register_provider(Spec("cloud", Echo, "https://cloud.example", prices={"large": price}))
    assert price_of("cloud/large") == price and price_of("cloud/small") is None
    with synalinks.use_budget(1):
        assert ask("cloud/large").cost == Decimal("0.00003")
    assert ask("cloud/large", api_base="https://gateway.example").cost is None


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (Spec("openai", Echo), "belongs to the provider 'openai'"),
        (Spec("mine", Echo, aliases=("vllm",)), "belongs to the provider 'hosted_vllm'"),
        (Spec("a/b", Echo), "a prefix is a letter"),
        (Spec("Upper", Echo), "lower case"),
        (Spec("mine", "no_callable"), "package.module:callable"),
        ("mine", "described by a Spec"),
    ],
)
def test_what_cannot_be_registered(spec: Any, words: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=words):
        register_provider(spec)
    assert resolve("openai/x")[0] is next(spec for spec in SPECS if spec.prefix == "openai")


def test_a_second_registration_replaces_the_first() -> None:
    """A notebook's cell is run again."""
    register_provider(Spec("echo", Echo, "http://127.0.0.1:1"))
    again = register_provider(Spec("echo", Echo, "http://127.0.0.1:2"))
    assert resolve("echo/x")[0] is again


def install(folder: Path, name: str, value: str, code: str) -> None:
    """What an installed package leaves behind: a module and its metadata."""
    (folder / f"{name}.py").write_text(textwrap.dedent(code), encoding="utf-8")
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[synalinks.providers]\n{name} = {value}\n", encoding="utf-8")


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\n" + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


PACKAGE = """
    from synalinks.lm import Spec

    def build(endpoint, **settings):
        raise RuntimeError

    SPEC = Spec("installed", build, "http://127.0.0.1:5", local=True)
"""


def test_providers_of_installed_packages_are_found_when_an_unknown_prefix_is_met(tmp_path: Path) -> None:
    install(tmp_path, "their_package", "their_package:SPEC", PACKAGE)
    found = run(
        tmp_path,
        """
        import synalinks
        synalinks.LanguageModel("ollama/x")
        print("their_package" in sys.modules)
        print(synalinks.LanguageModel("installed/x"), synalinks.lm.price_of("installed/x").is_free)
        """,
    )
    assert found.stdout.split("\n")[:2] == ["False", "<LanguageModel installed/x at http://127.0.0.1:5> True"], found


def test_a_package_whose_entry_point_fails_is_named_and_takes_nothing_down(tmp_path: Path) -> None:
    install(tmp_path, "broken_package", "broken_package:SPEC", "import no_such_module")
    install(tmp_path, "greedy_package", "greedy_package:SPEC", PACKAGE.replace('"installed"', '"openai"'))
    install(tmp_path, "their_package", "their_package:SPEC", PACKAGE)
    found = run(
        tmp_path,
        """
        from synalinks.lm import list_providers
        print([spec.endpoint for spec in list_providers() if spec.prefix in ("openai", "installed")])
        """,
    )
    assert found.stdout.strip() == "['https://api.openai.com/v1', 'http://127.0.0.1:5']", found
    assert "broken_package" in found.stderr and "no_such_module" in found.stderr
