"""Why a job failed, in plain words, out of what Flink tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from headrace_registry.clusters._rest_traces import java_chain, python_trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace_registry.clusters._rest_traces import JavaError, PythonTrace
    from headrace_registry.clusters._rest_values import ExceptionEntry, JobExceptions

__all__ = ["Failure", "FailureKind", "explain", "explain_entry", "innermost"]

FailureKind = Literal[
    "python",
    "python missing",
    "python worker",
    "slots",
    "checkpoint",
    "state",
    "taskmanager",
    "memory",
    "class",
    "other",
]
"""What failed: the job's Python code; the TaskManager's Python before it ran any; its process;
too few slots; a checkpoint; state that does not fit the job; a TaskManager that went away; Java's
memory; a Java class that the cluster lacks."""

_LINE = 500


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure of a job, as people read it."""

    summary: str
    """What happened, in one line."""
    kind: FailureKind
    """What it is that failed."""
    then: str = ""
    """What to do about it, where that is known."""
    python_trace: str = ""
    """The Python exception with the lines of the user's own code, where it was one."""
    printed: str = ""
    """What a Python worker printed before it died, as far as Flink keeps it."""
    task: str = ""
    """The subtask, such as ``prices (1/2)``."""
    host: str = ""
    """The host and port of its TaskManager."""
    taskmanager: str = ""
    """The id of that."""
    time: float = 0.0
    """When, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What a rule makes of a trace."""

    summary: str
    kind: FailureKind
    then: str = ""
    trace: str = ""
    printed: str = ""


def explain(exceptions: JobExceptions) -> Failure | None:
    """The newest failure of a job; ``None`` where there was none."""
    return explain_entry(exceptions.entries[0]) if exceptions.entries else None


def explain_entry(entry: ExceptionEntry) -> Failure:
    """A failure, from Flink's entry of it."""
    chain = java_chain(entry.stacktrace)
    told = next((said for rule in _RULES if (said := rule(chain))), None) or _root(chain)
    # A job that gives up tells no place itself: that of the failure stands beside it.
    placed = next((one for one in (entry, *entry.concurrent) if one.task), entry)
    return Failure(
        summary=told.summary,
        kind=told.kind,
        then=told.then,
        python_trace=told.trace,
        printed=told.printed,
        task=placed.task.partition(" - execution #")[0],
        host=placed.endpoint,
        taskmanager=placed.taskmanager,
        time=entry.time,
    )


def innermost(chain: list[JavaError]) -> str:
    """What the innermost exception of a chain says, in a line."""
    told = [one for one in chain if one.message] or chain[-1:]
    if not told:
        return "Flink does not say why"
    kind, message = told[-1].type.rpartition(".")[2], told[-1].message
    text = f"{kind}: {message}" if kind and message else kind or message
    if " " not in message:  # a path or number alone says little
        around = next((one for one in reversed(told) if message not in one.message), None)
        text = f"{_one_line(around.message)} ({text})" if around else text
    return _one_line(text) or "Flink does not say why"


# ---------------------------------------------------------------- Python
def _python(chain: list[JavaError]) -> _Told | None:
    for one in reversed(chain):
        if "SDK harness" in one.message and (trace := python_trace(one.message)):
            at = f" ({trace.place})" if trace.place else ""
            then = _python_then(trace)
            return _Told(f"{_one_line(trace.error)}{at}", "python", then, trace.text)
    return None


def _python_then(trace: PythonTrace) -> str:
    if trace.type in ("ModuleNotFoundError", "ImportError"):
        return (
            "the job does not ship what it imports: add the package to the project "
            "(agents build --explain shows what the zip has), and build it anew"
        )
    return ""


def _setup(chain: list[JavaError]) -> _Told | None:
    """The TaskManager's Python was asked where its PyFlink is, and could not say."""
    for one in reversed(chain):
        found = re.match(r"Failed to execute the command: (\S+) -c import pyflink", one.message)
        if found is None:
            continue
        trace = python_trace(one.message)
        why = _one_line(trace.error) if trace else "it could not be run"
        then = "submit a zip that holds the engine (agents build --engine bundled), or install it"
        return _Told(
            f"the TaskManager's Python {found[1]} has no PyFlink of use: {why}",
            "python missing",
            f"{then} there",
            printed=one.message.partition("\noutput: ")[2].strip() if trace is None else "",
        )
    return None


def _program(chain: list[JavaError]) -> _Told | None:
    for one in reversed(chain):
        found = re.match(r'Cannot run program "([^"]+)".*?: (?:error=\d+, )?(.+)', one.message)
        if found is None:
            continue
        python = "python" in found[1]
        then = "install a Python there, or name the one that is: --set python.executable=PATH"
        return _Told(
            f"the TaskManager cannot start {found[1]}: {_one_line(found[2])}",
            "python missing" if python else "other",
            then if python else "",
        )
    return None


def _start(chain: list[JavaError]) -> _Told | None:
    """A Python worker that ended before it had begun."""
    died = None
    for one in reversed(chain):
        died = died or re.search(r"Process died with exit code (-?\d+)", one.message)
        found = re.match(r"Failed to create stage bundle factory! ?(.*)", one.message, re.DOTALL)
        if found is None:
            continue
        printed = found[1].strip()
        trace = python_trace(printed)
        how = f" with exit code {died[1]}" if died and died[1] != "0" else ""
        last = _one_line(trace.error) if trace else _last_line(printed)
        return _Told(
            f"the Python worker ended{how} while it was started"
            + (f": {last}" if last else ", and printed nothing"),
            "python worker",
            _python_then(trace) if trace else "see what its Python needs there",
            trace=trace.text if trace else "",
            printed=printed,
        )
    return None


