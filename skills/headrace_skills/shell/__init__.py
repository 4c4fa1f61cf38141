"""The fence for shell commands: what a model may ask of bash, judged on a real parse.

A command is read by ``shfmt`` and walked whole. What is not known to be harmless is refused, with
the place, the reason and what is allowed instead. Only then is it run, in a sandbox.

This is a fence and no wall. It keeps a model from what it should not try, and shows what a command
would start. A program that is allowed does what it does: what it can read, write and reach is
settled by the sandbox alone.
"""

from __future__ import annotations

from headrace_skills.shell._checking import CheckedCommand, check_command
from headrace_skills.shell._errors import ShellRefusedError
from headrace_skills.shell._rules import DEFAULT_BUILTINS, DEFAULT_COMMANDS, ShellRules
from headrace_skills.shell._running import bash_program, link_programs, run_bash

__all__ = [
    "DEFAULT_BUILTINS",
    "DEFAULT_COMMANDS",
    "CheckedCommand",
    "ShellRefusedError",
    "ShellRules",
    "bash_program",
    "check_command",
    "link_programs",
    "run_bash",
]
