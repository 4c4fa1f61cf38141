"""Log records as the agent keeps them: short, and without what looks like a secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LogRecord", "pattern_of", "shortened", "signal_of"]

_LINE = 400  # characters that are kept of a line
_FIRST, _LAST = 4, 3  # lines that are kept of a message: its head, its causes, its end

_FRAME = re.compile(r'\s+at |\s*\.\.\. |\s+File "|\s*\^+\s*$|\s*$')
"""A line of a stack trace that says where, not what."""

_SECRET = re.compile(
    r"(?i)((?:password|passwd|secret|token|credential|api[-_.]?key|access[-_.]?key)[\w.-]*"
    r"['\"]?\s*[=:]\s*)[^\s,;]+|(bearer\s+)\S+|(://[^/\s:@]+:)[^@\s/]+(?=@)"
)

_NUMBER = re.compile(r"\b[0-9a-f]{8,}\b|\d+")

_SIGNALS = {
    "task failed": re.compile(r"to FAILED\b"),
    "peer lost": re.compile(r"no longer reachable|timed out\.|remote system .* has failed"),
    "checkpoint": re.compile(r"Failed to trigger or complete checkpoint|checkpoint tolerable"),
    "start failed": re.compile(r"BindException|failed to bind to|Could not start\b"),
    "resources": re.compile(r"NoResourceAvailableException|Could not (?:acquire|fulfill)\b"),
}
"""What makes a record worth a question. It is a sieve and no judgement: it lets many harmless
records through, and it goes by words, since Flink logs most failures at INFO."""


class LogRecord(BaseModel):
    """One log record of a Flink process."""

    model_config = ConfigDict(extra="ignore")

    cluster: str
    """The cluster that the process belongs to."""
    source: str
    """The process: ``jobmanager-1``, ``taskmanager-2``, ..."""
    time: str
    """When, in ISO 8601."""
    level: str
    """``INFO``, ``WARN``, ``ERROR``, ..."""
    logger: str
    """The class that logged it."""
    message: str
    """The message, with its stack trace."""


def signal_of(record: LogRecord) -> str | None:
    """The kind of sign of trouble that a record shows; ``None`` for most."""
    for name, pattern in _SIGNALS.items():
        if pattern.search(record.message):
            return name
    if record.level in {"ERROR", "FATAL"}:
        return "error"
    if record.level == "WARN" and "\n\tat " in record.message:
        return "trace"
    return None


def shortened(record: LogRecord) -> dict[str, str]:
    """What is kept of a record, and shown to the model: its words, not its stack frames.

    Logs may carry secrets. What looks like one is masked here, before the record reaches memory,
    a model or an output; what does not look like one is not seen, so treat reports like logs.
    """
    lines = [line for line in record.message.splitlines() if not _FRAME.match(line)]
    if len(lines) > _FIRST + _LAST:
        causes = [line for line in lines[_FIRST:-_LAST] if line.startswith("Caused by:")]
        lines = [*lines[:_FIRST], *causes[-_LAST:], *lines[-_LAST:]]
    message = "\n".join(_masked(line[:_LINE]) for line in lines)
    return {
        "time": record.time,
        "source": record.source,
        "level": record.level,
        "logger": record.logger.rpartition(".")[2],
        "message": message,
    }


def pattern_of(kept: Mapping[str, str]) -> str:
    """What a kept record has in common with others of its kind: its words without its numbers."""
    return f"{kept['source']} {kept['logger']} {_NUMBER.sub('#', kept['message'])[:_LINE]}"


def _masked(text: str) -> str:
    return _SECRET.sub(lambda match: f"{match[1] or match[2] or match[3]}***", text)
