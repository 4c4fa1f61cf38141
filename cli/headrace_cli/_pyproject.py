"""The ``pyproject.toml`` of an agent project; one that was there keeps every byte of its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace_cli._errors import CommandError
from headrace_registry.toml import parse_toml

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["add_agent", "new_pyproject", "requirement"]

_AGENTS = """\
# What `agents run .` reads. Paths are seen from this folder.
[tool.agents]
agent = "{agent}"
# What `agents lock` locks for; without it, for the machine that it runs on.
# targets = [
#     {{ python = "3.11", platform = "linux/amd64" }},
# ]

[tool.agents.run]
input = "inputs.jsonl"
output = "out/outputs.jsonl"
key = "user"
"""


def requirement() -> str:
    """What a project depends on: this version of headrace, and those that work like it."""
    from importlib.metadata import version

    from packaging.version import Version

    have = Version(version("headrace-cli"))
    # Before 1.0 a minor version may break things.
    following = f"0.{have.minor + 1}" if have.major == 0 else f"{have.major + 1}"
    return f"headrace>={have.major}.{have.minor},<{following}"


def new_pyproject(name: str, agent: str) -> str:
    """The ``pyproject.toml`` of a new project."""
    return f"""\
[project]
name = "{name}"
version = "0.1.0"
description = "An agent"
readme = "README.md"
requires-python = ">=3.10,<3.13"
dependencies = [
    "{requirement()}",
]

[dependency-groups]
test = ["pytest>=8.3,<10"]

[tool.pytest.ini_options]
pythonpath = ["."]
testpaths = ["tests"]

{_AGENTS.format(agent=agent)}"""


def add_agent(path: Path, text: str, agent: str) -> str:
    """The text of an existing ``pyproject.toml`` with an agent in it.

    Args:
        path: The file, for errors.
        text: What it says.
        agent: ``module:Class``.

    Raises:
        CommandError: It is no TOML, has an agent, or its dependencies are not to be changed here.
    """
    from headrace_registry.errors import ProjectFileError

    try:
        text = _depending(path, text)
    except ProjectFileError as error:
        raise CommandError(
            f'{error}\n  then:  write [tool.agents] with agent = "{agent}" into {path.name}'
        ) from None
    return _with_agent(path, text, agent)


def _with_agent(path: Path, text: str, agent: str) -> str:
    tool = parse_toml(text).get("tool", {})
    if not isinstance(tool, dict):
        raise CommandError("tool is no table", where=str(path))
    if "agents" in tool:
        raise CommandError(
            "this project has [tool.agents] already",
            where=str(path),
            then=f"agents run {path.parent}",
        )
    newline = "\r\n" if "\r\n" in text else "\n"
    block = _AGENTS.format(agent=agent)
    between = "" if not text.strip("\ufeff") else newline * (1 + (not text.endswith("\n")))
    after = text + between + block.replace("\n", newline)
    try:
        parse_toml(after)
    except ValueError as error:  # tool is written as a value, and closed
        raise CommandError(
            "[tool.agents] cannot be added", where=str(path), why=str(error), then=f"add\n{block}"
        ) from None
    return after


def _depending(path: Path, text: str) -> str:
    """The text with headrace among the project's dependencies, where it was not."""
    import re

    from packaging.requirements import Requirement

    from headrace_registry.projects import edit

    try:
        data = parse_toml(text)
    except ValueError:
        data = {"project": {}}  # then the edit tells why
    project, tool = data.get("project"), data.get("tool")
    if project is None and not (isinstance(tool, dict) and "poetry" in tool):
        return text  # settings of tools only: there is nothing that is installed
    known = project.get("dependencies") if isinstance(project, dict) else None
    for one in known if isinstance(known, list) else ():
        if re.match(r"\s*headrace\b", str(one), re.IGNORECASE):
            return text
    return edit(path, text, add=[Requirement(requirement())])
