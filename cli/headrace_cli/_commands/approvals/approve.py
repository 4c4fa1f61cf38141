"""``agents approvals approve``."""

from __future__ import annotations

from typing import Any

import click

from headrace_cli._approvals import decide, decision_options

__all__ = ["command"]


@click.command("approve")
@decision_options
def command(**typed: Any) -> None:
    """Approve calls: they are made when the job reads the decision.

    ID is what `agents approvals list` shows, or the end or beginning of it.
    """
    decide(approved=True, **typed)
