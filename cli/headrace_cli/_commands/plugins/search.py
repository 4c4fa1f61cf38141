"""``agents plugins search``."""

from __future__ import annotations

from headrace_cli._commands._search import search_command

__all__ = ["command"]

command = search_command("plugins")
