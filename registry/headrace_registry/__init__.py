"""Registries of skills and plugins: static files that stock pip and uv install from.

So far: what a wheel brings, the base of a catalogue.
"""

from headrace_registry.errors import RegistryError, WheelError
from headrace_registry.wheels import Provided, WheelEntry, describe_wheel

__all__ = ["Provided", "RegistryError", "WheelEntry", "WheelError", "describe_wheel"]
