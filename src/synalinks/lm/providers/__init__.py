"""The providers: which there are (`registry`), and how one is reached (`server`)."""

from synalinks.lm.providers.oauth import OAuth
from synalinks.lm.providers.registry import (
    LOCAL_LIMITS,
    SPECS,
    Spec,
    list_providers,
    register_provider,
    resolve,
)
from synalinks.lm.providers.server import (
    NO_CREDENTIALS,
    Credentials,
    address_of,
    bases_of,
    endpoint_of,
    is_own_server,
    key_of,
    limits_at,
    make,
    saved_base,
)
from synalinks.lm.providers.transport.http import is_loopback

__all__ = [
    "LOCAL_LIMITS",
    "NO_CREDENTIALS",
    "SPECS",
    "Credentials",
    "OAuth",
    "Spec",
    "address_of",
    "bases_of",
    "endpoint_of",
    "is_loopback",
    "is_own_server",
    "key_of",
    "limits_at",
    "list_providers",
    "make",
    "register_provider",
    "resolve",
    "saved_base",
]
