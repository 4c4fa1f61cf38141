"""What a skill does, held against what it says: needs, tools, packages, description."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace_skills.audit._model import Fact, FactKind, Severity
from headrace_skills.audit._supply import DISTRIBUTIONS, normal
from headrace_skills.audit._table import found, names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_skills.audit._context import About
    from headrace_skills.audit._hits import Seen
    from headrace_skills.audit._model import Finding
    from headrace_skills.audit._sources import Role
    from headrace_skills.needs import Needs

__all__ = ["Observed", "Said", "compare", "facts_of"]

_FACTS: tuple[FactKind, ...] = (
    "runs",
    "reaches",
    "installs",
    "reads",
    "writes",
    "hides",
    "imports",
)
_STANDARD = sys.stdlib_module_names | {"tomllib"}  # of every Python that is supported
_RUN: tuple[Role, ...] = ("file", "embedded")  # what is run, and not only shown
_LOCAL = re.compile(
    r"(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[?::1\]?|.*\.local(?:host)?)(?::\d+)?"
)
_SYSTEM = names("system-programs")
_COMMON_VARIABLES = names("common-variables")
_ABOUT_NETWORK = re.compile(
    r"(?i)\b(?:upload|download|sync|fetch|api|apis|http|https|web|website|online|url|urls|remote|cloud|server|"
    r"search|query|queries|deploy\w*|post|publish|send|slack|mail|e-mail|github|gitlab|jira|browser|browse|"
    r"internet|network|weather|dns|domain|hosts?|port|registry|package|packages|crawl|scrape|webhook|stream|"
    r"model|llm|rest|client|database|service|install|update)\w*\b"
)


@dataclass(slots=True)
class Observed:
    """What was seen over all texts of a skill."""

    seen: list[tuple[Seen, str, int, str]] = field(default_factory=list)
    """Each with its file, its line, and the role of the text."""
    modules: set[str] = field(default_factory=set)
    """Modules that the skill has itself."""
    names: set[str] = field(default_factory=set)
    """Names of its files."""

    def values(self, kind: str, *roles: Role) -> dict[str, tuple[str, int, str]]:
        """The values of a kind, each with the place where it was seen first; in texts of roles."""
        found: dict[str, tuple[str, int, str]] = {}
        for seen, file, line, role in self.seen:
            if seen.kind == kind and (not roles or role in roles):
                found.setdefault(seen.value, (file, line, role))
        return found


@dataclass(frozen=True, slots=True)
class Said:
    """What a skill says of itself."""

    about: About
    needs: Needs
    tools: tuple[str, ...]
    """``allowed-tools``."""
    packages: frozenset[str]
    """Normal names of packages that it declares, in any of the ways there are."""


def facts_of(observed: Observed, said: Said) -> Iterator[Fact]:
    """What the skill does, and whether it says so."""
    for kind in _FACTS:
        for value, (file, line, _) in sorted(observed.values(kind).items()):
            if kind == "imports":
                if value in _STANDARD or value in observed.modules:
                    continue
                yield Fact(kind, value, file, line, _has_package(value, said))
            elif kind == "runs":
                if value not in _SYSTEM and value not in observed.names:
                    yield Fact(kind, value, file, line, value in said.needs.commands)
            elif kind == "reaches":
                yield Fact(kind, value, file, line, _is_local(value) or _allows(said, value))
            elif kind == "reads" and value.startswith("$"):
                if value not in _COMMON_VARIABLES:
                    yield Fact(kind, value, file, line, value[1:] in said.needs.environment)
            else:
                yield Fact(kind, value, file, line)
    for value, (file, line, _) in sorted(observed.values("takes").items()):
        yield Fact("reads", value, file, line, declared=False)


def compare(observed: Observed, said: Said) -> Iterator[Finding]:
    """What does not go with what the skill says, and what shows only over several texts."""
    yield from _undeclared(observed, said)
    yield from _together(observed)
    sends = observed.values("sends", *_RUN)
    if sends and not said.needs.network and not _ABOUT_NETWORK.search(said.about.text):
        file, line, _ = next(iter(sends.values()))
        yield found("declared/description", file, line=line, confidence="medium")
    wide = [one for one in said.tools if one in ("*", "Bash", "Bash(*)", "Bash(*:*)", "bash")]
    if wide:
        yield found("declared/every-command", "SKILL.md", wide[0], line=1)


def _undeclared(observed: Observed, said: Said) -> Iterator[Finding]:
    # A skill that names hosts, and reaches others, says something that is not so.
    severity = Severity.MEDIUM if said.needs.network else None
    for value, (file, line, _) in observed.values("reaches", *_RUN).items():
        if not _is_local(value) and not _allows(said, value):
            yield found("declared/network", file, value, line=line, severity=severity)
    for value, (file, line, _) in observed.values("imports", *_RUN).items():
        own = value in _STANDARD or value in observed.modules
        if not own and not _has_package(value, said):
            yield found("declared/package", file, value, line=line, confidence="medium")


def _together(observed: Observed) -> Iterator[Finding]:
    """Steps that are harmless one by one."""
    started = observed.values("starts")
    for path in observed.values("fetches"):
        if path in started and path not in ("", "."):
            file, line, role = started[path]
            calm = bool(observed.values("checks")) or role == "inline"
            severity = Severity.MEDIUM if calm else None
            yield found("steps/download-then-run", file, path, line=line, severity=severity)
            break
    taken, sent = observed.values("takes", *_RUN), observed.values("sends", *_RUN)
    if taken and sent:
        value, (file, line, _) = next(iter(taken.items()))
        yield found("steps/secrets-and-network", file, value, next(iter(sent)), line=line)


def _is_local(host: str) -> bool:
    return _LOCAL.fullmatch(host) is not None or host.startswith(("$", "{", "<"))


def _allows(said: Said, host: str) -> bool:
    name, _, port = host.lower().partition(":")
    for one in said.needs.network:
        allowed, _, allowed_port = one.partition(":")
        if allowed_port and allowed_port != (port or "443"):
            continue
        if name == allowed or (allowed.startswith("*.") and name.endswith(allowed[1:])):
            return True
    return False


def _has_package(module: str, said: Said) -> bool:
    called = {normal(module), normal(DISTRIBUTIONS.get(module, module)), f"python-{normal(module)}"}
    return any(
        one in said.packages or any(p.startswith(f"{one}-") for p in said.packages)
        for one in called
    )
