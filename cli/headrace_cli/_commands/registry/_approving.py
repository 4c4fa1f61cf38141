"""What the commands share by which a project approves of registries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace_cli._errors import CommandError, WrongUseError

if TYPE_CHECKING:
    from pathlib import Path

    from headrace_registry.settings import ProjectSettings, RegistrySettings

__all__ = [
    "checked",
    "chosen",
    "counted",
    "project_file",
    "read",
    "settings_of",
    "short_key",
    "write",
]


def project_file() -> Path:
    """The ``pyproject.toml`` of the project that one stands in.

    Raises:
        CommandError: There is none.
    """
    from headrace_cli._changing import project_folder

    return project_folder() / "pyproject.toml"


def settings_of(file: Path) -> ProjectSettings:
    """What a project says of registries."""
    from headrace_cli._project import Project, read_project

    return (read_project(file.parent) or Project(file.parent)).settings()


def read(file: Path) -> str:
    """A file's text, with its own line ends."""
    return file.read_bytes().decode()


def write(file: Path, before: str, after: str) -> None:
    """Replaces a project's file, if it is still as it was read.

    Raises:
        RegistryError: Somebody changed it meanwhile.
    """
    from headrace_registry.projects import write_files

    write_files(file.parent, {file: after.encode()}, read={file: before.encode()})


def checked(name: str, url: str, key: str | None, ca: str | None, folder: Path) -> RegistrySettings:
    """A registry as the project would have it.

    Args:
        name: What it is to be called.
        url: Where it is; a path is seen from the project's folder.
        key: Its fingerprint, where it is known.
        ca: A file of authorities, seen from the project's folder.
        folder: The project's folder.

    Raises:
        WrongUseError: Something of it cannot be.
    """
    from headrace_registry.errors import SettingsError
    from headrace_registry.settings import read_settings

    table = {"url": url, **({"key": key} if key else {"unsigned": True})}
    if ca is not None:
        table["ca"] = ca
    try:
        return read_settings({"registries": {name: table}}, folder).registries[0]
    except SettingsError as error:
        raise WrongUseError(str(error)) from None


def chosen(names: tuple[str, ...]) -> list[RegistrySettings]:
    """The project's registries of some names, or all.

    Raises:
        CommandError: It has none of a name.
    """
    known = {one.name: one for one in settings_of(project_file()).registries}
    for name in names:
        if name not in known:
            raise CommandError(
                f"this project has no registry {name!r}",
                why=f"it has {', '.join(known) or 'none'}",
                then="agents registry list",
            )
    return [known[name] for name in names or known]


def counted(number: int, what: str) -> str:
    """A number of things: ``1 package``, ``2 packages``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def short_key(key: str | None) -> str:
    """A key as a table shows it."""
    return "not signed" if key is None else f"{key[:19]}..."
