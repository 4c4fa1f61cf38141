"""Where a model's server is and what it is asked with: the settings that all models share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace.errors import ModelError, ResourceError
from headrace.options import asked_model
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

    from headrace.chat import ChatRequest
    from headrace_openai._client import Client

__all__ = ["Connection"]

_DEPLOYMENT = re.compile(r"[A-Za-z0-9._-]+")
"""It becomes a part of the path."""


_USUAL = "OPENAI_API_KEY"


class Connection:
    """The settings of a server, and its client while it is open.

    Args:
        what: Whose they are, for errors: ``the openai chat model``.
        model: The model's name.
        base_url: The server's address.
        api_key_env: The variable with the key; ``None``: no key. The usual one is another on Azure.
        organization: OpenAI's organisation.
        project: OpenAI's project.
        azure_endpoint: The address of an Azure resource, in place of ``base_url``.
        api_version: Azure's version of the interface.
        azure_deployment: The name of the deployment, where it is not the model's.
        headers: Headers of every request.
        secret_headers: For each secret header, the variable with its value.
        http_client: The project's function that makes the HTTP client, as ``module:function``.
    """

    __slots__ = (
        "_api_key_env",
        "_api_version",
        "_azure_deployment",
        "_azure_endpoint",
        "_base_url",
        "_client",
        "_headers",
        "_http_client",
        "_model",
        "_organization",
        "_project",
        "_secret_headers",
        "_what",
    )

    def __init__(
        self,
        what: str,
        *,
        model: str,
        base_url: str | None,
        api_key_env: str | None,
        organization: str | None,
        project: str | None,
        azure_endpoint: str | None,
        api_version: str | None,
        azure_deployment: str | None,
        headers: Mapping[str, str] | None,
        secret_headers: Mapping[str, str] | None,
        http_client: str | None,
    ) -> None:
        self._what = what
        self._model = model
        self._base_url = base_url
        if azure_endpoint is not None and api_key_env == _USUAL:
            api_key_env = f"AZURE_{_USUAL}"
        self._api_key_env = api_key_env
        self._organization = organization
        self._project = project
        self._http_client = http_client
        self._azure_endpoint = azure_endpoint
        self._api_version = api_version
        self._azure_deployment = azure_deployment
        self._headers = dict(headers or {})
        self._secret_headers = dict(secret_headers or {})
        self._client: Client | None = None

    @property
    def asked_model(self) -> str:
        """The name that requests give: on Azure, the deployment's."""
        return self._azure_deployment or self._model

    def model_of(self, request: ChatRequest) -> str:
        """The name that one request gives: its own model, or the one declared.

        Raises:
            ModelError: ``bad_request``: what it names is no model, or on Azure no deployment.
        """
        model = asked_model(request, self.asked_model)
        if self._azure_endpoint is not None and not _DEPLOYMENT.fullmatch(model):
            text = f"options of the request: {model!r} is no name of a deployment"
            raise ModelError(text, code="bad_request")
        return model

    @property
    def client(self) -> Client:
        """The open client.

        Raises:
            ResourceError: It is not open.
        """
        if self._client is None:
            raise ResourceError(f"{self._what} is not open: await model.open() first")
        return self._client

    def faults(self) -> list[str]:
        """What is wrong with the settings."""
        faults = [] if self._model.strip() else ["model is empty"]
        if self._base_url is not None:
            faults += url_faults(self._base_url)
        faults += self._azure_faults()
        faults += header_faults(self._headers)
        variables = {"api_key_env": self._api_key_env}
        variables |= {f"secret_headers: {name}": at for name, at in self._secret_headers.items()}
        return faults + variable_faults(variables) + factory_faults(self._http_client)

    def _azure_faults(self) -> list[str]:
        if self._azure_endpoint is None:
            given = {"api_version": self._api_version, "azure_deployment": self._azure_deployment}
            return [
                f"{name} is Azure's, and azure_endpoint is missing"
                for name, value in given.items()
                if value is not None
            ]
        faults = url_faults(self._azure_endpoint, "azure_endpoint")
        if self._base_url is not None:
            faults.append("base_url and azure_endpoint exclude each other")
        if not self._api_version:
            faults.append("api_version is missing: Azure's interface has many, such as 2025-03-01")
        if not _DEPLOYMENT.fullmatch(self.asked_model):
            where = "model" if self._azure_deployment is None else "azure_deployment"
            faults.append(f"{where} is no name of a deployment: letters, digits, '.', '_' and '-'")
        return faults

    def open(self) -> None:
        """Reads the secrets and makes the client.

        Raises:
            ResourceError: An environment variable is not set, or holds nothing usable, or the
                project's HTTP client cannot be made; the text names it.
        """
        from headrace_openai._client import HTTP, Client

        variables = [*self._secret_headers.values()]
        if self._api_key_env is not None:
            variables.append(self._api_key_env)
        values = read_secrets(variables, self._what)
        secret_headers = {name: values[at] for name, at in self._secret_headers.items()}
        self._client = Client(
            # The vendor's client insists on a key.
            api_key="none" if self._api_key_env is None else values[self._api_key_env],
            base_url=self._base_url,
            organization=self._organization,
            project=self._project,
            azure_endpoint=self._azure_endpoint,
            api_version=self._api_version,
            headers={**self._headers, **secret_headers},
            secrets=Secrets(values.values()),
            http=made_by(self._http_client, HTTP, self._what),
        )

    async def close(self) -> None:
        """Closes the client and its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
