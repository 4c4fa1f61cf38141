"""Building the zip of a job: its plan, code, packages, skills, launcher, manifest and SBOM."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass, field, replace
from importlib.resources import files as package_files
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from headrace.jobs.manifest import (
    APP,
    DRIVER,
    JARS,
    LAUNCHER,
    LOCK,
    MANIFEST,
    PLANS,
    SBOM,
    SIGNATURE,
    SITE,
    SUMS,
    AgentState,
    BundledPackage,
    Engine,
    JobManifest,
    PlanFile,
    State,
)
from headrace_registry.bundle._choosing import FLINK, select
from headrace_registry.bundle._members import check_apart
from headrace_registry.bundle._trimming import trimmed
from headrace_registry.bundle._wheels import WheelSource
from headrace_registry.bundle._zip import Entry, write_zip
from headrace_registry.errors import BundleError
from headrace_registry.locking.install_plan import steps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from packaging.requirements import Requirement

    from headrace.jobs.manifest import FilesIO, Secret, SkillEntry
    from headrace.plan import AgentPlan
    from headrace_registry.bundle._choosing import Chosen, LeftOut, Mode, Selection
    from headrace_registry.bundle._code import Code
    from headrace_registry.bundle._wheels import Client
    from headrace_registry.bundle.engines import Engine as FlinkEngine
    from headrace_registry.bundle.settings import BundleSettings
    from headrace_registry.locking import Lock
    from headrace_registry.settings import Target

__all__ = ["Built", "JobSource", "Toolbox", "build_job"]

_MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_CORE = "headrace-core"
_DRIVER_TEXT = """\
# Puts the job together on Flink; see headrace.jobs.driver.
from headrace.jobs.driver import main

if __name__ == "__main__":
    main()
"""


@dataclass(frozen=True, slots=True)
class JobSource:
    """What a job is made of, before it is packed."""

    name: str
    """What it is called."""
    plans: Mapping[str, AgentPlan]
    """Its agents, by name."""
    pipeline: str | None
    """The author's job, ``module:name``; ``None``: its agent runs over files."""
    files: FilesIO | None
    """For a job over files, its defaults."""
    root: Path
    """The folder that its modules are imported from."""
    project: Path
    """The project's folder."""
    requirements: tuple[Requirement, ...] = ()
    """What the project requires."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What a build works with."""

    clients: Mapping[str, Client]
    """What fetches the registries' wheels, by name."""
    cache: Path
    """Where downloads are kept."""
    offline: bool = False
    """Use no network."""
    sign: Callable[[bytes], bytes] | None = None
    """Makes the signature of a manifest."""
    progress: Callable[[int, int], None] | None = None
    """Is told of the bytes of wheels: how many are there, and how many there are to be."""


@dataclass(frozen=True, slots=True)
class Built:
    """A zip that was built."""

    path: Path
    """Where it is."""
    manifest: JobManifest
    """What is in it."""
    digest: str
    """The digest of that."""
    size: int
    """Its bytes."""
    parts: Mapping[str, int]
    """Bytes by part: ``engine``, ``packages``, ``code``, ``jars``, ``papers``."""
    left_out: tuple[LeftOut, ...]
    """Packages of the lock that are not in it."""
    trimmed: Mapping[str, Mapping[str, int]]
    """By package, the reasons that files of it are left out for, and how many each."""
    code: tuple[tuple[str, str], ...]
    """The job's own files in it, and why."""
    code_left_out: tuple[tuple[str, str], ...]
    """Files of the project that are not in it, and why."""
    notes: tuple[str, ...] = ()
    """What one should know."""


@dataclass
class _Content:
    """The zip's files, while they are gathered."""

    entries: dict[str, Entry] = field(default_factory=dict)
    sums: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, data: bytes, *, executable: bool = False) -> None:
        self.add(Entry(name, executable, data), hashlib.sha256(data).hexdigest())

    def add(self, entry: Entry, sha256: str) -> None:
        if self.sums.setdefault(entry.name, sha256) != sha256:
            raise BundleError(f"two different files would be called {entry.name} in the zip")
        self.entries[entry.name] = entry

    def listing(self) -> bytes:
        lines = (f"{digest}  {name}\n" for name, digest in sorted(self.sums.items()))
        return "".join(lines).encode()


