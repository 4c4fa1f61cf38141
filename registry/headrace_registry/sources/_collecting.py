"""A source made into wheels: opened, its skills chosen, each packed, checked and audited."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from headrace_registry.errors import OfflineError, SourceError
from headrace_registry.sources._building import build_wheel, plugin_kinds
from headrace_registry.sources._carriers import FolderTree, open_archive
from headrace_registry.sources._choosing import below, choose, find, write_home
from headrace_registry.sources._holding import heart_of
from headrace_registry.sources._packages import of_folder, of_wheel
from headrace_registry.sources._repository import GitTree, open_repository
from headrace_registry.sources._specs import FolderSpec, GitSpec, NameSpec, WheelSpec, ZipSpec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from headrace_registry.settings import Source
    from headrace_registry.sources._carriers import Carrier
    from headrace_registry.sources._specs import Spec
    from headrace_registry.sources._values import Collected, FoundSkill
    from headrace_skills.audit import Rules

__all__ = ["collect", "skills_in", "what_changed"]


def skills_in(spec: Spec, *, folder: Path | None = None, offline: bool = False) -> list[FoundSkill]:
    """List the skills that a folder, a zip or a repository holds; nothing is packed.

    Raises:
        SourceError: It cannot be read.
    """
    with (
        _opened(spec, folder or Path(), offline=offline) as carrier,
        tempfile.TemporaryDirectory(prefix="headrace-source-") as scratch,
    ):
        return find(carrier, _top(spec, carrier), Path(scratch))


def collect(
    spec: Spec,
    *,
    project: Path,
    skills: Collection[str] | None = None,
    every: bool = False,
    build: bool = False,
    offline: bool = False,
    folder: Path | None = None,
    rules: Rules | None = None,
) -> list[Collected]:
    """Make wheels of a source: one of each skill, or the one that it is or builds.

    Nothing is written to the project, and no code of the source runs unless ``build`` says so.

    Args:
        spec: The source; no name of a package.
        project: The project's folder: paths are recorded as seen from it.
        skills: The names or folders of the skills that are meant, where it holds several.
        every: Whether all of them are meant; those that cannot be used are left out.
        build: Whether the code of a Python project may be run, to build its wheel.
        offline: Whether the network must not be used.
        folder: Where relative paths are seen from; the working folder if None.
        rules: What the audit holds a skill against.

    Raises:
        SourceError: It gives no package; says why, lists what it holds, and says what to type.
    """
    base = folder or Path()
    if isinstance(spec, NameSpec):
        raise SourceError(f"{spec} is the name of a package, which comes from a registry")
    if isinstance(spec, WheelSpec):
        path = base / spec.path
        seen = WheelSpec(_seen_from(spec.path, base, project))
        return [of_wheel(path, spec=str(seen), commit=None, rules=rules)]
    with (
        _opened(spec, base, offline=offline) as carrier,
        tempfile.TemporaryDirectory(prefix="headrace-source-") as name,
    ):
        scratch = Path(name)
        commit = carrier.commit if isinstance(carrier, GitTree) else None
        top = _top(spec, carrier)
        found = find(carrier, top, scratch)
        kinds = _kinds(carrier, top, scratch)
        is_skill = any(one.home == top for one in found) and not build
        if kinds and not is_skill and not skills and not every:
            if not build:
                raise _must_ask(carrier, top, kinds)
            wheel = _built(carrier, top, scratch, offline=offline)
            written = _written(spec, top, base, project)
            return [of_wheel(wheel, spec=written, commit=commit, rules=rules)]
        if not found:
            raise _nothing(carrier, top)
        chosen = choose(carrier, found, skills, scratch, every=every)
        _check_distinct(carrier, chosen)
        return [
            of_folder(
                base / spec.path / one.home
                if isinstance(spec, FolderSpec)
                else write_home(carrier, one, scratch),
                spec=_written(spec, one.home, base, project),
                home=one.home or one.name,
                commit=commit,
                rules=rules,
            )
            for one in chosen
        ]


def what_changed(source: Source, now: Collected) -> str:
    """What became of a source since the project recorded it, in a few words; empty if nothing."""
    if now.digest == source.digest:
        return ""
    if source.commit and now.commit and source.commit != now.commit:
        return f"the reference stood for {source.commit[:12]}, and stands for {now.commit[:12]} now"
    if source.commit and source.commit == now.commit:
        return (
            "the commit is the same, and the wheel made of it is not: it is packed in another way"
        )
    return "its content was changed"


@contextmanager
def _opened(spec: Spec, base: Path, *, offline: bool) -> Iterator[Carrier]:
    if isinstance(spec, GitSpec):
        if offline and not spec.url.startswith("file:"):
            raise OfflineError(f"{spec} is on the network, which is not to be used (--offline)")
        with open_repository(spec) as tree:
            yield tree
    elif isinstance(spec, ZipSpec):
        with open_archive(base / spec.path) as archive:
            yield archive
    elif isinstance(spec, FolderSpec):
        path = base / spec.path
        if not path.is_dir():
            raise SourceError(f"there is no folder {spec.path}\n  where: {path.absolute()}")
        yield FolderTree(path)
    else:
        raise SourceError(f"{spec} is no folder, zip or repository")


def _top(spec: Spec, carrier: Carrier) -> str:
    """The folder of a source that is meant.

    Raises:
        SourceError: There is none of that name.
    """
    wanted = "" if isinstance(spec, (NameSpec, WheelSpec)) else spec.subdirectory
    if not wanted:
        return heart_of(carrier.files) if isinstance(spec, ZipSpec) else ""
    if not any(path.startswith(f"{wanted}/") for path in carrier.files):
        raise SourceError(f"{carrier.label} has no folder {wanted!r}")
    return wanted


def _kinds(carrier: Carrier, top: str, scratch: Path) -> tuple[str, ...]:
    path = f"{top}/pyproject.toml" if top else "pyproject.toml"
    if carrier.files.get(path, 0) > 1024 * 1024 or path not in carrier.files:
        return ()
    carrier.write({path: "pyproject.toml"}, scratch / "project")
    return plugin_kinds((scratch / "project/pyproject.toml").read_bytes())


def _must_ask(carrier: Carrier, top: str, kinds: tuple[str, ...]) -> SourceError:
    skill = ", or take a skill alone: --skill NAME" if "skills" in kinds else ""
    return SourceError(
        f"{_place(carrier, top)} is a Python project with plugins ({', '.join(kinds)})\n"
        "  why:  to build its wheel, code of it runs, with all that you may do\n"
        f"  next: if you trust it, say so: --build{skill}; or build it elsewhere, and name the "
        "wheel"
    )


def _built(carrier: Carrier, top: str, scratch: Path, *, offline: bool) -> Path:
    carrier.write(below(carrier, top), scratch / "copy")  # builds write to where they run
    try:
        return build_wheel(scratch / "copy", scratch / "built", offline=offline)
    except SourceError as error:
        raise SourceError(f"{_place(carrier, top)}: {error}") from None


def _place(carrier: Carrier, top: str) -> str:
    return carrier.label + (f", {top}" if top else "")


def _nothing(carrier: Carrier, top: str) -> SourceError:
    return SourceError(
        f"{_place(carrier, top)} holds no skill\n"
        "  why:  neither it nor skills/, .agents/skills/ and the like in it have a SKILL.md\n"
        "  next: name the folder of the skill"
    )


def _check_distinct(carrier: Carrier, chosen: list[FoundSkill]) -> None:
    seen: dict[str, str] = {}
    for one in chosen:
        other = seen.setdefault(canonicalize_name(one.name), one.name)
        if other != one.name:
            raise SourceError(
                f"{carrier.label}: the skills {other!r} and {one.name!r} would be one package\n"
                "  next: take one of them, with --skill"
            )


def _written(spec: FolderSpec | ZipSpec | GitSpec, home: str, base: Path, project: Path) -> str:
    """A spec as a project records it: this one folder, as seen from the project."""
    if isinstance(spec, GitSpec):
        return str(replace(spec, subdirectory=home))
    path = _seen_from(spec.path, base, project)
    return str(replace(spec, path=path, subdirectory=home))


def _seen_from(path: Path, base: Path, project: Path) -> Path:
    """A path as seen from the project; one that was given in full stays so where it is outside."""
    place, home = (base / path).absolute(), project.absolute()
    if path.is_absolute() and not place.is_relative_to(home):
        return path
    return Path(os.path.relpath(place, home))
