"""Plans of changes: resolved, compared with what the project has, and ready to be made.

Nothing of the project is touched here; a plan is shown first, and applied after a yes.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_registry.changes._moves import moves_of
from headrace_registry.changes._project import LOCK, VENDOR_FOLDER
from headrace_registry.changes._review import Review
from headrace_registry.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from headrace_registry.changes._project import Project
    from headrace_registry.locking import Lock, Wanted
    from headrace_registry.sources import Collected

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A change that could be made."""

    before: Project
    """The project as it is."""
    after: Project
    """The project as it would be."""
    lock: Lock
    """Its lock as it would be."""
    review: Review
    """What comes, goes and changes."""
    files: Mapping[Path, bytes | None] = field(hash=False)
    """The files that would be written, by path; ``None`` for those that would go."""

    @property
    def changes_nothing(self) -> bool:
        """Whether no package moves, and the project's file stays as it is.

        The lock may still be written anew: it remembers how new its registries were.
        """
        return not self.review.moves and self.after.text == self.before.text


def make_plan(
    before: Project,
    after: Project,
    *,
    collected: Mapping[str, Collected] | None = None,
    upgrade: Collection[str] | None = (),
    finish: Callable[[str, Lock], str] | None = None,
    notes: Collection[str] = (),
) -> Plan:
    """Resolves what a project would be.

    Args:
        before: The project as it is.
        after: The project as it would be, refreshed.
        collected: Packages that come into ``vendor/``, by name.
        upgrade: The packages that may move to newer versions; ``None``: all. All others keep
            their versions, if they can.
        finish: Given the text of the ``pyproject.toml`` and the lock, the text to write; it may
            only say what the lock is in keeping with.
        notes: What should be known of the change already.

    Raises:
        ConflictError: No set of versions meets what is asked.
        RegistryError: Something cannot be had, or is not what it should be.
    """
    from headrace_registry.locking import build_missing, resolve

    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        wheels = _staged(collected or {}, Path(folder))
        wanted = after.wanted(wheels)
        _check_there(wanted)
        wanted = build_missing(wanted, offline=after.offline)
        lock = resolve(wanted, before=before.lock, upgrade=upgrade, offline=after.offline)
        if finish is not None:
            after = after.saying(finish(after.text, lock))
            wanted = after.wanted(wheels)
        lock = _stamped(lock, wanted)
        review = Review(
            moves=moves_of(before, after, lock, wheels),
            unchanged=_unchanged(before.lock, lock),
            notes=(*notes, *_warnings(after), *_look_alikes(before.lock, lock, wanted)),
        )
    return Plan(before, after, lock, review, _files(before, after, lock, collected or {}))


def _staged(collected: Mapping[str, Collected], folder: Path) -> dict[str, Path]:
    found = {}
    for name, one in collected.items():
        found[name] = folder / one.filename
        found[name].write_bytes(one.wheel)
    return found


def _check_there(wanted: Wanted) -> None:
    """Refuses a project whose ``vendor/`` lacks a wheel.

    Raises:
        SourceError: It is missing; says how to have it again.
    """
    for name, source in wanted.settings.sources.items():
        if name not in wanted.vendor:
            raise SourceError(
                f"the wheel of {name} is missing in {wanted.settings.folder / VENDOR_FOLDER}\n"
                f"  why:  it was made of {source.spec}\n"
                f"  next: take it from version control, or: agents skills update {name}"
            )


def _stamped(lock: Lock, wanted: Wanted) -> Lock:
    from headrace_registry.locking import inputs_digest

    return replace(lock, inputs=inputs_digest(wanted))


def _unchanged(before: Lock | None, after: Lock) -> int:
    if before is None:
        return 0
    had = {(one.name, one.version) for one in before.packages}
    return sum((one.name, one.version) in had for one in after.packages)


def _warnings(project: Project) -> list[str]:
    return [text for one in project.snapshots.values() for text in one.warnings]


def _look_alikes(before: Lock | None, lock: Lock, wanted: Wanted) -> list[str]:
    """What is told of packages that come in from a registry, and have a namesake elsewhere."""
    from headrace_registry.locking import look_alikes

    had = {one.name for one in before.packages} if before else set()
    new = [one.name for one in lock.packages if one.name not in had]
    return [str(one) for one in look_alikes(lock, wanted, new)]


def _files(
    before: Project, after: Project, lock: Lock, collected: Mapping[str, Collected]
) -> dict[Path, bytes | None]:
    """All that would be written; the wheels first, the lock last."""
    folder = before.folder
    files: dict[Path, bytes | None] = {}
    kept = {wheel.filename for package in lock.packages for wheel in package.wheels}
    for name, wheels in before.wanted().vendor.items():
        if name in before.settings.sources:
            files |= {path: None for path in wheels if path.name not in kept}
    for one in collected.values():
        files[folder / VENDOR_FOLDER / one.filename] = one.wheel
    if after.text != before.text:
        files[before.file] = after.text.encode()
    files[folder / LOCK] = lock.as_toml().encode()
    return files
