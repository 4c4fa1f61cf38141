"""What is in a job's zip, and what it is for: ``job.json``.

A zip holds, sorted by name::

    job.json          this manifest
    SHA256SUMS        every other file, as `sha256sum --check` reads it
    app/              the job's own code and files
    bin/python        starts the cluster's Python with what is in here, and nothing else
    jars/             connectors
    main.py           puts the job together, where it is submitted
    plans/NAME.json   the compiled agents
    pylock.toml       the packages that are in here, as a lock of their own
    sbom.cdx.json     the same for auditors (CycloneDX)
    site-packages/    the packages

``job.json`` holds the digest of ``SHA256SUMS``, so its own digest is that of the job.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from headrace.errors import HeadraceError, PlanVersionError
from headrace.plan import AgentPlan

__all__ = [
    "APP",
    "DRIVER",
    "FORMAT",
    "HOME_VARIABLE",
    "JARS",
    "LAUNCHER",
    "LOCK",
    "MANIFEST",
    "PLANS",
    "SBOM",
    "SIGNATURE",
    "SITE",
    "SUMS",
    "AgentState",
    "BundledPackage",
    "Engine",
    "FilesIO",
    "JobManifest",
    "ManifestError",
    "PlanFile",
    "Secret",
    "SkillEntry",
    "State",
    "job_digest",
    "job_home",
    "parse_manifest",
    "read_manifest",
    "read_plans",
]

FORMAT = 1
"""The version of the format that this code writes; it reads this and all older ones."""
MANIFEST = "job.json"
SUMS = "SHA256SUMS"
SIGNATURE = "job.json.dsse"
LAUNCHER = "bin/python"
DRIVER = "main.py"
LOCK = "pylock.toml"
SBOM = "sbom.cdx.json"
PLANS = "plans"
APP = "app"
SITE = "site-packages"
JARS = "jars"
HOME_VARIABLE = "HEADRACE_JOB"
"""The environment variable that says where a worker has the zip unpacked."""
STATE_FORMAT = 1
"""The version of what the Flink engine keeps in Flink's state."""
MAX_BYTES = 16 * 1024 * 1024


class ManifestError(HeadraceError):
    """A manifest cannot be read."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Engine(_Frozen):
    """The engine that the zip is for."""

    mode: Literal["bundled", "provided"]
    """Whether its packages are in the zip, or the cluster's Python has them."""
    distribution: str
    """``apache-flink``."""
    version: str
    """Its version: a cluster must be of the same line (the first two numbers)."""
    requires: tuple[str, ...] = ()
    """Provided: what the zip's packages require of what the cluster has (PEP 508)."""

    @property
    def line(self) -> str:
        """The first two numbers of the version, such as ``2.3``."""
        return ".".join(self.version.split(".")[:2])


class PlanFile(_Frozen):
    """A compiled agent."""

    agent: str
    """The agent's name."""
    path: str
    """Its file in the zip."""
    digest: str
    """The plan's digest."""


class BundledPackage(_Frozen):
    """A package in the zip."""

    name: str
    """Its normalised name."""
    version: str
    """Its version."""
    wheel: str
    """The wheel that its files are copied from."""
    sha256: str
    """That wheel's digest, in hexadecimal."""
    origin: str
    """A registry's name, ``index`` or ``vendor``."""
    license: str = ""
    """Its licence, as its metadata says."""
    why: str
    """What brought it in, such as ``plan: chat_models llm`` or ``headrace-core requires it``."""
    files: int
    """How many of its files are in the zip."""
    size: int
    """Bytes that they take in the zip."""
    trimmed: int = 0
    """How many of its files are left out."""
    engine: bool = False
    """Whether only the engine needs it."""


class SkillEntry(_Frozen):
    """A skill that the agents may use."""

    name: str
    """Its name."""
    origin: str
    """The distribution that brings it, or its folder in the zip."""
    digest: str
    """The digest of its content."""
    network: tuple[str, ...] = ()
    """Hosts that its scripts may reach."""
    environment: tuple[str, ...] = ()
    """Environment variables that its scripts see."""
    commands: tuple[str, ...] = ()
    """Programs beyond the system's that its scripts run."""


class Secret(_Frozen):
    """A value that the zip names and does not hold."""

    name: str
    """The environment variable that holds it on a worker."""
    used_by: str
    """What uses it."""