def _worker(chain: list[JavaError]) -> _Told | None:
    broken = any(
        one.type.endswith("StatusRuntimeException")
        and one.message.startswith(("CANCELLED", "UNAVAILABLE"))
        for one in chain
    )
    if not broken:
        return None
    return _Told(
        "the Python worker died at work: it was killed, ran out of memory, or ended itself "
        "(os._exit, a crash in native code)",
        "python worker",
        "look for its last lines (agents jobs logs JOB), and for the machine's own word on memory "
        "(dmesg); give workers more memory, or slots fewer",
    )


# ---------------------------------------------------------------- the cluster
def _slots(chain: list[JavaError]) -> _Told | None:
    if not any(one.type.endswith("NoResourceAvailableException") for one in chain):
        return None
    return _Told(
        "no slots: the cluster has fewer free than the job needs, and got no more in time",
        "slots",
        "submit it with less --parallelism, end other jobs (agents jobs list), or add TaskManagers",
    )


def _checkpoint(chain: list[JavaError]) -> _Told | None:
    for one in chain:
        if "Exceeded checkpoint tolerable failure threshold" in one.message:
            found = re.search(r"latest checkpoint failed due to (.+?)(?:, view |$)", one.message)
            why = found[1].rstrip(".") if found else "Flink does not say why"
            if "expired" in why:
                return _Told(
                    "a checkpoint was not done in its time, and the job may not go on without",
                    "checkpoint",
                    "see what holds it up (agents jobs show JOB: backpressure); shorten calls, or "
                    "--set execution.checkpointing.timeout=..., or smaller bundles",
                )
            return _Told(f"checkpoints failed: {_one_line(why)}", "checkpoint", _STORE)
        if "Failed to create checkpoint storage" in one.message:
            why = _one_line(chain[-1].message)
            return _Told(f"the folder of checkpoints cannot be used: {why}", "checkpoint", _STORE)
    return None


_STORE = "see that execution.checkpointing.dir is a place that all of the cluster can write to"


def _state(chain: list[JavaError]) -> _Told | None:
    for one in reversed(chain):
        found = re.search(r"Failed to rollback to checkpoint/savepoint (\S+)\. (.+)", one.message)
        if found is None:
            continue
        if "not available in the new program" in found[2]:
            return _Told(
                "the savepoint has state that the new job has no place for: "
                f"{_one_line(found[2]).partition(', because')[0]}",
                "state",
                "submit the job that it is from, or give up that state with "
                "--set execution.state-recovery.ignore-unclaimed-state=true",
            )
        return _Told(f"the savepoint cannot be used: {_one_line(found[2])}", "state")
    for one in reversed(chain):
        if re.search(r"Cannot find (?:checkpoint or savepoint|meta data) file", one.message):
            return _Told(
                f"there is no such savepoint: {_one_line(one.message)}",
                "state",
                "give a path that the JobManager sees",
            )
    return None


def _lost(chain: list[JavaError]) -> _Told | None:
    kinds: tuple[tuple[str, str], ...] = (
        (
            r"TaskManager with id (\S+) is no longer reachable",
            "it was killed, or its machine is gone",
        ),
        (r"Heartbeat of TaskManager with id (\S+) timed out", "it hangs, or its network does"),
        (r"Lost connection to task manager '?([^'\s]+)", "it was killed, or its network broke"),
        (r"(?:Task\w+ )?(\S+) has no more allocated slots", "it was released"),
    )
    then = "jobs that may restart do so; see that it comes back, and why it went (its log, dmesg)"
    for one in reversed(chain):
        for pattern, how in kinds:
            if found := re.search(pattern, one.message):
                return _Told(f"TaskManager {found[1]} is lost: {how}", "taskmanager", then)
        if "TaskExecutor is shutting down" in one.message:
            return _Told("the TaskManager was shut down", "taskmanager", then)
    return None


def _memory(chain: list[JavaError]) -> _Told | None:
    for one in reversed(chain):
        if one.type != "java.lang.OutOfMemoryError":
            continue
        where, setting = "memory", "taskmanager.memory.process.size"
        if "heap" in one.message:
            where, setting = "heap", "taskmanager.memory.task.heap.size"
        elif "Metaspace" in one.message:
            where, setting = "metaspace", "taskmanager.memory.jvm-metaspace.size"
        elif "Direct" in one.message:
            where, setting = "direct memory", "taskmanager.memory.task.off-heap.size"
        return _Told(
            f"the TaskManager's Java is out of {where}", "memory", f"give it more: {setting}"
        )
    return None


def _class(chain: list[JavaError]) -> _Told | None:
    for one in reversed(chain):
        found = re.match(r"Cannot load user class: (\S+)", one.message)
        if found is None and one.type.endswith(("ClassNotFoundException", "NoClassDefFoundError")):
            found = re.match(r"(\S+)", one.message)
        if found is not None:
            return _Told(
                f"the TaskManagers have no Java class {found[1].replace('/', '.')}",
                "class",
                "a jar is lacking: agents build --jar FILE.jar, or put it into the cluster's lib/",
            )
    return None


def _root(chain: list[JavaError]) -> _Told:
    return _Told(innermost(chain), "other")


_RULES: tuple[Callable[[list[JavaError]], _Told | None], ...] = (
    _python,
    _setup,
    _program,
    _start,
    _state,
    _checkpoint,
    _slots,
    _memory,
    _lost,
    _class,
    _worker,
)
"""The most telling first: what was lost takes others with it."""


def _one_line(text: str) -> str:
    line = " ".join(text.split("\n", 1)[0].split())
    return line if len(line) <= _LINE else f"{line[: _LINE - 3]}..."


def _last_line(text: str) -> str:
    lines = [one for one in text.splitlines() if one.strip()]
    return _one_line(lines[-1]) if lines else ""
