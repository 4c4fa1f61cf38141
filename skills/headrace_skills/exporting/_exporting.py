"""Planning an export, and doing it.

What is not as the manifest says is somebody's work, and is neither overwritten nor removed. The
manifest is written before a folder is put in place and again afterwards, so that whatever ends
the work halfway leaves nothing that the next run would take for a stranger's.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from headrace_skills.errors import (
    SkillBrokenError,
    SkillConflictError,
    SkillError,
    SkillNotFoundError,
)
from headrace_skills.exporting._manifest import (
    ABSENT,
    Entry,
    ExportError,
    locked,
    read_manifest,
    real_folder,
    staging,
    state_of,
    write_manifest,
)
from headrace_skills.packing import PackingError, contents_of
from headrace_skills.packing._contents import collision
from headrace_skills.packing._naming import check_folder_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from headrace_skills._model import Skill, SkillSet
    from headrace_skills.packing import ContentFile

__all__ = ["Export", "How", "Step", "export_skills"]

How = Literal["link", "copy"]


@dataclass(frozen=True, slots=True)
class Step:
    """What is done, or would be, with one skill."""

    name: str
    """The skill's name."""
    action: Literal["same", "create", "update", "remove", "refused", "skipped"]
    """``refused``: it should be done, and something stands in the way. ``skipped``: a skill that
    cannot be used, and was not asked for."""
    source: str
    """The distribution and its version."""
    why: str = ""
    """The reason, where there is one to be told."""


@dataclass(frozen=True, slots=True)
class Export:
    """What was done, or would be."""

    target: Path
    """The folder, with no link in its path."""
    steps: tuple[Step, ...]
    """By name."""

    @property
    def in_step(self) -> bool:
        """Whether the target is what it should be, with nothing to do."""
        return all(step.action in ("same", "skipped") for step in self.steps)

    @property
    def refused(self) -> tuple[Step, ...]:
        """What could not be done."""
        return tuple(step for step in self.steps if step.action == "refused")


def export_skills(
    found: SkillSet,
    target: Path,
    *,
    names: Iterable[str] = (),
    how: How | None = None,
    force: bool = False,
    dry_run: bool = False,
) -> Export:
    """Put the skills that are installed into a folder, or bring it in step with them.

    What was exported before and is installed no longer, or cannot be used any more, is removed.

    Args:
        found: What is installed.
        target: The folder; it is made where it is missing.
        names: The skills to export; all if empty. What was exported before is kept in step.
        how: Links to where pip put them, or copies. None keeps what was chosen before; new ones
            are links.
        force: Whether to replace or remove what export put there and somebody changed since.
        dry_run: Whether to tell only what would be done.

    Raises:
        ExportError: The target leads out of the working folder by a link, is no folder, or has a
            manifest that is not one of ours.
        OSError: The target cannot be written.
    """
    real = real_folder(target)
    asked = frozenset(names)
    if dry_run or not (real.is_dir() or asked or found.skills):
        changes = _plan(found, real, read_manifest(real), asked, how, force=force)
    else:
        real.mkdir(parents=True, exist_ok=True)
        with locked(real):
            known = read_manifest(real)
            changes = _plan(found, real, known, asked, how, force=force)
            _apply(changes, real, known)
    return Export(real, tuple(one.step for one in changes))


@dataclass(frozen=True, slots=True)
class _Change:
    """A step, and what is needed to take it."""

    step: Step
    entry: Entry | None = None
    """What the manifest shall say in the end; None for nothing."""
    meanwhile: Entry | None = None
    """What it says until the step is taken."""
    files: tuple[ContentFile, ...] = ()
    """What is copied."""


def _plan(
    found: SkillSet,
    target: Path,
    known: Mapping[str, Entry],
    asked: frozenset[str],
    how: How | None,
    *,
    force: bool,
) -> list[_Change]:
    every = {one.name for one in found.skills} | {one.name for one in found.conflicts}
    changes = []
    for name in (asked or every) | known.keys():
        entry = known.get(name)
        try:
            skill = found.get(name)
        except (SkillNotFoundError, SkillBrokenError, SkillConflictError) as error:
            changes += _without(name, entry, error, target, asked=name in asked, force=force)
        else:
            changes.append(_with(skill, entry, target, how, force=force))
    if not asked:
        for one in found.broken:
            if one.name not in known:
                why = f"it cannot be used: {one.reason}"
                changes.append(_Change(Step(one.name, "skipped", one.source, why)))
    return list(_apart(sorted(changes, key=lambda change: change.step.name)))


