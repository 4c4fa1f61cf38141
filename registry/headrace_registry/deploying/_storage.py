"""Where checkpoints are kept, and what Flink needs to get there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from headrace_registry.deploying._checks import check_label
from headrace_registry.deploying.errors import OptionError
from headrace_skills._text import one_line

__all__ = ["MOUNT", "Storage", "check_uri", "plugin_of", "storage_of"]

MOUNT = "/flink-state"
"""Where pods have the volume."""
_CLAIM = "pvc:"
_PLUGINS = {
    # Of the two for S3 this one writes files of sinks too; with both on, one is taken blindly.
    "s3": "flink-s3-fs-hadoop",
    "s3a": "flink-s3-fs-hadoop",
    "gs": "flink-gs-fs-hadoop",
    "abfs": "flink-azure-fs-hadoop",
    "abfss": "flink-azure-fs-hadoop",
    "wasb": "flink-azure-fs-hadoop",
    "wasbs": "flink-azure-fs-hadoop",
    "oss": "flink-oss-fs-hadoop",
}
"""The plugin of Flink's distribution for a scheme: each image has it in opt/, and none on."""
_HADOOP = frozenset({"hdfs", "viewfs"})
_PLAIN = re.compile(r"[A-Za-z0-9_.~:/@%+=-]+")
_MAX = 1000


@dataclass(frozen=True, slots=True)
class Storage:
    """A folder that all machines of a job see."""

    uri: str
    """Its address, without a slash at its end."""
    plugin: str | None = None
    """The jar of Flink's distribution that reads it, without its version."""
    claim: str | None = None
    """The claim of the volume that it is on."""

    @property
    def plugins(self) -> frozenset[str]:
        """Flink's plugins that it takes."""
        return frozenset() if self.plugin is None else frozenset({self.plugin})

    @property
    def settings(self) -> dict[str, str]:
        """Flink's settings for it."""
        return {
            "execution.checkpointing.dir": f"{self.uri}/checkpoints",
            "execution.checkpointing.savepoint-dir": f"{self.uri}/savepoints",
        }

    @property
    def availability(self) -> str:
        """Where a JobManager keeps what the next one goes on from."""
        return f"{self.uri}/high-availability"


def storage_of(text: str, system: Literal["kubernetes", "yarn"]) -> Storage:
    """What an address of ``--checkpoints`` means.

    Args:
        text: ``pvc:CLAIM``, or an address.
        system: What the job runs on.

    Raises:
        OptionError: It is no address, or nothing there reads it.
    """
    if text.startswith(_CLAIM) and system == "kubernetes":
        claim = check_label("--checkpoints pvc:", text[len(_CLAIM) :])
        return Storage(f"file://{MOUNT}", claim=claim)
    return Storage(text.rstrip("/"), plugin_of("--checkpoints", text, system))


def plugin_of(
    option: str, text: str, system: Literal["kubernetes", "yarn"], *, local: bool = False
) -> str | None:
    """The plugin of Flink's that reads an address; ``None`` where Flink reads it anyway.

    Args:
        option: The option that the address is from.
        text: The address.
        system: What the job runs on.
        local: Whether a folder that all pods have mounted will do.

    Raises:
        OptionError: It is no address, or nothing there reads it.
    """
    scheme = check_uri(option, text)
    if scheme in _PLUGINS:
        return _PLUGINS[scheme]
    if (scheme == "file" and (local or system == "yarn")) or (
        system == "yarn" and scheme in _HADOOP
    ):
        return None
    known = ", ".join(f"{one}://" for one in _PLUGINS)
    if system == "yarn":
        known = f"hdfs://, {known}, file:// (a folder that all nodes mount)"
    elif local:
        known = f"{known}, file:// (a folder that all pods mount)"
    else:
        known = f"{_CLAIM}CLAIM (a volume that all pods mount), {known}"
    raise OptionError(
        f"{option} {text}: a stock Flink on {system} has nothing that reads {scheme}://\n"
        f"  next: one of {known}"
    )


def check_uri(option: str, text: str) -> str:
    """The scheme of an address of a folder.

    Raises:
        OptionError: It is none, or holds credentials.
    """
    parts = urlsplit(text) if _PLAIN.fullmatch(text) and len(text) <= _MAX else None
    if parts is None or not parts.scheme or "://" not in text or text.endswith("://"):
        raise OptionError(
            f"{option} {one_line(text, 120)!r} is no address of a folder, such as s3://bucket/job"
        )
    if parts.password is not None:
        raise OptionError(
            f"{option}: the address holds a password, which would stand in files that many read\n"
            "  next: give the pods or nodes an identity that may reach it"
        )
    return parts.scheme.lower()
