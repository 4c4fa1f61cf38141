"""Errors as people read them: what, where, why, and what to type next."""

from __future__ import annotations

from typing import IO, Any

import click

__all__ = ["CommandError", "WrongUseError"]


class CommandError(click.ClickException):
    """The work failed: exit code 1.

    Args:
        what: What went wrong, in one sentence.
        where: The file, line, module or option.
        why: The reason, as far as it is known.
        then: What to do or to type next.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", why: str = "", then: str = "") -> None:
        super().__init__(what)
        self.where = where
        self.why = why
        self.then = then

    def format_message(self) -> str:
        """All of it, a line for each part."""
        parts = (("where", self.where), ("why", self.why), ("next", self.then))
        lines = [self.message]
        lines += [f"  {name + ':':<7}{_indented(text)}" for name, text in parts if text]
        return "\n".join(lines)

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints it to stderr."""
        label = click.style("error:", fg="red", bold=True)
        click.echo(f"{label} {self.format_message()}", file=file, err=file is None)


class WrongUseError(CommandError):
    """What was typed cannot be done: exit code 2."""

    exit_code = 2


def _indented(text: str) -> str:
    return text.rstrip().replace("\n", "\n" + " " * 9)
