"""What a project pins of a registry: the root keys that its first root of trust names."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from headrace_registry.errors import TrustError

__all__ = ["MAX_ROOT", "RootInfo", "fingerprint", "read_root"]

MAX_ROOT = 512_000
"""The largest root of trust that is read, in bytes."""


@dataclass(frozen=True, slots=True)
class RootInfo:
    """A root of trust, as people are shown it; not verified."""

    version: int
    """Its number."""
    expires: str
    """When it ends, such as ``2027-11-21T20:15:00Z``."""
    threshold: int
    """How many of its root keys have to sign the next one."""
    root_keys: tuple[str, ...]
    """The ids of its root keys."""
    online_keys: tuple[str, ...]
    """The ids of the keys that sign what changes."""
    fingerprint: str
    """The fingerprint of its root keys."""


def fingerprint(root_json: bytes) -> str:
    """The fingerprint of a root of trust: ``sha256:...`` over its root keys and their threshold.

    The keys themselves are in it, and not their ids alone: a stranger may give any id to a key.

    Raises:
        TrustError: It is no root of trust.
    """
    return read_root(root_json).fingerprint


def read_root(root_json: bytes) -> RootInfo:
    """Reads a root of trust, without verifying it.

    Raises:
        TrustError: It is no root of trust.
    """
    try:
        signed = json.loads(root_json)["signed"]
        role = signed["roles"]["root"]
        ids = sorted(set(role["keyids"]))
        keys = {one: signed["keys"][one] for one in ids}
        core = {
            "keys": {
                one: {name: key[name] for name in ("keytype", "scheme", "keyval")}
                for one, key in keys.items()
            },
            "threshold": role["threshold"],
        }
        online = sorted(
            {one for name in ("targets", "snapshot", "timestamp") for one in _ids(signed, name)}
        )
        known = RootInfo(
            version=int(signed["version"]),
            expires=str(signed["expires"]),
            threshold=int(role["threshold"]),
            root_keys=tuple(ids),
            online_keys=tuple(online),
            fingerprint="",
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TrustError(f"this is no root of trust: {type(error).__name__}: {error}") from None
    text = json.dumps(core, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return RootInfo(
        known.version,
        known.expires,
        known.threshold,
        known.root_keys,
        known.online_keys,
        f"sha256:{digest}",
    )


def _ids(signed: dict[str, dict[str, dict[str, list[str]]]], role: str) -> list[str]:
    return signed["roles"][role]["keyids"]
