"""The job that is deployed: its zip, and what of its manifest goes into files and shells.

A zip may come from anyone. Whatever of it ends up in a Dockerfile, a script or a page is held to
the form that it must have before anything is made of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.jobs.manifest import MANIFEST, read_manifest
from headrace_registry.deploying._checks import check_setting
from headrace_registry.deploying.errors import DeployError
from headrace_registry.locking.wanted import file_sha256
from headrace_registry.settings import PYTHONS
from headrace_skills._text import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.jobs.manifest import JobManifest

__all__ = ["PLATFORMS", "Subject", "read_subject"]

PLATFORMS = ("linux/amd64", "linux/arm64")
"""The platforms that Flink's images are made for."""
_FLINK = "apache-flink"
_VERSION = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_PROGRAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}")
_MAX_NAME = 100


@dataclass(frozen=True, slots=True)
class Subject:
    """A job's zip that was verified, and is deployed."""

    zip: Path
    """The zip."""
    home: Path
    """Where it is unpacked."""
    manifest: JobManifest
    """Its manifest, whose parts were checked."""
    digest: str
    """The job's digest: that of its manifest's file."""

    @property
    def title(self) -> str:
        """The job's name, on one line."""
        return one_line(self.manifest.name, _MAX_NAME)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that it must be given."""
        return tuple(sorted({one.name for one in self.manifest.secrets}))

    @property
    def commands(self) -> tuple[str, ...]:
        """The programs that its skills' scripts run."""
        return tuple(sorted({name for one in self.manifest.skills for name in one.commands}))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that its skills' scripts may reach."""
        return tuple(sorted({name for one in self.manifest.skills for name in one.network}))


def read_subject(path: Path, home: Path) -> Subject:
    """Reads and checks the job of a zip that was verified and unpacked.

    Args:
        path: The zip.
        home: Where it is unpacked.

    Raises:
        ManifestError: There is no manifest, or it is damaged.
        DeployError: It is for an engine, a Python or a platform that is not deployed, or some of
            it cannot stand in a file.
    """
    manifest = read_manifest(home)
    engine = manifest.engine
    if engine.distribution != _FLINK or not _VERSION.fullmatch(engine.version):
        raise DeployError(
            f"the job is for {one_line(f'{engine.distribution} {engine.version}', _MAX_NAME)}, "
            f"and what is deployed are jobs for a release of {_FLINK}, such as 2.3.0"
        )
    if manifest.python not in PYTHONS:
        raise DeployError(
            f"the job is for Python {one_line(manifest.python, 20)}, and Flink's workers run on "
            f"{', '.join(PYTHONS)}\n  next: agents build --python {PYTHONS[1]}"
        )
    if manifest.platform not in PLATFORMS:
        raise DeployError(
            f"the job is for {one_line(manifest.platform, 40)}, and Flink's images are for "
            f"{' and '.join(PLATFORMS)}\n  next: agents build --platform {PLATFORMS[0]}"
        )
    found = Subject(path, home, manifest, file_sha256(home / MANIFEST))
    _check_names(found.secrets, _VARIABLE, "is no name of an environment variable")
    _check_names(found.commands, _PROGRAM, "is no name of a program")
    for key, value in manifest.settings.items():
        check_setting(key, value, "the job's own settings")
    return found


def _check_names(names: tuple[str, ...], form: re.Pattern[str], why: str) -> None:
    for name in names:
        if not form.fullmatch(name):
            raise DeployError(f"the job names {one_line(repr(name), _MAX_NAME)}, which {why}")
