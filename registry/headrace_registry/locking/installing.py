"""Installing a lock into an environment: only wheels, each held against its locked hash."""

from __future__ import annotations

import csv
import hashlib
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from headrace_registry._side_by_side import side_by_side
from headrace_registry.catalogue import ReleaseFile
from headrace_registry.errors import InstallError
from headrace_registry.locking.environment import Environment, SyncState
from headrace_registry.locking.install_plan import (
    InstallReport,
    Step,
    is_whole,
    planned,
    same,
    steps_of,
    target_of,
)
from headrace_registry.locking.scratch import scratch
from headrace_registry.locking.uv import interpreter, run_uv
from headrace_registry.locking.wanted import file_sha256
from headrace_registry.settings import VENDOR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from headrace_registry.locking.lock import Lock
    from headrace_registry.settings import Target

    class Client(Protocol):
        """What fetches a registry's wheels: ``headrace_registry.client.RegistryClient``."""

        def fetch(self, package: str, file: ReleaseFile) -> Path:
            """A wheel, checked, as a file."""


__all__ = ["install"]

_AT_ONCE = 4
_SHOWN = 8


def install(
    lock: Lock,
    environment: Environment,
    *,
    before: Lock | None = None,
    clients: Mapping[str, Client] | None = None,
    project: Path,
    index: str | None = None,
    offline: bool = False,
    exact: bool = False,
    progress: Callable[[str], None] | None = None,
) -> InstallReport:
    """Makes an environment hold what a lock says.

    Args:
        lock: The lock.
        environment: Where to; it is made where it is not there.
        before: The lock before: what it had and this one has not is removed.
        clients: What fetches the registries' wheels, by name.
        project: The project's folder, which ``vendor/`` is in.
        index: The package index, for its credentials.
        offline: Use no network.
        exact: Remove everything else as well.
        progress: Is told what is being done; on a terminal uv shows its own progress too.

    Raises:
        InstallError: It failed; says what the environment has now, and how to finish.
        DownloadError: A registry's wheel could not be had; nothing was changed.
    """
    tell = progress or (lambda _: None)
    made = environment.python is None
    environment, target = _ready(lock, environment, project, offline=offline, tell=tell)
    report, steps, again = planned(
        lock, environment, target, project=project, before=before, exact=exact
    )
    report = replace(report, made=made)
    digest = lock_digest(lock)
    hashes = {one.package.name: one.wheel.sha256 for one in steps}
    if not (report.installed or report.replaced or report.removed):
        environment.note(SyncState(digest, True, hashes, str(project)))
        return report
    todo = _missing(steps, environment, again)
    files = _fetched(todo, clients or {}, project, tell)
    known = environment.state()
    # Should this be cut short, what it brings is known to be ours; with what bytes, is not.
    there = {one.package.name: "" for one in todo} | dict(known.packages if known else {})
    environment.note(SyncState(digest, False, there, str(project)))
    names = [one.partition("==")[0] for one in report.removed]
    try:
        _run(environment, steps, todo, files, names, index=index, offline=offline, tell=tell)
    except (InstallError, OSError) as error:
        raise InstallError(_half_done(lock, environment, target, error)) from None
    environment.note(SyncState(digest, True, hashes, str(project)))
    return report


def lock_digest(lock: Lock) -> str:
    """The digest of a lock's text."""
    return "sha256:" + hashlib.sha256(lock.as_toml().encode()).hexdigest()


def _ready(
    lock: Lock,
    environment: Environment,
    project: Path,
    *,
    offline: bool,
    tell: Callable[[str], None],
) -> tuple[Environment, Target]:
    target = target_of(lock, environment)
    if environment.python is None:
        prefix = str(environment.prefix)
        tell(f"making {prefix} with Python {target.python}")
        result = run_uv(
            ["venv", prefix, "--python", interpreter(target.python), "--no-python-downloads"],
            folder=project,
            offline=offline,
        )
        if result.code != 0:
            raise InstallError(
                f"no environment could be made: {result.errors.strip()}\n"
                f"  next: install Python {target.python}, or: agents sync --python PATH"
            )
        environment = Environment.find(project, environment.prefix)
    return environment, target


def _missing(steps: Sequence[Step], environment: Environment, again: set[str]) -> list[Step]:
    """Those that are to be installed: what is there stays untouched, and needs no file."""
    have = environment.installed()
    return [
        one
        for one in steps
        if one.package.name in again
        or not same(have.get(one.package.name, ""), one.package.version)
    ]


