"""Building the zip of a job: its plan, code, packages, skills, launcher, manifest and SBOM."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from headrace.jobs.manifest import (
    DRIVER,
    LAUNCHER,
    LOCK,
    MANIFEST,
    PLANS,
    SBOM,
    SIGNATURE,
    SITE,
    SUMS,
    AgentState,
    Engine,
    JobManifest,
    PlanFile,
    State,
)
from headrace_registry.bundle._choosing import FLINK, select
from headrace_registry.bundle._contents import (
    MACHINES,
    Content,
    launcher,
    own_lock,
    parts_of,
    put_jars,
    put_packages,
)
from headrace_registry.bundle._flink import engine_notes, engine_of, flink_version
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
    from headrace_registry.bundle.settings import BundleSettings
    from headrace_registry.locking import Lock
    from headrace_registry.settings import Target

__all__ = ["Built", "JobSource", "Toolbox", "as_data", "build_job"]

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
    content = Content()
    plans, code = _gather_code(source, settings)
    selection = _select(source, lock, target, mode, settings, toolbox, plans, code)
    _check_versions(plans, selection)
    skills, secrets = _checked(source, plans, code, selection, settings, target)
    packages, trims = put_packages(content, selection, mode, lock)
    for one in code.files:
        content.put(one.path, one.source.read_bytes(), executable=one.executable)
    files = []
    for name, plan in sorted(plans.items()):
        path = f"{PLANS}/{name}.json"
        content.put(path, (plan.model_dump_json(indent=1) + "\n").encode())
        files.append(PlanFile(agent=name, path=path, digest=plan.digest))
    own_jars = put_jars(content, jars)
    content.put(LAUNCHER, launcher(target, mode), executable=True)
    content.put(DRIVER, _DRIVER_TEXT.encode())
    bundled = own_lock(lock, target, selection)
    content.put(LOCK, bundled)
    core = next(one.wheel for one in selection.chosen if _is(one, _CORE))
    version = flink_version(lock, core)
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
                name: AgentState(uid=f"headrace-{plan.identity}", shards=plan.config.shards)
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
        parts=parts_of(sizes, packages),
        left_out=selection.left_out,
        trimmed=trims,
        code=tuple((one.path, one.why) for one in code.files),
        code_left_out=code.left_out,
        notes=(*engine_notes(lock, mode), *code.notes),
    )


def _check_target(lock: Lock, target: Target) -> None:
    if target not in lock.targets:
        told = "; ".join(map(str, lock.targets))
        raise BundleError(
            f"the lock is not for {target}\n  why:   it was made for {told}\n"
            f'  next: add {{ python = "{target.python}", platform = "{target.platform}" }} to '
            "targets in [tool.agents], then: agents lock"
        )
    if target.platform not in MACHINES:
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
            engine=engine_of(lock),
            source=wheels,
            cache=toolbox.cache,
            without=[str(canonicalize_name(one)) for one in settings.without],
        )
    finally:
        wheels.close()


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


def _is(chosen: Chosen, name: str) -> bool:
    return chosen.step.package.name == name


def _sbom(
    manifest: JobManifest, lock: bytes, selection: Selection, files: Mapping[str, str]
) -> bytes:
    from headrace_registry.bundle._sbom import sbom

    requires = {one.step.package.name: one.step.package.dependencies for one in selection.chosen}
    return sbom(manifest, hashlib.sha256(lock).hexdigest(), requires, files)


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
