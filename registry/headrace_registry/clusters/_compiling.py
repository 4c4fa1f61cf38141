"""From a job's zip to the graph that Flink is sent: the zip's own driver makes it, apart."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.errors import HeadraceError
from headrace.jobs.driver import ORDER_VARIABLE, Graph
from headrace.jobs.manifest import DRIVER, LAUNCHER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.jobs.driver import Order
    from headrace.jobs.manifest import JobManifest

__all__ = ["CompileError", "check_host", "compile_job", "driver_environment"]

_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "JAVA_HOME", "TZ", "JVM_ARGS")
_TIMEOUT = 300
_OURS = "headrace: "


class CompileError(HeadraceError):
    """A job that could not be put together; nothing was sent to the cluster."""


def check_host(manifest: JobManifest) -> None:
    """Refuses a job whose driver cannot run here.

    Raises:
        CompileError: Says what is missing here.
    """
    from headrace_registry.locking.targets import machine

    here = machine(manifest.python)
    if here.platform != manifest.platform:
        raise CompileError(
            f"this machine is {here.platform}, and the job is for {manifest.platform}: its graph "
            "is made by its own packages, which do not run here\n"
            "  next: submit from a machine of that platform, or: agents deploy kubernetes"
        )
    if find_spec("pyflink") is None:
        raise CompileError(
            "Flink's own client is not installed here\n  next: pip install 'headrace[flink]'"
        )


def driver_environment(home: Path, manifest: JobManifest, order: Order) -> dict[str, str]:
    """The variables for a process that runs the zip's ``main.py``: the zip's packages only.

    Args:
        home: Where the zip is unpacked.
        manifest: Its manifest.
        order: What the driver is to do.
    """
    from headrace.flink._java import ensure_java

    ensure_java()
    spec = find_spec("pyflink")
    assert spec is not None  # noqa: S101 - see check_host
    assert spec.origin is not None  # noqa: S101
    flink = Path(spec.origin).parent
    found = {name: os.environ[name] for name in _PASSED if name in os.environ}
    if f"{sys.version_info.major}.{sys.version_info.minor}" == manifest.python:
        found["HEADRACE_PYTHON"] = sys.executable
    if manifest.engine.mode == "provided":  # what the cluster provides is this environment's here
        found["PYTHONPATH"] = str(flink.parent)
    conf = os.environ.get("FLINK_CONF_DIR", str(flink / "conf"))
    return {
        **found,
        "FLINK_HOME": str(flink),
        "FLINK_CONF_DIR": conf,
        ORDER_VARIABLE: order.model_dump_json(exclude_none=True),
    }


def compile_job(
    home: Path, manifest: JobManifest, order: Order, *, extra: Mapping[str, str] | None = None
) -> Graph:
    """Makes the graph of an unpacked job, in a process of its own.

    Args:
        home: Where the zip is unpacked.
        manifest: Its manifest.
        order: What is asked; its ``graph`` is the folder to write to.
        extra: More variables for that process.

    Raises:
        CompileError: The job's code, or Flink's client, failed; says the last of what it said.
    """
    check_host(manifest)
    environment = {**driver_environment(home, manifest, order), **(extra or {})}
    assert order.graph is not None  # noqa: S101 - who compiles says where
    try:
        done = subprocess.run(  # noqa: S603 - a verified zip's own launcher
            [str(home / LAUNCHER), str(home / DRIVER)],
            env=environment,
            cwd=order.graph,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CompileError(f"the job was not put together within {_TIMEOUT} s") from None
    result = Path(order.graph) / "graph.json"
    if done.returncode != 0 or not result.is_file():
        raise CompileError(_said(done.stderr or done.stdout))
    return Graph.model_validate_json(result.read_bytes())


def _said(text: str) -> str:
    lines = text.strip().splitlines()
    ours = [number for number, line in enumerate(lines) if line.startswith(_OURS)]
    if ours:
        return "\n".join(lines[ours[-1] :]).removeprefix(_OURS)
    last = lines[-1] if lines else "it printed nothing"
    shown = "\n".join(f"    {line}" for line in lines[-12:])
    return f"the job could not be put together: {last}\n{shown}"
