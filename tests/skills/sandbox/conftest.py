"""Sandboxes that are tried once, and a world for scripts to attack."""

from __future__ import annotations

import ctypes
import os
import resource
import secrets
import socket
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from headrace_skills.sandbox import Limits, try_sandboxes
from headrace_skills.sandboxes._bubblewrap import Bubblewrap
from headrace_skills.sandboxes._landlock import LandlockSandbox
from headrace_skills.sandboxes._none import NoSandbox

from ..conftest import add_file, write_skill  # noqa: TID252 - helpers of all skills' tests

KINDS = {"none": NoSandbox, "bubblewrap": Bubblewrap, "landlock": LandlockSandbox}
SHORT = Limits(seconds=20, cpu_seconds=20)


@pytest.fixture(scope="session")
def sandbox_named():
    """Sandboxes by name; one that this machine has not skips the test, and says why."""
    made = {}
    reasons = {one.name: one.detail for one in try_sandboxes() if not one.works}

    def get(name):
        if name in reasons:
            pytest.skip(f"{name}: {reasons[name]}")
        if name not in made:
            made[name] = KINDS[name]()
        return made[name]

    yield get
    for one in made.values():
        one.end()


@pytest.fixture(params=["bubblewrap", "landlock"])
def isolating(request, sandbox_named):
    """Each sandbox that isolates."""
    return sandbox_named(request.param)


@pytest.fixture(params=["none", "bubblewrap", "landlock"])
def any_sandbox(request, sandbox_named):
    """Each sandbox."""
    return sandbox_named(request.param)


class World:
    """What a worker has, and scripts are after."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.token = secrets.token_hex(16)
        folder.mkdir()
        self.project = folder / "project"
        self.project.mkdir()
        secret = self.project / "secret.txt"
        secret.write_text(self.token)
        (self.project / self.token).touch()
        (self.project / "empty").mkdir()
        (self.project / "link").symlink_to(self.token)
        self.skill = write_skill(folder / "skills" / "hostile")
        add_file(self.skill, "scripts/other.py", "")
        shared = Path("/dev/shm") / f"headrace-{folder.name}"
        self._stack = stack
        self._listen(folder / "sockets")
        self._share(shared)
        descriptor = os.open(secret, os.O_RDONLY)
        self.victim = subprocess.Popen(
            [self.token, "1000"],
            executable="/bin/sleep",
            env={"TOKEN": self.token},
            cwd=self.project,
            pass_fds=(descriptor,),
        )
        os.close(descriptor)
        stack.callback(self.victim.wait)
        stack.callback(self.victim.kill)
        self._before = self._state()

    def _listen(self, folder: Path) -> None:
        folder.mkdir()
        self._servers = []
        self._numbers = []
        stream, datagram = socket.SOCK_STREAM, socket.SOCK_DGRAM
        for family, kind, address in (
            (socket.AF_INET, stream, ("127.0.0.1", 0)),
            (socket.AF_INET6, stream, ("::1", 0)),
            (socket.AF_INET, datagram, ("127.0.0.1", 0)),
            (socket.AF_INET6, datagram, ("::1", 0)),
            (socket.AF_UNIX, stream, str(folder / "stream")),
            (socket.AF_UNIX, datagram, str(folder / "datagram")),
            (socket.AF_UNIX, stream, f"\0{self.token}-"),
        ):
            server = self._stack.enter_context(socket.socket(family, kind))
            server.bind(address)
            server.setblocking(False)
            if kind == stream:
                server.listen()
            self._servers.append(server)
            if family != socket.AF_UNIX:
                self._numbers.append(server.getsockname()[1])
        self._sockets = folder

    def _share(self, file: Path) -> None:
        libc = ctypes.CDLL(None)
        libc.shmat.restype = ctypes.c_void_p
        self._segment = libc.shmget(0, 4096, 0o1600)
        address = libc.shmat(self._segment, None, 0)
        ctypes.memmove(address, self.token.encode(), len(self.token))
        self._stack.callback(libc.shmctl, self._segment, 0, None)
        self._stack.callback(libc.shmdt, ctypes.c_void_p(address))
        with suppress(OSError):
            file.write_text(self.token)
            self._stack.callback(file.unlink, missing_ok=True)

    @property
    def arguments(self) -> list[str]:
        """What ``attacks.PREAMBLE`` reads."""
        found = [self.project, self.skill, self.victim.pid, *self._numbers]
        return [str(one) for one in (*found, self._sockets, f"{self.token}-", self._segment)]

    def escaped(self, stdout: bytes) -> list[str]:
        """What a script did that it must not be able to do."""
        said = stdout.decode("utf-8", "replace")
        found = []
        if self.token in said:
            found.append("the secret was read")
        if "ESCAPED" in said:
            found.append("it did what it said")
        found += [f"{one} was reached" for one in self._servers if _reached(one)]
        after = self._state()
        found += [f"{one} was changed" for one in after if after[one] != self._before.get(one)]
        found += [f"{one} was removed" for one in self._before if one not in after]
        return found

    def _state(self) -> dict[str, object]:
        state: dict[str, object] = {}
        for top in (self.project, self.skill):
            for path in (top, *top.rglob("*")):
                info = path.lstat()
                data = path.read_bytes() if path.is_file() else b""
                more = os.listxattr(path, follow_symlinks=False)
                times = 0 if path.is_dir() else info.st_mtime_ns
                state[str(path)] = (info.st_mode, info.st_uid, info.st_nlink, times, data, more)
        pid = self.victim.pid
        running = self.victim.poll() is None
        state["the victim"] = running and (
            Path(f"/proc/{pid}/stat").read_text().split()[2] == "T",
            resource.prlimit(pid, resource.RLIMIT_NOFILE),
            os.getpriority(os.PRIO_PROCESS, pid),
            os.sched_getaffinity(pid),
            os.sched_getscheduler(pid),
        )
        return state


def _reached(server: socket.socket) -> bool:
    try:
        if server.type == socket.SOCK_STREAM:
            server.accept()[0].close()
        else:
            server.recv(16)
    except BlockingIOError:
        return False
    return True


@pytest.fixture
def new_world(tmp_path):
    """Makes worlds."""
    with ExitStack() as stack:
        yield lambda: World(tmp_path / secrets.token_hex(4), stack)
