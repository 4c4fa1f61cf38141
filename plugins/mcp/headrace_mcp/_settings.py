"""The settings of a server: what of them is wrong, and what to call it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from headrace.providers import header_faults, url_faults, variable_faults
from headrace_mcp._oauth_settings import read_oauth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Settings"]

_PREFIX = re.compile(r"[A-Za-z0-9_-]{0,32}")
_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
_SHOWN = 120
_USER = re.compile(r"[\x21-\x39\x3b-\x7e]+")


@dataclass(frozen=True, slots=True)
class Settings:
    """The arguments of ``McpTools``, as they were given."""

    command: Sequence[str] | None
    env: Sequence[str]
    cwd: str | None
    url: str | None
    headers: Mapping[str, str]
    secret_headers: Mapping[str, str]
    bearer_env: str | None
    user: str | None
    password_env: str | None
    oauth: Mapping[str, str] | None
    prefix: str
    include: Sequence[str] | None
    exclude: Sequence[str]
    on_change: str
    sessions: str
    max_sessions: int
    max_result: int
    log_level: str | None
    start_timeout: float

    @property
    def what(self) -> str:
        """What the server is called in texts."""
        if self.url is not None:
            return f"the MCP server {urlsplit(self.url).hostname}"
        command = shlex.join(self.command or ())
        shown = command if len(command) <= _SHOWN else f"{command[:_SHOWN]}..."
        return f"the MCP server `{shown}`"

    def faults(self) -> list[str]:
        """All that is wrong with them."""
        faults = self._shapes()
        if faults:  # what is no list or no text cannot be looked at any closer
            return faults
        if (self.command is None) == (self.url is None):
            faults.append("give either command (a process of the worker) or url (HTTP)")
        if self.command is not None:
            faults += self._http_given()
            if not self.command or not all(self.command[:1]):
                faults.append("command is empty: give the program and its arguments")
            if any("\0" in part for part in (*self.command, self.cwd or "")):
                faults.append("command or cwd holds a NUL")
        if self.url is not None:
            faults += url_faults(self.url, "url")
            faults += ["env and cwd are for a command"] if self.env or self.cwd else []
        faults += header_faults(self.headers)
        variables: dict[str, str | None] = {
            f"env: {place}": name for place, name in enumerate(self.env, 1)
        }
        variables |= {f"secret_headers: {name}": at for name, at in self.secret_headers.items()}
        variables |= {"bearer_env": self.bearer_env, "password_env": self.password_env}
        return faults + variable_faults(variables) + self._access() + self._choices()

    def _access(self) -> list[str]:
        """What is wrong with how the server is told who asks."""
        oauth, faults = read_oauth(self.oauth)
        if oauth is not None and self.url is not None:
            faults += oauth.faults(self.url)
        if (self.user is None) != (self.password_env is None):
            faults.append("user and password_env go together")
        if self.user is not None and not _USER.fullmatch(self.user):
            faults.append("user is visible ASCII characters, without a colon")
        header = any(name.lower() == "authorization" for name in self.secret_headers)
        ways = {
            "bearer_env": self.bearer_env,
            "password_env": self.password_env,
            "oauth": self.oauth,
            "secret_headers": header or None,
        }
        given = [name for name, value in ways.items() if value is not None]
        if len(given) > 1:
            faults.append(f"Authorization is given twice: by {' and '.join(given)}")
        return faults

    def _shapes(self) -> list[str]:
        lists = {
            "command": self.command,
            "env": self.env,
            "include": self.include,
            "exclude": self.exclude,
        }
        faults = [
            f"{name} is a list of texts"
            for name, value in lists.items()
            if value is not None and not _is_list_of_texts(value)
        ]
        tables = {"headers": self.headers, "secret_headers": self.secret_headers}
        faults += [
            f"{name} is a table of texts"
            for name, table in tables.items()
            if not all(isinstance(part, str) for pair in table.items() for part in pair)
        ]
        return faults

    def _http_given(self) -> list[str]:
        given = {
            "headers": self.headers,
            "secret_headers": self.secret_headers,
            "bearer_env": self.bearer_env,
            "user": self.user,
            "password_env": self.password_env,
            "oauth": self.oauth,
        }
        named = [name for name, value in given.items() if value]
        return [f"for a url, and not for a command, are: {', '.join(named)}"] if named else []

    def _choices(self) -> list[str]:
        faults = []
        if not _PREFIX.fullmatch(self.prefix):
            faults.append("prefix has up to 32 of the characters A-Z a-z 0-9 _ -")
        if self.on_change not in {"stop", "allow"}:
            faults.append(f'on_change is "stop" or "allow", not {self.on_change!r}')
        if self.sessions not in {"shared", "key"}:
            faults.append(f'sessions is "shared" or "key", not {self.sessions!r}')
        if self.log_level is not None and self.log_level not in _LEVELS:
            faults.append(f"log_level is None or one of {', '.join(_LEVELS)}")
        numbers = {
            "max_sessions": self.max_sessions,
            "max_result": self.max_result,
            "start_timeout": self.start_timeout,
        }
        faults += [
            f"{name} is over 0, not {value}" for name, value in numbers.items() if value <= 0
        ]
        return faults


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value)
