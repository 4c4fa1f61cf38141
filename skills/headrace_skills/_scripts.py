"""Which file of a skill may be run, and by what."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_skills._confined import parts_of, read_beneath, resolve_beneath
from headrace_skills._process import python_program
from headrace_skills.errors import SkillPathError
from headrace_skills.sandbox import Command, Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace_skills._model import Skill
    from headrace_skills.sandbox import Outcome, Sandbox

__all__ = ["ScriptRunner"]

FOLDER = "scripts"
MAX_ARGUMENTS = 64 * 1024
MAX_STDIN = 4 * 1024 * 1024
_FIRST_LINE = 256


class ScriptRunner:
    """Runs the scripts of skills in a sandbox."""

    def __init__(self, sandbox: Sandbox, limits: Limits) -> None:
        self._sandbox = sandbox
        self._limits = limits

    async def run(self, skill: Skill, script: str, args: Sequence[str], stdin: str) -> Outcome:
        """Runs a script of a skill.

        Raises:
            SkillPathError: There is no such script, or nothing here runs one of its kind.
            SandboxError: It could not be started.
            ValueError: The arguments or the input cannot be given to a program.
        """
        given = _checked(args, stdin)
        program = _program(skill, script)
        command = Command((*program, *args), skill.root, given, self._limits)
        return await self._sandbox.run(command)


def _checked(args: Sequence[str], stdin: str) -> bytes:
    try:
        size = sum(len(one.encode()) + 1 for one in args)
        given = stdin.encode()
    except UnicodeEncodeError:
        raise ValueError("args and stdin must be Unicode text, without lone surrogates") from None
    if any("\0" in one for one in args):
        raise ValueError("an argument must not hold a NUL character")
    if size > MAX_ARGUMENTS:
        raise ValueError(f"the arguments have {size:,} bytes, over {MAX_ARGUMENTS:,}: use stdin")
    if len(given) > MAX_STDIN:
        raise ValueError(f"stdin has {len(given):,} bytes, over {MAX_STDIN:,}")
    return given


def _program(skill: Skill, script: str) -> tuple[str, ...]:
    """The program that runs a script, and the script."""
    parts = parts_of(script)
    if parts[0] == FOLDER and len(parts) > 1:
        parts = parts[1:]  # as SKILL.md files name them: scripts/NAME
    path = "/".join(parts)
    try:
        folder = resolve_beneath(skill.root, FOLDER)
        found = resolve_beneath(folder, path)
        first = read_beneath(folder, path, _FIRST_LINE).data.split(b"\n", 1)[0]
    except SkillPathError as error:
        have = [one.path for one in skill.files if one.path.startswith(f"{FOLDER}/")]
        listed = ", ".join(have[:20]) or "none"
        raise SkillPathError(f"{error} (the scripts of {skill.name}: {listed})") from None
    line = first[2:].decode("utf-8", "replace").split() if first.startswith(b"#!") else []
    named = _interpreter(line)
    if found.suffix == ".py" or (not found.suffix and named.startswith("python")):
        # -I would also take the script's own folder off the path, and scripts import their
        # neighbours. -E and -s are the rest of it; the working folder is not on the path of a
        # script either way. -B: a skill's folder is not written to.
        return (python_program(), "-E", "-s", "-B", str(found))
    if found.suffix in (".sh", ".bash") or named in ("sh", "bash", "dash"):
        wants_bash = named == "bash" or (found.suffix == ".bash" and not named)
        bash = next((one for one in ("/bin/bash", "/usr/bin/bash") if os.access(one, os.X_OK)), "")
        return (bash if wants_bash and bash else "/bin/sh", str(found))
    if line and os.access(found, os.X_OK):
        return (str(found),)
    raise SkillPathError(
        f"nothing here runs {path!r}: a script is a .py or a .sh file, or has a #! line and may be "
        "executed"
    )


def _interpreter(line: list[str]) -> str:
    """The name in a ``#!`` line, through ``/usr/bin/env`` where it is used."""
    words = [word for word in line if not word.startswith("-")]
    if words and Path(words[0]).name == "env":
        words = words[1:]
    return Path(words[0]).name if words else ""
