"""Changes to a ``pyproject.toml``: comments, order and formatting of its author stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace_cli._errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from tomlkit import TOMLDocument

__all__ = ["add_agent", "new_pyproject", "requirement"]


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
dependencies = ["{requirement()}"]

[dependency-groups]
test = ["pytest>=8.3,<10"]

[tool.pytest.ini_options]
pythonpath = ["."]
testpaths = ["tests"]

# What `agents run .` reads. Paths are seen from this folder.
[tool.agents]
agent = "{agent}"

[tool.agents.run]
input = "inputs.jsonl"
output = "out/outputs.jsonl"
key = "user"
"""


def add_agent(path: Path, text: str, agent: str) -> str:
    """The text of an existing ``pyproject.toml`` with an agent in it.

    Args:
        path: The file, for errors.
        text: What it says.
        agent: ``module:Class``.

    Raises:
        CommandError: It is no TOML, has an agent, or its dependencies are not to be changed here.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise CommandError("this is not TOML", where=str(path), why=str(error)) from None
    tool: Any = document.get("tool", {})
    if not isinstance(tool, dict):
        raise CommandError("tool is no table", where=str(path))
    if "agents" in tool:
        raise CommandError(
            "this project has [tool.agents] already",
            where=str(path),
            then=f"agents run {path.parent}",
        )
    _depend(path, document)
    agents = tomlkit.table()
    agents.add(tomlkit.comment("What `agents run .` reads. Paths are seen from this folder."))
    agents.add("agent", agent)
    run = tomlkit.table()
    run.update({"input": "inputs.jsonl", "output": "out/outputs.jsonl", "key": "user"})
    agents.add("run", run)
    if "tool" in document:
        tool["agents"] = agents
    else:
        outer = tomlkit.table(is_super_table=True)
        outer.add("agents", agents)
        document.add("tool", outer)
    return tomlkit.dumps(document)


def _depend(path: Path, document: TOMLDocument) -> None:
    """Adds headrace to the project's dependencies, where it is not among them."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    line = f'dependencies = ["{requirement()}"]'
    project: Any = document.get("project")
    if project is None:
        tool: Any = document.get("tool", {})
        if "poetry" in tool:
            raise CommandError(
                "this project's dependencies are Poetry's own",
                where=str(path),
                why="[project] is missing, where dependencies stand for every tool",
                then=f"poetry add '{requirement()}', and write [tool.agents] by hand",
            )
        return  # settings of tools only: there is nothing that is installed
    if "dependencies" in project.get("dynamic", []):
        raise CommandError(
            "this project's dependencies are dynamic: its build backend makes them",
            where=str(path),
            then=f"add {requirement()} where they come from, and write [tool.agents] by hand",
        )
    have: Any = project.get("dependencies")
    if have is None:
        import tomlkit

        have = tomlkit.array()
        project.add("dependencies", have)
    elif not isinstance(have, list):
        raise CommandError("project.dependencies is no list", where=str(path), then=line)
    for one in have:
        try:
            if canonicalize_name(Requirement(str(one)).name).startswith("headrace"):
                return
        except InvalidRequirement:
            continue
    have.append(requirement())