def build_job(
    source: JobSource,
    lock: Lock,
    output: Path,
    *,
    target: Target,
    mode: Mode,
    settings: BundleSettings,
    toolbox: Toolbox,
    jars: Sequence[Path] = (),
) -> Built:
    """Builds the zip of a job.

    Args:
        source: The job.
        lock: The project's lock, which is in keeping with it.
        output: The zip to write, whole or not at all.
        target: The Python and platform of the workers.
        mode: Whether the engine goes in.
        settings: What the project says of its zips.
        toolbox: What to work with.
        jars: Connectors that go in.

    Raises:
        BundleError: It cannot be built; says why, and what to do.
        LockError: The lock is not for the target, or has no wheel for it.
        DownloadError: A wheel cannot be had.
    """
    _check_target(lock, target)
    # From here on there is one version of each package, and one wheel.
    lock = replace(lock, packages=tuple(one.package for one in steps_of(lock, target)))
    content = _Content()
    plans, code = _gather_code(source, settings)
    selection = _select(source, lock, target, mode, settings, toolbox, plans, code)
    _check_versions(plans, selection)
    skills, secrets = _checked(source, plans, code, selection, settings, target)
    packages, trims = _put_packages(content, selection, mode, lock)
    for one in code.files:
        content.put(one.path, one.source.read_bytes(), executable=one.executable)
    files = []
    for name, plan in sorted(plans.items()):
        path = f"{PLANS}/{name}.json"
        content.put(path, (plan.model_dump_json(indent=1) + "\n").encode())
        files.append(PlanFile(agent=name, path=path, digest=plan.digest))
    own_jars = _put_jars(content, jars)
    content.put(LAUNCHER, _launcher(target, mode), executable=True)
    content.put(DRIVER, _DRIVER_TEXT.encode())
    bundled = _own_lock(lock, target, selection)
    content.put(LOCK, bundled)
    version = _engine_version(lock, selection)
    manifest = JobManifest(
        name=source.name,
        headrace=next(one.wheel.version for one in selection.chosen if _is(one, _CORE)),
        python=target.python,
        platform=target.platform,
        engine=Engine(mode=mode, distribution=FLINK, version=version, requires=selection.provided),
        plans=tuple(files),
        pipeline=source.pipeline,
        files=source.files,
        settings=dict(sorted(settings.flink.items())),
        skills=skills,
        secrets=secrets,
        packages=packages,
        jars=own_jars,
        state=State(
            agents={
                name: AgentState(uid=f"headrace-{name}", shards=plan.config.shards)
                for name, plan in sorted(plans.items())
            }
        ),
        files_total=0,
        sums="",
    )
    content.put(SBOM, _sbom(manifest, bundled, selection, content.sums))
    sums = content.listing()
    manifest = manifest.model_copy(
        update={
            "executables": tuple(
                sorted(name for name, one in content.entries.items() if one.executable)
            ),
            "files_total": len(content.sums),
            "sums": hashlib.sha256(sums).hexdigest(),
        }
    )
    written = manifest.to_json()
    entries = [*content.entries.values(), Entry(MANIFEST, data=written), Entry(SUMS, data=sums)]
    if toolbox.sign is not None:
        entries.append(Entry(SIGNATURE, data=toolbox.sign(written)))
    sizes = write_zip(output, entries)
    return Built(
        path=output,
        manifest=manifest,
        digest=hashlib.sha256(written).hexdigest(),
        size=output.stat().st_size,
        parts=_parts(sizes, packages),
        left_out=selection.left_out,
        trimmed=trims,
        code=tuple((one.path, one.why) for one in code.files),
        code_left_out=code.left_out,
        notes=(*_engine_notes(lock, mode), *code.notes),
    )


