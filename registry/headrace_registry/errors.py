"""The errors of the registry, the lock and the sources of packages."""

from __future__ import annotations

from headrace.errors import HeadraceError

__all__ = [
    "BundleError",
    "BusyError",
    "CatalogueError",
    "ConflictError",
    "DownloadError",
    "InstallError",
    "LockError",
    "OfflineError",
    "ProjectFileError",
    "PublishError",
    "RegistryError",
    "SettingsError",
    "SiteError",
    "SourceError",
    "TrustError",
    "WheelError",
]


class RegistryError(HeadraceError):
    """The base of what can go wrong with a registry."""


class WheelError(RegistryError):
    """A file that is no wheel, or a wheel that must not be read further; says which and why."""


class CatalogueError(RegistryError):
    """A catalogue that cannot be read."""


class SiteError(RegistryError):
    """A registry's folder that cannot be built or changed; it is as it was."""


class PublishError(SiteError):
    """A wheel that a registry does not take."""


class SettingsError(RegistryError):
    """What a project says of registries, targets or sources is wrong."""


class DownloadError(RegistryError):
    """Something could not be had from a registry: away, refused, too large, sent elsewhere."""


class OfflineError(DownloadError):
    """It is not in the cache, and the network is not to be used."""


class TrustError(RegistryError):
    """What a registry gave is not what its keeper signed; it was not used."""


class SourceError(RegistryError):
    """A folder, zip, wheel or git source that gives no package."""


class ProjectFileError(RegistryError):
    """A ``pyproject.toml`` that is not edited here; says what to write by hand."""


class LockError(RegistryError):
    """A lock file that is missing, stale, unreadable, or was changed by hand."""


class ConflictError(RegistryError):
    """Requirements that no set of versions meets."""


class InstallError(RegistryError):
    """Packages that could not be installed; says what the environment has now."""


class BusyError(RegistryError):
    """Another command changes the same project."""


class BundleError(RegistryError):
    """A job's zip that cannot be built; nothing was written."""
