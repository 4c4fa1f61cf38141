"""Which runs are drawn: by their ids, so that a run is drawn again, or never, when it is run again.

An id begins with 32 hexadecimal digits, a digest of the job, the key and the input; the later half
of them is a number that is as good as drawn at random.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["drawing"]

_FROM, _TO = 16, 32  # what the names of runs are counted by is in the first digits
_ALL = 1 << 4 * (_TO - _FROM)


def drawing(share: float) -> Callable[[str], bool]:
    """A test of a run's id, or of the digest that it begins with.

    Args:
        share: How many of all runs are drawn, from 0 to 1.
    """
    below = round(share * _ALL)

    def drawn(run: str) -> bool:
        try:
            return int(run[_FROM:_TO], 16) < below
        except ValueError:  # an id of another make
            return False

    return drawn