def _engine_notes(lock: Lock, mode: Mode) -> tuple[str, ...]:
    """What of the engine could have stayed behind, and did not."""
    from headrace_registry.bundle.engines import engine_for

    flink = lock.package(FLINK)
    if mode == "provided" or flink is None:
        return ()
    found = engine_for(flink.version)
    if found is None:
        return (f"nothing is known of what Flink {flink.version} can do without: all goes in",)
    return found.unproven(_versions(lock))


def _check_target(lock: Lock, target: Target) -> None:
    if target not in lock.targets:
        told = "; ".join(map(str, lock.targets))
        raise BundleError(
            f"the lock is not for {target}\n  why:   it was made for {told}\n"
            f'  next: add {{ python = "{target.python}", platform = "{target.platform}" }} to '
            "targets in [tool.agents], then: agents lock"
        )
    if target.platform not in _MACHINES:
        raise BundleError(
            f"Flink's workers run on Linux, and {target.platform} is none\n"
            "  next: --platform linux/amd64"
        )


def _gather_code(source: JobSource, settings: BundleSettings) -> tuple[dict[str, AgentPlan], Code]:
    from headrace_registry.bundle._code import collect_code
    from headrace_registry.bundle._places import mark_places

    plans: dict[str, AgentPlan] = {}
    named: list[Path] = []
    modules: set[str] = set()
    for name, plan in source.plans.items():
        if "__main__" in plan.modules:
            raise BundleError(
                f"{name} is defined in a script that was run, not imported\n"
                "  next: move it to a module, and name that: agents build MODULE:JOB"
            )
        plans[name], some = mark_places(
            plan, root=source.root, project=source.project, settings=settings
        )
        named += some
        modules |= plan.modules
    if source.pipeline is not None:
        modules.add(source.pipeline.partition(":")[0])
    code = collect_code(
        modules, root=source.root, project=source.project, settings=settings, named=named
    )
    return plans, code


def _select(
    source: JobSource,
    lock: Lock,
    target: Target,
    mode: Mode,
    settings: BundleSettings,
    toolbox: Toolbox,
    plans: Mapping[str, AgentPlan],
    code: Code,
) -> Selection:
    from headrace_registry.bundle._skills import skill_distributions

    roots = {_CORE: "every job needs it"}
    for plan in plans.values():
        for kind, providers in plan.resource_providers.items():
            for name, one in providers.items():
                if one.distribution:
                    roots.setdefault(one.distribution, f"plan: {kind} {name}")
    for name, skill in skill_distributions(
        source.plans, project=source.project, root=source.root
    ).items():
        roots.setdefault(name, f"plan: skill {skill}")
    for name in settings.packages:
        roots.setdefault(str(canonicalize_name(name)), "the project says so")
    direct = {str(canonicalize_name(one.name)): one.extras for one in source.requirements}
    flink = lock.package(FLINK)
    if mode == "bundled" and flink is None:
        raise BundleError(
            "the engine is to go into the zip, and it is not locked\n"
            "  next: put headrace-core[flink] into the project's dependencies, then: agents lock; "
            "or: agents build --engine provided"
        )
    wheels = WheelSource(
        source.project,
        toolbox.clients,
        toolbox.cache,
        offline=toolbox.offline,
        progress=toolbox.progress,
    )
    try:
        return select(
            lock,
            target,
            roots=roots,
            extras=direct,
            direct=direct,
            imported=code.modules | code.optional,
            needed=code.modules,
            mode=mode,
            engine=_engine(lock),
            source=wheels,
            cache=toolbox.cache,
            without=[str(canonicalize_name(one)) for one in settings.without],
        )
    finally:
        wheels.close()


def _engine(lock: Lock) -> FlinkEngine | None:
    """What of the locked Flink travels; ``None`` where nothing is known of it."""
    from headrace_registry.bundle.engines import engine_for

    flink = lock.package(FLINK)
    found = None if flink is None else engine_for(flink.version)
    return None if found is None else found.held_to(_versions(lock))


