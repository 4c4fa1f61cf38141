"""Runs a command that was checked, in a sandbox.

Two parsers never agree on everything, and what one takes for a comment the other may run. So bash
itself is asked too: before the command is run, the same bash, in the same sandbox, prints how it
reads it (``--pretty-print``, which runs nothing). What it prints is judged like the command, and
must start the same programs.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from headrace_skills.errors import SandboxError
from headrace_skills.sandbox import Command, Limits
from headrace_skills.sandboxes._places import FIXED_PATH
from headrace_skills.shell._checking import check_command
from headrace_skills.shell._errors import ShellRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from headrace_skills.sandbox import Outcome, Sandbox
    from headrace_skills.shell._checking import CheckedCommand
    from headrace_skills.shell._rules import ShellRules

__all__ = ["bash_program", "compare_readings", "link_programs", "run_bash"]

# -p: no functions and no start-up file are taken from the environment.
_OPTIONS = ("--noprofile", "--norc", "-p", "-c", "--")
_PRINTING = ("--noprofile", "--norc", "--pretty-print", "-p")
_GROWTH = 8  # times that a command may grow when it is printed, by its indentation


def bash_program() -> str:
    """The path of bash.

    Raises:
        SandboxError: There is none.
    """
    for one in ("/bin/bash", "/usr/bin/bash"):
        if os.access(one, os.X_OK):
            return one
    raise SandboxError("there is no bash on this machine to run commands with")


def link_programs(folder: Path, commands: Iterable[str]) -> Path:
    """Fill a new, empty folder with links to the programs that may be run, and to no other.

    As the ``PATH`` of commands it is a second fence: a name that got past the check leads to
    nothing. A path would still lead to a program. The commands must not be able to write to it.
    """
    for name in sorted(commands):
        found = shutil.which(name, path=FIXED_PATH)
        if found is not None and "/" not in name:
            (folder / name).symlink_to(found)
    return folder


async def run_bash(
    sandbox: Sandbox,
    command: str,
    rules: ShellRules,
    *,
    skill: Path,
    programs: Path | None = None,
    granted: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    network: Sequence[str] = (),
    scratch: Path | None = None,
    stdin: bytes = b"",
    limits: Limits | None = None,
    read_twice: bool = True,
) -> Outcome:
    """Check a command, and run it by bash in a sandbox.

    Args:
        sandbox: What runs it.
        command: The text for ``bash -c``.
        rules: What it is held against.
        skill: The folder that it may read.
        programs: A folder that ``link_programs`` filled: the only ``PATH``. The sandbox's own
            where there is none.
        granted: Names of programs that the sandbox shows beside those of the system.
        environment: Variables that are granted.
        network: Hosts that are granted.
        scratch: The folder that it works in; an empty one that is gone afterwards where there is
            none.
        stdin: What it reads from standard input.
        limits: What it may use.
        read_twice: Whether bash is asked as well how it reads the command, in a run of its own.

    Raises:
        ShellRefusedError: It is not allowed, or bash reads it otherwise; nothing of it was run.
        SandboxError: It could not be started.
    """
    checked = await asyncio.to_thread(check_command, command, rules)
    if read_twice:
        room = Limits(seconds=rules.seconds, stdout=_GROWTH * rules.max_bytes)
        printing = Command((bash_program(), *_PRINTING), skill, checked.text.encode(), room)
        read = await sandbox.run(printing)
        await asyncio.to_thread(compare_readings, checked, read, rules)
    argv: tuple[str, ...] = (bash_program(), *_OPTIONS, checked.text)
    if programs is not None:
        argv = ("/usr/bin/env", f"PATH={programs}", *argv)
    return await sandbox.run(
        Command(
            argv,
            skill,
            stdin,
            limits or Limits(),
            readable=() if programs is None else (programs,),
            environment=dict(environment or {}),
            network=tuple(network),
            commands=tuple(granted),
            scratch=scratch,
        )
    )


def compare_readings(checked: CheckedCommand, printed: Outcome, rules: ShellRules) -> None:
    """Hold a command against what bash printed of it.

    Raises:
        ShellRefusedError: It is another command.
    """
    if b"--pretty-print: invalid option" in printed.stderr:
        return  # an older bash: there is one reading alone
    said = printed.stderr.decode("utf-8", "replace").strip()[-200:]
    if not printed.ok or printed.stdout_size > len(printed.stdout):
        raise ShellRefusedError("syntax", f"bash cannot read it: {said or printed.ended}", 1, 0)
    try:
        again = check_command(
            printed.stdout.decode("utf-8", "surrogateescape"),
            replace(rules, max_bytes=_GROWTH * rules.max_bytes),
        )
    except ShellRefusedError as refused:
        raise ShellRefusedError(
            refused.rule, f"as bash reads it, {refused.what}", 1, 0, refused.instead
        ) from None
    if again.programs != checked.programs:
        other = sorted(set(again.programs) ^ set(checked.programs))
        raise ShellRefusedError(
            "quoting", f"bash reads it otherwise, as to {' '.join(other)}", 1, 0, "write it simpler"
        )
