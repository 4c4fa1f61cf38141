"""What runs a skill's scripts: the interface of sandboxes, and their choice.

Kind ``sandboxes``. A sandbox is given a command that was already chosen; which file of a skill
may be run, and by what, is settled before (``headrace_skills._scripts``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from headrace.interfaces import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "Command",
    "Limits",
    "Outcome",
    "Sandbox",
    "TriedSandbox",
    "choose_sandbox",
    "try_sandboxes",
]


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
    processes: int = 128
    """Processes and threads of the whole command, at a time."""
    resident: int = 4 * 1024**3
    """Memory in use by all processes of the command, in bytes; shared pages count for each."""
    scratch_size: int = 256 * 1024**2
    """Bytes that the scratch folder may hold."""
    scratch_files: int = 10_000
    """Files and folders that the scratch folder may hold."""


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
    readable: tuple[Path, ...] = ()
    """More files and folders that it may read and not write."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    """Variables that it is given beside those that every command has."""
    network: tuple[str, ...] = ()
    """Hosts that it may reach, as ``needs.Grants`` writes them."""
    commands: tuple[str, ...] = ()
    """Names of programs that it may see beside those of the system."""
    scratch: Path | None = None
    """The folder that it works in, which stays; None for an empty one that is gone afterwards."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    ended: Literal["exit", "signal", "time", "flood", "limit", "stopped"]
    """By itself, by a signal, by a limit (on time, output, or what ``why`` says), or stopped."""
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
    why: str = ""
    """Which limit ended it, as the end of a sentence, where it was ended by ``limit``."""

    @property
    def ok(self) -> bool:
        """Whether it ended by itself, with exit code 0."""
        return self.ended == "exit" and self.code == 0


class Sandbox(Resource, ABC):
    """Kind ``sandboxes``: runs commands so that they reach only what they are given.

    A command has a scratch folder as working directory and as ``HOME``, and no variable of the
    worker's environment but those that it is given.
    """

    @abstractmethod
    async def run(self, command: Command) -> Outcome:
        """Runs a command, and leaves no process of it when it returns or is cancelled.

        Raises:
            SandboxError: The command could not be started at all.
        """


@dataclass(frozen=True, slots=True)
class TriedSandbox:
    """Whether a sandbox works on this machine, as far as running a program in it shows."""

    name: str
    """Its name, as ``choose_sandbox`` takes it."""
    works: bool
    """Whether it runs programs here."""
    detail: str
    """What it is made of here, or why it does not work."""
    chosen: bool = False
    """Whether it is the one that is taken where none is named."""


def choose_sandbox(name: str | None = None) -> Sandbox:
    """Gives a sandbox that works here; that it does is tried once in a process, in milliseconds.

    Args:
        name: ``bubblewrap``, ``landlock``, ``none`` (which isolates nothing), or a plugin's. None
            and ``auto`` stand for the best of the first two that works.

    Raises:
        SandboxError: It does not work here, or there is no such sandbox; or none works.
        PluginError: The plugin of that name cannot be had.
    """
    from headrace_skills.sandboxes._choosing import choose

    return choose(name)


def try_sandboxes() -> tuple[TriedSandbox, ...]:
    """Tries the sandboxes that isolate, the best first; the answers are kept for the process."""
    from headrace_skills.sandboxes._choosing import tried

    return tried()
