"""Traces as Flink writes them: chains of Java exceptions, and Python's within their messages."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["JavaError", "PythonTrace", "java_chain", "python_trace"]

_START = "Traceback (most recent call last):"
_BETWEEN = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)
_CLASS = re.compile(r"((?:[A-Za-z_$][\w$]*\.)+[A-Za-z_$][\w$]*)(?:: ?|$)")
_FRAME = re.compile(r'  File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<name>.+))?')
# What people do not look for in a trace: Beam, PyFlink, Python's own, and headrace's runtime.
_MACHINERY = re.compile(
    r"(?:^|/)(?:apache_beam|pyflink)/|^<frozen |/lib/python3\.\d+/(?!site-packages/)"
    r"|(?:^|/)headrace/(?:operator|flink|plugins|jobs)/|/cloudpickle/"
)
# Where a TaskManager unpacks a job's files, up to what the job calls them.
_UNPACKED = re.compile(
    r"^.*/python-(?:archives|files|dist)[^/]*/(?:blob_[^/]+/)?(?:[^/]+/(?=app/))?"
)
_SITE = re.compile(r"^.*/(?=site-packages/)")


@dataclass(frozen=True, slots=True)
class JavaError:
    """One exception of a chain."""

    type: str
    """Its class, with its package."""
    message: str
    """Its message, which may have lines."""


@dataclass(frozen=True, slots=True)
class PythonTrace:
    """A Python exception."""

    error: str
    """Its type and message, as Python prints them; it may have lines."""
    type: str
    """Its type alone, without its module."""
    place: str
    """The last line of the user's code in it, as ``file.py:12 in name``; nothing without one."""
    text: str
    """Its trace and those of its causes, of which only lines of the user's code are kept."""


def java_chain(stacktrace: str) -> list[JavaError]:
    """The exceptions of a trace, the outermost first."""
    heads: list[list[str]] = []
    inside = False
    for line in stacktrace.splitlines():
        if line.startswith(("\tat ", "\t... ", "\tSuppressed: ", "\t\t", "\tCaused by: ")):
            inside = False
        elif line.startswith("Caused by: ") or not heads:
            heads.append([line.removeprefix("Caused by: ")])
            inside = True
        elif inside:
            heads[-1].append(line)
    return [_java(lines) for lines in heads]


def _java(lines: list[str]) -> JavaError:
    found = _CLASS.match(lines[0])
    if found is None:
        return JavaError("", "\n".join(lines).strip())
    kind, first = found[1], lines[0][found.end() :]
    # An exception that came over the wire says its class twice.
    while first == kind or first.startswith(f"{kind}:"):
        first = first[len(kind) :].removeprefix(":").lstrip()
    return JavaError(kind, "\n".join([first, *lines[1:]]).strip())


def python_trace(text: str) -> PythonTrace | None:
    """The last Python trace in a text; ``None`` where there is none."""
    if _START not in text:
        return None
    # Its causes stand before it; all of them are parts of one trace.
    lines = text[text.index(_START) :].rstrip().splitlines()
    parts: list[tuple[str, list[str]]] = [("", [])]
    for line in lines:
        if line in _BETWEEN:
            parts.append((line, []))
        else:
            parts[-1][1].append(line)
    read = [(link, *_part(part)) for link, part in parts]
    shown: list[str] = []
    for link, frames, error in read:
        if link:
            shown += ["", link, ""]
        shown += [_START, *frames] if frames else []
        shown.append(error)
    error = read[-1][2].removeprefix("headrace.errors.")
    place = next((_place(frames) for _, frames, _ in reversed(read) if frames), "")
    return PythonTrace(error, _type(error), place, "\n".join(shown))


def _part(lines: list[str]) -> tuple[list[str], str]:
    """The user's frames of one traceback, and its exception."""
    frames: list[str] = []
    error: list[str] = []
    kept = True
    for line in lines:
        if line == _START:
            continue
        if error or (line and not line.startswith(" ")):
            error.append(line)
        elif found := _FRAME.match(line):
            kept = not _MACHINERY.search(found["file"])
            if kept:
                file = _shortened(found["file"])
                frames.append(line.replace(f'"{found["file"]}"', f'"{file}"', 1))
        elif kept and frames:
            frames.append(line)
    return frames, "\n".join(error).strip()


def _place(frames: list[str]) -> str:
    for line in reversed(frames):
        if found := _FRAME.match(line):
            name = f" in {found['name']}" if found["name"] else ""
            return f"{found['file']}:{found['line']}{name}"
    return ""


def _type(error: str) -> str:
    head = error.partition("\n")[0].partition(":")[0]
    return head.rpartition(".")[2].strip()


def _shortened(file: str) -> str:
    return _SITE.sub("", _UNPACKED.sub("", file))