class FilesIO(_Frozen):
    """A job over files: what it reads and writes where nobody says otherwise."""

    key: str | None = None
    """The field that is the key; the input itself where ``None``."""
    input: str | None = None
    """The input."""
    output: str | None = None
    """The output."""
    dead_letters: str | None = None
    """Where inputs go whose runs failed for good."""
    approvals: str | None = None
    """Where requests for somebody's decision go."""
    format: str | None = None
    """``jsonl``, ``csv`` or ``text``; by the file's name where ``None``."""


class AgentState(_Frozen):
    """What an agent keeps in Flink's state."""

    uid: str
    """The operator's identity in savepoints."""
    shards: int
    """Groups of keys that share a key context."""


class State(_Frozen):
    """What a later job must fit, to go on from this one's savepoint."""

    format: int = STATE_FORMAT
    """The version of the form."""
    agents: dict[str, AgentState] = Field(default_factory=dict)
    """By agent."""


class JobManifest(_Frozen):
    """``job.json``."""

    format: int = FORMAT
    """Version of this format."""
    name: str
    """What the job is called."""
    headrace: str
    """The version of headrace-core in the zip."""
    python: str
    """The Python that it is for, such as ``3.11``."""
    platform: str
    """The system and processor that it is for, such as ``linux/amd64``."""
    engine: Engine
    """The engine that it is for."""
    plans: tuple[PlanFile, ...]
    """Its agents."""
    pipeline: str | None = None
    """The author's job, ``module:name``; ``None``: the agent runs over files."""
    files: FilesIO | None = None
    """For a job over files, its defaults."""
    settings: dict[str, str] = Field(default_factory=dict)
    """Flink's settings that it brings."""
    skills: tuple[SkillEntry, ...] = ()
    """The skills that its agents may use."""
    secrets: tuple[Secret, ...] = ()
    """What must be given at run time."""
    packages: tuple[BundledPackage, ...] = ()
    """The packages in it."""
    jars: tuple[str, ...] = ()
    """Its connectors, as paths in the zip."""
    state: State = State()
    """What it keeps in Flink's state."""
    executables: tuple[str, ...] = ()
    """The files that have a run bit."""
    files_total: int
    """How many files ``SHA256SUMS`` lists."""
    sums: str
    """The digest of ``SHA256SUMS``, in hexadecimal."""

    def to_json(self) -> bytes:
        """The file's bytes: the same for the same manifest."""
        data = self.model_dump(mode="json")
        return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode()

    @model_validator(mode="before")
    @classmethod
    def _read_format(cls, data: Any) -> Any:
        if isinstance(data, dict):
            found = data.get("format", FORMAT)
            if not isinstance(found, int) or not 1 <= found <= FORMAT:
                raise PlanVersionError(
                    f"this job's zip has format {found!r}; headrace-core here reads formats 1 to "
                    f"{FORMAT}\n  next: install the headrace that built it "
                    f"({data.get('headrace', 'unknown')}), or build it again"
                )
        return data


def parse_manifest(data: bytes, where: str = MANIFEST) -> JobManifest:
    """Reads a manifest.

    Raises:
        ManifestError: It is damaged; says what is wrong.
        PlanVersionError: A later headrace wrote it.
    """
    if len(data) > MAX_BYTES:
        raise ManifestError(f"{where} has more than {MAX_BYTES} bytes")
    try:
        return JobManifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "it"
        raise ManifestError(f"{where} is no manifest of a job: {place}: {first['msg']}") from None


def read_manifest(home: Path) -> JobManifest:
    """The manifest of an unpacked zip.

    Raises:
        ManifestError: There is none, or it is damaged.
    """
    path = home / MANIFEST
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}") from None
    return parse_manifest(data, str(path))


def job_digest(home: Path) -> str:
    """The digest of an unpacked zip: the SHA-256 of its manifest, which covers all of it."""
    return hashlib.sha256((home / MANIFEST).read_bytes()).hexdigest()


def read_plans(home: Path, manifest: JobManifest) -> dict[str, AgentPlan]:
    """The agents of an unpacked zip, by name; places in them are still marked as the zip's.

    Raises:
        ManifestError: One is not the one that the manifest names.
    """
    found: dict[str, AgentPlan] = {}
    for one in manifest.plans:
        plan = AgentPlan.model_validate_json((home / one.path).read_bytes())
        if plan.digest != one.digest or plan.name != one.agent:
            raise ManifestError(f"{home / one.path} is not the plan that {MANIFEST} names")
        found[one.agent] = plan
    return found


def job_home() -> Path | None:
    """Where this process has its job's zip unpacked; ``None`` where it runs from none."""
    said = os.environ.get(HOME_VARIABLE)
    return Path(said) if said else None
