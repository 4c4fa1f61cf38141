"""Where the server is and how it is reached: what both kinds of models are set up with."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from headrace.errors import ResourceError
from headrace.providers import (
    Secrets,
    factory_faults,
    header_faults,
    made_by,
    read_secrets,
    url_faults,
    variable_faults,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace_gemini._client import Client

__all__ = ["Server"]

_ADDRESS = "GOOGLE_GEMINI_BASE_URL"
_KEY = "x-goog-api-key"
_VERSION = re.compile(r"[A-Za-z0-9.-]+")


class Server:
    """A server's address, headers, and the names of its secrets; all of it may be in a plan.

    Args:
        base_url: The address; ``GOOGLE_GEMINI_BASE_URL`` of the worker, or else the provider's own,
            where ``None``.
        api_version: The version of the interface.
        api_key_env: The environment variable with the key; ``None``: none is sent.
        headers: Headers of every request.
        secret_headers: Headers whose values are secrets: the environment variable of each.
        http_client: The project's function that makes the HTTP client, as ``module:function``.
    """

    __slots__ = (
        "_api_key_env",
        "_api_version",
        "_base_url",
        "_headers",
        "_http_client",
        "_secret_headers",
    )

    def __init__(
        self,
        *,
        base_url: str | None,
        api_version: str,
        api_key_env: str | None,
        headers: Mapping[str, str] | None,
        secret_headers: Mapping[str, str] | None,
        http_client: str | None,
    ) -> None:
        self._base_url = base_url
        self._api_version = api_version
        self._api_key_env = api_key_env
        self._headers = dict(headers or {})
        self._secret_headers = dict(secret_headers or {})
        self._http_client = http_client

    def faults(self) -> list[str]:
        """All that is wrong with it; no secret is shown."""
        faults = [] if self._base_url is None else url_faults(self._base_url)
        if not _VERSION.fullmatch(self._api_version):
            faults.append("api_version is none, such as v1beta")
        faults += header_faults(self._headers)
        if _KEY in map(str.lower, self._headers):
            faults.append(f"headers: {_KEY} is a secret: use api_key_env or secret_headers")
        variables = {"api_key_env": self._api_key_env}
        variables |= {f"secret_headers: {name}": at for name, at in self._secret_headers.items()}
        faults += variable_faults(variables)
        if self._api_key_env is not None and _KEY in map(str.lower, self._secret_headers):
            faults.append(f"{_KEY} is given twice: by api_key_env and in secret_headers")
        return faults + factory_faults(self._http_client)

    def connect(self, what: str) -> Client:
        """Reads the secrets and makes a client; no connection is made yet.

        Args:
            what: What is opened, for errors: ``the gemini chat model``.

        Raises:
            ResourceError: An environment variable is not set, or holds nothing usable; or the
                project's HTTP client cannot be made; the text names it.
        """
        import httpx

        from headrace_gemini._client import Client

        names = [*self._secret_headers.values()]
        if self._api_key_env is not None:
            names.append(self._api_key_env)
        values = read_secrets(names, what)
        headers = {**self._headers}
        headers |= {name: values[at] for name, at in self._secret_headers.items()}
        return Client(
            api_key=None if self._api_key_env is None else values[self._api_key_env],
            base_url=self._address(what),
            api_version=self._api_version,
            headers=headers,
            secrets=Secrets(values.values()),
            http=made_by(self._http_client, httpx.AsyncClient, what),
        )

    def _address(self, what: str) -> str | None:
        if self._base_url is not None:
            return self._base_url
        found = os.environ.get(_ADDRESS, "").strip()
        if found and (faults := url_faults(found, f"the environment variable {_ADDRESS}")):
            raise ResourceError(f"{what} cannot be opened: {'; '.join(faults)}")
        return found or None
