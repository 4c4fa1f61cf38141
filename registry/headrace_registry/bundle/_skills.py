"""The skills that plans offer: where they come from, and whether the target can run them."""

from __future__ import annotations

import importlib.metadata
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from headrace.jobs.manifest import APP, SkillEntry
from headrace.plugins import normalise
from headrace_registry.bundle._files import seen_from
from headrace_registry.bundle._places import is_skills, own_folder
from headrace_skills import Grants, SkillError, check_granted, find_skills, needs_of
from headrace_skills._confined import read_beneath
from headrace_skills._script_packages import folder_name
from headrace_skills.needs import read_script_metadata
from headrace_skills.packing import PackingError, contents_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from headrace.plan import AgentPlan
    from headrace_registry.bundle.settings import BundleSettings
    from headrace_registry.settings import Target
    from headrace_skills import Skill

__all__ = ["STOCK", "skill_distributions", "skills_of"]

# What a stock Flink image has: it stands on Debian or Ubuntu, whose packages that every system of
# theirs has (Essential: yes) are taken as the least. Python is there because the job needs it.
_PACKAGES = {
    "bash": "bash",
    "coreutils": (
        "[ b2sum base32 base64 basename basenc cat chcon chgrp chmod chown chroot cksum comm cp "
        "csplit cut date dd df dir dircolors dirname du echo env expand expr factor false fmt fold "
        "groups head hostid id install join link ln logname ls md5sum mkdir mkfifo mknod mktemp mv "
        "nice nl nohup nproc numfmt od paste pathchk pinky pr printenv printf ptx pwd readlink "
        "realpath rm rmdir runcon seq sha1sum sha224sum sha256sum sha384sum sha512sum shred shuf "
        "sleep sort split stat stdbuf stty sum sync tac tail tee test timeout touch tr true "
        "truncate tsort tty uname unexpand uniq unlink users vdir wc who whoami yes"
    ),
    "dash": "sh dash",
    "debianutils": "run-parts which",
    "diffutils": "cmp diff diff3 sdiff",
    "findutils": "find xargs",
    "grep": "grep egrep fgrep",
    "gzip": "gzip gunzip zcat zcmp zdiff zgrep zless zmore",
    "hostname": "hostname",
    "libc-bin": "getconf getent iconv ldd locale",
    "mawk": "awk mawk",
    "perl-base": "perl",
    "sed": "sed",
    "tar": "tar",
    "util-linux": "flock getopt hexdump logger lscpu nsenter rev setsid taskset column col",
    "python": "python3",
}
STOCK = frozenset(name for names in _PACKAGES.values() for name in names.split())
"""Programs that every target has."""
_BY_SUFFIX = {
    **dict.fromkeys((".js", ".mjs", ".cjs"), "node"),
    ".rb": "ruby",
    ".pl": "perl",
    ".php": "php",
    ".lua": "lua",
    ".r": "Rscript",
    ".jl": "julia",
    ".ps1": "pwsh",
    ".zsh": "zsh",
    ".fish": "fish",
    ".ts": "node",
}
_PYTHON = re.compile(r"python(?:3(?:\.\d+)?)?")
_SCRIPTS = "scripts/"
_FIRST_LINE = 256
_MAX_SCRIPT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Offered:
    """A skill, and the tool that offers it."""

    skill: Skill
    where: str
    """The agent's resource."""
    arguments: Mapping[str, Any]
    bases: Mapping[str, Path]
    """For each folder that is the project's, the one that its path in the zip is seen from."""


def skill_distributions(
    plans: Mapping[str, AgentPlan], *, project: Path | None = None, root: Path | None = None
) -> dict[str, str]:
    """The distributions that bring the plans' skills, each with the first skill of it.

    What is not to be had is left out here; ``skills_of`` tells it.
    """
    found: dict[str, str] = {}
    for one in _all(plans, project or Path.cwd(), root, []):
        name = _distribution(one.skill)
        if name is not None and one.skill.place not in one.bases:
            found.setdefault(name, one.skill.name)
    return dict(sorted(found.items()))


