"""What a server tells while it works, for those who watch the run."""

from __future__ import annotations

import contextvars
import itertools
from typing import TYPE_CHECKING

from headrace.records import TELLER, tell
from headrace_mcp._text import clean

if TYPE_CHECKING:
    from mcp.shared.dispatcher import ProgressFnT

__all__ = ["MAX_TEXT", "MAX_TOLD", "progress_teller"]

MAX_TEXT = 1_000
"""Characters of a text that a server sends along."""
MAX_TOLD = 100
"""Steps of one call, and lines of a log between two calls, that observers are told of."""


def progress_teller(tool: str) -> ProgressFnT | None:
    """Tells the observers of the run that calls; ``None`` where there are none."""
    if TELLER.get() is None:
        return None
    context, left = contextvars.copy_context(), itertools.count(MAX_TOLD, -1)

    async def told(progress: float, total: float | None, message: str | None) -> None:
        if next(left) > 0:
            text = clean(message or "", MAX_TEXT)
            context.run(tell, "progress", tool, progress=progress, total=total, text=text)

    return told