def _apart(changes: Iterable[_Change]) -> Iterator[_Change]:
    """Refuse the second of two new names that are one folder where case does not count."""
    taken: list[str] = []
    for change in changes:
        twins = collision([*taken, change.step.name])
        if twins and change.step.action == "create":
            why = f"its folder would be that of {twins[0]!r} where case does not count"
            yield _Change(replace(change.step, action="refused", why=why))
            continue
        taken.append(change.step.name)
        yield change


def _with(
    skill: Skill, entry: Entry | None, target: Path, how: How | None, *, force: bool
) -> _Change:
    """What to do with a skill that is installed."""
    name, source = skill.name, skill.source

    def refused(why: str) -> _Change:
        return _Change(Step(name, "refused", source, why), entry, entry)

    try:
        check_folder_name(name)
        files: tuple[ContentFile, ...] = ()
        if (how or (entry.how if entry else "link")) == "copy":
            contents = contents_of(skill.root)
            files, wanted = contents.files, f"copy:{contents.digest()}"
        else:
            wanted = f"link:{os.path.relpath(skill.root, target)}"
    except PackingError as error:
        return refused(str(error))
    state = state_of(target / name, known=entry is not None)
    new = Entry(skill.distribution or "", skill.version or "", wanted)
    ours = entry is not None and state in (entry.state, entry.was)

    def change(action: Literal["create", "update", "same"], why: str = "") -> _Change:
        was = state if ours else entry.state if entry else None
        return _Change(Step(name, action, source, why), new, replace(new, was=was), files)

    if state == ABSENT:
        return change("create")
    if entry is None:
        return refused("something of that name is there that was not exported: move it away")
    if state == wanted:
        return change("same")
    if ours:
        return change("update", f"it was of {entry.source}" if entry.source != source else "")
    if force:
        return change("update", "it was changed")
    return refused("it was changed since it was exported: move it away, or replace it (--force)")


def _without(
    name: str, entry: Entry | None, error: SkillError, target: Path, *, asked: bool, force: bool
) -> list[_Change]:
    """What to do with a name that no skill is to be had of."""
    if isinstance(error, SkillBrokenError):
        why = f"it cannot be used: {error.broken.reason}"
    elif isinstance(error, SkillConflictError):
        why = "several packages have it: " + " and ".join(one.source for one in error.claims)
    else:
        near = error.nearest if isinstance(error, SkillNotFoundError) else ()
        why = "it is not installed" + (f"; did you mean {' or '.join(near)}?" if near else "")
    source = entry.source if entry else ""
    refused = _Change(Step(name, "refused", source, why), entry, entry)
    if entry is None or isinstance(error, SkillConflictError):
        return [refused]  # that one of several is there already does not choose it
    if state_of(target / name, known=True) not in (entry.state, entry.was, ABSENT) and not force:
        why += "; it was changed since it was exported: move it away, or remove it (--force)"
        return [replace(refused, step=replace(refused.step, why=why))]
    gone = _Change(Step(name, "remove", source, why), None, entry)
    return [gone, replace(refused, entry=None)] if asked else [gone]


def _apply(changes: Iterable[_Change], target: Path, known: Mapping[str, Entry]) -> None:
    meanwhile = {one.step.name: one.meanwhile for one in changes if one.meanwhile is not None}
    ended = {one.step.name: one.entry for one in changes if one.entry is not None}
    if ended == known:
        # Nothing is new in what is told; what the user deleted is put there again all the same.
        meanwhile = dict(known)
    else:
        write_manifest(target, meanwhile)
    for change in changes:
        if change.step.action in ("create", "update"):
            _put(change, target)
        elif change.step.action == "remove":
            with staging(target) as folder, suppress(FileNotFoundError):
                (target / change.step.name).rename(folder / "old")
    if ended != meanwhile:
        write_manifest(target, ended)


def _put(change: _Change, target: Path) -> None:
    """Put a skill in its place, whole or not at all."""
    assert change.entry is not None  # noqa: S101 - what is put there is in the manifest
    place = target / change.step.name
    with staging(target) as folder:
        new = folder / "new"
        if change.entry.how == "link":
            new.symlink_to(change.entry.state.removeprefix("link:"))
        else:
            _copy(change.files, new)
            if state_of(new, known=True) != change.entry.state:
                raise ExportError(
                    f"the skill {change.step.name!r} was changed while it was copied: try again"
                )
        if not os.path.lexists(place) or (place.is_symlink() and new.is_symlink()):
            new.rename(place)
            return
        place.rename(folder / "old")
        try:
            new.rename(place)
        except OSError:
            (folder / "old").rename(place)
            raise


def _copy(files: Iterable[ContentFile], folder: Path) -> None:
    folder.mkdir()
    for file in files:
        place = folder / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        mode = 0o777 if file.executable else 0o666
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(file.read())
