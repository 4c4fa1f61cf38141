"""Which plugins a project lets in, and which distribution it takes one from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from headrace.plugins._errors import UnknownKindError
from headrace.plugins._model import DistributionName, Kind, normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.plugins._model import Plugin

__all__ = ["Policy", "as_kind", "make_policy"]

_PLUGIN_PATTERNS = tuple(f"{kind.value}." for kind in Kind)


@dataclass(frozen=True, slots=True)
class _Patterns:
    """One list of patterns, and where it stands."""

    setting: str
    patterns: tuple[str, ...]

    def match(self, plugin: Plugin) -> str | None:
        return next((one for one in self.patterns if _matches(one, plugin)), None)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a project says about plugins."""

    allow: tuple[_Patterns, ...]
    block: tuple[_Patterns, ...]
    choose: Mapping[str, DistributionName]

    def blocked_by(self, plugin: Plugin) -> str:
        """Tell in words which list keeps a plugin out; empty where none does."""
        for listed in self.block:
            pattern = listed.match(plugin)
            if pattern is not None:
                return f"{listed.setting} has {pattern!r}"
        for listed in self.allow:
            if listed.match(plugin) is None:
                return f"{listed.setting} does not have it"
        return ""


def make_policy(
    allow: Iterable[str] | str | None,
    block: Iterable[str] | str | None,
    choose: Mapping[str, str] | None,
) -> Policy:
    """Put together a policy from what a caller gives and what the environment says.

    A plugin must pass both: the environment can narrow what a project allows, not widen it.

    Raises:
        UnknownKindError: A pin is for a kind that there is not.
    """
    pins: dict[str, DistributionName] = {}
    for key, distribution in (choose or {}).items():
        kind, _, name = key.partition(".")
        pins[f"{as_kind(kind)}.{name}"] = normalise(distribution)
    return Policy(
        allow=_both("allow-list", allow, "HEADRACE_PLUGINS_ALLOW"),
        block=_both("block-list", block, "HEADRACE_PLUGINS_BLOCK"),
        choose=pins,
    )


def as_kind(kind: Kind | str) -> Kind:
    """Take a kind by its short name.

    Raises:
        UnknownKindError: There is none of that name.
    """
    try:
        return Kind(kind)
    except ValueError:
        raise UnknownKindError(kind, [one.value for one in Kind]) from None


def _both(what: str, given: Iterable[str] | str | None, variable: str) -> tuple[_Patterns, ...]:
    found: list[_Patterns] = []
    if given is not None:
        patterns = given.split(",") if isinstance(given, str) else given
        found.append(_Patterns(f"the project's {what}", _trimmed(patterns)))
    # An empty variable is one that was meant to be taken away, not a list that allows nothing.
    set_patterns = _trimmed(os.environ.get(variable, "").split(","))
    if set_patterns:
        found.append(_Patterns(f"the environment variable {variable}", set_patterns))
    return tuple(found)


def _trimmed(patterns: Iterable[str]) -> tuple[str, ...]:
    return tuple(stripped for one in patterns if (stripped := one.strip()))


def _matches(pattern: str, plugin: Plugin) -> bool:
    if fnmatchcase(plugin.key, pattern):
        return True
    # "tools.*" is about all tools, and must not hit a distribution called tools-something.
    if pattern.startswith(_PLUGIN_PATTERNS):
        return False
    return fnmatchcase(plugin.distribution, normalise(pattern))
