"""A planned change, made: the project's files and its environment, together or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace_registry.errors import InstallError, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headrace_registry.changes._planning import Plan
    from headrace_registry.locking import Environment, InstallReport

__all__ = ["apply"]


def apply(
    plan: Plan,
    environment: Environment | None,
    *,
    progress: Callable[[str], None] | None = None,
) -> InstallReport | None:
    """Makes a change; call it with the project's lock held.

    The files are written first and an install follows, with a journal that stays for as long: a
    failure, or a kill and the next command, gives the old files back.

    Args:
        plan: The change.
        environment: Where packages are installed; ``None``: only the files are changed.
        progress: Told of each line of progress.

    Returns:
        What was installed; ``None`` without an environment.

    Raises:
        ProjectFileError: A file was changed by someone else since the plan was made.
        InstallError: It could not be installed; the files are as they were, and the text says
            what the environment has.
    """
    from headrace_registry.projects import changing

    project = plan.before
    read: dict[Path, bytes | None] = {project.file: project.text.encode()}
    try:
        with changing(project.folder, plan.files, read=read):
            return None if environment is None else _install(plan, environment, progress)
    except InstallError as error:
        if environment is not None:
            _put_back(plan, environment, error)  # the files are as they were by now
        raise


def _install(
    plan: Plan, environment: Environment, progress: Callable[[str], None] | None
) -> InstallReport:
    from headrace_registry.locking import install

    return install(
        plan.lock,
        environment,
        before=plan.before.lock,
        clients=plan.after.clients,
        project=plan.before.folder,
        index=plan.after.wanted().index,
        offline=plan.after.offline,
        progress=progress,
    )


def _put_back(plan: Plan, environment: Environment, error: InstallError) -> None:
    """Gives the environment what it had, from the cache; says so where that fails.

    Raises:
        InstallError: The environment is between the old and the new.
    """
    from headrace_registry.locking import install

    had = plan.before.lock
    if had is None:
        return
    try:
        install(
            had,
            environment,
            before=plan.lock,
            clients=plan.before.clients,
            project=plan.before.folder,
            offline=True,
        )
    except RegistryError as second:
        raise InstallError(
            f"{error}\n  the project's files are as they were, and the environment "
            f"{environment} is not: {second}\n  next: agents sync"
        ) from error
