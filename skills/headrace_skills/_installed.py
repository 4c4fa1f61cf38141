"""Skills of installed distributions, found by their metadata; nothing of theirs is imported."""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from headrace.plugins import Kind, Plugin, discover, make_policy, normalise
from headrace_skills._model import BrokenSkill, Origin, Skill
from headrace_skills._reading import read_skill, skill_file_of
from headrace_skills._shipped import CONVENTION, MAX_RECORD, Shipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from headrace.plugins import ListedPlugin, Policy

__all__ = ["find_installed"]

MAX_SMALL = 1024 * 1024
_SCANNED = 2_000  # folders of a project that are looked at for packages

_VALUE = re.compile(r"(?P<package>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\s*:\s*(?P<below>\S.*))?")
_INFO = ".dist-info"


@dataclass(frozen=True, slots=True)
class _Distribution:
    """A ``.dist-info`` folder that stands on the path."""

    place: Path
    """The folder of the path that holds it."""
    info: Path
    name: str
    version: str

    @property
    def origin(self) -> Origin:
        return Origin(place=self.name, distribution=self.name, version=self.version)

    def text(self, file: str, limit: int) -> str:
        """Read a file of the metadata; empty where it is not to be had."""
        try:
            with (self.info / file).open("rb") as opened:
                content = opened.read(limit + 1)
        except OSError:
            return ""
        return content.decode("utf-8", "replace") if len(content) <= limit else ""

    def project(self) -> Path | None:
        """Tell the folder of an editable install."""
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
            data = json.loads(self.text("direct_url.json", MAX_SMALL) or "{}")
            address = urlsplit(data["url"])
            if data["dir_info"]["editable"] is True and address.scheme == "file":
                return Path(unquote(address.path))
        return None

    def roots(self) -> Iterator[Path]:
        """The folders that its packages may stand in, the likeliest first."""
        yield self.place
        project = self.project()
        if project is None:
            return
        for line in self.text("RECORD", MAX_RECORD).splitlines():
            file = line.partition(",")[0]
            if file.endswith(".pth") and "/" not in file:
                with suppress(OSError, UnicodeDecodeError):
                    pointed = (self.place / file).read_text("utf-8").splitlines()
                    # A line that starts with import is code, and is not run here.
                    yield from (Path(p.strip()) for p in pointed if p.startswith("/"))
        yield project
        yield project / "src"


def find_installed(
    path: Sequence[str] | None,
    allow: Iterable[str] | str | None,
    block: Iterable[str] | str | None,
) -> Iterator[Skill | BrokenSkill]:
    """Find the skills of all distributions on a path (``sys.path`` for None)."""
    places = [e for e in sys.path if isinstance(e, str)] if path is None else list(path)
    distributions = _distributions(places)
    plugins = discover(path=path, allow=allow, block=block)
    policy = make_policy(allow, block, None)
    seen: set[Path] = set()
    for listed in plugins.list(Kind.SKILLS):
        distribution = _distribution_of(listed.plugin, distributions)
        one = _of_entry_point(listed, distribution)
        seen.add(one.root)
        yield _let_in(one, distribution, policy)
    for broken in plugins.broken:
        origin = Origin(broken.distribution, broken.distribution, "?")
        yield BrokenSkill(broken.distribution, Path(broken.origin), origin, broken.reason)
    shipped = Shipped(places)
    for distribution in distributions.values():
        for root in _by_convention(distribution, shipped):
            # What an entry point leads to has its verdict: a blocked one stays out.
            if root.resolve() not in seen:
                yield _let_in(read_skill(root, distribution.origin), distribution, policy)
    shipped.keep()


def _let_in(
    one: Skill | BrokenSkill, distribution: _Distribution, policy: Policy
) -> Skill | BrokenSkill:
    """Hold a skill against the lists of plugins, by its own name and its distribution's."""
    if isinstance(one, BrokenSkill):
        return one
    plugin = Plugin(
        kind=Kind.SKILLS,
        name=one.name,
        distribution=normalise(distribution.name),
        version=distribution.version,
        value="",
        origin=str(distribution.info),
    )
    blocked = policy.blocked_by(plugin)
    return (
        _broken(one.name, one.root, distribution, f"it is blocked: {blocked}") if blocked else one
    )


def _distributions(places: Sequence[str]) -> dict[str, _Distribution]:
    """Take the first of each name, as ``import`` would."""
    found: dict[str, _Distribution] = {}
    for place in dict.fromkeys(map(os.path.abspath, places)):
        try:
            folders = sorted(name for name in os.listdir(place) if name.endswith(_INFO))  # noqa: PTH208
        except OSError:
            continue  # not there, or a zip: a script could not be run out of one
        for folder in folders:
            stem, _, version = folder[: -len(_INFO)].rpartition("-")
            name = normalise(stem)
            if stem and not folder.startswith("~"):
                info = Path(place, folder)
                found.setdefault(name, _Distribution(Path(place), info, name, version))
    return found


def _distribution_of(plugin: Plugin, known: dict[str, _Distribution]) -> _Distribution:
    found = known.get(plugin.distribution)
    info = Path(plugin.origin)
    if found is not None and found.info == info:
        return found
    return _Distribution(info.parent, info, plugin.distribution, plugin.version)


def _of_entry_point(listed: ListedPlugin, distribution: _Distribution) -> Skill | BrokenSkill:
    plugin = listed.plugin
    match = _VALUE.fullmatch(plugin.value)
    below = match["below"] or "" if match else ".."
    if match is None or below.startswith("/") or ".." in below.split("/") or "\0" in below:
        reason = f"its entry point {plugin.value!r} is neither PACKAGE nor PACKAGE:FOLDER"
        return _broken(plugin.name, distribution.info, distribution, reason)
    package = match["package"].replace(".", "/")
    for root in distribution.roots():
        folder = root / package / below
        for candidate in (folder, folder / CONVENTION / plugin.name, folder / plugin.name):
            if skill_file_of(candidate) is None:
                continue
            if listed.state in ("blocked", "incompatible"):
                reason = f"it is {listed.state}: {listed.why}"
                return _broken(plugin.name, candidate.resolve(), distribution, reason)
            return read_skill(candidate, distribution.origin)
    reason = f"its entry point {plugin.value!r} leads to no folder with a SKILL.md"
    return _broken(plugin.name, distribution.info, distribution, reason)


def _by_convention(distribution: _Distribution, shipped: Shipped) -> Iterator[Path]:
    for folder in shipped.folders(distribution.info):
        yield distribution.place / folder
    if distribution.project() is not None:
        for root in list(distribution.roots())[1:]:
            yield from _of_packages(root)


def _of_packages(root: Path) -> Iterator[Path]:
    """The skills of the packages that stand in a project's folder."""
    try:
        names = sorted(os.listdir(root))[:_SCANNED]  # noqa: PTH208
    except OSError:
        return
    for name in names:
        # Only packages: a folder of tests or examples may hold skills that are not shipped.
        if name.isidentifier() and (root / name / "__init__.py").is_file():
            with suppress(OSError):
                below = root / name / CONVENTION
                yield from (
                    below / skill
                    for skill in sorted(os.listdir(below))[:_SCANNED]  # noqa: PTH208
                    if skill_file_of(below / skill) is not None
                )


def _broken(name: str, root: Path, distribution: _Distribution, reason: str) -> BrokenSkill:
    return BrokenSkill(name, root, distribution.origin, reason)
