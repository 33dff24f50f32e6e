"""Access tokens of a real token server: fetched once, renewed in time and on refusal, and kept nowhere."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import threading
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.lm.providers.token_server import TokenServer

import synalinks
from synalinks import errors
from synalinks.lm import Client, Credentials, OAuth, Request, RetryPolicy
from synalinks.lm.core.secrets import scrubbed
from synalinks.lm.providers.oauth import VARIABLES

SECRET = "the-secret-of-the-client"
MESSAGES = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hello")])


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES.values():
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with TokenServer() as running:
        yield running


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def source(server: TokenServer, **settings: Any) -> OAuth:
    return OAuth(f"{server.url}/token", **{"client_id": "me", "client_secret": SECRET, **settings})


def client(server: TokenServer, oauth: OAuth, **settings: Any) -> Client:
    credentials = Credentials(oauth=oauth, from_file=settings.pop("from_file", False))
    return Client("openai/m", api_base=f"{server.url}/v1", credentials=credentials, cache="off", **settings)


def asked(text: str = "hello") -> Request:
    return Request("chat", "openai/m", messages=[{"role": "user", "content": text}])


async def all_of(client: Client, count: int) -> list[str]:
    tasks = [asyncio.ensure_future(client.send(asked(str(number)))) for number in range(count)]
    return [(await task).text for task in tasks]


def test_the_clients_credentials_get_one_token_for_all_calls(server: TokenServer) -> None:
    one = client(server, source(server, scope="models read", token_params={"audience": "api"}))
    assert asyncio.run(all_of(one, 8)) == ["hi"] * 8
    assert asyncio.run(all_of(one, 2)) == ["hi"] * 2, "another event loop"
    (form,) = server.forms
    assert b64decode(form.pop("header").removeprefix("Basic ")) == f"me:{SECRET}".encode()
    assert form == {"grant_type": "client_credentials", "scope": "models read", "audience": "api"}
    assert server.sent == ["Bearer token-1-of-the-server"] * 10


def test_the_secret_in_the_form(server: TokenServer) -> None:
    asyncio.run(all_of(client(server, source(server, client_auth="post")), 1))
    assert server.forms == [{"grant_type": "client_credentials", "client_id": "me", "client_secret": SECRET}]


def test_a_refresh_token_that_is_replaced_with_each_use(server: TokenServer) -> None:
    server.extra["refresh_token"] = "second-refresh-token"
    clock = Hand()
    oauth = source(server, client_secret=None, refresh_token="first-refresh-token", clock=clock)
    asyncio.run(all_of(client(server, oauth), 1))
    clock.now = 3600
    asyncio.run(all_of(client(server, oauth), 1))
    assert [form["refresh_token"] for form in server.forms] == ["first-refresh-token", "second-refresh-token"]
    assert {form["grant_type"] for form in server.forms} == {"refresh_token"}
    assert {form["client_id"] for form in server.forms} == {"me"}, "a public client names itself"


@pytest.mark.parametrize(("lasts", "kept", "renewed"), [(3600, 3539.9, 3540.0), (100, 89.9, 90.0), ("100", 89.9, 90.0)])
def test_a_token_is_renewed_before_it_expires(server: TokenServer, lasts: Any, kept: float, renewed: float) -> None:
    server.extra["expires_in"], clock = lasts, Hand()
    one = client(server, source(server, clock=clock))
    for now, count in ((0, 1), (kept, 1), (renewed, 2)):
        clock.now = now
        asyncio.run(all_of(one, 1))
        assert len(server.forms) == count
    assert server.sent[-1] == "Bearer token-2-of-the-server"


def test_a_token_without_an_end_is_kept(server: TokenServer) -> None:
    server.extra["expires_in"], clock = None, Hand()
    one = client(server, source(server, clock=clock))
    asyncio.run(all_of(one, 1))
    clock.now = 1e9
    asyncio.run(all_of(one, 1))
    assert len(server.forms) == 1


def test_many_refused_calls_renew_the_token_once(server: TokenServer) -> None:
    one = client(server, source(server))
    asyncio.run(all_of(one, 1))
    server.valid = None  # withdrawn
    server.held.clear()
    running = threading.Timer(0.2, server.held.set)
    running.start()
    assert asyncio.run(all_of(one, 12)) == ["hi"] * 12
    running.join()
    assert len(server.forms) == 2
    assert set(server.sent[1:]) == {"Bearer token-1-of-the-server", "Bearer token-2-of-the-server"}


def test_threads_share_a_renewal(server: TokenServer) -> None:
    oauth, found = source(server), []
    server.held.clear()
    threads = [
        threading.Thread(target=lambda: found.extend(asyncio.run(all_of(client(server, oauth), 3)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    threading.Timer(0.2, server.held.set).start()
    for thread in threads:
        thread.join()
    assert found == ["hi"] * 12
    assert len(server.forms) == 1


def test_a_cancelled_call_ends_no_renewal(server: TokenServer) -> None:
    one = client(server, source(server))

    async def play() -> str:
        first = asyncio.ensure_future(one.send(asked("first")))
        second = asyncio.ensure_future(one.send(asked("second")))
        server.held.clear()
        while not server.forms:
            await asyncio.sleep(0.005)
        first.cancel()
        await asyncio.sleep(0.01)
        server.held.set()
        return (await second).text

    assert asyncio.run(play()) == "hi"
    assert len(server.forms) == 1


def test_a_renewal_that_ends_with_its_loop_is_begun_again(server: TokenServer) -> None:
    oauth = source(server)

    async def leave() -> None:
        server.held.clear()
        waiting = asyncio.ensure_future(oauth.token())
        while not server.forms:
            await asyncio.sleep(0.005)
        waiting.cancel()

    asyncio.run(leave())
    server.held.set()
    assert asyncio.run(oauth.token()) == "token-2-of-the-server"


def test_a_token_that_is_refused_again_is_an_error(server: TokenServer) -> None:
    server.valid = "another"
    server.replies = [(200, {"access_token": f"token-{n}-nobody-takes"}) for n in range(9)]
    with pytest.raises(errors.AuthenticationError, match="401"):
        asyncio.run(all_of(client(server, source(server)), 1))
    assert len(server.forms) == len(server.sent) == 2


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (
            (401, {"error": "invalid_client", "error_description": "who"}),
            errors.AuthenticationError,
            "invalid_client",
        ),
        ((400, {"error": "invalid_grant"}), errors.AuthenticationError, "invalid_grant"),
        ((200, {"token_type": "bearer"}), errors.ServerError, "readable access_token"),
        ((200, "<html>"), errors.ServerError, "not JSON"),
        ((200, [1]), errors.ServerError, "readable access_token"),
        ((200, {"access_token": "ab\ncd"}), errors.ServerError, "readable access_token"),
        ((200, {"access_token": "abc", "token_type": "mac"}), errors.ServerError, "'mac'"),
        ((429, "slow down"), errors.RateLimited, "slow down"),
        ((503, {"error": [1]}), errors.ServerError, "503"),
    ],
)
def test_what_is_no_token(server: TokenServer, reply: tuple[int, Any], kind: type[Exception], said: str) -> None:
    server.replies = [reply]
    with pytest.raises(kind, match=said) as caught:
        asyncio.run(all_of(client(server, source(server), retry=RetryPolicy(attempts=1)), 1))
    assert SECRET not in str(caught.value)
    assert server.sent == []


def test_an_outage_of_the_token_server_is_tried_again(server: TokenServer) -> None:
    server.replies = [(503, "down")]
    one = client(server, source(server), retry=RetryPolicy(attempts=2, max_wait=0.01))
    assert asyncio.run(all_of(one, 1)) == ["hi"]


def test_nothing_listens_at_the_token_url(server: TokenServer) -> None:
    oauth = OAuth("http://127.0.0.1:9/token", client_id="me", client_secret=SECRET)
    with pytest.raises(errors.ConnectionFailed, match="no token server answers at http://127.0.0.1:9/token"):
        asyncio.run(all_of(client(server, oauth, retry=RetryPolicy(attempts=1)), 1))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "SYNALINKS_OAUTH_TOKEN_URL"),
        ("http://login.example.com/token", "https:// addresses only"),
        ("https://me:secret@login.example.com/token", "client_id="),
        ("login.example.com", "https:// addresses only"),
        (3, "address of a token server"),
    ],
)
def test_what_is_no_token_url(url: Any, said: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=said):
        OAuth(url, client_id="me", client_secret=SECRET)


def test_without_a_secret_the_variables_are_named() -> None:
    with pytest.raises(errors.AuthenticationError, match="set SYNALINKS_OAUTH_CLIENT_SECRET, or pass client_sec"):
        asyncio.run(OAuth("https://login.example.com/token", client_id="me").token())


def test_user_and_password_in_the_address_take_the_same_header(server: TokenServer) -> None:
    one = Client("openai/m", api_base="https://u:pw@api.example.com", credentials=Credentials(oauth=source(server)))
    with pytest.raises(errors.ConfigurationError, match="same header"):
        asyncio.run(all_of(one, 1))


# --- the model ----------------------------------------------------------------------------------------------


def model(server: TokenServer, **settings: Any) -> synalinks.OAuthLanguageModel:
    given = {"token_url": f"{server.url}/token", "client_id": "me", "client_secret": SECRET, **settings}
    return synalinks.OAuthLanguageModel("openai/m", api_base=f"{server.url}/v1", caching=False, **given)


def test_the_model_answers_in_a_program(server: TokenServer) -> None:
    one = model(server)
    assert asyncio.run(one(MESSAGES)).get("content") == "hi"
    assert asyncio.run(one.clone()(MESSAGES)).get("content") == "hi"
    assert asyncio.run(copy.deepcopy(one)(MESSAGES)).get("content") == "hi"
    assert len(server.forms) == 1, "copies share the token"


def test_other_kinds_of_models_take_tokens(server: TokenServer) -> None:
    shared = source(server)
    asyncio.run(synalinks.LanguageModel("openai/m", api_base=f"{server.url}/v1", oauth=shared, caching=False)(MESSAGES))
    assert synalinks.EmbeddingModel("openai/m", oauth=shared).oauth is shared
    assert synalinks.DecisionModel(model="openai/m", oauth=shared).oauth is shared
    assert model(server, oauth=shared).oauth is shared
    assert len(server.forms) == 1


def test_its_fallback_is_any_language_model(server: TokenServer) -> None:
    server.replies = [(503, "down")]
    plain = synalinks.LanguageModel("ollama/other")
    one = model(server, retry=1, fallback=plain)
    assert one.fallback is plain
    assert type(model(server, fallback="ollama/other").fallback) is synalinks.LanguageModel


def test_nothing_secret_is_written(server: TokenServer, tmp_path: Path) -> None:
    one = model(server, refresh_token="a-refresh-token", scope="models")
    cassette = tmp_path / "calls.jsonl"
    with synalinks.use_cassette(cassette):
        asyncio.run(one(MESSAGES))
    saved = json.dumps(synalinks.language_models.serialize(one))
    written = [saved, cassette.read_text(), repr(one), repr(one.oauth), repr(vars(one.oauth).get("_token"))]
    written.append(pickle.dumps(one).decode("latin-1"))
    for secret in (SECRET, "a-refresh-token", "token-1-of-the-server"):
        assert not any(secret in text for text in written), secret
        assert secret not in scrubbed(f"it is {secret}")


def test_a_saved_model_reads_its_secret_anew(server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = synalinks.language_models.serialize(model(server, scope="models"))
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    with pytest.raises(errors.AuthenticationError, match="came from a file"):
        asyncio.run(synalinks.language_models.deserialize(saved)(MESSAGES))
    monkeypatch.setenv(VARIABLES["client_secret"], SECRET)
    with pytest.raises(errors.AuthenticationError, match="go to SYNALINKS_OAUTH_TOKEN_URL only"):
        asyncio.run(synalinks.language_models.deserialize(saved)(MESSAGES))
    assert server.forms == [], "a file does not choose where a secret of the environment goes"
    monkeypatch.setenv(VARIABLES["token_url"], f"{server.url}/token")
    again = synalinks.language_models.deserialize(saved)
    assert type(again) is synalinks.OAuthLanguageModel
    assert asyncio.run(again(MESSAGES)).get("content") == "hi"
    assert server.forms[0]["scope"] == "models"


def test_an_address_from_a_file_gets_no_token(server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLES["client_secret"], SECRET)
    monkeypatch.setenv(VARIABLES["token_url"], f"{server.url}/token")
    again = synalinks.language_models.deserialize(synalinks.language_models.serialize(model(server)))
    with pytest.raises(errors.AuthenticationError, match="access token was not sent, .* came from a file"):
        asyncio.run(again(MESSAGES))
    assert server.forms == [] and server.sent == [None]


def test_what_a_model_refuses(server: TokenServer) -> None:
    with pytest.raises(errors.ConfigurationError, match="not both"):
        model(server, api_key="sk-1234567890")
    with pytest.raises(errors.ConfigurationError, match="command-line program codex"):
        synalinks.OAuthLanguageModel(model="codex/some-model")
    with pytest.raises(errors.ConfigurationError, match="client_auth"):
        model(server, client_auth="header")
    with pytest.raises(errors.ConfigurationError, match="no setting secret"):
        model(server, oauth={"token_url": f"{server.url}/token", "secret": "x"})
    with pytest.raises(errors.ConfigurationError, match=r"OAuthLanguageModel\(model=...\) is missing"):
        synalinks.OAuthLanguageModel(token_url="https://login.example.com/token")
