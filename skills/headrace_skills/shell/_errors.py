"""What a refused command is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace_skills.errors import SkillError

__all__ = ["Place", "ShellRefusedError"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a command's text."""

    offset: int = 0
    """Bytes before it."""
    line: int = 1
    """From 1."""
    column: int = 1
    """From 1, in bytes; 0 where the line is too long to say."""


class ShellRefusedError(SkillError):
    """A shell command that is not run.

    Attributes:
        rule: The rule that refused it, a short word that does not change: ``name``, ``path``,
            ``computed``, ``builtin``, ``runs-text``, ``option``, ``script``, ``redirection``,
            ``assignment``, ``arithmetic``, ``test``, ``function``, ``background``, ``syntax``,
            ``quoting``, ``character``, ``size`` or ``parser``.
        what: What was refused, and why.
        line: Where it stands, from 1.
        column: Where it stands in that line, from 1, in bytes; 0 where it is not known.
        instead: What to write instead; may be empty.
    """

    def __init__(
        self, rule: str, what: str, line: int = 1, column: int = 1, instead: str = ""
    ) -> None:
        self.rule, self.what, self.instead = rule, what, instead
        self.line, self.column = line, column
        where = f"line {line}, column {column}" if column else f"line {line}"
        then = f"\n    {instead}" if instead else ""
        super().__init__(f"the command was not run. At {where}: {what} [{rule}]{then}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.rule, self.what, self.line, self.column, self.instead)


def refuse(rule: str, what: str, at: Place, instead: str = "") -> ShellRefusedError:
    """Make the error for a place."""
    return ShellRefusedError(rule, what, at.line, at.column, instead)
