"""What can be wrong with a deployment."""

from __future__ import annotations

from headrace_registry.errors import RegistryError

__all__ = ["DeployError", "OptionError"]


class DeployError(RegistryError):
    """A job that cannot be deployed as asked; nothing was written."""


class OptionError(DeployError):
    """An option whose value Kubernetes, YARN, Flink or a container registry does not take."""
