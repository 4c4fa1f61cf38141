"""The settings of a server: what of them is wrong, and what to call it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from headrace.providers import header_faults, url_faults, variable_faults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Settings"]

_PREFIX = re.compile(r"[A-Za-z0-9_-]{0,32}")
_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
_SHOWN = 120


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
        variables = {f"env: {place}": name for place, name in enumerate(self.env, 1)}
        variables |= {f"secret_headers: {name}": at for name, at in self.secret_headers.items()}
        faults += variable_faults({**variables, "bearer_env": self.bearer_env})
        if self.bearer_env and any(n.lower() == "authorization" for n in self.secret_headers):
            faults.append("Authorization is given twice: by bearer_env and in secret_headers")
        return faults + self._choices()

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
        given = self.headers or self.secret_headers or self.bearer_env
        return ["headers, secret_headers and bearer_env are for a url"] if given else []

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
