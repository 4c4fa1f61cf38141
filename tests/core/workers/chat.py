"""A module of a project that is called like what the runtime serves."""

from __future__ import annotations


async def answer(text: str) -> str:
    """Answers."""
    return f"answered {text}"
