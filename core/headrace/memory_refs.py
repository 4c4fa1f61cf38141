"""References to values in memory: small enough to be sent in an event, resolved where needed."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MemoryRef"]


@dataclass(frozen=True, slots=True)
class MemoryRef:
    """Stands for a value in memory; made by ``Memory.ref``, resolved by ``Memory.resolve``.

    It may be sent in events, kept, and recorded, as every value may.
    """

    path: tuple[str, ...]
    """The name, as a path."""
    home: str
    """Names whose memory it is; the same for all runs of a key (sensory memory: for one run)."""
    version: str | None = None
    """A digest of the value that is meant; ``None``: whatever the name holds."""

    def __str__(self) -> str:
        return repr(self.path[0] if len(self.path) == 1 else self.path)
