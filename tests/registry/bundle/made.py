"""Wheels made by hand, locks of them, and jobs that are built from them: no network, no cluster."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from headrace import AgentBuilder, AgentPlan, InputEvent, OutputEvent
from headrace_registry.bundle.building import Built, JobSource, Toolbox, build_job
from headrace_registry.bundle.settings import read_bundle_settings
from headrace_registry.locking import Lock
from headrace_registry.locking.lock import LockedPackage, LockedWheel
from headrace_registry.settings import Target

AMD64 = Target("3.11", "linux/amd64")
ARM64 = Target("3.11", "linux/arm64")
AGENT = """\
from headrace import Agent, InputEvent, OutputEvent, action
{imports}

class Echo(Agent):
    @action(InputEvent)
    def echo(self, event, ctx):
        ctx.send(OutputEvent(output=event.input))
"""


class Wheels:
    """A project's folder with wheels in its ``vendor/``, and the lock of them.

    Args:
        folder: The project's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages: dict[str, list[tuple[str, Path]]] = {}
        (folder / "vendor").mkdir(parents=True)

    def add(
        self,
        name: str,
        version: str = "1.0",
        *requires: str,
        files: Mapping[str, bytes] | None = None,
        tag: str = "py3-none-any",
        executable: tuple[str, ...] = (),
        record: Mapping[str, str] | None = None,
        metadata: str = "License-Expression: MIT\n",
        stored: bool = False,
        unlisted: Mapping[str, bytes] | None = None,
        locked: bool = True,
    ) -> Path:
        """Makes a wheel; ``record`` replaces digests in its RECORD, ``unlisted`` is not in it."""
        module = name.replace("-", "_")
        info = f"{module}-{version}.dist-info"
        pure = str(tag.endswith("none-any")).lower()
        needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
        some = {f"{module}/__init__.py": f"name = {name!r}\n".encode()} if files is None else files
        content = {
            **{path.replace("{info}", info): data for path, data in some.items()},
            f"{info}/METADATA": (
                f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{metadata}{needs}"
            ).encode(),
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: {pure}\nTag: {tag}\n".encode(),
        }
        rows = {path: f"sha256={unpadded(data)}" for path, data in content.items()}
        rows |= record or {}
        lines = [f"{path},{digest}," for path, digest in rows.items() if digest != "gone"]
        content[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
        path = self.folder / "vendor" / f"{module}-{version}-{tag}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for place, data in {**content, **(unlisted or {})}.items():
                entry = zipfile.ZipInfo(place, (2024, 5, 6, 7, 8, 10))
                entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
                entry.external_attr = (0o100755 if place in executable else 0o100644) << 16
                archive.writestr(entry, data)
        if locked:
            self.packages.setdefault(name, []).append((version, path))
        return path

    def core(self) -> Wheels:
        """Adds the package that every job needs."""
        flink = 'apache-flink<2.4,>=2.3; extra == "flink"'
        self.add("headrace-core", "0.1.0", flink, files={"headrace/__init__.py": b"core = 1\n"})
        return self

    def lock(
        self, *targets: Target, origin: str = "vendor", markers: Mapping[str, str] | None = None
    ) -> Lock:
        """The lock of all wheels."""
        found = []
        for name, some in sorted(self.packages.items()):
            for version in sorted({one for one, _ in some}):
                wheels = tuple(
                    LockedWheel(
                        filename=path.name,
                        sha256=hexadecimal(path.read_bytes()),
                        size=path.stat().st_size,
                        path=f"vendor/{path.name}",
                    )
                    for known, path in some
                    if known == version
                )
                marker = (markers or {}).get(f"{name}=={version}")
                found.append(LockedPackage(name, version, marker, origin, wheels))
        return Lock(tuple(found), targets or (AMD64,), ">=3.10,<3.13", "0" * 64)


class Project(Wheels):
    """A project with an agent over files, that can be built."""

    def __init__(self, folder: Path, cache: Path | None = None) -> None:
        super().__init__(folder)
        self.cache = cache or folder.parent / "cache"
        self.core()

    def write(self, **files: str) -> Project:
        """Writes modules; ``echo_agent`` is the agent's own."""
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text)
        return self

    def agent(self, imports: str = "") -> Project:
        """Writes the agent's module."""
        return self.write(echo_agent=AGENT.format(imports=imports))

    def build(
        self,
        output: Path | None = None,
        *,
        target: Target = AMD64,
        mode: str = "provided",
        plans: Mapping[str, AgentPlan] | None = None,
        lock: Lock | None = None,
        jars: tuple[Path, ...] = (),
        requirements: tuple[object, ...] = (),
        sign: object = None,
        **said: object,
    ) -> Built:
        """Builds it; what is said stands in ``[tool.agents.bundle]``."""
        if not (self.folder / "echo_agent.py").exists():
            self.agent()
        source = JobSource(
            name="echo",
            plans=plans or {"echo": plan()},
            pipeline=None,
            files=None,
            root=self.folder,
            project=self.folder,
            requirements=requirements,
        )
        return build_job(
            source,
            lock or self.lock(target),
            output or self.folder.parent / "job.zip",
            target=target,
            mode=mode,
            settings=read_bundle_settings(said),
            toolbox=Toolbox({}, self.cache, offline=True, sign=sign),
            jars=jars,
        )


def plan(name: str = "echo", module: str = "echo_agent", **providers: object) -> AgentPlan:
    """The plan of the agent ``module:Echo``."""
    found = AgentPlan.from_agent(AgentBuilder(name).action(_echo, InputEvent))
    text = found.model_dump_json().replace(f"{_echo.__module__}:_echo", f"{module}:Echo.echo")
    found = AgentPlan.model_validate_json(text)
    return found.model_copy(update={"resource_providers": providers}) if providers else found


def _echo(event: InputEvent, ctx: object) -> None:
    ctx.send(OutputEvent(output=event.input))


def hexadecimal(data: bytes) -> str:
    """A SHA-256."""
    return hashlib.sha256(data).hexdigest()


def unpadded(data: bytes, algorithm: str = "sha256") -> str:
    """A digest as a RECORD has it."""
    digest = hashlib.new(algorithm, data).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def entries(path: Path) -> dict[str, zipfile.ZipInfo]:
    """What a zip lists."""
    with zipfile.ZipFile(path) as archive:
        return {one.filename: one for one in archive.infolist()}


def content(path: Path, name: str) -> bytes:
    """A file of a zip."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)
