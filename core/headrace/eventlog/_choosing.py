"""Which runs are told of, where only a share of them is: decided before anything is made of one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from headrace.eventlog._lines import trace_of

if TYPE_CHECKING:
    from headrace.values import Stored

__all__ = ["Choice"]

_ALL = 1 << 32
_STEP = 0x9E3779B1  # 2**32 over the golden ratio: its multiples are spread evenly (Knuth, 6.4)


class Choice:
    """Chooses a share of the runs; those whose input came with a trace context as that says.

    By key and number, which are the same when a run is recovered. A run's id would do, too, but to
    make it is a digest of the input, which costs as much as all that is told of a short run.

    Args:
        share: How many of them, from 0 to 1.
        parent: The field of an input that holds a trace context.
    """

    def __init__(self, share: float, parent: str) -> None:
        self._bound = round(share * _ALL)
        self._parent = parent

    def __call__(self, key_id: str, sequence: int, value: Stored) -> bool:
        """Whether a run is chosen.

        Args:
            key_id: Its key, as a text.
            sequence: Its number.
            value: Its input, in stored form.
        """
        trace = trace_of(value, self._parent)
        if trace is not None:
            return bool(int(trace[-2:], 16) & 1)
        return (crc32(key_id.encode()) + sequence * _STEP) % _ALL < self._bound
