"""The files of a job's zip: of wheels, of the project, and those that are made for it."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass, field, replace
from importlib.resources import files as package_files
from typing import TYPE_CHECKING

from headrace.jobs.manifest import APP, JARS, SITE, BundledPackage
from headrace_registry.bundle._flink import engine_of
from headrace_registry.bundle._members import check_apart
from headrace_registry.bundle._trimming import trimmed
from headrace_registry.bundle._zip import Entry
from headrace_registry.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from headrace_registry.bundle._choosing import Mode, Selection
    from headrace_registry.locking import Lock
    from headrace_registry.settings import Target

__all__ = [
    "MACHINES",
    "Content",
    "launcher",
    "own_lock",
    "parts_of",
    "put_jars",
    "put_packages",
]

MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
"""The platforms of workers, with what Python calls their processors."""


@dataclass
class Content:
    """The zip's files, while they are gathered."""

    entries: dict[str, Entry] = field(default_factory=dict)
    """What is written, by path."""
    sums: dict[str, str] = field(default_factory=dict)
    """The files' SHA-256, by path."""

    def put(self, name: str, data: bytes, *, executable: bool = False) -> None:
        """Puts a file of our own in."""
        self.add(Entry(name, executable, data), hashlib.sha256(data).hexdigest())

    def add(self, entry: Entry, sha256: str) -> None:
        """Puts a file in.

        Raises:
            BundleError: Another one is there under its name.
        """
        if self.sums.setdefault(entry.name, sha256) != sha256:
            raise BundleError(f"two different files would be called {entry.name} in the zip")
        self.entries[entry.name] = entry

    def listing(self) -> bytes:
        """All files, as ``sha256sum --check`` reads them."""
        lines = (f"{digest}  {name}\n" for name, digest in sorted(self.sums.items()))
        return "".join(lines).encode()


def put_packages(
    content: Content, selection: Selection, mode: Mode, lock: Lock
) -> tuple[tuple[BundledPackage, ...], dict[str, dict[str, int]]]:
    """Puts the chosen packages in; tells what they are, and why files of them stay out.

    Raises:
        BundleError: Two packages have different files for one place.
    """
    engine = None if mode == "provided" else engine_of(lock)
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


def put_jars(content: Content, jars: Sequence[Path]) -> tuple[str, ...]:
    """Puts connectors in; gives their paths in the zip.

    Raises:
        BundleError: One is no jar, is Flink's own, or has the name of another.
    """
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


def launcher(target: Target, mode: Mode) -> bytes:
    """The program that starts the workers' Python."""
    text = package_files("headrace.jobs").joinpath("launcher.sh").read_text(encoding="utf-8")
    # What the cluster has comes after what the zip has; with the engine in the zip, not at all.
    provided = mode == "provided"
    values = {
        "@TARGET@": str(target),
        "@PYTHON@": target.python,
        "@MACHINE@": MACHINES[target.platform],
        "@FLAGS@": "-s" if provided else "-S -s",
        "@MORE_PATH@": "${PYTHONPATH:+:$PYTHONPATH}" if provided else "",
    }
    for name, value in values.items():
        text = text.replace(name, value)
    return text.encode()


def own_lock(lock: Lock, target: Target, selection: Selection) -> bytes:
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


def parts_of(sizes: Mapping[str, int], packages: Sequence[BundledPackage]) -> dict[str, int]:
    """What each part of a zip weighs, of the bytes that its entries take."""
    engine = sum(one.size for one in packages if one.engine)
    parts = dict.fromkeys(("engine", "packages", "code", "jars", "papers"), 0)
    for name, size in sizes.items():
        top = name.partition("/")[0]
        parts[{SITE: "packages", APP: "code", JARS: "jars"}.get(top, "papers")] += size
    parts["packages"] -= engine
    parts["engine"] = engine
    return parts