def _fetched(
    steps: Sequence[Step],
    clients: Mapping[str, Client],
    project: Path,
    tell: Callable[[str], None],
) -> dict[str, Path]:
    """The wheels of registries and of ``vendor/`` as files, by package."""
    found: dict[str, Path] = {}
    asked: list[tuple[Client, Step]] = []
    for step in steps:
        name, wheel = step.package.name, step.wheel
        if step.package.origin == VENDOR:
            path = project / (wheel.path or "")
            if not path.is_file() or file_sha256(path) != wheel.sha256:
                said = "is not the one that was locked" if path.is_file() else "is missing"
                raise InstallError(
                    f"{wheel.path} {said}; nothing was changed\n"
                    f"  next: take it from where the lock came from, or: agents lock"
                )
            found[name] = path
        elif (client := clients.get(step.package.origin)) is not None:
            asked.append((client, step))
    if asked:
        tell(f"fetching {len(asked)} wheels from {', '.join(_origins(asked))}")
        files = side_by_side(lambda one: _fetch(*one), asked, _AT_ONCE)
        found |= {step.package.name: path for (_, step), path in zip(asked, files, strict=True)}
    return found


def _origins(asked: Sequence[tuple[Client, Step]]) -> list[str]:
    return sorted({step.package.origin for _, step in asked})


def _fetch(client: Client, step: Step) -> Path:
    wheel = step.wheel
    file = ReleaseFile(wheel.filename, wheel.size or 0, wheel.sha256, "", "")
    return client.fetch(step.package.name, file)


def _run(
    environment: Environment,
    steps: Sequence[Step],
    todo: Sequence[Step],
    files: Mapping[str, Path],
    removed: Sequence[str],
    *,
    index: str | None,
    offline: bool,
    tell: Callable[[str], None],
) -> None:
    lost = _paths_of(environment, removed)
    _install(environment, todo, files, index=index, offline=offline)
    if not removed:
        return
    tell(f"removing {', '.join(removed)}")
    _uv(environment, ["uninstall", *removed], index=None, offline=True)
    # A package that took the place of a removed one may have lost files that both had.
    shared = [
        one
        for one in steps
        if lost & _paths_of(environment, [one.package.name])
        and not is_whole(environment, one.package.name)
    ]
    if shared:
        _install(environment, shared, files, index=index, offline=offline)


def _install(
    environment: Environment,
    steps: Sequence[Step],
    files: Mapping[str, Path],
    *,
    index: str | None,
    offline: bool,
) -> None:
    from tomli_w import dumps

    if not steps:
        return
    with scratch() as folder:
        path = folder / "pylock.toml"
        data = {
            "lock-version": "1.0",
            "created-by": "headrace",
            "packages": [_entry(one, files.get(one.package.name)) for one in steps],
        }
        path.write_text(dumps(data), encoding="utf-8")
        # All of these are to be installed, whatever uv thinks of what is there.
        arguments = ["install", "-r", str(path), "--no-build", "--no-deps", "--reinstall"]
        _uv(environment, arguments, index=index, offline=offline)


def _entry(step: Step, file: Path | None) -> dict[str, Any]:
    wheel = step.wheel
    one: dict[str, Any] = {"name": wheel.filename, "hashes": {"sha256": wheel.sha256}}
    one |= {"url": wheel.url} if file is None else {"path": str(file)}
    return {"name": step.package.name, "version": step.package.version, "wheels": [one]}


def _uv(
    environment: Environment, arguments: Sequence[str], *, index: str | None, offline: bool
) -> None:
    result = run_uv(
        ["pip", arguments[0], "--python", str(environment.python), *arguments[1:]],
        folder=environment.prefix,
        index=index,
        offline=offline,
        live=sys.stderr.isatty(),
    )
    if result.code != 0:
        said = [one for one in result.errors.splitlines() if not one.startswith("Using ")]
        raise InstallError("\n".join(said).strip() or "uv could not install; see above")


def _paths_of(environment: Environment, names: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for name in names:
        record = environment.record(name)
        if record is not None:
            with record.open(encoding="utf-8", newline="") as file:
                found |= {row[0] for row in csv.reader(file) if row}
    return found


def _half_done(lock: Lock, environment: Environment, target: Target, error: Exception) -> str:
    """What failed, what the environment has now, and how to finish."""
    have = environment.installed()
    steps = steps_of(lock, target)
    missing = [
        f"{one.package.name} {one.package.version}"
        for one in steps
        if not same(have.get(one.package.name, ""), one.package.version)
    ]
    more = len(missing) - _SHOWN
    told = ", ".join(missing[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return (
        f"not all could be installed: {error}\n"
        f"  where: {environment} has {len(steps) - len(missing)} of {len(steps)} packages as locked"
        + (f"; not yet: {told}" if missing else "")
        + "\n  next: agents sync, which goes on from there"
    )
