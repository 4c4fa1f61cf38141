"""Runs the job of an unpacked zip on this machine: what ``agents run JOB.zip`` starts, apart.

It runs in a process that has the zip's packages and no others, so that what ran here is what runs
on a cluster; the zip's ``main.py`` comes here. What is to be done is a ``RunHere`` in
``HEADRACE_RUN``, as JSON. How it goes is told by lines of JSON on the descriptor in
``HEADRACE_WATCH``, one for each of ``counts``, ``outputs``, ``failed`` and, in the end, ``done`` or
``error``.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from headrace.config import RuntimeConfig
from headrace.errors import HeadraceError
from headrace.jobs.driver import RUN_VARIABLE
from headrace.jobs.manifest import LAUNCHER, job_home, read_manifest, read_plans
from headrace.jobs.worker import ready
from headrace.local import InputError, LocalJob, Watch, run_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.local import JobResult
    from headrace.plan import AgentPlan

__all__ = ["RUN_VARIABLE", "WATCH_VARIABLE", "RunHere", "main"]

WATCH_VARIABLE = "HEADRACE_WATCH"
"""The environment variable that holds the number of the descriptor to tell on."""


class RunHere(BaseModel):
    """How a job over files is to run here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Literal["local", "flink"] = "local"
    """The engine."""
    input: Path | None = None
    """The inputs; ``None`` is stdin."""
    output: Path | None = None
    """The outputs; ``None`` is stdout."""
    key: str | None = None
    """The field that is the key; as the zip says where ``None``."""
    form: str | None = None
    """The form of the inputs."""
    state: Path | None = None
    """The file that survives the process."""
    dead_letters: Path | None = None
    """Where inputs go whose runs failed for good."""
    approvals: Path | None = None
    """Where requests for somebody's decision go."""
    events: Path | None = None
    """The file of the event log."""
    record: Path | None = None
    """The file of the recording."""
    metrics: tuple[str, int] | None = None
    """The address and the port where metrics are shown."""
    parallelism: int = Field(default=1, ge=1)
    """Flink: how many subtasks."""
    config: RuntimeConfig | None = None
    """The runtime's settings, instead of the plan's."""
    values: dict[str, Any] | None = None
    """The project's own values, in stored form, instead of the plan's."""
    origins: dict[str, str] | None = None
    """For each, the layer that said it."""
    options: dict[str, str] = Field(default_factory=dict)
    """Flink's settings."""
    outputs: bool = False
    """Whether outputs are told of."""


class _Told(Watch):
    """Tells how a job goes, as lines of JSON."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "w", encoding="ascii", buffering=1)

    def say(self, kind: str, value: Any) -> None:
        self._file.write(json.dumps({kind: value}, default=str) + "\n")

    def counted(self, result: JobResult) -> None:
        self.say("counts", asdict(result))

    def sent(self, outputs: Sequence[Any]) -> None:
        self.say("outputs", list(outputs))

    def failed(self, letters: Sequence[Any]) -> None:
        self.say("failed", list(letters))

    def showing(self, address: str) -> None:
        sys.stderr.write(f"metrics: {address}\n")


def main() -> None:
    """Runs the job, as ``HEADRACE_RUN`` says."""
    order = RunHere.model_validate_json(os.environ.pop(RUN_VARIABLE, "") or "{}")
    told = _Told(int(os.environ[WATCH_VARIABLE]))
    try:
        result, stopped = _run(order, told)
    except Exception as error:  # noqa: BLE001 - told to who started us
        kind = "input" if isinstance(error, InputError) else type(error).__name__
        ours = isinstance(error, HeadraceError)
        trace = "" if ours else traceback.format_exc()
        told.say("error", {"kind": kind, "text": str(error), "ours": ours, "trace": trace})
        sys.exit(1)
    told.say("done", {"counts": asdict(result), "stopped": stopped})


def _run(order: RunHere, told: Watch) -> tuple[JobResult, bool]:
    home = job_home()
    if home is None:
        raise HeadraceError("this runs in the zip of a job only: agents run JOB.zip")
    manifest = read_manifest(home)
    (plan,) = read_plans(home, manifest).values()
    said = {"config": order.config, "values": order.values, "origins": order.origins}
    plan = plan.model_copy(update={name: one for name, one in said.items() if one is not None})
    here = ready(plan)
    defaults = manifest.files
    key = order.key or (None if defaults is None else defaults.key)
    form = order.form or (None if defaults is None else defaults.format)
    if order.engine == "flink":
        return _on_flink(order, plan, home, key, form, manifest.settings), False
    job = LocalJob(
        input=order.input,
        output=order.output,
        key=key,
        form=form,
        state=order.state,
        dead_letters=order.dead_letters,
        approvals=order.approvals,
        events=order.events,
        record=order.record,
        metrics=order.metrics,
    )
    return run_files(here, job, told, outputs=order.outputs)


def _on_flink(
    order: RunHere,
    plan: AgentPlan,
    home: Path,
    key: str | None,
    form: str | None,
    settings: dict[str, str],
) -> JobResult:
    from headrace.flink import run_files as run_on_flink

    if order.input is None or order.output is None:
        raise HeadraceError("Flink reads a file and writes one: give --input and --output")
    # Else PyFlink would run the functions in this process: here too the launcher starts workers.
    os.environ["_python_worker_execution_mode"] = "process"  # noqa: SIM112 - PyFlink's name
    return run_on_flink(
        plan,
        input=order.input,
        output=order.output,
        dead_letters=order.dead_letters,
        approvals=order.approvals,
        key_field=key,
        parallelism=order.parallelism,
        options={**settings, "python.executable": str(home / LAUNCHER), **order.options},
        form=form,
    )