def skills_of(
    plans: Mapping[str, AgentPlan],
    *,
    project: Path,
    settings: BundleSettings,
    root: Path | None = None,
    scripts: Collection[str] = (),
    packages: Mapping[str, str] | None = None,
    target: Target | None = None,
) -> tuple[tuple[SkillEntry, ...], list[str]]:
    """The skills that agents may use, and what would keep them from running on the target.

    Args:
        plans: The agents as they were compiled here, by name: their places are not marked yet.
        project: The project's folder.
        settings: What the project says.
        root: The folder that the job's modules are imported from, if not the project's.
        scripts: Programs that the zip's packages bring.
        packages: The zip's packages by normalised name, with their versions; not held against
            what skills need where ``None``.
        target: What the zip is for; this Python and system where ``None``.

    Returns:
        The skills by name, and the problems, each with the way out.
    """
    problems: list[str] = []
    checking = _Checking(project.absolute(), settings, scripts, packages, target, problems)
    entries: dict[tuple[str, str, str], SkillEntry] = {}
    for one in _all(plans, project, root, problems):
        entry = checking.entry(one)
        if entry is not None:
            entries[entry.name, entry.origin, entry.digest] = entry
    return tuple(entries[key] for key in sorted(entries)), list(dict.fromkeys(problems))


# ---------------------------------------------------------------- what is offered
def _all(
    plans: Mapping[str, AgentPlan], project: Path, root: Path | None, problems: list[str]
) -> Iterator[_Offered]:
    for agent, plan in sorted(plans.items()):
        for name, one in plan.resource_providers.get("tools", {}).items():
            if is_skills(one):
                where = f"resources.{name} of {agent}"
                yield from _offered(where, one.arguments, project, root or project, problems)


def _offered(
    where: str, arguments: Mapping[str, Any], project: Path, root: Path, problems: list[str]
) -> Iterator[_Offered]:
    names: Sequence[str] = arguments.get("skills") or ()
    folders: dict[str, str] = {}
    bases: dict[str, Path] = {}
    for text in arguments.get("folders") or ():
        own = own_folder(text, root, project)
        path, base = own or (project / text, project)
        if own is None and ":" in text:
            folders[text] = text  # of an installed package
            continue
        folders[text] = str(path)
        if (path.is_relative_to(base) or path.resolve().is_relative_to(base.resolve())) and (
            ".." not in path.parts
        ):
            bases[str(path)] = base
    choose = arguments.get("choose") or {}
    found = find_skills(
        folders=folders.values(),
        installed=bool(names),
        choose={skill: folders.get(place, place) for skill, place in choose.items()},
    )
    problems += [
        f"{where}: the folder {broken.name!r} has no skills: {broken.reason}"
        for broken in found.broken
        if broken.name in folders.values()
    ]
    if not names:
        problems += [f"{where}: {conflict.error}" for conflict in found.conflicts]
    skills = list(found)
    if names:
        skills = []
        for name in dict.fromkeys(names):
            try:
                skills.append(found.get(name))
            except SkillError as error:
                problems.append(f"{where}: {error}\n  next: agents skills add {name}")
    for skill in skills:
        yield _Offered(skill, where, arguments, bases)


def _distribution(skill: Skill) -> str | None:
    """The distribution that brings a skill, or the package that its folder is named in."""
    if skill.distribution is not None:
        return normalise(skill.distribution)
    package, colon, _ = skill.place.partition(":")
    if not colon:
        return None
    known = importlib.metadata.packages_distributions().get(package.partition(".")[0], ())
    return normalise(known[0]) if known else None


