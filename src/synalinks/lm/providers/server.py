"""A provider's server as a model calls it: its address, the key that may be sent there, and the handler of calls.

A key from the environment goes to the provider's own server, and to another only if the program or the environment
named that address. An address that came from a file gets no key from the environment.
"""

from __future__ import annotations

import importlib
import os
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload
from urllib.parse import SplitResult, parse_qsl, unquote, unquote_plus, urlencode, urlsplit, urlunsplit

from synalinks.lm.core.call import Call, Handler, Reply
from synalinks.lm.core.errors import AuthenticationError, ConfigurationError
from synalinks.lm.providers.oauth import OAuth
from synalinks.lm.providers.registry import LOCAL_LIMITS, Spec
from synalinks.lm.providers.transport.http import is_loopback
from synalinks.lm.rate_limit.account import Limits

if TYPE_CHECKING:
    import httpx

#: Query parameters of an address that are no secret and are kept when a model is saved.
SAVED_PARAMETERS = frozenset({"api-version", "api_version"})
#: What the text before a colon is where no `//` follows, and not the name of a host.
_SCHEMES = frozenset({"data", "file", "http", "https", "javascript", "mailto"})
#: A name, an IPv4 or IPv6 address; nothing where this machine is meant.
_HOST = re.compile(r"[\w.-]*|[\da-f:.]+(?:%[\w.-]+)?")
#: An IPv6 address by itself, as `OLLAMA_HOST=::1`.
_IPV6 = re.compile(r"[\da-fA-F]*:[\da-fA-F]*:[\da-fA-F:.]*(?:%[\w.-]+)?")
#: What stands before the path of a URL.
_AUTHORITY = re.compile(r"^(?:[^/?#]*://)?[^/?#]*")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens.

    Attributes:
        endpoint: its URL in one spelling, without credentials and query; `prefix:` where none is known.
        auth: user and password from `user:password@`.
        query: the query string, which is sent with every request.
    """

    endpoint: str
    auth: tuple[str, str] | None = field(default=None, repr=False)
    query: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a program says of the key of a model.

    Example:
        >>> from synalinks.lm import Client, Credentials
        >>> client = Client("openai/gpt-4o-mini", credentials=Credentials(api_key="a secret"))
        >>> Credentials(api_key="a secret")
        Credentials(api_key_env=None, from_file=False)

    Attributes:
        api_key: the key, held in memory only.
        api_key_env: the environment variable that holds it, in place of the provider's own.
        oauth: where access tokens come from, in place of a key.
        from_file: whether the model's settings came from a file, so that they choose neither which secret is sent nor
            where one of the environment's goes.
    """

    api_key: str | None = field(default=None, repr=False)
    api_key_env: str | None = None
    from_file: bool = False
    oauth: OAuth | None = field(default=None, repr=False)

    def __deepcopy__(self, memo: object) -> Credentials:
        return self

    def __reduce__(self) -> tuple[type[Credentials], tuple[None, str | None, bool, OAuth | None]]:
        return Credentials, (None, self.api_key_env, self.from_file, self.oauth)  # a pickle is a file: it gets no key


NO_CREDENTIALS = Credentials()


def address_of(spec: Spec, api_base: str | None = None) -> Address:
    """The address of a provider's server: `api_base`, else the first of the environment's, else the provider's own.

    Raises:
        ConfigurationError: not a URL.
    """
    named = api_base or next(iter(_in_environment(spec)), None)
    if not isinstance(named or "", str):
        raise ConfigurationError(f"not a server's URL: {named!r}; write e.g. 'http://127.0.0.1:8000'")
    given = (named or spec.endpoint).strip().strip("\"'").strip()
    if not given:  # scripts have no server; a deployment's must be named before it is called, not to replay
        return Address(f"{spec.prefix}:")
    bare = "://" not in given
    if bare and _IPV6.fullmatch(given):
        given = f"[{given}]"
    try:
        _check_text(given, bare)
        parts = urlsplit(f"http://{given}" if bare else given)
        port = _port(parts)
        if not _HOST.fullmatch(parts.hostname or ""):
            raise ValueError(f"{parts.hostname!r} is no name or address of a host")
    except ValueError as error:
        raise ConfigurationError(f"not a server's URL: {_redacted(given)!r} ({error})") from None
    if parts.scheme.lower() not in ("http", "https"):
        raise ConfigurationError(f"a server's URL begins with http:// or https://, got {_redacted(given)!r}")
    if port is None and bare:
        port = spec.port
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    endpoint = f"{parts.scheme.lower()}://{_host(parts)}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
    return Address(endpoint, auth, parts.query)


