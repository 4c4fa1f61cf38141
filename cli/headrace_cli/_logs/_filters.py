"""Which records are wanted."""

from __future__ import annotations

import datetime as dt
import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Wanted", "instant", "key_text"]

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d)")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a record must be; a field that says nothing lets all through."""

    keys: tuple[str, ...] = ()
    """Keys: a text itself, any other key as JSON."""
    runs: tuple[str, ...] = ()
    """Runs, or how their ids begin."""
    agents: tuple[str, ...] = ()
    """Agents, sub-agents and members of teams."""
    types: tuple[str, ...] = ()
    """Types, or what stands above them: ``model``, ``event.shop``."""
    skills: tuple[str, ...] = ()
    """Skills."""
    faults: tuple[str, ...] = ()
    """Whose fault a failure is."""
    failed: bool = False
    """Failures only."""
    error: str = ""
    """What stands in the error, in small or capital letters."""
    since: float | None = None
    """Seconds since the epoch."""
    until: float | None = None

    def has(self, record: Mapping[str, Any]) -> bool:
        """Whether a record is wanted."""
        get = record.get
        if self.runs and not _text(get("run")).startswith(self.runs):
            return False
        if self.keys and ("key" not in record or key_text(get("key")) not in self.keys):
            return False
        if not self._in_time(get("time")):
            return False
        if self.types and not any(_below(_type(record), one) for one in self.types):
            return False
        if self.agents and not any(_of_agent(record, one) for one in self.agents):
            return False
        if self.skills and not (get("kind") == "skill" and _skills(record) & {*self.skills}):
            return False
        if self.faults and get("fault") not in self.faults:
            return False
        if self.failed and get("error") is None:
            return False
        return not self.error or self.error.lower() in _text(get("error")).lower()

    def _in_time(self, when: Any) -> bool:
        if self.since is None and self.until is None:
            return True
        if not isinstance(when, (int, float)):
            return False
        return (self.since is None or when >= self.since) and (
            self.until is None or when < self.until
        )


def _text(value: Any) -> str:
    return value if type(value) is str else ""


def _type(record: Mapping[str, Any]) -> str:
    name = _text(record.get("name")).replace(":", ".")
    return f"{record['kind']}.{name}" if name else str(record["kind"])


def _below(dotted: str, above: str) -> bool:
    return dotted == above or dotted.startswith(f"{above}.")


def _of_agent(record: Mapping[str, Any], agent: str) -> bool:
    if record.get("agent") == agent:
        return True
    return record["kind"] in {"agent", "action"} and _below(_text(record.get("name")), agent)


def _skills(record: Mapping[str, Any]) -> set[str]:
    data = record.get("data")
    listed = data.get("skills") if type(data) is dict else None
    near = {one for one in listed if type(one) is str} if type(listed) is list else set()
    return near | {_text(record.get("name"))}


def key_text(key: Any) -> str:
    """A key as it is typed and shown."""
    return key if type(key) is str else json.dumps(key, ensure_ascii=False, separators=(",", ":"))


def instant(text: str, option: str) -> float:
    """A time as it is typed: ``10min`` ago, or a date and time (of this machine, where no other).

    Raises:
        WrongUseError: It is neither.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return time.time() - float(ago[1]) * _SECONDS[ago[2]]
    try:
        read = text.strip()
        when = dt.datetime.fromisoformat(f"{read[:-1]}+00:00" if read.endswith("Z") else read)
    except ValueError:
        raise WrongUseError(
            f"{option} {text!r} is no time",
            then=f"{option} 10min (ago: s, min, h, d), or {option} 2026-05-01T12:00",
        ) from None
    return when.timestamp()
