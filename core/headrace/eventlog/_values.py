"""A value as the log shows it: plain JSON, shortened by limits, without secrets; one pure function.

A value that is shortened keeps its JSON type: a text stays a text, a list a list, an object an
object. What was left out is counted.
"""

from __future__ import annotations

import json
import math
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic_core import to_json

from headrace.secret_names import REDACTED, secret_name, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Limits", "Shower", "Shown", "dumps"]

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SUSPICIOUS = (
    "pass", "secret", "token", "key", "auth", "cookie", "dsn", "credential", "bearer", "basic",
    "://", "begin", "eyj", "k-", "k_", "gh", "xox", "akia", "nan", "infinity", '"$"',
)  # fmt: skip
"""What a text has, in small letters, in which there may be a secret, or what JSON has no word for;
asking for each by itself is ten times as quick as a regular expression."""
_REMEMBERED = 4096
_SHORTEST_SECRET = 6


_SLOW: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=str)


def dumps(value: Any) -> str:
    """A value as JSON text, not escaped beyond what JSON asks for.

    By pydantic's encoder, which takes a quarter of the time of the standard library's.

    Raises:
        ValueError: It is nested too deeply.
    """
    try:
        return to_json(value).decode()
    except ValueError:  # a text that is no Unicode, or what is no data
        return _SLOW.encode(value)


class Limits(NamedTuple):
    """How much of a value is shown."""

    text: int
    """Characters of a text."""
    items: int
    """Items of a list, fields of an object."""
    depth: int
    """Levels."""
    whole: int
    """Characters of all of it, about."""


class Shown(NamedTuple):
    """A value as it is shown."""

    text: str
    """It, as JSON."""
    cut: Mapping[str, int]
    """What was left out, counted: ``texts`` and their ``characters``, ``items``, ``fields``,
    ``deep`` parts, ``redacted`` ones."""


class Shower:
    """Shows values.

    Args:
        redact: Names of fields whose values are not shown, beside those that tell of secrets;
            ``*`` is a pattern.
        secrets: Texts that are not shown, wherever they stand.
    """

    def __init__(self, redact: Iterable[str] = (), secrets: Iterable[str] = ()) -> None:
        self._patterns = [one.lower() for one in redact]
        self._secrets = [one for one in set(secrets) if len(one) >= _SHORTEST_SECRET]
        self._secrets.sort(key=len, reverse=True)  # one may be part of another
        self._escaped = [dumps(one)[1:-1] for one in self._secrets]
        self._named: dict[str, bool] = {}
        self._left = 0

    def show(self, value: Any, limits: Limits) -> Shown:
        """A stored form (``headrace.values``) or plain JSON as it is shown."""
        quick = self._quick(value, limits)
        if quick is not None:
            return Shown(quick, {})
        counts: dict[str, int] = {}
        self._left = limits.whole
        shown = self._shown(value, limits, limits.depth, counts)
        return Shown(dumps(shown), counts)

    def text(self, text: str) -> tuple[str, int]:
        """A text without secrets, and how many there were."""
        count = 0
        for secret in self._secrets:
            if secret in text:
                count += text.count(secret)
                text = text.replace(secret, REDACTED)
        text, more = without_secrets(text)
        return text, count + more

    def _quick(self, value: Any, limits: Limits) -> str | None:
        """The text of a value in which nothing can be too long, too deep or secret."""
        kind = type(value)
        if kind is not dict and kind is not str and kind is not list:
            return None
        if kind is str and len(value) > limits.text:
            return None
        if self._patterns:
            return None
        try:
            text = dumps(value)
        except (RecursionError, ValueError):
            return None
        if (
            len(text) > limits.text
            or text.count(",") >= limits.items
            or text.count("[") + text.count("{") > limits.depth
        ):
            return None
        for secret in self._escaped:
            if secret in text:
                return None
        small = text.lower()
        for part in _SUSPICIOUS:
            if part in small:
                return None
        return text

    def _shown(self, value: Any, limits: Limits, depth: int, counts: dict[str, int]) -> Any:
        kind = type(value)
        if kind is str:
            return self._text(value, limits, counts)
        if kind is dict:
            if "$" in value:
                return self._untagged(value, limits, depth, counts)
            return self._object(value.items(), limits, depth, counts)
        if kind is list or kind is tuple:
            return self._list(value, limits, depth, counts)
        if kind is float:
            return value if math.isfinite(value) else None
        if value is None or kind is bool or kind is int:
            return value
        return self._text(str(value), limits, counts)

    def _text(self, value: str, limits: Limits, counts: dict[str, int]) -> str:
        # Secrets first: half a secret is not known any more.
        reach = value[: limits.text * 2 + 10_000]
        shown, found = self.text(reach)
        if found:
            _count(counts, "redacted", found)
        room = min(limits.text, max(0, self._left))
        left_out = len(shown) + len(value) - len(reach) - room
        if left_out > 0:
            _count(counts, "texts", 1)
            _count(counts, "characters", left_out)
            shown = shown[:room]
        self._left -= len(shown)
        return shown

    def _object(
        self, fields: Iterable[tuple[Any, Any]], limits: Limits, depth: int, counts: dict[str, int]
    ) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for number, (name, item) in enumerate(fields):
            if depth <= 0:
                _count(counts, "deep", 1)
                break
            if number >= limits.items or self._left <= 0:
                _count(counts, "fields", 1)
                continue
            named = name if type(name) is str else str(name)
            self._left -= len(named)
            if self._secret(named):
                _count(counts, "redacted", 1)
                shown[named] = REDACTED
            else:
                shown[named] = self._shown(item, limits, depth - 1, counts)
        return shown

    def _list(self, items: Any, limits: Limits, depth: int, counts: dict[str, int]) -> list[Any]:
        if items and depth <= 0:
            _count(counts, "deep", 1)
            return []
        shown: list[Any] = []
        for number, item in enumerate(items):
            if number >= limits.items or self._left <= 0:
                _count(counts, "items", len(items) - number)
                break
            self._left -= 1
            shown.append(self._shown(item, limits, depth - 1, counts))
        return shown

    def _untagged(
        self, value: dict[str, Any], limits: Limits, depth: int, counts: dict[str, int]
    ) -> Any:
        """What a tagged stored form holds, without looking for the class that it was made from."""
        held = value.get("v")
        if value["$"] == "float":
            return None  # JSON has no word for it
        if value["$"] == "dict" and type(held) is list:
            pairs = [pair for pair in held if type(pair) is list and len(pair) == 2]  # noqa: PLR2004
            return self._object(((pair[0], pair[1]) for pair in pairs), limits, depth, counts)
        if depth <= 0:
            _count(counts, "deep", 1)
            return None
        return self._shown(held, limits, depth - (type(held) is dict and "$" in held), counts)

    def _secret(self, name: str) -> bool:
        known = self._named.get(name)
        if known is None:
            if len(self._named) >= _REMEMBERED:
                self._named.clear()
            lower = name.lower()
            known = secret_name(_CAMEL.sub("_", name)) or any(
                fnmatchcase(lower, pattern) for pattern in self._patterns
            )
            self._named[name] = known
        return known


def _count(counts: dict[str, int], what: str, more: int) -> None:
    counts[what] = counts.get(what, 0) + more
