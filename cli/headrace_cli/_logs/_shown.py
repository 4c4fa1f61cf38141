"""Records as lines for people."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from headrace_cli._logs._filters import key_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["clock", "cut", "key_of", "line", "plain", "seconds", "summary", "titled"]

_LONG = 120


def plain(text: Any) -> str:
    """A text that moves no cursor: what a model wrote is in it."""
    said = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else " " for one in said)


def cut(text: str, most: int) -> str:
    """A text of so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def clock(when: Any) -> str:
    """A time, to the millisecond, of this machine's time zone."""
    try:
        made = dt.datetime.fromtimestamp(float(when)).astimezone()
    except (TypeError, ValueError, OverflowError, OSError):
        return "?"
    return f"{made:%Y-%m-%d %H:%M:%S}.{made.microsecond // 1000:03d}"


def seconds(duration: Any) -> str:
    """A duration, as short as it may be."""
    if type(duration) not in (int, float):
        return ""
    if duration < 1:
        return f"{duration * 1000:.1f} ms"
    return f"{duration:.2f} s" if duration < 100 else f"{duration:,.0f} s"  # noqa: PLR2004


def summary(record: Mapping[str, Any]) -> str:
    """What came of it: an error, what it cost, or its values."""
    parts = []
    if "error" in record:
        fault = f"{record['fault']}: " if "fault" in record else ""
        parts.append(fault + plain(record["error"]))
    usage = record.get("usage")
    if type(usage) is dict:
        parts.append(f"{usage.get('input_tokens', 0)}+{usage.get('output_tokens', 0)} tokens")
        if usage.get("cost"):
            parts.append(f"cost {usage['cost']:.6g}" if _number(usage["cost"]) else "cost ?")
    if record.get("replayed"):
        parts.append("(replayed)")
    data = record.get("data")
    if type(data) is dict and "error" not in record:
        parts += [f"{plain(name)}={plain(value)}" for name, value in data.items()]
    return cut(" ".join(parts), _LONG)


def _number(value: Any) -> bool:
    return type(value) in (int, float)


def titled(record: Mapping[str, Any]) -> str:
    """What it is: kind, name, attempt, and how it ended where that is not as it should."""
    attempt, what = record.get("attempt", 1), plain(record.get("what", ""))
    parts = [plain(record.get("kind", "?")), plain(record.get("name", ""))]
    if attempt != 1:
        parts.append(f"#{attempt}")
    if what != "finished":
        parts.append(what)
    return " ".join(part for part in parts if part)


def key_of(record: Mapping[str, Any]) -> str:
    """The key, for a sentence."""
    return f", key {cut(plain(key_text(record['key'])), 60)}" if "key" in record else ""


def line(record: Mapping[str, Any]) -> str:
    """A record in one line: when, what, how long, whose, and what came of it."""
    name = plain(record.get("name", ""))
    attempt = record.get("attempt", 1)
    parts = [
        clock(record.get("time")),
        f"{plain(record['kind']):<8}",
        f"{plain(record.get('what', '')):<9}",
        name + (f" #{attempt}" if attempt != 1 else ""),
        seconds(record.get("duration")),
        f"key={cut(plain(key_text(record['key'])), 40)}" if "key" in record else "",
        f"run={plain(record['run'])}" if "run" in record else "",
        summary(record),
    ]
    return "  ".join(part for part in parts if part)
