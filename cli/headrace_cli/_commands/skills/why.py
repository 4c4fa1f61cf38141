"""``agents skills why``."""

from __future__ import annotations

from headrace_cli._commands._changing.why import why_command

__all__ = ["command"]

command = why_command("skills")
