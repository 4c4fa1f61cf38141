"""``agents plugins add``."""

from __future__ import annotations

from headrace_cli._commands._changing.add import add_command

__all__ = ["command"]

command = add_command("plugins")