# ---------------------------------------------------------------- what it needs
class _Checking:
    def __init__(
        self,
        project: Path,
        settings: BundleSettings,
        scripts: Collection[str],
        packages: Mapping[str, str] | None,
        target: Target | None,
        problems: list[str],
    ) -> None:
        from headrace_registry.locking.targets import environment, this_machine

        self._project = project
        self._paths = settings.paths
        self._programs = STOCK | set(settings.commands) | set(scripts)
        self._packages = packages
        self._target = target or this_machine()
        self._environment: Mapping[str, str] = environment(self._target)
        self._problems = problems

    def entry(self, one: _Offered) -> SkillEntry | None:
        """The skill as the manifest lists it; ``None`` where it cannot be listed."""
        skill = one.skill
        origin = self._origin(one)
        try:
            digest = contents_of(skill.root).digest()
            needs = needs_of(skill)
            grants = (one.arguments.get("grants") or {}).get(skill.name, {})
            check_granted(skill, Grants(**{kind: tuple(some) for kind, some in grants.items()}))
        except (SkillError, PackingError, TypeError) as error:
            self._problems.append(f"{one.where}, skill {skill.name}: {error}")
            return None
        for command in needs.commands:
            if command not in self._programs:
                self._lacking(skill, f"runs the program {command!r}", command)
        self._check_scripts(one, needs.dependencies)
        return SkillEntry(
            name=skill.name,
            origin=origin or skill.place,
            digest=digest,
            network=needs.network,
            environment=needs.environment,
            commands=needs.commands,
        )

    def _origin(self, one: _Offered) -> str | None:
        skill = one.skill
        base = one.bases.get(skill.place)
        if base is not None:
            place = Path(skill.place)
            shown = seen_from(place, base, base.resolve())
            # A zip of skills is unpacked elsewhere; it is the zip that travels.
            inner = seen_from(skill.root, place.resolve()) if place.is_dir() else ""
            return str(PurePosixPath(APP, shown or "", inner or ""))
        name = _distribution(skill)
        if name is not None:
            if self._packages is not None and name not in self._packages:
                self._problems.append(
                    f"the skill {skill.name} of {one.where} comes from {name}, which is not among "
                    f"the packages of the zip\n  next: agents skills add {name}"
                )
            return name
        if not any(skill.root.is_relative_to(path) for path in self._paths):
            self._problems.append(
                f"the skill {skill.name} of {one.where} stands in {skill.root}, outside of the "
                "project\n  next: move it into the project, or make it a package: "
                f"agents skills add {skill.root}"
            )
        return None

    def _lacking(self, skill: Skill, what: str, program: str) -> None:
        self._problems.append(
            f"the skill {skill.name} {what}, which a stock Flink image does not have\n"
            f'  next: put it into the workers\' image, and say so: commands = ["{program}"] in '
            "[tool.agents.bundle]"
        )

    def _check_scripts(self, one: _Offered, declared: tuple[str, ...]) -> None:
        skill = one.skill
        told: set[str] = set()
        for file in skill.files:
            if not file.path.startswith(_SCRIPTS):
                continue
            try:
                program = _interpreter(skill, file.path)
                if program == "python":
                    self._check_packages(one, file.path, declared)
                elif program and program not in self._programs and program not in told:
                    told.add(program)
                    self._lacking(skill, f"has scripts for {program} ({file.path})", program)
            except SkillError as error:
                self._problems.append(f"{one.where}, skill {skill.name}, {file.path}: {error}")

    def _check_packages(self, one: _Offered, path: str, declared: tuple[str, ...]) -> None:
        """Holds what a Python script imports against the packages of the zip."""
        from packaging.requirements import Requirement
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        skill = one.skill
        data = read_beneath(skill.root, path, _MAX_SCRIPT).data
        said = read_script_metadata(data.decode("utf-8", "replace").replace("\r\n", "\n"))
        wanted = [*declared, *(said.dependencies if said else ())]
        try:
            range_ = SpecifierSet((said.requires_python if said else None) or "")
        except InvalidSpecifier as error:
            self._problems.append(f"the script {path} of the skill {skill.name}: {error}")
            return
        python = self._target.python
        # The last part of the target's version is not known: some release of the line must fit.
        if not any(range_.contains(f"{python}.{patch}") for patch in (0, 99)):
            self._problems.append(
                f"the script {path} of the skill {skill.name} is for Python {range_}, and the zip "
                f"for {python}"
            )
        prepared = one.arguments.get("packages")
        if prepared and wanted:
            folder = self._project / prepared / folder_name(wanted, python)
            if folder.is_dir():
                return
        packages = self._packages
        if packages is None:
            return
        unmet = []
        for text in dict.fromkeys(wanted):
            asked = Requirement(text)
            if asked.marker and not asked.marker.evaluate({**self._environment, "extra": ""}):
                continue
            have = packages.get(normalise(asked.name))
            if have is None or not asked.specifier.contains(have, prereleases=True):
                unmet.append(text if have is None else f"{text} (the zip has {have})")
        if unmet:
            self._problems.append(
                f"the script {path} of the skill {skill.name} needs {', '.join(unmet)}, which the "
                "zip's packages do not meet\n"
                "  next: put that into the project's dependencies and into packages of "
                "[tool.agents.bundle], then: agents lock; or: agents skills prepare "
                f"{skill.name} --python {python} --into FOLDER"
            )


def _interpreter(skill: Skill, path: str) -> str:
    """The program that a script is for; empty where that cannot be told, or for the shell's."""
    suffix = PurePosixPath(path).suffix.lower()
    if suffix == ".py":
        return "python"
    first = read_beneath(skill.root, path, _FIRST_LINE).data.split(b"\n", 1)[0]
    words = first[2:].decode("utf-8", "replace").split() if first.startswith(b"#!") else []
    words = [word for word in words if not word.startswith("-") and "=" not in word]
    if words and PurePosixPath(words[0]).name == "env":
        words = words[1:]
    named = PurePosixPath(words[0]).name if words else _BY_SUFFIX.get(suffix, "")
    return "python" if _PYTHON.fullmatch(named) else named