def _versions(lock: Lock) -> dict[str, str]:
    return {one.name: one.version for one in lock.packages}


def _check_versions(plans: Mapping[str, AgentPlan], selection: Selection) -> None:
    """What the plans were compiled with is what is locked."""
    have = {one.step.package.name: one.wheel.version for one in selection.chosen}
    wrong = [
        f"{name} {version}, and the lock has {have.get(name, 'none')}"
        for plan in plans.values()
        for name, version in plan.distributions.items()
        if have.get(name) != version
    ]
    if wrong:
        raise BundleError(
            "this environment is not what is locked: the agent was compiled with "
            + "; ".join(sorted(set(wrong)))
            + "\n  next: agents sync, then build again"
        )


def _checked(
    source: JobSource,
    plans: Mapping[str, AgentPlan],
    code: Code,
    selection: Selection,
    settings: BundleSettings,
    target: Target,
) -> tuple[tuple[SkillEntry, ...], tuple[Secret, ...]]:
    """The skills and the secrets' names; refuses what could not run, or must not travel."""
    from headrace_registry.bundle._code import hidden
    from headrace_registry.bundle._secrets import held_secrets, secrets_of
    from headrace_registry.bundle._skills import skills_of

    scripts = {
        member.path.rpartition("/")[2]
        for one in selection.chosen
        for member in one.wheel.members
        if member.path.startswith(f"{SITE}/bin/")
    }
    versions = {one.step.package.name: one.wheel.version for one in selection.chosen}
    skills, problems = skills_of(
        source.plans,
        project=source.project,
        root=source.root,
        settings=settings,
        scripts=scripts,
        packages=versions,
        target=target,
    )
    taken = {name: one.wheel.name for one in selection.chosen for name in one.wheel.modules}
    problems = [
        *problems,
        *hidden(code.files, taken),
        *held_secrets(plans, code.files, settings),
    ]
    if problems:
        raise BundleError("\n".join(["the job cannot be built:", *problems]))
    return skills, secrets_of(plans, skills)


def _put_packages(
    content: _Content, selection: Selection, mode: Mode, lock: Lock
) -> tuple[tuple[BundledPackage, ...], dict[str, dict[str, int]]]:
    engine = None if mode == "provided" else _engine(lock)
    cut = [
        trimmed(one, engine, shared=one.step.package.name not in selection.engine)
        for one in selection.chosen
    ]
    check_apart([one.wheel for one in cut])
    packages = []
    trims: dict[str, dict[str, int]] = {}
    for chosen, kept in zip(selection.chosen, cut, strict=True):
        package, size = chosen.step.package, 0
        for one in kept.wheel.members:
            entry = Entry(
                one.path,
                one.executable,
                source=chosen.file,
                offset=one.offset,
                packed=one.packed,
                size=one.size,
                method=one.method,
                crc=one.crc,
            )
            content.add(entry, one.sha256)
            size += one.packed
        for name, data in kept.rewritten.items():
            content.put(name, data)
            size += len(data)
        if kept.reasons:
            trims[package.name] = dict(kept.reasons)
        packages.append(
            BundledPackage(
                name=package.name,
                version=package.version,
                wheel=chosen.step.wheel.filename,
                sha256=chosen.step.wheel.sha256,
                origin=package.origin,
                license=chosen.wheel.license,
                why=chosen.why,
                files=len(kept.wheel.members) + len(kept.rewritten),
                size=size,
                trimmed=sum(kept.reasons.values()),
                engine=package.name in selection.engine,
            )
        )
    return tuple(packages), trims