def bases_of(spec: Spec, api_base: str | Sequence[str] | None = None) -> tuple[str | None, ...]:
    """The `api_base` of each server of a model; a variable of the environment may name several, with commas between.

    Raises:
        ConfigurationError: no URLs.
    """
    if api_base is None or (isinstance(api_base, str) and not api_base.strip()):
        named = _in_environment(spec)
        return named if len(named) > 1 else (None,)
    if isinstance(api_base, str):
        return (api_base,)
    named = tuple(api_base) if isinstance(api_base, Sequence) else (api_base,)
    wrong = [one for one in named if not isinstance(one, str) or not one.strip()]
    if wrong or not named:  # of the others, which may hold passwords, nothing is said
        raise ConfigurationError(
            f"not a server's URL, or a list of them: {wrong[0] if wrong else api_base!r}; write e.g. "
            "'http://127.0.0.1:8000', or ['http://10.0.0.1:8000', 'http://10.0.0.2:8000']"
        )
    return named


def _in_environment(spec: Spec) -> tuple[str, ...]:
    """The servers that the first variable names which names any."""
    for name in spec.base_env:
        if servers := tuple(filter(None, (part.strip() for part in os.environ.get(name, "").split(",")))):
            return servers
    return ()


def endpoint_of(spec: Spec, api_base: str | None = None) -> str:
    """The URL of a provider's server, in one spelling, without credentials and query; `prefix:` where none is known.

    Raises:
        ConfigurationError: not a URL.
    """
    return address_of(spec, api_base).endpoint


@overload
def saved_base(api_base: str) -> str: ...
@overload
def saved_base(api_base: str | Sequence[str] | None) -> str | list[str] | None: ...
def saved_base(api_base: str | Sequence[str] | None) -> str | list[str] | None:
    """An `api_base` as files keep it: without user, password, fragment, and all parameters that might be secret."""
    if api_base is not None and not isinstance(api_base, str):
        return [saved_base(one) for one in api_base]
    if api_base is None or not ("@" in api_base or "?" in api_base or "#" in api_base):
        return api_base
    bare = "://" not in api_base
    parts = urlsplit(f"http://{api_base}" if bare else api_base)
    query = urlencode([pair for pair in parse_qsl(parts.query) if pair[0].lower() in SAVED_PARAMETERS])
    url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))
    return url.removeprefix("http://") if bare else url


def secrets_of(auth: object, query: str) -> Iterator[str]:
    """The password of basic authentication and the values of a query string, as they are and as they are sent."""
    if isinstance(auth, tuple):
        yield from (auth[1], b64encode(":".join(auth).encode()).decode())
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name not in SAVED_PARAMETERS:
            yield from (value, unquote_plus(value))


def is_own_server(spec: Spec, endpoint: str) -> bool:
    """Whether an endpoint is the provider's, whose prices are known by model. Another server that speaks its API, such
    as a gateway or one's own, may have any price for a model of that name. Of those without a common address, as on
    Azure, every one is the provider's; and servers of one's own machine have no published prices to confuse.
    """
    return spec.local or not spec.endpoint or urlsplit(endpoint).hostname == urlsplit(spec.endpoint).hostname


def limits_at(spec: Spec, endpoint: str) -> Limits:
    """The limits of an account at a server, where the program states none: another server on this machine than the
    provider's own answers a few calls at once, as local servers do."""
    return LOCAL_LIMITS if is_loopback(endpoint) and not spec.local and not spec.limits.concurrency else spec.limits


def key_of(
    spec: Spec, api_key: str | None = None, credentials: Credentials = NO_CREDENTIALS, api_base: str | None = None
) -> str | None:
    """The key for a provider's server: the one given, else the environment's where it may go there, else None."""
    if credentials.oauth is not None:
        return None
    given = api_key or credentials.api_key
    return given or _from_environment(spec, credentials, api_base)[0]


