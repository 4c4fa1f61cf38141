"""The scripts of a skill: whether they can be run, and what they say that they need."""

from __future__ import annotations

import posixpath
import re
import stat
from typing import TYPE_CHECKING

from headrace_skills._confined import read_beneath
from headrace_skills.errors import SkillFormatError, SkillPathError
from headrace_skills.needs import read_script_metadata

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from headrace_skills.checking._folder import Listed
    from headrace_skills.checking._report import Found

__all__ = ["check_programs"]

_FOLDER = "scripts/"
_LIMIT = 256 * 1024
_FIRST_LINE = 256
_MANY = 200  # scripts that are looked into
_MARKS = 50  # lines that start or end a block of inline metadata
_RUN = (".py", ".sh", ".bash")
_OTHERS = (
    "", ".js", ".mjs", ".cjs", ".ts", ".rb", ".pl", ".php", ".lua", ".r", ".jl", ".go", ".ps1",
    ".bat", ".cmd", ".zsh", ".fish",
)  # fmt: skip
_ALWAYS = re.compile(r"(?:python(?:3(?:\.\d+)?)?|sh|bash|dash)")
_OPENED = re.compile(r"(?m)^# /// script[ \t\r]*$")
_BOM = b"\xef\xbb\xbf"


def check_programs(
    root: Path, files: Iterable[Listed], declared: Iterable[str], found: Found
) -> None:
    """Look into the scripts of a skill.

    Args:
        root: Its folder.
        files: Its files.
        declared: The commands that it declares.
        found: Where faults are noted.
    """
    commands = set(declared)
    looked = 0
    for file in files:
        suffix = posixpath.splitext(file.path)[1].lower()
        script = file.path.startswith(_FOLDER) and suffix in (*_RUN, *_OTHERS)
        if not (script or suffix == ".py") or looked == _MANY:
            continue
        looked += 1
        try:
            data = read_beneath(root, file.path, _LIMIT).data
        except SkillPathError:
            continue  # told already, by its name
        if script:
            _check_start(file, suffix, data, commands, found)
        if suffix == ".py":
            _check_inline(file.path, data, found)


def _check_start(file: Listed, suffix: str, data: bytes, commands: set[str], found: Found) -> None:
    path = file.path
    first = data[:_FIRST_LINE].split(b"\n", 1)[0]
    marked = first.startswith(_BOM + b"#!")
    if marked or (first.startswith(b"#!") and first.endswith(b"\r")):
        why = "a byte order mark stands before it" if marked else "it ends with a carriage return"
        found.add("script-first-line", f"the #! line does not work: {why}", file=path)
    words = first.removeprefix(_BOM)[2:].decode("utf-8", "replace").split()
    if not first.removeprefix(_BOM).startswith(b"#!") or not words:
        if suffix not in _RUN:
            message = f"{path} is neither a .py nor a .sh file, and has no #! line"
            found.add("script-not-runnable", message, file=path)
        return
    if not file.mode & stat.S_IXUSR:
        rule = "script-not-executable" if suffix in _RUN else "script-not-runnable"
        found.add(rule, f"{path} may not be executed", file=path, mend=f"chmod +x {path}")
    program = _program(words)
    if suffix not in _RUN and not _ALWAYS.fullmatch(program) and program not in commands:
        message = f"{path} is run by {program[:60]!r}, which the skill does not declare"
        mend = (
            f'declare it in metadata: headrace-commands: "{" ".join([*sorted(commands), program])}"'
        )
        found.add("script-interpreter", message, file=path, mend=mend)


def _program(words: list[str]) -> str:
    """The name in a ``#!`` line, through ``env`` where it is used."""
    name = posixpath.basename(words[0])
    if name != "env":
        return name
    named = (word for word in words[1:] if not word.startswith("-") and "=" not in word)
    return posixpath.basename(next(named, name))


def _check_inline(path: str, data: bytes, found: Found) -> None:
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    opened = _OPENED.search(text)
    if opened is None:
        return
    at = (text.count("\n", 0, opened.start()) + 1, 1)
    if text.count("\n# ///") > _MARKS:  # to look for the end of each would take long
        found.add("script-metadata", f"it has over {_MARKS} lines # ///", file=path, at=at)
        return
    try:
        said = read_script_metadata(text)
        why = "its inline metadata is not closed by a line # ///" if said is None else ""
    except SkillFormatError as error:
        why = str(error)
    except RecursionError:
        why = "its inline metadata is nested too deeply"
    if why:
        found.add("script-metadata", why, file=path, at=at)
