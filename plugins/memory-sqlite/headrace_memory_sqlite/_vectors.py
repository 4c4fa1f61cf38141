"""Vectors as they lie in the file: of length 1, as 32-bit floats."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from headrace.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["nearest", "packed"]

FORM = "<f4"
CHUNK = 4_096
"""Vectors that are held in memory at a time."""


def packed(vector: Sequence[float]) -> bytes | None:
    """A vector as it is kept; ``None`` where it has no direction.

    Raises:
        ModelError: A value is not finite.
    """
    import numpy as np

    values = np.asarray(vector, dtype="<f8")
    if not np.isfinite(values).all():
        raise ModelError("the embedder gave a vector that is not finite", code="bad_response")
    length = float(np.linalg.norm(values))
    return (values / length).astype(FORM).tobytes() if length else None


def nearest(there: Iterator[tuple[int, bytes]], vector: bytes, depth: int) -> list[int]:
    """The numbers of the vectors nearest to one, best first: all of them are looked at."""
    import numpy as np

    asked = np.frombuffer(vector, dtype=FORM)
    best: list[tuple[float, int]] = []
    while chunk := list(islice(there, CHUNK)):
        matrix = np.frombuffer(b"".join(one for _, one in chunk), dtype=FORM)
        # Not by a matrix product: its library would wake a thread for each processor.
        nearness = np.einsum("ij,j->i", matrix.reshape(len(chunk), -1), asked)
        order = np.argsort(-nearness, kind="stable")[:depth]
        # What points nowhere near is not near, though nothing else may be there.
        best += [(float(nearness[at]), chunk[at][0]) for at in order if nearness[at] > 0]
        best = sorted(best, key=lambda one: -one[0])[:depth]
    return [number for _, number in best]
