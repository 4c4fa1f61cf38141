"""The skills that the commands speak of: installed, the project's own, and in folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headrace_cli._project import nearest_project

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace_cli._project import Project
    from headrace_skills import SkillSet

__all__ = ["found_skills", "own_folders"]


def found_skills(folders: Iterable[str] = ()) -> SkillSet:
    """The skills of this environment, of the project that one stands in, and of folders.

    Args:
        folders: Folders beside the project's own.
    """
    from headrace_skills import find_skills

    project = nearest_project(Path.cwd())
    return find_skills(
        folders=[*own_folders(project), *folders],
        choose=project.skill_pins,
        allow=project.plugin_rules.get("allow"),
        block=project.plugin_rules.get("block"),
    )


def own_folders(project: Project) -> list[str]:
    """The folder ``skills`` of a project, where it has one."""
    folder = project.folder / "skills"
    return [str(folder)] if project.agent is not None and folder.is_dir() else []
