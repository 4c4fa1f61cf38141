"""Connections to the two kinds of servers, and what their errors say."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from headrace.providers import Secrets
from headrace_mcp._connection import Connection
from headrace_mcp._http import http_server
from headrace_mcp._stdio import Said, stdio_server
from headrace_mcp._text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_types import LoggingLevel

    from headrace_mcp._access import Access
    from headrace_mcp._settings import Settings

__all__ = ["process", "remote"]

_SAID = 1_000
"""Characters of what a server last said on stderr, the last."""
_LONGEST = 4_000
_SECRET = 6
"""Characters that make a value of the environment one to be hidden: ``1`` or ``true`` is none."""


def process(settings: Settings, env: Mapping[str, str], groups: set[int]) -> Connection:
    """A connection to a process of the worker's; it is not open yet."""
    said = Said()
    secrets = Secrets(value for value in env.values() if len(value) >= _SECRET)

    def explain(why: str) -> str:
        last = clean(said.text(), _LONGEST)[-_SAID:]
        text = f"{settings.what}: {why}" + (f"; it last said on stderr: {last}" if last else "")
        return secrets.hide(text, _LONGEST)

    command = settings.command or ()
    return Connection(
        lambda one: stdio_server(command, env, settings.cwd, groups, said, one.lose),
        explain,
        cast("LoggingLevel | None", settings.log_level),
        settings.start_timeout,
    )


def remote(
    settings: Settings, headers: Mapping[str, str], secrets: Sequence[str], access: Access | None
) -> Connection:
    """A connection over HTTP; it is not open yet."""
    url = settings.url or ""

    def explain(why: str) -> str:
        known = (*secrets, *(() if access is None else access.secrets()))
        return Secrets(known).hide(f"{settings.what}: {why}", _LONGEST)

    return Connection(
        lambda one: http_server(url, headers, one.retire, access),
        explain,
        cast("LoggingLevel | None", settings.log_level),
        settings.start_timeout,
    )
