"""Which file of a skill may be run, by what, and with what it is granted."""

from __future__ import annotations

import asyncio
import os
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_skills._confined import parts_of, read_beneath, resolve_beneath
from headrace_skills._script_packages import folder_name, requirements_of, unmet
from headrace_skills.errors import SkillError, SkillPathError
from headrace_skills.needs import Grants, check_granted
from headrace_skills.sandbox import Command, Limits
from headrace_skills.sandboxes._places import package_folders, python_program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace_skills._model import Skill
    from headrace_skills.sandbox import Outcome, Sandbox

__all__ = ["ScriptRunner", "is_python"]

FOLDER = "scripts"
MAX_ARGUMENTS = 64 * 1024
MAX_STDIN = 4 * 1024 * 1024
_FIRST_LINE = 256


class ScriptRunner:
    """Runs the scripts of skills in a sandbox."""

    def __init__(
        self,
        sandbox: Sandbox,
        limits: Limits,
        *,
        grants: Mapping[str, Grants] | None = None,
        packages: Path | None = None,
    ) -> None:
        """Takes what scripts are run with.

        Args:
            sandbox: What runs them.
            limits: What each may use.
            grants: By a skill's name, what it may have of what it asks for.
            packages: The folder that ``agents skills prepare`` filled.
        """
        self._sandbox = sandbox
        self._limits = limits
        self._grants = dict(grants or {})
        self._packages = packages

    async def run(self, skill: Skill, script: str, args: Sequence[str], stdin: str) -> Outcome:
        """Runs a script of a skill.

        Raises:
            SkillPathError: There is no such script, or nothing here runs one of its kind.
            SkillNotGrantedError: The skill asks for what it is not granted.
            SkillError: It needs packages that are not there.
            SandboxError: It could not be started.
            ValueError: The arguments or the input cannot be given to a program.
        """
        given = _checked(args, stdin)
        command = await asyncio.to_thread(self.command, skill, script, args, given)
        return await self._sandbox.run(command)

    def command(self, skill: Skill, script: str, args: Sequence[str], stdin: bytes) -> Command:
        """The command that runs a script, with what its skill asks for and is granted."""
        needs = check_granted(skill, self._grants.get(skill.name, Grants()))
        path = _found(skill, script)
        program = _program(skill, path)
        environment = {name: os.environ[name] for name in needs.environment if name in os.environ}
        readable: tuple[Path, ...] = ()
        if is_python(skill, path):
            prepared = self._prepared(skill, path)
            readable = () if prepared is None else (prepared,)
            # The agent's packages are not always where Python looks by itself: in a job's zip.
            own = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
            places = [*map(str, readable), *(one for one in package_folders() if one not in own)]
            if places:
                environment["PYTHONPATH"] = os.pathsep.join(places)
        return Command(
            (*program, *args),
            skill.root,
            stdin,
            self._limits,
            readable=readable,
            environment=environment,
            network=needs.network,
            commands=needs.commands,
        )

    def _prepared(self, skill: Skill, path: str) -> Path | None:
        """The folder of packages that was prepared for a script; None where it needs none."""
        requirements = requirements_of(skill, path)
        if not requirements:
            return None
        if self._packages is not None:
            folder = self._packages / folder_name(requirements)
            if folder.is_dir():
                return folder.resolve()
        lacking = unmet(requirements)
        if not lacking:
            return None
        into = self._packages or "FOLDER"
        raise SkillError(
            f"the script {path} of the skill {skill.name} needs {', '.join(lacking)}, which the "
            "agent's environment has not, and nothing is installed while an agent runs\n"
            f"    to have it ready: agents skills prepare {skill.name} --into {into}"
        )


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


def _found(skill: Skill, script: str) -> str:
    """A script's path in its skill's folder, with no link in it."""
    parts = parts_of(script)
    if parts[0] == FOLDER and len(parts) > 1:
        parts = parts[1:]  # as SKILL.md files name them: scripts/NAME
    try:
        folder = resolve_beneath(skill.root, FOLDER)
        found = resolve_beneath(folder, "/".join(parts))
        return str(found.relative_to(skill.root.resolve()))
    except SkillPathError as error:
        have = [one.path for one in skill.files if one.path.startswith(f"{FOLDER}/")]
        listed = ", ".join(have[:20]) or "none"
        raise SkillPathError(f"{error} (the scripts of {skill.name}: {listed})") from None


def is_python(skill: Skill, path: str) -> bool:
    """Whether a file of a skill is a Python script, by its name or its first line."""
    suffix = Path(path).suffix
    return suffix == ".py" or (
        not suffix and _interpreter(_first(skill, path)).startswith("python")
    )


def _program(skill: Skill, path: str) -> tuple[str, ...]:
    """The program that runs a script, and the script."""
    line = _first(skill, path)
    named = _interpreter(line)
    found = skill.root.resolve() / path
    if is_python(skill, path):
        # -I would also take the script's own folder off the path, and scripts import their
        # neighbours; the working folder is not on the path of a script either way. -s: no
        # packages of a user. -B: a skill's folder is not written to.
        return (python_program(), "-s", "-B", str(found))
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


def _first(skill: Skill, path: str) -> list[str]:
    """The words of a file's ``#!`` line."""
    first = read_beneath(skill.root, path, _FIRST_LINE).data.split(b"\n", 1)[0]
    return first[2:].decode("utf-8", "replace").split() if first.startswith(b"#!") else []


def _interpreter(line: list[str]) -> str:
    """The name in a ``#!`` line, through ``/usr/bin/env`` where it is used."""
    words = [word for word in line if not word.startswith("-")]
    if words and Path(words[0]).name == "env":
        words = words[1:]
    return Path(words[0]).name if words else ""
