"""What the worker asks for: one run, as JSON.

Named tuples, here and beside: dataclasses take a third of the time in which a keeper starts.
"""

from __future__ import annotations

import json
import os
from typing import NamedTuple

__all__ = ["FIRST_EXTRA", "Gate", "Request", "Watched"]

FIRST_EXTRA = 20
"""The number under which the program finds the first of the descriptors that it is given."""


class Watched(NamedTuple):
    """What all processes of a run may have together; the warden looks, and ends them."""

    processes: int
    """Processes and threads."""
    resident: int
    """Bytes of memory in use."""
    scratch: str | None
    """The folder whose content is counted."""
    scratch_size: int
    """Bytes in it."""
    scratch_files: int
    """Files and folders in it."""


class Gate(NamedTuple):
    """The numbers of the descriptors that bubblewrap is led by."""

    status: int
    """It tells its state there."""
    block: int
    """Its child waits there."""
    rlimits: dict[str, list[int]]
    """Limits that are meant for a user namespace of its own."""
    own: int
    """How many processes are bubblewrap's."""
    mounts: list[str]
    """File systems inside that are memory: files in them are counted, which take some more."""
    births: bool
    """Whether new processes are asked about, since the kernel does not count them."""


class Request(NamedTuple):
    """A program, and what holds it."""

    argv: list[str]
    """The program, absolute, and its arguments."""
    environment: dict[str, str]
    """All of its environment."""
    folder: str
    """Its working folder."""
    seconds: float
    """Wall time."""
    rlimits: dict[str, list[int]]
    """Names of ``resource.RLIMIT_...``, with the soft and the hard limit."""
    watched: Watched
    """What is counted."""
    clear: str | None = None
    """A folder that is removed when the worker is gone."""
    landlock: dict[str, list[str]] | None = None
    """The paths to ``read`` and to ``write``: the program is walled in by the kernel alone."""
    gate: Gate | None = None
    """Where bubblewrap's child waits for its limits."""

    def __repr__(self) -> str:
        return f"Request({self.argv!r})"  # and not the environment, which may hold secrets

    def to_json(self) -> bytes:
        """The request as it travels."""
        said = self._asdict()
        said["watched"] = self.watched._asdict()
        said["gate"] = self.gate and self.gate._asdict()
        return json.dumps(said).encode("utf-8", "surrogateescape")

    @classmethod
    def read(cls, descriptor: int) -> Request:
        """The request that a file in memory holds; the descriptor is closed."""
        data = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        os.close(descriptor)
        said = json.loads(data.decode("utf-8", "surrogateescape"))
        gate = Gate(**said["gate"]) if said["gate"] else None
        return cls(**{**said, "watched": Watched(**said["watched"]), "gate": gate})
