"""The sandbox that needs nothing but the kernel: Landlock for files, seccomp for the rest."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from headrace_skills.errors import SandboxError
from headrace_skills.sandboxes._base import KeptSandbox, scratch_of
from headrace_skills.sandboxes._places import SETTINGS, SYSTEM, places_of
from headrace_skills.sandboxes._runs import Prepared, request_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_skills.sandbox import Command

__all__ = ["LandlockSandbox"]


class LandlockSandbox(KeptSandbox):
    """Walls a command in by Landlock and seccomp: no privilege and no namespace is needed.

    It reads the system's programs, Python with its packages, and its skill; it writes its scratch
    folder; it has no socket but connected pairs, no signal to processes outside, no capability.

    What it cannot do: it sees that files and processes exist (``stat``, ``kill(pid, 0)``), though
    nothing of what they hold; there is no ``/proc`` and no ``/dev/shm`` (so that locks of
    ``multiprocessing`` fail); modes, owners and times of files are not changed, also of its own
    (``chmod`` succeeds and does nothing); what its processes use together is looked at from
    outside, and they are ended when it is too much; hosts cannot be granted. Before Linux 6.12
    a script cannot signal the processes that it started.
    """

    walls = "landlock"

    @contextmanager
    def prepare(self, command: Command) -> Iterator[Prepared]:
        """Gives a scratch folder, and names the paths that may be seen.

        Raises:
            SandboxError: Hosts are granted: only a network of its own can hold a command to them.
        """
        if command.network:
            raise SandboxError(
                "the sandbox 'landlock' cannot hold a script to the hosts that it is granted "
                f"({', '.join(command.network)}), so that it runs none with hosts: install "
                "bubblewrap (pip install 'headrace-skills[bubblewrap]'), where the machine allows "
                "user namespaces"
            )
        settings = [f"/etc/{name}" for name in (*SETTINGS, "passwd", "group", "nsswitch.conf")]
        read = [*SYSTEM, *settings, *places_of(command)]
        with scratch_of(command) as scratch:
            paths = {"read": read, "write": [scratch]}
            yield Prepared(request_for(command, scratch, landlock=paths))
