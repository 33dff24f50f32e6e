"""OAuth 2.0: access tokens of a token server, in place of a key that does not change (RFC 6749).

A token is held in memory only. It is renewed before it expires and when a server refuses it, once for all the calls
that wait for it, whatever their event loops and threads.
"""

from __future__ import annotations

import asyncio
import copy
import os
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote_plus, urlencode, urlsplit

from synalinks import _json
from synalinks.lm.core.errors import AuthenticationError, ConfigurationError, ConnectionFailed, LMError, ServerError
from synalinks.lm.core.secrets import Hidden, brief, keep_secret, scrubbed
from synalinks.lm.providers.transport.http import http_client, is_loopback
from synalinks.lm.providers.transport.status import error_for

#: How the client's secret is sent (RFC 6749, 2.3.1): in a header, or in the form.
ClientAuth = Literal["basic", "post"]
#: Environment variables that stand for arguments that are not given; secrets are never written to files.
VARIABLES = {
    "token_url": "SYNALINKS_OAUTH_TOKEN_URL",
    "client_id": "SYNALINKS_OAUTH_CLIENT_ID",
    "client_secret": "SYNALINKS_OAUTH_CLIENT_SECRET",
    "refresh_token": "SYNALINKS_OAUTH_REFRESH_TOKEN",
}
#: Seconds before its end that a token is renewed, so that none expires on its way; a tenth of a shorter life.
EARLY_SECONDS = 60.0
#: Seconds that the token server may be silent.
SILENCE_SECONDS = 30.0
#: Characters of its answer that a message quotes.
QUOTE = 200


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and when to renew it.

    Attributes:
        value: what is sent.
        renew_at: seconds on the clock; None where the server named no end.
    """

    value: str = field(repr=False)
    renew_at: float | None


class OAuth:
    """Where access tokens come from, with the tokens of this process.

    With a refresh token that is the grant, and a new one in an answer takes its place; else the client's own
    credentials are. Secrets are in no file, pickle or repr: a saved model reads them from the environment.

    Args:
        token_url: of the token server; https, or this machine.
        client_id, client_secret, refresh_token: where None, of the environment's `SYNALINKS_OAUTH_TOKEN_URL`,
            `SYNALINKS_OAUTH_CLIENT_ID`, `SYNALINKS_OAUTH_CLIENT_SECRET` and `SYNALINKS_OAUTH_REFRESH_TOKEN`.
        scope: the scopes asked for, separated by blanks.
        client_auth: `basic` (a header) or `post` (in the form), as the token server takes the secret.
        token_params: further fields of the form, e.g. `{"audience": "https://api.example.com"}`. They are saved.
        from_file: whether the settings came from a file. Then secrets of the environment go to the token server that it
            names, and to no other.
        clock: seconds.

    Example:
        >>> from synalinks.lm import OAuth
        >>> OAuth("https://login.example.com/token", client_id="me", client_secret="a secret", scope="models")
        OAuth('https://login.example.com/token', client_id='me', scope='models')

    Raises:
        ConfigurationError: no token URL, no client, no secret, or one that would be sent in the clear.
    """

    def __init__(
        self,
        token_url: str | None = None,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        refresh_token: str | None = None,
        scope: str | None = None,
        client_auth: ClientAuth = "basic",
        token_params: Mapping[str, str] | None = None,
        from_file: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if client_auth not in ("basic", "post"):
            raise ConfigurationError(f"OAuth(client_auth={client_auth!r}): write 'basic' or 'post'")
        if not isinstance(token_params or {}, Mapping):
            raise ConfigurationError(f"OAuth(token_params={token_params!r}): give a dict of fields of the form")
        named = os.environ.get(VARIABLES["token_url"])
        self.token_url = _checked_url(token_url or named)
        self.from_file = from_file
        known = not from_file or (named is not None and _checked_url(named) == self.token_url)
        self.client_id = client_id or os.environ.get(VARIABLES["client_id"])
        self._secret = client_secret or (os.environ.get(VARIABLES["client_secret"]) if known else None)
        self._refresh = refresh_token or (os.environ.get(VARIABLES["refresh_token"]) if known else None)
        self.scope = scope
        self.client_auth: ClientAuth = client_auth
        self.token_params = dict(token_params or {})
        self._clock = clock
        self._token: Token | None = None
        self._pending: Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._lock = threading.Lock()
        keep_secret(self._secret, self._refresh)

    @property
    def account(self) -> str:
        """What differs between the clients of one server; their calls have limits of their own."""
        return f"{self.token_url} {self.client_id or ''}"

    # --- the tokens ----------------------------------------------------------------------------------------

    async def token(self, refused: str | None = None) -> str:
        """A token that is valid as far as is known.

        Args:
            refused: one that a server did not take; it is not given again.

        Raises:
            AuthenticationError: the token server refuses the client, or there is no secret to send.
            LMError: it does not answer, or with something else than a token.
        """
        other, refused = Hidden(refused), None  # a traceback with local variables must not show it
        while (usable := self._usable(other.value)) is None:
            try:
                await asyncio.shield(asyncio.wrap_future(self._renewal()))  # a cancelled call ends no renewal
            except LMError as error:
                raise copy.copy(error) from error.__cause__  # the waiter's own: each adds to its traceback
        return usable

    def _usable(self, refused: str | None) -> str | None:
        token = self._token
        if token is None or token.value == refused or (token.renew_at is not None and self._clock() >= token.renew_at):
            return None
        return token.value

    def _renewal(self) -> Future[None]:
        """The renewal that is under way, begun where there is none."""
        with self._lock:
            if self._pending is not None and self._task is not None and not self._task.get_loop().is_closed():
                return self._pending
            pending = self._pending = Future()
            task = self._task = asyncio.create_task(self._renew())
        task.add_done_callback(lambda ended: self._settle(pending, ended))
        return pending

    def _settle(self, pending: Future[None], ended: asyncio.Task[None]) -> None:
        """Let the waiters go on; those of a renewal that was cancelled with its event loop begin another."""
        with self._lock:
            self._pending = None
        error = None if ended.cancelled() else ended.exception()
        if error is None:
            pending.set_result(None)
        else:
            pending.set_exception(error)

    async def _renew(self) -> None:
        """Fetch a token; the one place where the token server is called."""
        import httpx  # 80 ms, not needed to import the package

        begun, sent = self._clock(), Hidden(self._form())
        try:
            client = http_client(self.token_url, sent.value[0], timeout=SILENCE_SECONDS)
            try:
                response = await client.request("POST", self.token_url, Hidden(urlencode(sent.value[1]).encode()))
            finally:
                await client.close()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise ConnectionFailed(f"no token server answers at {self.token_url} ({brief(error)})") from error
        if not response.is_success:
            raise self._refused(response.status_code, response.text, response.headers)
        answer = self._parsed(response.content)
        if isinstance(answer, ServerError):
            raise answer
        renewed = answer.get("refresh_token")
        keep_secret(answer["access_token"], renewed)
        self._refresh = renewed or self._refresh
        lasts = answer["expires_in"]
        self._token = Token(
            answer["access_token"], None if lasts is None else begun + lasts - min(EARLY_SECONDS, lasts / 10)
        )

    def _form(self) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and form of the request for a token."""
        self._check()
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        form = {**self.token_params}
        if self._refresh:
            form |= {"grant_type": "refresh_token", "refresh_token": self._refresh}
        else:
            form["grant_type"] = "client_credentials"
        if self.scope:
            form["scope"] = self.scope
        client, secret = self.client_id or "", self._secret
        if secret and self.client_auth == "basic":
            pair = f"{quote_plus(client)}:{quote_plus(secret)}"
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        elif client:
            form |= {"client_id": client} | ({"client_secret": secret} if secret else {})
        return headers, form

    def _check(self) -> None:
        """Raise an AuthenticationError where there is nothing to send."""
        if self._refresh or (self.client_id and self._secret):
            return
        given = {"client_id": bool(self.client_id), "client_secret": bool(self._secret)}
        missing = [name for name, is_given in given.items() if not is_given]
        names = ", ".join(VARIABLES[name] for name in missing)
        why = (
            f" The model came from a file: secrets of the environment go to {VARIABLES['token_url']} only."
            if self.from_file
            else ""
        )
        raise AuthenticationError(
            f"no {' and no '.join(missing)} for the token server {self.token_url}: set {names}, or pass "
            f"{', '.join(f'{name}=...' for name in missing)} (or refresh_token=...) to OAuthLanguageModel.{why}"
        )

    # --- what the token server says --------------------------------------------------------------------------

    def _refused(self, status: int, text: str, headers: Mapping[str, str]) -> LMError:
        try:
            body = _json.loads(text)
        except _json.JSONDecodeError:
            body = None
        told = [str(body[key]) for key in ("error", "error_description") if body.get(key)] if _is_object(body) else []
        message = scrubbed(f"{self.token_url} gave no token ({status}): {': '.join(told) or text[:QUOTE]!r}")
        if status in (400, 401, 403):  # RFC 6749, 5.2: invalid_client, invalid_grant, ...
            return AuthenticationError(message, status=status)
        return error_for(status, message, headers)

    def _parsed(self, content: bytes) -> dict[str, Any] | ServerError:
        """The fields of an answer: `access_token`, `expires_in` in seconds or None, and perhaps `refresh_token`.

        An error for an answer that is no bearer token: it is not quoted, and not raised here, for it may hold one.
        """
        try:
            answer = _json.loads(content)
        except _json.JSONDecodeError:
            return ServerError(f"{self.token_url} sent something that is not JSON in place of a token")
        value = answer.get("access_token") if _is_object(answer) else None
        if not isinstance(value, str) or not value or not (value.isascii() and value.isprintable()):
            return ServerError(f"{self.token_url} sent an answer without a readable access_token")
        kind = str(answer.get("token_type") or "bearer")
        if kind.lower() != "bearer":
            return ServerError(
                f"{self.token_url} sent a token of type {kind[:QUOTE]!r}; bearer tokens only can be used"
            )
        try:
            lasts = None if answer.get("expires_in") is None else max(0.0, float(answer["expires_in"]))
        except (TypeError, ValueError):
            lasts = None
        renewed = answer.get("refresh_token")
        return {
            "access_token": value,
            "expires_in": lasts,
            "refresh_token": renewed if isinstance(renewed, str) else None,
        }

    # --- saving ----------------------------------------------------------------------------------------------

    @classmethod
    def from_config(cls, config: Mapping[str, Any], from_file: bool = False) -> OAuth:
        """The source that `get_config` described.

        Raises:
            ConfigurationError: a setting that there is none of, or a wrong one.
        """
        known = {*VARIABLES, "scope", "client_auth", "token_params"}
        if unknown := sorted(set(config) - known):
            raise ConfigurationError(f"OAuth has no setting {', '.join(unknown)}; it has {', '.join(sorted(known))}")
        return cls(**config, from_file=from_file)

    def get_config(self) -> dict[str, Any]:
        """The settings without secrets."""
        return {
            "token_url": self.token_url,
            "client_id": self.client_id,
            "scope": self.scope,
            "client_auth": self.client_auth,
            "token_params": self.token_params,
        }

    def __deepcopy__(self, memo: object) -> OAuth:
        return self  # one token for all copies of a model

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], OAuth], tuple[dict[str, Any]]]:
        return _unpickled, (
            {**self.get_config(), "from_file": self.from_file},
        )  # a pickle is a file: it gets no secret

    def __repr__(self) -> str:
        shown = "".join(
            f", {name}={value!r}" for name in ("client_id", "scope") if (value := getattr(self, name)) is not None
        )
        return f"OAuth({self.token_url!r}{shown})"


def _unpickled(config: dict[str, Any]) -> OAuth:
    return OAuth(**config)


def _checked_url(url: str | None) -> str:
    """A token URL that secrets may be sent to.

    Raises:
        ConfigurationError: it is none.
    """
    if not url or not isinstance(url, str):
        raise ConfigurationError(
            f"OAuth needs the address of a token server: token_url='https://...', or set {VARIABLES['token_url']}"
        )
    parts = urlsplit(url)
    if parts.username or parts.password or parts.fragment:
        raise ConfigurationError("token_url holds a user, a password or a fragment; give client_id= and client_secret=")
    if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(url))):
        raise ConfigurationError(
            f"token_url={url.partition('?')[0]!r}: secrets are sent to https:// addresses only, or to this machine"
        )
    return url


def _is_object(value: object) -> bool:
    return isinstance(value, dict)
