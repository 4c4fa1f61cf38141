"""Why a part of a cluster is gone, in plain words, from what it left."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace_registry.clusters._local_record import ClusterProcess

__all__ = ["Cause", "cause_of", "last_lines"]

_MOST = 512 * 1024  # bytes of a log that are looked at: its end
_LINE = 300


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a process ended."""

    why: str
    then: str = ""
    """What to do about it."""
    port_taken: bool = False
    """Whether other ports would have done."""


@dataclass(frozen=True, slots=True)
class _Known:
    pattern: re.Pattern[str]
    why: str
    then: str = ""
    port_taken: bool = False


_KNOWN = (
    _Known(
        re.compile(r"BindException|Address already in use|Could not start (?:rest|rpc) endpoint"),
        "a port that it needs is taken",
        "give another with --port, or none: a free one is found",
        port_taken=True,
    ),
    _Known(
        re.compile(r"UnsupportedClassVersionError"),
        "Java is too old for this Flink",
        "set JAVA_HOME to a Java of version 11, 17 or 21",
    ),
    _Known(
        re.compile(
            r"insufficient memory for the Java Runtime|Could not reserve enough space|"
            r"Cannot allocate memory"
        ),
        "the machine has too little memory left",
        "give --memory less, start fewer TaskManagers, or end other programs",
    ),
    _Known(
        re.compile(r"OutOfMemoryError: ([^\n]{1,100})"),
        "it ran out of its memory ({0})",
        "give --memory more",
    ),
    _Known(
        re.compile(r"No space left on device"), "the disk is full", "make room, and start it again"
    ),
    _Known(
        re.compile(r"(Unrecognized VM option[^\n]{0,200}|Unrecognized option[^\n]{0,200})"),
        "Java does not know an option: {0}",
        "look at env.java.opts.* among the settings",
    ),
    _Known(
        re.compile(r"IllegalConfigurationException: ([^\n]{1,300})"),
        "a setting is wrong: {0}",
        "look at what --set says",
    ),
    _Known(
        re.compile(r"(Could not parse value[^\n]{1,300})"),
        "a setting is wrong: {0}",
        "look at what --set says",
    ),
)
_TOLD = re.compile(r"RECEIVED SIGNAL \d+: (SIG\w+)")
_ROOT = re.compile(r"^Caused by: ([^\n]+)", re.MULTILINE)
_THROWN = re.compile(r"[a-z][\w.$]*\.[\w$]+(?:Exception|Error)\b")
_END = re.compile(
    r"^[^\n]{0,40}\b(?:ERROR|FATAL)\s+org\.apache\.flink\.runtime\."
    r"(?:entrypoint|taskexecutor\.TaskManagerRunner|zookeeper)[^\n]*? - ([^\n]+)",
    re.MULTILINE,
)
"""Where a process says of itself that it cannot go on; what its jobs say before is not its end."""


def cause_of(part: ClusterProcess) -> Cause:
    """Why a part that runs no more ended."""
    log, out = _end_of(Path(part.log)), _end_of(part.output)
    end = _END.search(log)
    said = log[end.start() :] if end else ""
    # Java itself prints, and writes no log.
    text = said + "\n" + (out if end or not log else "")
    for known in _KNOWN:
        if found := known.pattern.search(text):
            return Cause(known.why.format(*found.groups()), known.then, known.port_taken)
    if roots := _ROOT.findall(said):
        return Cause(_shortened(roots[-1]))
    if end:
        # The line after the headline of a failure is the exception.
        below = said.splitlines()[1:2]
        thrown = below[0] if below and _THROWN.match(below[0]) else end[1]
        return Cause(_shortened(thrown))
    if told := _TOLD.search(log):
        return Cause(f"it was told to end ({told[1]})")
    if not log and out.strip():
        return Cause(_shortened(out.strip().splitlines()[0]))
    return Cause("it was killed: its log says nothing of an end (kill -9, or the machine's memory)")


def last_lines(part: ClusterProcess, count: int = 5) -> list[str]:
    """The end of a part's log; where it has none, of what it printed."""
    for path in (Path(part.log), part.output):
        lines = [line for line in _end_of(path).splitlines() if line.strip()]
        if lines:
            return [_shortened(line) for line in lines[-count:]]
    return []


def _shortened(line: str) -> str:
    text = "".join(one if one.isprintable() else " " for one in line).strip()
    return text if len(text) <= _LINE else text[: _LINE - 3] + "..."


def _end_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _MOST))
            return file.read(_MOST).decode(errors="replace")
    except OSError:
        return ""
