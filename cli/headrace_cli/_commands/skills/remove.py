"""``agents skills remove``."""

from __future__ import annotations

from headrace_cli._commands._changing.remove import remove_command

__all__ = ["command"]

command = remove_command("skills")
