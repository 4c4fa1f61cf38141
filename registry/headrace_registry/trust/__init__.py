"""Trust in a registry: its keeper signs, its clients verify (The Update Framework).

The keeper has two root keys, of which one is enough, and one online key. A project pins the
fingerprint of the root keys. All of a site's files are targets; what a client uses of them is
checked against the signed length and hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace_registry.trust._fingerprint import RootInfo, fingerprint, read_root
    from headrace_registry.trust._keys import Keys, KeyState, Lifetimes, create_keys, rotate
    from headrace_registry.trust._signing import KeySigner, Signer
    from headrace_registry.trust._verifying import Verified, check_site, update, verify

__all__ = [
    "KeySigner",
    "KeyState",
    "Keys",
    "Lifetimes",
    "RootInfo",
    "Signer",
    "Verified",
    "check_site",
    "create_keys",
    "fingerprint",
    "read_root",
    "rotate",
    "update",
    "verify",
]

_HOMES = {
    "_fingerprint": ("RootInfo", "fingerprint", "read_root"),
    "_keys": ("KeyState", "Keys", "Lifetimes", "create_keys", "rotate"),
    "_signing": ("KeySigner", "Signer"),
    "_verifying": ("Verified", "check_site", "update", "verify"),
}

__getattr__ = lazily(__name__, _HOMES)
