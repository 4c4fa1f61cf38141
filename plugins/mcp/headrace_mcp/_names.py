"""What a server's tools are called towards models, and which of them are offered."""

from __future__ import annotations

import hashlib
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["chosen", "model_names"]

_LONGEST = 64
_REFUSED = re.compile(r"[^A-Za-z0-9_-]")
_MARK = 8
"""Digits that tell two names apart."""


def model_names(names: Iterable[str], prefix: str, taken: Iterable[str] = ()) -> dict[str, str]:
    """For each tool the name that a model calls it by: 1 to 64 of ``A-Z a-z 0-9 _ -``.

    A name that is fit stays as it is. Of one that is not, each other character becomes ``_``; where
    two would then be the same, or one is too long, it ends with digits made of the whole name. It
    depends on the names alone, not on their order.

    Args:
        names: The server's names.
        prefix: What stands before each.
        taken: Names that are not to be had.
    """
    wanted = sorted(set(names))
    given = {name: prefix + _REFUSED.sub("_", name) for name in wanted}
    used = set(taken)
    result: dict[str, str] = {}
    # Those that are fit come first: another that becomes the same has to give way.
    for name in sorted(wanted, key=lambda one: (given[one] != prefix + one, one)):
        fit = marked = given[name]
        while fit in used or len(fit) > _LONGEST or not fit:
            marked += name
            mark = hashlib.sha256(marked.encode("utf-8", "replace")).hexdigest()[:_MARK]
            fit = f"{given[name][: _LONGEST - _MARK - 1]}_{mark}"
        used.add(fit)
        result[name] = fit
    return result


def chosen(name: str, include: Sequence[str] | None, exclude: Sequence[str]) -> bool:
    """Whether a tool is offered, by globs on the server's name for it."""
    if include is not None and not any(fnmatchcase(name, glob) for glob in include):
        return False
    return not any(fnmatchcase(name, glob) for glob in exclude)
