"""What went wrong with a connection, in words."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import requests
import urllib3

from headrace_registry._causes import causes
from headrace_registry.errors import DownloadError
from headrace_registry.http._remote import UnreachableError, failure

if TYPE_CHECKING:
    from headrace_registry.settings import RegistrySettings

__all__ = ["described"]

_OFFLINE = "try again later, or work from the cache with --offline"
_EXPIRED, _OTHER_HOST = (10,), (62, 64)  # OpenSSL's numbers of verification errors


def described(registry: RegistrySettings, url: str, error: Exception) -> DownloadError:
    """The error of a download as one of ours; it names no credentials."""
    if isinstance(error, DownloadError):
        return error
    found = list(causes(error))
    certificate = next((one for one in found if isinstance(one, ssl.SSLError)), None)
    if certificate is not None:
        return _of_tls(registry, url, certificate)
    what = _of_connection(found)
    return failure(registry, what, where=url, then=_OFFLINE, kind=UnreachableError)


def _of_connection(found: list[BaseException]) -> str:
    kinds: tuple[tuple[type[BaseException], str], ...] = (
        (urllib3.exceptions.ProxyError, "the proxy does not let us through, or is away"),
        (requests.exceptions.ProxyError, "the proxy does not let us through, or is away"),
        (socket.gaierror, "its host's name is not found"),
        (ConnectionRefusedError, "nobody listens there: the connection was refused"),
        (urllib3.exceptions.ConnectTimeoutError, "its host does not answer"),
        (urllib3.exceptions.ReadTimeoutError, "connected, and then it was silent for too long"),
        (TimeoutError, "does not answer in time"),
        (urllib3.exceptions.ProtocolError, "the connection broke"),
    )
    for kind, text in kinds:
        if any(isinstance(one, kind) for one in found):
            return text
    return f"cannot be reached ({type(found[0]).__name__})"


def _of_tls(registry: RegistrySettings, url: str, error: ssl.SSLError) -> DownloadError:
    code = getattr(error, "verify_code", None)
    if code in _EXPIRED:
        why, then = "its certificate has expired", "tell its keeper"
    elif code in _OTHER_HOST:
        why, then = "its certificate is for another host", "see that the address is right"
    elif code is not None:
        why = "its certificate is from an authority that is not known here"
        then = (
            f'if it is your own: ca = "FILE.pem" in [tool.agents.registries.{registry.name}], '
            "or SSL_CERT_FILE"
        )
    else:
        why, then = f"no common TLS: {error.reason or error}", ""
    return failure(registry, "its TLS is not to be trusted", where=url, why=why, then=then)
