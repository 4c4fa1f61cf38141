"""What a cluster's workers have: Python, platform, programs, secrets; and what a job needs of it.

Flink does not tell what Python its workers have, and a job that finds another one fails when it
has been started. So a small job is sent first whose Python is a shell script: it prints what is
there, and fails, which is how Flink passes on what it printed. What one set of TaskManagers said
is remembered as long as they live.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from dataclasses import asdict, dataclass, field
from importlib.resources import files as package_files
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from headrace.jobs.manifest import LAUNCHER, SITE
from headrace_registry.bundle._zip import Entry, write_zip
from headrace_registry.client._store import write_whole
from headrace_registry.clusters._jars import missing_jars
from headrace_registry.clusters._local_errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headrace.jobs.driver import Graph
    from headrace.jobs.manifest import JobManifest
    from headrace_registry.clusters._rest import FlinkRest

__all__ = ["Workers", "known_workers", "probe_workers", "unmet", "write_probe"]

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_GLIBC = re.compile(r"glibc (\d+)\.(\d+)")
_OLDEST = (2, 28)
_MOST = 64 * 1024
_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class Workers:
    """What the workers of a cluster have."""

    pythons: tuple[tuple[str, str], ...] = ()
    """Their Pythons: the version, and the name that it is found by."""
    platform: str = ""
    """Their platform, such as ``linux/amd64``; as they say it, where it is none that is known."""
    libc: str = ""
    """Their C library."""
    commands: frozenset[str] = frozenset()
    """Of the programs that were asked for, those that are there."""
    secrets: frozenset[str] = frozenset()
    """Of the secrets that were asked for, those that are given."""
    packages: dict[str, str] = field(default_factory=dict, hash=False)
    """Of the packages that were asked for, those that are there, and their versions."""


def write_probe(manifest: JobManifest, path: Path) -> None:
    """Writes the zip that asks the workers."""
    wanted = _wanted(manifest)
    text = package_files("headrace_registry.clusters").joinpath("_probe.sh").read_text("utf-8")
    text = text.replace("@PYTHON@", manifest.python)
    for name, values in wanted.items():
        text = text.replace(f"@{name.upper()}@", " ".join(map(shlex.quote, values)))
    write_zip(path, [Entry(LAUNCHER, executable=True, data=text.encode())])


def known_workers(rest: FlinkRest, manifest: JobManifest, cache: Path) -> Workers | None:
    """What these very TaskManagers said to the same question before."""
    try:
        data = json.loads(_kept(rest, manifest, cache).read_bytes())
        return Workers(
            pythons=tuple((version, name) for version, name in data["pythons"]),
            platform=data["platform"],
            libc=data["libc"],
            commands=frozenset(data["commands"]),
            secrets=frozenset(data["secrets"]),
            packages=data["packages"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def probe_workers(
    rest: FlinkRest, graph: Graph, manifest: JobManifest, cache: Path
) -> Workers | None:
    """Asks a worker what it has; ``None`` where it did not say.

    Raises:
        ClusterError: The cluster is away, or does not take the job.
    """
    from pathlib import Path as File

    from headrace_registry.clusters._rest_following import follow

    job = rest.submit(
        File(graph.path),
        jars=missing_jars(rest, graph.jars),
        artifacts={name: File(one) for name, one in graph.artifacts.items()},
    )
    follow(rest, job, timeout=_WAIT)
    texts = [one.stacktrace for one in rest.exceptions(job).entries]
    found = next((said for text in texts if (said := _read(text)) is not None), None)
    if found is not None:
        data = {**asdict(found), "commands": sorted(found.commands)}
        data["secrets"] = sorted(found.secrets)
        write_whole(_kept(rest, manifest, cache), json.dumps(data).encode())
    return found


def unmet(workers: Workers, manifest: JobManifest) -> list[str]:
    """What a job needs that the workers have not; one line each, with the way out."""
    faults = []
    if workers.platform != manifest.platform:
        faults.append(
            f"the job is for {manifest.platform}, and the workers are {workers.platform}: build "
            f"it with --platform {workers.platform}"
        )
    if manifest.python not in {version for version, _ in workers.pythons}:
        have = ", ".join(sorted({version for version, _ in workers.pythons})) or "none"
        faults.append(
            f"the job is for Python {manifest.python}, and the workers have {have}: build it "
            "with --python, or install that Python there"
        )
    libc = _GLIBC.match(workers.libc)
    if workers.libc and (libc is None or (int(libc[1]), int(libc[2])) < _OLDEST):
        faults.append(
            f"the job's native packages need glibc {_OLDEST[0]}.{_OLDEST[1]} or later, and the "
            f"workers have {workers.libc}: use a later image"
        )
    faults += [
        f"{one.name} ({one.used_by}) is not given to the workers: set it in their environment, or "
        "put a file of that name into their /etc/headrace/secrets"
        for one in manifest.secrets
        if one.name not in workers.secrets
    ]
    wanted = _wanted(manifest)
    faults += [
        f"the program {one}, which a skill runs, is not on the workers: install it there"
        for one in wanted["commands"]
        if one not in workers.commands
    ]
    faults += _lacking_packages(workers, manifest)
    return faults


def _lacking_packages(workers: Workers, manifest: JobManifest) -> list[str]:
    if manifest.engine.mode != "provided":
        return []
    faults = []
    engine = f"{manifest.engine.distribution}=={manifest.engine.line}.*"
    for text in (engine, *manifest.engine.requires):
        one = Requirement(text)
        have = workers.packages.get(str(canonicalize_name(one.name)))
        if have is None or not one.specifier.contains(have, prereleases=True):
            said = "not installed there" if have is None else f"{have} there"
            faults.append(
                f"the workers' Python has to have {one}, and it is {said}: install it, or build "
                "the job with --engine bundled"
            )
    return faults


def _wanted(manifest: JobManifest) -> dict[str, Sequence[str]]:
    own = {one.rpartition("/")[2] for one in manifest.executables if one.startswith(f"{SITE}/bin/")}
    commands = {name for skill in manifest.skills for name in skill.commands} - own
    packages: set[str] = set()
    if manifest.engine.mode == "provided":
        names = (Requirement(text).name for text in manifest.engine.requires)
        packages = {str(canonicalize_name(one)) for one in names} | {manifest.engine.distribution}
    return {
        "commands": sorted(commands),
        "secrets": sorted(one.name for one in manifest.secrets),
        "packages": sorted(packages),
    }


def _kept(rest: FlinkRest, manifest: JobManifest, cache: Path) -> Path:
    """The place of what these TaskManagers said to this question."""
    asked = {"workers": sorted(one.id for one in rest.taskmanagers()), **_wanted(manifest)}
    name = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:32]
    return cache / "workers" / f"{name}.json"


def _read(text: str) -> Workers | None:
    begin, end = text.rfind("headrace-probe 1"), text.rfind("headrace-probe end")
    if begin < 0 or end < begin or end - begin > _MOST:
        return None
    rows = [line.split() for line in text[begin:end].splitlines()[1:]]
    found: dict[str, list[list[str]]] = {}
    for kind, *rest in filter(None, rows):
        found.setdefault(kind, []).append(rest)
    system, machine = (found.get("machine") or [["", ""]])[0][:2]
    platform = f"{system.lower()}/{_MACHINES.get(machine, machine)}"
    return Workers(
        pythons=tuple((row[0], row[2]) for row in found.get("python", []) if len(row) > 2),  # noqa: PLR2004
        platform=platform,
        libc=" ".join((found.get("libc") or [[]])[0]),
        commands=frozenset(row[0] for row in found.get("command", []) if row),
        secrets=frozenset(row[0] for row in found.get("secret", []) if row),
        packages={row[0]: row[1] for row in found.get("package", []) if len(row) > 1},
    )


class UnfitClusterError(ClusterError):
    """A cluster that cannot run a job; nothing was changed there."""
