"""OAuthLanguageModel: a chat model behind an OAuth 2.0 token server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from synalinks._support.setting_of import FixedSetting
from synalinks.errors import ConfigurationError
from synalinks.lm import OAuth
from synalinks.modules.models.language_model import LanguageModel

#: Prefixes that name a vendor's command-line program, whose own login can't be used here.
_PROGRAMS = {"claude": "anthropic", "codex": "openai"}


class OAuthLanguageModel(LanguageModel):
    """A `LanguageModel` whose server takes access tokens of a token server (OAuth 2.0) in place of a key.

    A token is fetched at the first call and renewed before it expires and when the server refuses it, once for all
    calls that wait. Tokens and secrets are held in memory: they are in no saved program, cassette, pickle or printed
    text. Clones share the token. A saved model reads its secrets from the environment.

    Args:
        model: `provider/name`, as for a `LanguageModel`.
        token_url: of the token server, https or on this machine; `SYNALINKS_OAUTH_TOKEN_URL` where None.
        client_id, client_secret: the client's credentials; `SYNALINKS_OAUTH_CLIENT_ID` and
            `SYNALINKS_OAUTH_CLIENT_SECRET` where None.
        refresh_token: a refresh token to get tokens with; `SYNALINKS_OAUTH_REFRESH_TOKEN` where None. A public client
            needs no secret besides.
        scope: the scopes asked for, separated by blanks.
        client_auth: how the token server takes the secret: `basic` (a header) or `post` (in the form).
        token_params: further fields of the token request, e.g. `{"audience": "https://api.example.com"}`.
        oauth: an `OAuth` that several models share, in place of all of these.
        **kwargs: as for a `LanguageModel`, without a key.

    Example:
        >>> model = synalinks.OAuthLanguageModel(
        ...     "openai/gpt-4o-mini",
        ...     api_base="https://gateway.example.com/v1",
        ...     token_url="https://login.example.com/token",
        ...     client_id="my-program",
        ...     client_secret="a secret",
        ... )
        >>> model.oauth
        OAuth('https://login.example.com/token', client_id='my-program')

    Raises:
        ConfigurationError: no token URL, or one that is not https; a key besides; the model of a vendor's command-line
            program (`codex/...`, `claude/...`), whose login this library does not use.
    """

    token_url = FixedSetting("oauth_settings")
    client_id = FixedSetting("oauth_settings")
    scope = FixedSetting("oauth_settings")
    client_auth = FixedSetting("oauth_settings")
    token_params = FixedSetting("oauth_settings")

    def __init__(
        self,
        model: str | None = None,
        *,
        token_url: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        refresh_token: str | None = None,
        scope: str | None = None,
        client_auth: Literal["basic", "post"] = "basic",
        token_params: Mapping[str, str] | None = None,
        oauth: OAuth | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        program = (model or "").partition("/")[0]
        if program in _PROGRAMS:
            raise ConfigurationError(
                f"{model!r} names the command-line program {program}, and its login is not used here: give "
                f"'{_PROGRAMS[program]}/...' with the token_url= of a token server, or use a LanguageModel with a key"
            )
        given = {
            "token_url": token_url,
            "client_id": client_id,
            "client_secret": client_secret,
            "refresh_token": refresh_token,
            "scope": scope,
            "client_auth": client_auth,
            "token_params": token_params,
        }
        super().__init__(model, oauth=given if oauth is None else oauth, **kwargs)

    @property
    def oauth_settings(self) -> Mapping[str, Any]:
        """The settings of its token server, without secrets."""
        return {} if self.oauth is None else self.oauth.get_config()
