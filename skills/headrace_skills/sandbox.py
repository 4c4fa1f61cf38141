"""What runs a skill's scripts: the interface of sandboxes.

Kind ``sandboxes``. A sandbox is given a command that was already chosen; which file of a skill
may be run, and by what, is settled before (``headrace_skills._scripts``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from headrace.interfaces import Resource

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Command", "Limits", "Outcome", "Sandbox"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a command may use. Each holds for one process, unless it says otherwise."""

    seconds: float = 60.0
    """Wall time of the whole command."""
    cpu_seconds: int = 60
    """Processor time."""
    memory: int = 2 * 1024**3
    """Address space, in bytes."""
    file_size: int = 64 * 1024**2
    """The longest file that it may write, in bytes."""
    open_files: int = 256
    """Files that it may have open at a time."""
    stdout: int = 64 * 1024
    """Bytes of standard output that are kept, from its start; of the whole command."""
    stderr: int = 8 * 1024
    """Bytes of standard error that are kept, from its end; of the whole command."""
    flood: int = 16 * 1024**2
    """Bytes of output at which the whole command is ended."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command to be run."""

    argv: tuple[str, ...]
    """The program, by its absolute path, and its arguments."""
    skill: Path
    """The skill's folder, which the command may read and not write."""
    stdin: bytes = b""
    """What it reads from standard input."""
    limits: Limits = field(default_factory=Limits)
    """What it may use."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    ended: Literal["exit", "signal", "time", "flood", "stopped"]
    """By itself, by a signal, by a limit on time or output, or because it was stopped."""
    code: int
    """The exit code, or the signal's number; 0 where a limit ended it."""
    stdout: bytes
    """The start of its standard output."""
    stdout_size: int
    """How many bytes it wrote there."""
    stderr: bytes
    """The end of its standard error."""
    stderr_size: int
    """How many bytes it wrote there."""

    @property
    def ok(self) -> bool:
        """Whether it ended by itself, with exit code 0."""
        return self.ended == "exit" and self.code == 0


class Sandbox(Resource, ABC):
    """Kind ``sandboxes``: runs commands so that they reach only what they are given.

    Every command has an empty scratch folder of its own as working directory and as ``HOME``,
    which is gone afterwards, and no variable of the worker's environment.
    """

    @abstractmethod
    async def run(self, command: Command) -> Outcome:
        """Runs a command, and leaves no process of it when it returns or is cancelled.

        Raises:
            SandboxError: The command could not be started at all.
        """