def make(
    spec: Spec,
    api_base: str | None = None,
    *,
    api_key: str | None = None,
    credentials: Credentials = NO_CREDENTIALS,
    timeout: float | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Handler:
    """The handler that sends calls to a provider; its client is made at the first call.

    Args:
        spec: the provider.
        api_base: URL of the server, where not the default one; may hold `user:password@` and a query string.
        api_key: the key, where not taken from `credentials` or the environment.
        credentials: what the program says of the key.
        timeout: seconds one read or write may take; None leaves that to the retry layer, which limits whole attempts.
        transport: an httpx transport to use in place of the network.

    Raises:
        ConfigurationError: `api_base` is not a URL.
    """
    address = address_of(spec, api_base)
    build = spec.target
    if isinstance(build, str):
        module, _, name = build.partition(":")
        build = getattr(importlib.import_module(module), name)
    handler: Handler = build(
        address.endpoint,
        api_key=key_of(spec, api_key, credentials, api_base),
        auth=_auth(spec, address, credentials, api_base),
        query=address.query,
        timeout=timeout,
        transport=transport,
    )
    reason = None if api_key or credentials.api_key else _from_environment(spec, credentials, api_base)[1]
    return handler if reason is None else _WithReason(handler, reason)


def _auth(
    spec: Spec, address: Address, credentials: Credentials, api_base: str | None
) -> tuple[str, str] | OAuth | None:
    """What puts the `authorization` header on requests, where that is no key.

    Raises:
        ConfigurationError: there are two for one header.
    """
    if credentials.oauth is None:
        return address.auth
    if address.auth is not None:
        raise ConfigurationError(
            f"{address.endpoint}: api_base has a user and password, and OAuth uses the same header"
        )
    return None if _is_foreign(spec, credentials, api_base) else credentials.oauth


class _WithReason:
    """A handler whose refusals for lack of a key say why no key was sent."""

    def __init__(self, handler: Handler, reason: str) -> None:
        self.name = getattr(handler, "name", type(handler).__name__)
        self._handler = handler
        self._reason = reason

    async def __call__(self, call: Call, /) -> Reply:
        try:
            return await self._handler(call)
        except AuthenticationError as error:
            error.args = (f"{error}. {self._reason}",)
            raise


def _from_environment(spec: Spec, credentials: Credentials, api_base: str | None) -> tuple[str | None, str | None]:
    """The environment's key, and why there is none to send although one may be needed."""
    if credentials.oauth is not None:
        return None, _not_sent("The access token", spec, api_base) if _is_foreign(spec, credentials, api_base) else None
    names = spec.key_env if credentials.api_key_env is None else (credentials.api_key_env,)
    if credentials.from_file and not set(names) <= set(spec.key_env):
        return None, (
            f"The saved model names the variable {names[0]} for its key, and a file does not choose which secret is "
            "sent. Make the model in the program: LanguageModel(..., api_key_env=...)"
        )
    found = next((name for name in names if os.environ.get(name)), None)
    if found is None:
        missing = credentials.api_key_env
        return None, None if missing is None else f"The environment variable {missing} (api_key_env) is not set"
    if _is_foreign(spec, credentials, api_base):
        return None, _not_sent(f"The key in {found}", spec, api_base)
    return os.environ[found], None


def _is_foreign(spec: Spec, credentials: Credentials, api_base: str | None) -> bool:
    """Whether a file chose an address that is neither the provider's nor the environment's."""
    return credentials.from_file and bool(api_base) and not _named_by_owner(spec, api_base or "")


def _not_sent(what: str, spec: Spec, api_base: str | None) -> str:
    return (
        f"{what} was not sent, because the address {endpoint_of(spec, api_base)} came from a file. "
        f"If it is right, name it in {' or '.join(spec.base_env) or 'the program'}, or make the model in the "
        "program: LanguageModel(..., api_base=...)"
    )


def _named_by_owner(spec: Spec, api_base: str) -> bool:
    """Whether an address is the provider's own server, or one that the environment names."""
    owners = [spec.endpoint] if spec.endpoint else []
    owners += [named for name in spec.base_env for named in os.environ.get(name, "").split(",") if named.strip()]
    return any(_server(spec, api_base) == _server(spec, owner) for owner in owners)


def _server(spec: Spec, api_base: str) -> tuple[str, str, int | None]:
    """Scheme, host and port."""
    parts = urlsplit(endpoint_of(spec, api_base))
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    return parts.scheme, host, parts.port or _PORTS.get(parts.scheme)


def _port(parts: SplitResult) -> int | None:
    """The port of a URL.

    Raises:
        ValueError: it is none, where the error of `urlsplit` would repeat what may be a part of a password.
    """
    try:
        return parts.port
    except ValueError:
        raise ValueError("the port is no number up to 65535") from None


def _host(parts: SplitResult) -> str:
    """The host to connect to; an address that servers bind to, to listen everywhere, means this machine."""
    host = (parts.hostname or "").lower()
    if host in ("", "0.0.0.0"):
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host


def _check_text(url: str, bare: bool) -> None:
    """Refuse text that `urlsplit` would read as another host than it seems to name.

    Raises:
        ValueError: saying why.
    """
    if " " in url or not url.isprintable():
        raise ValueError("it holds a space, a line break or another character that does not print")
    if bare and (scheme := url.partition(":")[0].lower()) != url.lower() and scheme in _SCHEMES:
        raise ValueError(f"{scheme}: begins no address of a server; one begins with http:// or https://")
    behind = _AUTHORITY.sub("", url, count=1)
    if "@" in behind or "#" in behind or url.startswith("/"):
        raise ValueError(
            "its host is not where one is expected; within a user, a password or a query, write %2F for /, %3F for ?, "
            "%23 for # and %40 for @"
        )


def _redacted(url: str) -> str:
    """A URL without user, password, query and fragment."""
    return re.split(r"[?#]", url.rpartition("@")[2])[0]
