"""How often Python looks for cycles of objects that nobody needs, while a job runs.

By default it looks whenever there are 700 objects more than when it looked last, and sees all that
is young then; a thousand runs under way are some hundred thousand objects that it goes through
again and again. That was a third of the time of runs that wait (``docs/benchmarks.md``).
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["look_seldom"]

_DEFAULT: Final = (700, 10, 10)
_SELDOM: Final = (20_000, 10, 10)
"""Of 5,000 to 100,000 the best or as good as it; so many objects are a few megabytes."""


def look_seldom() -> Callable[[], None]:
    """Has Python look for cycles less often, unless somebody has set how often, or not at all.

    Only cycles wait for it: all else is freed as soon as nothing refers to it.

    Returns:
        Has it look as often as before; not where somebody has set it meanwhile.
    """
    if not gc.isenabled() or gc.get_threshold() != _DEFAULT:
        return _nothing
    gc.set_threshold(*_SELDOM)
    return _look_as_before


def _look_as_before() -> None:
    if gc.get_threshold() == _SELDOM:
        gc.set_threshold(*_DEFAULT)


def _nothing() -> None:
    """Somebody else has set it."""
