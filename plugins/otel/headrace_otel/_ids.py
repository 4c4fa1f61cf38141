"""Ids of traces and spans: made of what names a run and a record, never drawn.

So a replay in another process, after a crash or on another machine, has the same ones.
"""

from __future__ import annotations

from hashlib import blake2b

__all__ = ["span_id", "trace_id"]


def trace_id(run: str) -> int:
    """The id of a run's trace; its bits are spread evenly, so a sampler may decide by it."""
    return _number(b"headrace trace", run, 16)


def span_id(run: str, within: str = "", attempt: int = 1) -> int:
    """The id of a span.

    Args:
        run: The run's id.
        within: The record's id within it; empty: the run's own span.
        attempt: Which attempt of an action it belongs to.
    """
    return _number(b"headrace span", f"{run}\0{within}\0{attempt}", 8)


def _number(what: bytes, text: str, size: int) -> int:
    made = blake2b(text.encode("utf-8", "replace"), digest_size=size, person=what)
    return int.from_bytes(made.digest(), "big") or 1  # 0 is no id
