"""The installed version, by the name of its metadata folder: that costs no import."""

from __future__ import annotations

import os
import sys

__all__ = ["installed_version", "version_line"]

_PREFIX, _SUFFIX = "headrace_cli-", ".dist-info"


def installed_version() -> str:
    """The version of headrace-cli that is installed."""
    for place in sys.path:
        try:
            names = os.listdir(place or ".")  # noqa: PTH208 - pathlib costs more than the answer
        except OSError:
            continue
        for name in names:
            if name.startswith(_PREFIX) and name.endswith(_SUFFIX):
                return name[len(_PREFIX) : -len(_SUFFIX)]
    return _from_metadata()


def version_line() -> str:
    """What ``agents --version`` prints."""
    return f"agents (headrace) {installed_version()}"


def _from_metadata() -> str:
    """The slow way, for installations that are not a folder (a zip, for one)."""
    import importlib.metadata

    try:
        return importlib.metadata.version("headrace-cli")
    except importlib.metadata.PackageNotFoundError:
        return "unknown (not installed)"
