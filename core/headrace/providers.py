"""For plugins that ask a provider over HTTP: secrets, addresses, headers, clients, waits.

Arguments of a plugin are part of the plan, so none of them may be a secret: they name environment
variables, which the worker reads when it opens the resource.
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from email.utils import mktime_tz, parsedate_tz
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from headrace.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "Secrets",
    "factory_faults",
    "header_faults",
    "made_by",
    "read_secrets",
    "retry_after",
    "url_faults",
    "variable_faults",
]

T = TypeVar("T")

_MASKED = re.compile(r"\S*\*{3,}\S*")
"""Providers quote a refused key with its ends: ``sk-ab*****wxyz``."""
_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie"}
)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FACTORY = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


class Secrets:
    """The secrets of a resource, which no error or log may show."""

    __slots__ = ("_values",)

    def __init__(self, values: Iterable[str]) -> None:
        written = {form for value in values for form in (value, json.dumps(value)[1:-1])}
        # The longest first: one may be a part of another.
        self._values = sorted(written - {""}, key=len, reverse=True)

    def hide(self, text: str, limit: int = 500) -> str:
        """The text without the secrets, shortened to ``limit`` characters."""
        for value in self._values:
            text = text.replace(value, "***")
        # Shortened between the two: before, it could cut a secret; after, the search would be slow.
        shown = _MASKED.sub("***", text[:limit])
        return shown if len(text) <= limit else f"{shown}... ({len(text)} characters)"

    def __repr__(self) -> str:
        return f"Secrets({len(self._values)} hidden)"


def read_secrets(variables: Iterable[str], what: str) -> dict[str, str]:
    """The values of environment variables that hold secrets.

    Args:
        variables: Their names.
        what: What needs them, for the error: ``the openai chat model``.

    Raises:
        ResourceError: One is not set, or holds what no header can carry; the text names it and
            never shows its value.
    """
    values = {name: os.environ.get(name, "").strip() for name in variables}
    missing = [name for name, value in values.items() if not value]
    if missing:
        raise ResourceError(
            f"{what} needs a secret that this worker does not have: set the environment variable "
            f"{' and '.join(missing)}"
        )
    for name, value in values.items():
        if not re.fullmatch(r"[\x21-\x7e]+", value):
            raise ResourceError(
                f"the environment variable {name} holds white space or characters that a header "
                "cannot carry"
            )
    return values


def variable_faults(names: Mapping[str, str | None]) -> list[str]:
    """What is wrong with names of environment variables, by the argument that gives each.

    A secret that was given in place of its variable's name is not shown.
    """
    return [
        f"{where}: this is no name of an environment variable (a secret itself is never given)"
        for where, name in names.items()
        if name is not None and not _VARIABLE.fullmatch(name)
    ]


def header_faults(headers: Mapping[str, str]) -> list[str]:
    """What is wrong with headers that a plan is to hold."""
    faults = []
    for name, value in headers.items():
        if name.lower() in _SECRET_HEADERS:
            faults.append(
                f"headers: {name} is a secret, which a plan must not hold: name the "
                "environment variable that holds it, in api_key_env or secret_headers"
            )
        elif not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
            faults.append(f"headers: {name!r} is no header of visible ASCII characters")
    return faults


def url_faults(url: str, where: str = "base_url") -> list[str]:
    """What is wrong with a server's address that a plan is to hold."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return [f"{where} is no address"]
    if parts.scheme not in {"http", "https"} or not host:
        return [f"{where} must begin with http:// or https:// and name a host"]
    if parts.username is not None or parts.password is not None:
        return [f"{where} holds a user or a password, which a plan must not: use secret_headers"]
    return []


def factory_faults(factory: str | None, where: str = "http_client") -> list[str]:
    """What is wrong with the name of a project's function, as a plan is to hold it."""
    if factory is None or (isinstance(factory, str) and _FACTORY.fullmatch(factory)):
        return []
    return [f"{where} must name a function of the project, as module:function"]


def made_by(factory: str | None, kind: type[T], what: str) -> T | None:
    """What a project's own function makes on the worker, such as an HTTP client with its proxies.

    Args:
        factory: The function's name, ``module:function``; it takes no argument. ``None``: nothing
            is made.
        kind: What it has to make.
        what: What needs it, for errors: ``the openai chat model``.

    Raises:
        ResourceError: It cannot be imported or called, or makes something else; the text names it.
    """
    from headrace.references import find

    if factory is None:
        return None
    try:
        made = find(factory)()
    except Exception as error:  # noqa: BLE001 - a project's own code
        why = f"{type(error).__name__}: {error}"
    else:
        if isinstance(made, kind):
            return made
        why = f"it made a {type(made).__name__}, not a {kind.__module__}.{kind.__qualname__}"
    raise ResourceError(f"{what} cannot be opened: http_client {factory}: {why}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, as a server asks: in milliseconds, in seconds, or until a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _number(headers.get(name))
        if seconds is not None:
            return seconds * unit
    date = parsedate_tz(headers.get("retry-after", ""))
    if date is None:
        return None
    try:
        return max(0.0, mktime_tz(date) - time.time())
    except (ValueError, OverflowError):
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
