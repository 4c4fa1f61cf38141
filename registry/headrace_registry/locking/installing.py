"""Installing a lock into an environment: only wheels, each held against its locked hash."""

from __future__ import annotations

import csv
import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from packaging.version import InvalidVersion, Version

from headrace_registry.catalogue import ReleaseFile
from headrace_registry.errors import InstallError, LockError
from headrace_registry.locking.environment import Environment, SyncState
from headrace_registry.locking.scratch import scratch
from headrace_registry.locking.targets import best_wheel, fits, machine
from headrace_registry.locking.uv import run_uv
from headrace_registry.locking.wanted import file_sha256
from headrace_registry.settings import INDEX, VENDOR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from headrace_registry.locking.lock import Lock, LockedPackage, LockedWheel
    from headrace_registry.settings import Target

    class Client(Protocol):
        """What fetches a registry's wheels: ``headrace_registry.client.RegistryClient``."""

        def fetch(self, package: str, file: ReleaseFile) -> Path:
            """A wheel, checked, as a file."""


__all__ = ["InstallReport", "install", "plan_install"]

_AT_ONCE = 4
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class InstallReport:
    """What an installation does, or did."""

    environment: str
    """The environment's folder."""
    made: bool
    """Whether the environment is made for it."""
    installed: tuple[str, ...]
    """What comes in, as ``NAME==VERSION``."""
    replaced: tuple[str, ...]
    """What takes another's place: another version, or other bytes."""
    removed: tuple[str, ...]
    """What goes, as ``NAME==VERSION``."""
    unchanged: int
    """How many packages of the lock were there already."""
    resumed: bool = False
    """Whether an installation before did not come to its end."""

    def __str__(self) -> str:
        parts = (
            ("installed", len(self.installed)),
            ("replaced", len(self.replaced)),
            ("removed", len(self.removed)),
            ("unchanged", self.unchanged),
        )
        told = ", ".join(f"{count} {word}" for word, count in parts if count)
        return f"{self.environment}: {told or 'nothing to install'}"


@dataclass(frozen=True, slots=True)
class _Step:
    """A package of the lock, as it goes into this environment."""

    package: LockedPackage
    wheel: LockedWheel


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
    report, steps, again = _planned(lock, environment, target, before=before, exact=exact)
    report = replace(report, made=made)
    digest = lock_digest(lock)
    hashes = {one.package.name: one.wheel.sha256 for one in steps}
    if not (report.installed or report.replaced or report.removed):
        environment.note(SyncState(digest, done=True, packages=hashes))
        return report
    todo = _missing(steps, environment, again)
    files = _fetched(todo, clients or {}, project, tell)
    known = environment.state()
    environment.note(
        SyncState(digest, done=False, packages=known.packages if known is not None else {})
    )
    names = [one.partition("==")[0] for one in report.removed]
    try:
        _run(environment, steps, todo, files, names, index=index, offline=offline, tell=tell)
    except (InstallError, OSError) as error:
        raise InstallError(_half_done(lock, environment, target, error)) from None
    environment.note(SyncState(digest, done=True, packages=hashes))
    return report


def plan_install(
    lock: Lock, environment: Environment, *, before: Lock | None = None, exact: bool = False
) -> InstallReport:
    """What ``install`` would do; nothing is changed.

    Raises:
        InstallError: The lock is not for this environment.
    """
    target = _target(lock, environment)
    return _planned(lock, environment, target, before=before, exact=exact)[0]


def lock_digest(lock: Lock) -> str:
    """The digest of a lock's text."""
    return "sha256:" + hashlib.sha256(lock.as_toml().encode()).hexdigest()


