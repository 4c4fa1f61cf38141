"""What a skill asks for beyond its own folder, and what a project grants it.

The standard has no fields for it, so they stand in ``metadata``, whose keys belong to clients::

    metadata:
      version: "1.2.0"
      headrace-dependencies: |
        httpx>=0.27,<1
      headrace-network: "api.example.com *.example.org:8443"
      headrace-environment: "EXAMPLE_TOKEN"
      headrace-commands: "git jq"

A Python script may also say what it imports, in inline metadata (PEP 723).
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from headrace_skills.errors import SkillFormatError, SkillNotGrantedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headrace_skills._model import Skill

__all__ = ["Grants", "Needs", "ScriptMetadata", "check_granted", "needs_of", "read_script_metadata"]

_PREFIX = "headrace-"
_HOST = re.compile(
    r"(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::[1-9]\d{0,4})?"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_COMMAND = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_OPENS = re.compile(r"# /// ([a-zA-Z0-9-]+)")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a skill declares that it needs."""

    network: tuple[str, ...] = ()
    """Hosts that its scripts talk to: ``HOST``, ``HOST:PORT`` or ``*.DOMAIN``."""
    environment: tuple[str, ...] = ()
    """Names of variables of the worker's environment that they read."""
    commands: tuple[str, ...] = ()
    """Programs that they call, beside the interpreter and what every system has."""
    dependencies: tuple[str, ...] = ()
    """Python packages, as PEP 508 requirements."""


@dataclass(frozen=True, slots=True)
class Grants:
    """What a project lets a skill have: ``[tool.agents.grants.SKILL]``."""

    network: tuple[str, ...] = ()
    """Hosts, in the same form."""
    environment: tuple[str, ...] = ()
    """Names of variables."""
    commands: tuple[str, ...] = ()
    """Names of programs."""


@dataclass(frozen=True, slots=True)
class ScriptMetadata:
    """What a Python script says of itself (PEP 723)."""

    dependencies: tuple[str, ...] = ()
    """PEP 508 requirements, as written."""
    requires_python: str | None = None
    """A version specifier, as written."""


def needs_of(skill: Skill) -> Needs:
    """Reads what a skill declares.

    Raises:
        SkillFormatError: A value is not of the form that it must have.
    """
    metadata = skill.metadata
    return Needs(
        network=_words(metadata, "network", _HOST, "hosts, such as api.example.com or *.org:443"),
        environment=_words(metadata, "environment", _VARIABLE, "names of variables"),
        commands=_words(metadata, "commands", _COMMAND, "names of programs, without a path"),
        dependencies=_requirements(metadata),
    )


def check_granted(skill: Skill, grants: Grants) -> Needs:
    """Holds what a skill needs against what it is granted.

    Raises:
        SkillNotGrantedError: Something is missing; the text has the lines to add.
        SkillFormatError: What it declares cannot be read.
    """
    needs = needs_of(skill)
    missing = {}
    for kind in (one.name for one in fields(Grants)):
        lacking = [one for one in getattr(needs, kind) if one not in getattr(grants, kind)]
        if lacking:
            missing[kind] = (tuple(lacking), (*getattr(grants, kind), *lacking))
    if missing:
        raise SkillNotGrantedError(skill.name, missing)
    return needs


def read_script_metadata(text: str) -> ScriptMetadata | None:
    """Reads the inline metadata of a Python script; ``None`` where it has none.

    Raises:
        SkillFormatError: It has two blocks, or one that is not what PEP 723 says.
    """
    blocks = [lines for kind, lines in _blocks(text) if kind == "script"]
    if not blocks:
        return None
    if len(blocks) > 1:
        raise SkillFormatError("it has two blocks of inline metadata (# /// script)")
    content = "\n".join(line[2:] if line.startswith("# ") else line[1:] for line in blocks[0])
    said = _toml(content)
    dependencies, python = said.get("dependencies", []), said.get("requires-python")
    if not isinstance(dependencies, list) or not all(isinstance(one, str) for one in dependencies):
        raise SkillFormatError("its inline metadata: dependencies is not a list of texts")
    if python is not None and not isinstance(python, str):
        raise SkillFormatError("its inline metadata: requires-python is not a text")
    return ScriptMetadata(tuple(map(_requirement, dependencies)), python)


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """The blocks of inline metadata, as the expression of PEP 723 finds them, in one pass."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        opens = _OPENS.fullmatch(lines[at])
        at += 1
        if opens is None:
            continue
        end = at
        while end < len(lines) and (lines[end] == "#" or lines[end].startswith("# ")):
            end += 1
        closes = next((n for n in range(end - 1, at, -1) if lines[n] == "# ///"), None)
        if closes is None:
            at = end  # nothing closes what opens before here, either
        else:
            yield opens[1], lines[at:closes]
            at = closes + 1


def _words(
    metadata: Mapping[str, Any], kind: str, pattern: re.Pattern[str], meant: str
) -> tuple[str, ...]:
    said = metadata.get(_PREFIX + kind, "")
    words = said.split() if isinstance(said, str) else [said]
    for word in words:
        if not isinstance(word, str) or not pattern.fullmatch(word):
            raise SkillFormatError(
                f"its metadata {_PREFIX}{kind} holds {str(word)[:80]!r}: it is a text of {meant}, "
                "with spaces between them"
            )
    return tuple(dict.fromkeys(words))


def _requirements(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    said = metadata.get(f"{_PREFIX}dependencies", "")
    if not isinstance(said, str):
        raise SkillFormatError(
            f"its metadata {_PREFIX}dependencies is a text with one requirement a line"
        )
    lines = (line.strip() for line in said.splitlines())
    return tuple(dict.fromkeys(_requirement(line) for line in lines if line))


def _requirement(text: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        why = str(error).partition("\n")[0]
        raise SkillFormatError(
            f"the dependency {text[:80]!r} is not a requirement: {why}"
        ) from None
    if requirement.url is not None:
        raise SkillFormatError(
            f"the dependency {text[:80]!r} names an address; name a package and its versions"
        )
    return text.strip()


def _toml(content: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found]

    try:
        parsed: dict[str, Any] = tomllib.loads(content)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SkillFormatError(f"its inline metadata is not TOML: {error}") from None
    return parsed
