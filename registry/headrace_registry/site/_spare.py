"""The folders that a site left behind, kept as the ground on which the next one is made.

A site of 1,000 wheels has hundreds of folders and thousands of names; to make them all anew, and
remove them again, takes longer than all else. So the old tree stays as ``.NAME.spare``: names of
files that the site has, and no bytes of its own. It is a help and never a source: who makes the
next site takes nothing from it but what is the very file of the site.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from headrace_registry.site._swapping import beside, discard

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["FOLDERS", "adopt", "plant", "put_by"]

FOLDERS = ("assets", "browse", "files", "metadata", "packages", "simple")
"""The folders of a site; what else stands at its top is never in a spare."""


def adopt(site: Path, draft: Path) -> None:
    """Moves the folders of the spare into a new and empty draft, as far as there are any.

    What is in them may be anything. One that is a link or somebody else's is only removed.
    """
    spare, ours = beside(site, "spare"), draft.stat()
    try:
        found = spare.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISDIR(found.st_mode) and (found.st_uid, found.st_dev) == (ours.st_uid, ours.st_dev):
        for name in FOLDERS:
            with suppress(OSError):
                (spare / name).rename(draft / name)
    discard(spare)


def put_by(old: Path, site: Path, gone: Iterable[str]) -> None:
    """Keeps a tree as the spare of a site, without what would take up room.

    Args:
        old: The tree, beside the site; where it cannot be kept, it stays where it is.
        site: The site.
        gone: The paths that the site has not, or has with other bytes.
    """
    with suppress(OSError):
        for entry in list(os.scandir(old)):
            if entry.name not in FOLDERS or not entry.is_dir(follow_symlinks=False):
                discard(entry.path)
        for path in gone:
            (old / path).unlink(missing_ok=True)
        old.chmod(stat.S_IMODE(old.stat().st_mode) & 0o770)  # no part of what is served
        old.rename(beside(site, "spare"))


def plant(site: Path, draft: Path) -> None:
    """Makes the spare of a new site, so that its first change is as quick as the next ones."""
    with suppress(OSError, shutil.Error):
        draft.mkdir()
        for name in FOLDERS:
            if (site / name).is_dir():
                shutil.copytree(site / name, draft / name, symlinks=True, copy_function=os.link)
        put_by(draft, site, ())
