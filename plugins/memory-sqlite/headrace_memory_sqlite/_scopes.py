"""Scopes as words of the index."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from headrace.scopes import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["tokens"]


def tokens(scope: Mapping[str, str]) -> list[str]:
    """One word for each part of a scope, and for each two or three parts and the whole.

    A part of a scope is looked for by the one word of all that it holds, so that the index never
    has to walk through the memories of an agent to come to those of a key.
    """
    held = [name for name in NAMES if name in scope]
    return [_token({n: scope[n] for at, n in enumerate(held) if mask >> at & 1})
            for mask in range(1, 1 << len(held))]  # fmt: skip


def _token(part: Mapping[str, str]) -> str:
    digest = hashlib.blake2b(digest_size=12)
    for name, value in part.items():
        content = value.encode()
        digest.update(f"{name}:{len(content)}:".encode() + content)
    return f"s{digest.hexdigest()}"
