"""SARIF 2.1.0: the frame of a report that code hosts and editors show beside the lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["address", "log", "physical_location"]


def log(
    tool: str, version: str, rules: Sequence[dict[str, Any]], results: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """A log with one run.

    Args:
        tool: The command's name.
        version: Its version.
        rules: The rules, each a ``reportingDescriptor``.
        results: What was found, each a ``result`` with the index of its rule.
    """
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": tool, "version": version, "rules": list(rules)}},
                "columnKind": "unicodeCodePoints",
                "results": list(results),
            }
        ],
    }


def physical_location(path: Path, line: int = 0, column: int = 0) -> dict[str, Any]:
    """Where a result is; lines and columns count from 1, and 0 is the file as a whole."""
    region = {"startLine": line} if line else {}
    if column:
        region["startColumn"] = column
    place: dict[str, Any] = {"artifactLocation": {"uri": address(path)}}
    return {"physicalLocation": {**place, "region": region} if region else place}


def address(path: Path) -> str:
    """A path's address: relative where the path is, or where it is below the working folder."""
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return ("file://" if path.is_absolute() else "") + quote(os.fsencode(path))
