"""Packages whose names are loaded when they are first used."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["lazily"]


def lazily(package: str, homes: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Makes the ``__getattr__`` of a package (PEP 562).

    So importing the package costs next to nothing, and threads may enter it by several of its
    modules at once: a package that loads its modules makes such threads wait for each other.

    Args:
        package: Its name.
        homes: The package's modules, each with the public names that are defined there.
    """
    home = {name: f".{module}" for module, names in homes.items() for name in names}

    def load(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(home[name], package), name)
        setattr(sys.modules[package], name, value)  # the next time it is simply there
        return value

    return load
