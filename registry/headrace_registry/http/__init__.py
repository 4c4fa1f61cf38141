"""Files of registries, over HTTP or from a folder: bounded, checked, and sent nowhere else."""

from headrace_registry.http._credentials import Credentials, credentials_for, keyring_for
from headrace_registry.http._netrc import netrc_for
from headrace_registry.http._remote import (
    AccessError,
    Limits,
    MissingError,
    Remote,
    UnreachableError,
    open_remote,
)

__all__ = [
    "AccessError",
    "Credentials",
    "Limits",
    "MissingError",
    "Remote",
    "UnreachableError",
    "credentials_for",
    "keyring_for",
    "netrc_for",
    "open_remote",
]
