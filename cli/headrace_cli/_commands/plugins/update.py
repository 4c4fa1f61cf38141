"""``agents plugins update``."""

from __future__ import annotations

from headrace_cli._commands._changing.update import update_command

__all__ = ["command"]

command = update_command("plugins")
