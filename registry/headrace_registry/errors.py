"""The errors of the registry."""

from __future__ import annotations

from headrace.errors import HeadraceError

__all__ = ["RegistryError", "WheelError"]


class RegistryError(HeadraceError):
    """The base of what can go wrong with a registry."""


class WheelError(RegistryError):
    """A file that is no wheel, or a wheel that must not be read further; says which and why."""