def _target(lock: Lock, environment: Environment) -> Target:
    """The target of the lock that an environment is, or is made for."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    pythons = [environment.version] if environment.version else [own, "3.12", "3.11", "3.10"]
    for python in pythons:
        if (found := machine(python)) in lock.targets:
            return found
    told = "; ".join(map(str, lock.targets))
    raise InstallError(
        f"the lock is not for this environment: {machine(pythons[0])}\n"
        f"  where: {environment}\n  why:   it was made for {told}\n"
        "  next: add the target to [tool.agents] targets, then: agents lock"
    )


def _ready(
    lock: Lock,
    environment: Environment,
    project: Path,
    *,
    offline: bool,
    tell: Callable[[str], None],
) -> tuple[Environment, Target]:
    target = _target(lock, environment)
    if environment.python is None:
        tell(f"making {environment.prefix} with Python {target.python}")
        result = run_uv(
            ["venv", str(environment.prefix), "--python", target.python, "--no-python-downloads"],
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


def _planned(
    lock: Lock, environment: Environment, target: Target, *, before: Lock | None, exact: bool
) -> tuple[InstallReport, list[_Step], set[str]]:
    """What is to be done, the packages that belong there, and those to install over."""
    steps = _steps(lock, target)
    have, state = environment.installed(), environment.state()
    known = dict(state.packages) if state is not None else {}
    broken = state is not None and not state.done
    again, new, replaced = set[str](), [], []
    for one in steps:
        name, version = one.package.name, one.package.version
        if name not in have:
            new.append(f"{name}=={version}")
        elif not _same(have[name], version):
            replaced.append(f"{name}=={version}")
        elif _doubtful(one, known, environment, broken=broken):
            again.add(name)
            replaced.append(f"{name}=={version}")
    wanted = {one.package.name for one in steps}
    former = set(known) | ({one.name for one in before.packages} if before is not None else set())
    gone = (set(have) if exact else former & set(have)) - wanted
    report = InstallReport(
        environment=str(environment),
        made=environment.python is None,
        installed=tuple(new),
        replaced=tuple(replaced),
        removed=tuple(f"{name}=={have[name]}" for name in sorted(gone)),
        unchanged=len(steps) - len(new) - len(replaced),
        resumed=broken,
    )
    return report, steps, again


def _missing(steps: Sequence[_Step], environment: Environment, again: set[str]) -> list[_Step]:
    """Those that are to be installed: what is there stays untouched, and needs no file."""
    have = environment.installed()
    return [
        one
        for one in steps
        if one.package.name in again
        or not _same(have.get(one.package.name, ""), one.package.version)
    ]


def _steps(lock: Lock, target: Target) -> list[_Step]:
    found = []
    for package in lock.packages:
        if package.marker is not None and not any(fits(package.marker, target)):
            continue
        best = best_wheel([one.filename for one in package.wheels], target)
        if best is None:
            raise LockError(
                f"the lock has no wheel of {package.name} {package.version} for {target}\n"
                "  next: agents lock"
            )
        found.append(_Step(package, next(one for one in package.wheels if one.filename == best)))
    return found


def _same(have: str, wanted: str) -> bool:
    try:
        return Version(have) == Version(wanted)
    except InvalidVersion:
        return have == wanted


def _doubtful(
    step: _Step, known: Mapping[str, str], environment: Environment, *, broken: bool
) -> bool:
    """Whether what is there under the right version may have other bytes than the locked ones."""
    name = step.package.name
    if broken and not _whole(environment, name):
        return True
    if name in known:
        return known[name] != step.wheel.sha256
    # Of the index a version is one thing; what a registry has may be anybody's under that name.
    return step.package.origin != INDEX


def _whole(environment: Environment, name: str) -> bool:
    """Whether all files of a distribution are there."""
    record = environment.record(name)
    if record is None or environment.packages is None:
        return False
    with record.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    for path, _, size in (row for row in rows if len(row) == 3):  # noqa: PLR2004 - as specified
        place = environment.packages / path
        if not place.is_file() or (size and place.stat().st_size != int(size)):
            return False
    return bool(rows)


def _fetched(
    steps: Sequence[_Step],
    clients: Mapping[str, Client],
    project: Path,
    tell: Callable[[str], None],
) -> dict[str, Path]:
    """The wheels of registries and of ``vendor/`` as files, by package."""
    found: dict[str, Path] = {}
    asked: list[tuple[Client, _Step]] = []
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
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            files = pool.map(lambda one: _fetch(*one), asked)
            found |= {step.package.name: path for (_, step), path in zip(asked, files, strict=True)}
    return found


def _origins(asked: Sequence[tuple[Client, _Step]]) -> list[str]:
    return sorted({step.package.origin for _, step in asked})


def _fetch(client: Client, step: _Step) -> Path:
    wheel = step.wheel
    file = ReleaseFile(wheel.filename, wheel.size or 0, wheel.sha256, "", "")
    return client.fetch(step.package.name, file)


def _run(
    environment: Environment,
    steps: Sequence[_Step],
    todo: Sequence[_Step],
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
        and not _whole(environment, one.package.name)
    ]
    if shared:
        _install(environment, shared, files, index=index, offline=offline)


def _install(
    environment: Environment,
    steps: Sequence[_Step],
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


def _entry(step: _Step, file: Path | None) -> dict[str, Any]:
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
    steps = _steps(lock, target)
    missing = [
        f"{one.package.name} {one.package.version}"
        for one in steps
        if not _same(have.get(one.package.name, ""), one.package.version)
    ]
    more = len(missing) - _SHOWN
    told = ", ".join(missing[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return (
        f"not all could be installed: {error}\n"
        f"  where: {environment} has {len(steps) - len(missing)} of {len(steps)} packages as locked"
        + (f"; not yet: {told}" if missing else "")
        + "\n  next: agents sync, which goes on from there"
    )
