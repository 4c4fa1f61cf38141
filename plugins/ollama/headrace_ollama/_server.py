"""Where the server is and how it is reached: what both kinds of models are set up with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headrace.errors import ResourceError
from headrace.providers import (
    Secrets,
    header_faults,
    read_secrets,
    url_faults,
    variable_faults,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace_ollama._client import Client

__all__ = ["Server"]

_DEFAULT = "127.0.0.1:11434"
_AUTHORIZATION = "authorization"


class Server:
    """A server's address, headers, and the names of its secrets; all of it may be in a plan.

    Args:
        host: The address; ``OLLAMA_HOST`` of the worker, or else Ollama's default, where ``None``.
        api_key_env: The environment variable with the key of the server or of a proxy before it.
        headers: Headers of every request.
        secret_headers: Headers whose values are secrets: the environment variable of each.
    """

    __slots__ = ("_api_key_env", "_headers", "_host", "_secret_headers")

    def __init__(
        self,
        host: str | None,
        api_key_env: str | None,
        headers: Mapping[str, str] | None,
        secret_headers: Mapping[str, str] | None,
    ) -> None:
        self._host = host
        self._api_key_env = api_key_env
        self._headers = dict(headers or {})
        self._secret_headers = dict(secret_headers or {})

    def faults(self) -> list[str]:
        """All that is wrong with it; no secret is shown."""
        faults = [] if self._host is None else _host_faults(self._host, "host")
        faults += header_faults(self._headers)
        variables = {"api_key_env": self._api_key_env}
        variables |= {f"secret_headers: {name}": at for name, at in self._secret_headers.items()}
        faults += variable_faults(variables)
        if self._api_key_env is not None and _AUTHORIZATION in map(str.lower, self._secret_headers):
            faults.append("Authorization is given twice: by api_key_env and in secret_headers")
        return faults

    def connect(self, model: str, what: str) -> Client:
        """Reads the secrets and makes a client; no connection is made yet.

        Args:
            model: The model that will be asked, for errors.
            what: What is opened, for errors: ``the ollama chat model``.

        Raises:
            ResourceError: An environment variable is not set, or holds nothing usable; the text
                names it.
        """
        from headrace_ollama._client import Client

        names = [*self._secret_headers.values()]
        if self._api_key_env is not None:
            names.append(self._api_key_env)
        values = read_secrets(names, what)
        headers = {**self._headers}
        headers |= {name: values[at] for name, at in self._secret_headers.items()}
        if self._api_key_env is not None:
            headers[_AUTHORIZATION] = f"Bearer {values[self._api_key_env]}"
        return Client(
            host=self._address(what), headers=headers, secrets=Secrets(values.values()), model=model
        )

    def _address(self, what: str) -> str:
        if self._host is not None:
            return self._host
        found = os.environ.get("OLLAMA_HOST", "").strip() or _DEFAULT
        if found.startswith(":"):  # the port alone is what servers are told there, too
            found = f"127.0.0.1{found}"
        if faults := _host_faults(found, "the environment variable OLLAMA_HOST"):
            raise ResourceError(f"{what} cannot be opened: {'; '.join(faults)}")
        return found


def _host_faults(host: str, where: str) -> list[str]:
    """What is wrong with an address; ``host:port`` without a scheme is one, as in OLLAMA_HOST."""
    url = host if "://" in host else f"http://{host}"
    if faults := url_faults(url, where):
        return faults
    try:
        _ = urlsplit(url).port
    except ValueError:
        return [f"{where} has a port that is none"]
    return []
