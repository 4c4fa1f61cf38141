"""How a server over HTTP is told who asks: headers, secrets, tokens."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from headrace.errors import ResourceError, ToolError
from headrace.providers import Secrets, read_secrets
from headrace_mcp._oauth_settings import read_oauth
from headrace_mcp._tokens import TokenFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace_mcp._access import Access
    from headrace_mcp._oauth_settings import OAuth
    from headrace_mcp._settings import Settings

__all__ = ["access_to", "said_to", "sign_in"]


def said_to(settings: Settings) -> tuple[dict[str, str], tuple[str, ...]]:
    """The headers of every request, and what of them no text may show.

    Raises:
        ResourceError: An environment variable is not set.
    """
    ways = (settings.bearer_env, settings.password_env)
    needed = [*settings.secret_headers.values(), *(name for name in ways if name)]
    values = read_secrets(needed, settings.what)
    secrets = list(values.values())
    headers = dict(settings.headers)
    headers |= {name: values[at] for name, at in settings.secret_headers.items()}
    if settings.bearer_env:
        headers["Authorization"] = f"Bearer {values[settings.bearer_env]}"
    if settings.password_env:
        both = f"{settings.user}:{values[settings.password_env]}"
        written = base64.b64encode(both.encode()).decode()
        headers["Authorization"] = f"Basic {written}"
        secrets.append(written)
    return headers, tuple(secrets)


def access_to(settings: Settings) -> Access | None:
    """What gives tokens; ``None`` where there are none that end. The SDK is imported here.

    Raises:
        ResourceError: An environment variable is not set, or nobody has signed in.
    """
    oauth = _oauth(settings)
    if oauth is None:
        return None
    from headrace_mcp._oauth import ClientCredentials
    from headrace_mcp._signed_in import SignedIn

    url = settings.url or ""
    if oauth.by_a_person:
        return SignedIn(settings.what, url, TokenFile(url, oauth.client_id))
    return ClientCredentials(url, oauth, _secret(settings, oauth) or "")


async def sign_in(
    settings: Settings, show: Callable[[str, str], None], *, port: int, seconds: float
) -> str:
    """Lets a person sign in; gives the file of the tokens.

    Raises:
        ResourceError: Nothing came of it.
        ToolError: The server is not to be had now.
    """
    from headrace_mcp import _login

    oauth = _oauth(settings)
    if oauth is None or not oauth.by_a_person:
        raise ResourceError(
            f'{settings.what} takes no sign-in: that is for oauth={{"grant": "authorization_code"}}'
        )
    url = settings.url or ""
    file = TokenFile(url, oauth.client_id)
    secret = _secret(settings, oauth)
    headers, secrets = said_to(settings)
    hidden = Secrets([*secrets, secret or ""])
    try:
        await _login.sign_in(
            url, oauth, secret, headers, file, show=show, port=port, seconds=seconds
        )
    except (ResourceError, ToolError) as error:
        # Not by its chain either: errors of the client hold what was sent.
        raise type(error)(hidden.hide(f"{settings.what}: {error}", 4_000)) from None
    return str(file.path)


def _oauth(settings: Settings) -> OAuth | None:
    return read_oauth(settings.oauth)[0]


def _secret(settings: Settings, oauth: OAuth) -> str | None:
    name = oauth.client_secret_env
    return None if name is None else read_secrets([name], settings.what)[name]
