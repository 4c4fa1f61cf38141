"""The skills that the commands speak of: installed, the project's own, and in folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headrace_cli._errors import WrongUseError
from headrace_cli._project import nearest_project

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace_cli._project import Project
    from headrace_skills import SkillSet

__all__ = ["found_skills", "own_folders", "place_of"]


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


def place_of(text: str) -> Path:
    """The file or folder that is typed, or that of the skill of that name.

    Raises:
        WrongUseError: There is neither.
    """
    from headrace_skills import SkillError

    if Path(text).exists():
        return Path(text)
    if "/" in text or Path(text).suffix:
        raise WrongUseError(f"there is no file or folder {text!r}")
    found = found_skills()
    # What cannot be used, or is blocked, is the more worth a look.
    for broken in found.broken:
        if broken.name == text and broken.root.is_dir():
            return broken.root
    try:
        return found.get(text).root
    except SkillError as error:
        raise WrongUseError(
            str(error).partition("\n")[0],
            why="no file or folder has that name either",
            then="agents skills list",
        ) from None
