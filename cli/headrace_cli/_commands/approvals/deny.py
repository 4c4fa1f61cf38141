"""``agents approvals deny``."""

from __future__ import annotations

from typing import Any

import click

from headrace_cli._approvals import decide, decision_options

__all__ = ["command"]


@click.command("deny")
@decision_options
def command(**typed: Any) -> None:
    """Refuse calls: the model is told, with your note.

    ID is what `agents approvals list` shows, or the end or beginning of it.
    """
    decide(approved=False, **typed)
