"""The event log of a job, or of one subtask of it: which file, and what its first line says."""

from __future__ import annotations

import logging
import os
import platform
import re
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.eventlog._choosing import Choice
from headrace.eventlog._files import CURRENT, file_name, safe_name
from headrace.eventlog._levels import Levels
from headrace.eventlog._log import EventLog

if TYPE_CHECKING:
    from headrace.eventlog.settings import TraceSettings
    from headrace.plan import AgentPlan

__all__ = ["about_of", "folder_of", "models_of", "open_log", "secret_variables"]

_LOG = logging.getLogger("headrace.log")
_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{(\w+)\})")


def open_log(
    plan: AgentPlan,
    *,
    file: Path | None = None,
    keep: bool = True,
    task: str = "local",
    subtask: int | None = None,
    attempt: int = 0,
) -> EventLog | None:
    """The event log that a plan's settings ask for; ``None``: there is none.

    Args:
        plan: The agent.
        file: This one file, whatever the settings say of folders; it is not rotated.
        keep: Whether what that file holds stays.
        task: The task, on a cluster.
        subtask: Its number, from 0.
        attempt: How often it was started before.
    """
    settings = plan.config.log
    if Levels(settings.level, settings.levels).nothing:
        return None
    folder = (
        None
        if file is not None
        else folder_of(settings.folder, "log.folder", "files of the event log")
    )
    traces = plan.config.traces
    sinks = list(dict.fromkeys([*settings.sinks, *([traces.export] if traces.export else [])]))
    if file is None and folder is None and not (settings.logger or sinks):
        return None
    named = safe_name(task) if subtask is None else f"{safe_name(task)}-{subtask}"
    family = f"{safe_name(plan.identity)}.{named}"
    path = file
    if path is None and folder is not None:
        path = folder / f"{file_name(family, attempt, time.time())}{CURRENT}"
    choose = None
    if path is None and not settings.logger and sinks == [traces.export] and not _sampled(plan):
        choose = _choice(traces)
    told = traces if choose is None else traces.model_copy(update={"sample": 1.0})
    return EventLog(
        settings,
        {
            "agent": plan.name,
            "identity": plan.identity,
            "path": None if path is None else str(path.absolute()),
            "family": family,
            "keep": keep,
            "rotates": file is None,
            "secrets": sorted(secret_variables(plan)),
            "about": about_of(plan, task, subtask, attempt),
            "sinks": sinks,
            "traces": told.model_dump(mode="json"),
            "models": models_of(plan) if sinks else {},
        },
        parent=traces.parent if traces.export else None,
        choose=choose,
    )


def _sampled(plan: AgentPlan) -> bool:
    """Whether samples may be put aside: they are made of what is told of all runs."""
    return plan.config.samples.folder is not None or bool(plan.config.samples.sinks)


def _choice(traces: TraceSettings) -> Choice | None:
    """Chooses the runs that have a trace, where nobody else is told of any; ``None``: all have."""
    if traces.sample is None or traces.sample == 1:
        return None
    return Choice(traces.sample, traces.parent)


def folder_of(said: str | None, setting: str, what: str) -> Path | None:
    """A folder that a setting says, with the worker's variables in their places.

    ``None`` where it says none, or the worker lacks one of the variables, which is told.

    Args:
        said: What the setting says.
        setting: Its name.
        what: What there is none of then, for the warning.
    """
    if said is None:
        return None
    lacking = [name for name in map("".join, _VARIABLE.findall(said)) if name not in os.environ]
    if lacking:
        _LOG.warning(
            "there are no %s: %s is %s, and this worker has no variable %s",
            what,
            setting,
            said,
            lacking[0],
        )
        return None
    return Path(os.path.expandvars(said))


def secret_variables(plan: AgentPlan) -> set[str]:
    """The variables that hold secrets, as the plan and the job's zip say; ours by their names."""
    from headrace.jobs.manifest import job_home, read_manifest

    home = job_home()
    named = set() if home is None else {one.name for one in read_manifest(home).secrets}
    for providers in plan.resource_providers.values():
        for one in providers.values():
            for name, value in one.arguments.items():
                if name.endswith("_env") and isinstance(value, str):
                    named.add(value)
                elif name == "secret_headers" and isinstance(value, dict):
                    named.update(str(variable) for variable in value.values())
    return named


def about_of(plan: AgentPlan, task: str, subtask: int | None, attempt: int) -> dict[str, Any]:
    """What the first line of a file says: whose it is."""
    return {
        "job": plan.identity,
        "plan": plan.digest,
        "task": task,
        "subtask": subtask,
        "attempt": attempt,
        "level": plan.config.log.level,
        "levels": list(plan.config.log.levels),
        "host": socket.gethostname(),
        "process": os.getpid(),
        "python": platform.python_version(),
    }


def models_of(plan: AgentPlan) -> dict[str, dict[str, str]]:
    """Of each chat model the plugin, and the model that it asks for, as records name it."""
    found: dict[str, list[dict[str, str]]] = {}
    for name, provider in plan.resource_providers.get("chat_models", {}).items():
        asked = provider.arguments.get("model")
        one = {"plugin": provider.plugin or "", "model": asked if isinstance(asked, str) else ""}
        # A sub-agent's model has the sub-agent's own name for it in records.
        found.setdefault(name.rpartition(".")[2], []).append(one)
    return {name: ones[0] for name, ones in found.items() if all(one == ones[0] for one in ones)}
