"""TOML, read: what locks, projects and the tools that we ask write."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["parse_toml"]


def parse_toml(text: str) -> dict[str, Any]:
    """Read a text, with or without a byte order mark.

    Raises:
        ValueError: It is no TOML, or is nested too deeply to be meant.
    """
    if sys.version_info >= (3, 11):  # here, since it takes longer to load than most that need it
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found]

    try:
        found: dict[str, Any] = tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return found
