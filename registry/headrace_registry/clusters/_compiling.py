"""From a job's zip to the graph that Flink is sent: the zip's own driver makes it, apart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.errors import HeadraceError
from headrace.jobs.driver import ORDER_VARIABLE, Graph, Order
from headrace.jobs.manifest import DRIVER, LAUNCHER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import Self

    from headrace.jobs.manifest import JobManifest

__all__ = ["Compilation", "CompileError", "HostError", "check_host", "driver_environment"]

_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "JAVA_HOME", "TZ", "JVM_ARGS")
_SET = "HEADRACE_SET_"
"""How the names of variables begin that say settings."""
_TIMEOUT = 300
_POLL = 0.05
_PRINTED = 20_000
_OURS = "headrace: "
_FLINK = "apache-flink"
_MAIN = "from headrace.jobs.driver import main; main()"
_NO_PYTHON = 3
"""What a zip's launcher ends with where there is no Python for it."""


class CompileError(HeadraceError):
    """A job that could not be put together; nothing was sent to the cluster."""


class HostError(CompileError):
    """A job that another machine could put together, and this one cannot."""


def check_host(manifest: JobManifest) -> None:
    """Refuses a job whose driver cannot run here.

    Raises:
        HostError: Says what is missing here.
        CompileError: Flink's client here is of another line.
    """
    from headrace_registry.locking.targets import machine

    here = machine(manifest.python)
    if here.platform != manifest.platform:
        raise HostError(
            f"this machine is {here.platform}, and the job is for {manifest.platform}: its graph "
            "is made by its own packages, which do not run here\n"
            "  next: submit from a machine of that platform, or: agents deploy kubernetes"
        )
    _check_client()
    _check_line(manifest.engine.line)


def _check_line(line: str) -> None:
    try:
        here = metadata.version(_FLINK)
    except metadata.PackageNotFoundError:
        return  # a PyFlink that somebody put there: it is taken as it is
    if not f"{here}.".startswith(f"{line}."):
        raise CompileError(
            f"Flink's client here is {here}, and the job was built for Flink {line}\n"
            "  why:   a job's graph is made by a client of the job's own line\n"
            f"  next: where agents runs: pip install '{_FLINK}=={line}.*'"
        )


def _check_client() -> None:
    if find_spec("pyflink") is None:
        raise HostError(
            "Flink's own client is not installed here\n  next: pip install 'headrace[flink]'"
        )


def driver_environment(manifest: JobManifest, order: Order) -> dict[str, str]:
    """The variables for a process that runs the zip's ``main.py``: the zip's packages only.

    Args:
        manifest: The zip's manifest.
        order: What the driver is to do.
    """
    found = _client_environment(order)
    if f"{sys.version_info.major}.{sys.version_info.minor}" == manifest.python:
        found["HEADRACE_PYTHON"] = sys.executable
    if manifest.engine.mode == "provided":  # what the cluster provides is this environment's here
        found["PYTHONPATH"] = str(Path(found["FLINK_HOME"]).parent)
    return found


def _client_environment(order: Order) -> dict[str, str]:
    """The variables for Flink's own client, as it is installed here."""
    from headrace.flink._java import ensure_java

    ensure_java()
    spec = find_spec("pyflink")
    assert spec is not None  # noqa: S101 - see check_host
    assert spec.origin is not None  # noqa: S101
    flink = Path(spec.origin).parent
    found = {
        name: one for name, one in os.environ.items() if name in _PASSED or name.startswith(_SET)
    }
    conf = os.environ.get("FLINK_CONF_DIR", str(flink / "conf"))
    return {
        **found,
        "FLINK_HOME": str(flink),
        "FLINK_CONF_DIR": conf,
        # What is not said is not sent: the zip's own headrace may be an older one.
        ORDER_VARIABLE: order.model_dump_json(exclude_defaults=True),
    }


class Compilation:
    """A graph, made in a process of its own; use it in a ``with``. See ``of_job``, ``of_probe``.

    Args:
        command: What makes it.
        order: What is asked; its ``graph`` is the folder to write to.
        environment: The process's variables.

    Raises:
        HostError: There is no Python here that could make it.
        CompileError: The job's code, or Flink's client, failed; says the last of what it said.
    """

    def __init__(
        self, command: Sequence[str], order: Order, environment: Mapping[str, str]
    ) -> None:
        assert order.graph is not None  # noqa: S101 - who compiles says where
        self._folder = Path(order.graph)
        self._log = (self._folder / "driver.log").open("w+", encoding="utf-8", errors="replace")
        self._child = subprocess.Popen(  # noqa: S603 - a verified zip's own launcher, or this Python
            command,
            env=environment,
            cwd=order.graph,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            text=True,
            start_new_session=True,  # Ctrl-C is for us, who then end it with all that it started
        )
        try:
            self.graph = self._awaited("graph.json")
        except BaseException:
            self.close()
            raise

    @classmethod
    def of_job(cls, home: Path, manifest: JobManifest, order: Order) -> Self:
        """The graph of an unpacked job, by its own packages.

        Args:
            home: Where the zip is unpacked.
            manifest: Its manifest.
            order: What is asked; its ``graph`` is the folder to write to.
        """
        check_host(manifest)
        command = [str(home / LAUNCHER), str(home / DRIVER)]
        return cls(command, order, driver_environment(manifest, order))

    @classmethod
    def of_probe(cls, probe: Path, folder: Path) -> Self:
        """The graph of the job that asks for the workers' Python, by this environment's Flink.

        A job's own driver makes it too, where it can run here.

        Args:
            probe: The zip that the workers are sent.
            folder: The folder to write to.
        """
        _check_client()
        order = Order(action="probe", graph=str(folder), probe=str(probe))
        return cls([sys.executable, "-c", _MAIN], order, _client_environment(order))

    def from_savepoint(self, path: str) -> Graph:
        """The same graph, going on from a savepoint; for an order that ``waits``.

        Raises:
            CompileError: The driver is gone.
        """
        assert self._child.stdin is not None  # noqa: S101 - it is a pipe
        try:
            self._child.stdin.write(f"{path}\n")
            self._child.stdin.close()
        except OSError:
            raise self._failed() from None
        return self._awaited("restored.json")

    def close(self) -> None:
        """Ends the process, and the Java that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        if self._child.stdin is not None:
            with suppress(OSError):
                self._child.stdin.close()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _awaited(self, name: str) -> Graph:
        path, deadline = self._folder / name, time.monotonic() + _TIMEOUT
        while not path.is_file():
            if self._child.poll() is not None and not path.is_file():
                raise self._failed()
            if time.monotonic() > deadline:
                raise CompileError(f"the job was not put together within {_TIMEOUT} s")
            time.sleep(_POLL)
        return Graph.model_validate_json(path.read_bytes())

    def _failed(self) -> CompileError:
        self._log.flush()
        self._log.seek(0)
        said = _said(self._log.read()[-_PRINTED:])
        if self._child.poll() != _NO_PYTHON:
            return CompileError(said)
        return HostError(f"this machine, which makes the job's graph, cannot run its code: {said}")


def _said(text: str) -> str:
    lines = text.strip().splitlines()
    ours = [number for number, line in enumerate(lines) if line.startswith(_OURS)]
    if ours:
        return "\n".join(lines[ours[-1] :]).removeprefix(_OURS)
    last = lines[-1] if lines else "it printed nothing"
    shown = "\n".join(f"    {line}" for line in lines[-12:])
    return f"the job could not be put together: {last}\n{shown}"
