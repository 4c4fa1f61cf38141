"""Project files changed: a ``pyproject.toml`` in its author's style, several files as one."""

from __future__ import annotations

from headrace_registry.projects._edit import edit, written
from headrace_registry.projects._locking import project_lock
from headrace_registry.projects._settings import (
    add_grant,
    remove_grant,
    remove_registry,
    remove_source,
    set_registry,
    set_source,
    set_targets,
)
from headrace_registry.projects._styles import requirements
from headrace_registry.projects._writing import changing, private_folder, recover, write_files

__all__ = [
    "add_grant",
    "changing",
    "edit",
    "private_folder",
    "project_lock",
    "recover",
    "remove_grant",
    "remove_registry",
    "remove_source",
    "requirements",
    "set_registry",
    "set_source",
    "set_targets",
    "write_files",
    "written",
]
