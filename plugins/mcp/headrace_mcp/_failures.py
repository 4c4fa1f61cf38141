"""What went wrong with a session, in words."""

from __future__ import annotations

from mcp import MCPError
from pydantic import ValidationError

from headrace_mcp._telling import MAX_TEXT
from headrace_mcp._text import clean

__all__ = ["first_of", "words"]

_PLACES = 3


def first_of(error: BaseException) -> BaseException:
    """The first error of a group of groups."""
    while inside := getattr(error, "exceptions", None):
        error = inside[0]
    return error


def words(error: BaseException) -> str:
    """What an error says; nothing of what was sent is in it."""
    if isinstance(error, ValidationError):
        places = (
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)[:_PLACES]
        )
        said = "its answer is not what the protocol says: " + "; ".join(places)
    elif isinstance(error, MCPError):
        said = str(error)
    else:
        said = f"{type(error).__name__}: {error}"
    return clean(said, MAX_TEXT)
