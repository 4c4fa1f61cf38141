"""Whether a site is signed, and what is held against an earlier signature."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from headrace_registry.errors import SiteError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

__all__ = ["METADATA", "check_kept", "is_signed", "signing_time"]

METADATA = "metadata"
"""The folder of the signatures."""


def is_signed(site: Path) -> bool:
    """Whether a site carries signatures."""
    return (site / METADATA / "timestamp.json").is_file()


def signing_time() -> datetime:
    """What SOURCE_DATE_EPOCH says, else now."""
    said = os.environ.get("SOURCE_DATE_EPOCH", "")
    if said.isdecimal():
        return datetime.fromtimestamp(int(said), timezone.utc)
    return datetime.now(timezone.utc).replace(microsecond=0)


def check_kept(site: Path, files: Mapping[str, tuple[int, str]], changed: Collection[str]) -> None:
    """Holds what is taken over from a signed site against what was signed.

    Whoever could write to the folder, but has no key, would else have the keeper sign it.

    Raises:
        SiteError: A file is not the one that was signed.
    """
    try:
        targets = json.loads((site / METADATA / "targets.json").read_bytes())["signed"]["targets"]
        signed = {path: (one["length"], one["hashes"]["sha256"]) for path, one in targets.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SiteError(f"the signatures of {site} cannot be read: {error}") from None
    for path, told in files.items():
        if path not in changed and signed.get(path) != told:
            raise SiteError(
                f"{path} of {site} is not the file that was signed, and will not be signed again\n"
                "  why:  somebody wrote to the registry's folder without its keys\n"
                "  next: compare it with a copy, and build the registry anew from its wheels"
            )