def _put_jars(content: _Content, jars: Sequence[Path]) -> tuple[str, ...]:
    found = []
    for path in jars:
        if path.suffix != ".jar" or not zipfile.is_zipfile(path):
            raise BundleError(
                f"--jar {path} is no jar file\n"
                "  next: give the connector's own jar, such as flink-connector-kafka-VERSION.jar"
            )
        if path.name.startswith(("flink-dist", "flink-python")):
            raise BundleError(
                f"--jar {path}: this one is Flink's own, which the cluster has\n"
                "  next: leave it out"
            )
        content.put(f"{JARS}/{path.name}", path.read_bytes())
        found.append(f"{JARS}/{path.name}")
    return tuple(sorted(set(found)))


def _launcher(target: Target, mode: Mode) -> bytes:
    text = package_files("headrace.jobs").joinpath("launcher.sh").read_text(encoding="utf-8")
    # What the cluster has comes after what the zip has; with the engine in the zip, not at all.
    provided = mode == "provided"
    values = {
        "@TARGET@": str(target),
        "@PYTHON@": target.python,
        "@MACHINE@": _MACHINES[target.platform],
        "@FLAGS@": "-s" if provided else "-S -s",
        "@MORE_PATH@": "${PYTHONPATH:+:$PYTHONPATH}" if provided else "",
    }
    for name, value in values.items():
        text = text.replace(name, value)
    return text.encode()


def _own_lock(lock: Lock, target: Target, selection: Selection) -> bytes:
    """The lock of what is in the zip: one wheel a package, for one target."""
    from headrace_registry.locking.targets import python_range

    names = {one.step.package.name for one in selection.chosen}
    packages = tuple(
        replace(
            one.step.package,
            marker=None,
            wheels=(one.step.wheel,),
            dependencies=tuple(name for name in one.step.package.dependencies if name in names),
        )
        for one in selection.chosen
    )
    origins = {one.origin for one in packages}
    own = replace(
        lock,
        packages=packages,
        targets=(target,),
        requires_python=python_range([target], ""),
        registries={name: one for name, one in lock.registries.items() if name in origins},
    )
    return own.as_toml().encode()


def _engine_version(lock: Lock, selection: Selection) -> str:
    flink = lock.package(FLINK)
    if flink is not None:
        return flink.version
    from packaging.requirements import Requirement

    core = next(one.wheel for one in selection.chosen if _is(one, _CORE))
    for text in core.requires:
        one = Requirement(text)
        if canonicalize_name(one.name) == FLINK:
            return min(part.version for part in one.specifier if part.operator in (">=", "=="))
    raise BundleError("headrace-core does not say which Flink it runs on")


def _is(chosen: Chosen, name: str) -> bool:
    return chosen.step.package.name == name


def _sbom(
    manifest: JobManifest, lock: bytes, selection: Selection, files: Mapping[str, str]
) -> bytes:
    from headrace_registry.bundle._sbom import sbom

    requires = {one.step.package.name: one.step.package.dependencies for one in selection.chosen}
    return sbom(manifest, hashlib.sha256(lock).hexdigest(), requires, files)


def _parts(sizes: Mapping[str, int], packages: Sequence[BundledPackage]) -> dict[str, int]:
    engine = sum(one.size for one in packages if one.engine)
    parts = dict.fromkeys(("engine", "packages", "code", "jars", "papers"), 0)
    for name, size in sizes.items():
        top = name.partition("/")[0]
        parts[{SITE: "packages", APP: "code", JARS: "jars"}.get(top, "papers")] += size
    parts["packages"] -= engine
    parts["engine"] = engine
    return parts


def as_data(built: Built) -> dict[str, object]:
    """What was built, as JSON-like data."""
    return {
        "path": str(built.path),
        "digest": built.digest,
        "size": built.size,
        "parts": dict(built.parts),
        "manifest": json.loads(built.manifest.to_json()),
        "left_out": [
            {"name": one.name, "version": one.version, "why": one.why} for one in built.left_out
        ],
        "trimmed": {name: dict(some) for name, some in built.trimmed.items()},
        "code": [{"path": path, "why": why} for path, why in built.code],
        "code_left_out": [{"path": path, "why": why} for path, why in built.code_left_out],
        "notes": list(built.notes),
    }
