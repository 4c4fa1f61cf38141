"""Where a model's server is and what it is asked with: what all models of the plugin share."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.errors import ModelError, ResourceError
from headrace.interfaces import Resource
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

__all__ = ["Connected"]

_DEPLOYMENT = re.compile(r"(?!\.+$)[A-Za-z0-9._-]+")
"""It becomes a part of the path, which dots alone would lead elsewhere."""
_USUAL = "OPENAI_API_KEY"


@dataclass(kw_only=True, eq=False, repr=False)
class Connected(Resource):
    """The arguments that say how a server is reached, and its client while the model is open.

    They are part of the plan, so none of them holds a secret: keys are named by the environment
    variable that the worker finds them in. Retries and time-outs are the runtime's.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    model: str = field(kw_only=False)
    """The model, as the provider calls it; on Azure, the deployment."""
    base_url: str | None = None
    """The server; ``OPENAI_BASE_URL`` of the worker, or else OpenAI's own, where ``None``."""
    api_key_env: str | None = _USUAL
    """The name of the environment variable that holds the API key; where it is left out
    ``OPENAI_API_KEY``, on Azure ``AZURE_OPENAI_API_KEY``; ``None`` for a server that asks for
    none."""
    organization: str | None = None
    """OpenAI's organisation; ``OPENAI_ORG_ID`` of the worker where ``None``."""
    project: str | None = None
    """OpenAI's project; ``OPENAI_PROJECT_ID`` of the worker where ``None``."""
    options: Mapping[str, Any] | None = None
    """Further options of the provider, by their names in its HTTP interface. A request's own
    options win over these."""
    azure_endpoint: str | None = None
    """The address of an Azure resource, in place of ``base_url``."""
    api_version: str | None = None
    """Azure's version of the interface, such as ``2025-03-01-preview``."""
    azure_deployment: str | None = None
    """The name of the deployment on Azure, where it is not ``model``."""
    headers: Mapping[str, str] | None = None
    """Headers of every request."""
    secret_headers: Mapping[str, str] | None = None
    """Headers whose values are secrets: the environment variable of each."""
    http_client: str | None = None
    """The project's own function, as ``module:function``, that makes the HTTP client (an
    ``AsyncClient`` of what the vendor's client sends with); the usual one where ``None``."""

    what: ClassVar[str]
    """What it is, for errors: ``the openai chat model``."""
    _client: Client | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if faults := [*self._server_faults(), *self._faults()]:
            raise ResourceError(f"{self.what} cannot be set up: {'; '.join(faults)}")

    async def open(self) -> None:
        """Reads the secrets and makes the client.

        Raises:
            ResourceError: An environment variable is not set, or holds nothing usable, or the
                project's HTTP client cannot be made; the text names it.
        """
        from headrace_openai._client import HTTP, Client

        secret_headers = self.secret_headers or {}
        key_env = self._key_env
        variables = [*secret_headers.values(), *([] if key_env is None else [key_env])]
        values = read_secrets(variables, self.what)
        self._client = Client(
            # The vendor's client insists on a key.
            api_key="none" if key_env is None else values[key_env],
            base_url=self.base_url,
            organization=self.organization,
            project=self.project,
            azure_endpoint=self.azure_endpoint,
            api_version=self.api_version,
            headers={
                **(self.headers or {}),
                **{name: values[at] for name, at in secret_headers.items()},
            },
            secrets=Secrets(values.values()),
            http=made_by(self.http_client, HTTP, self.what),
        )

    async def close(self) -> None:
        """Closes the client and its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    @property
    def client(self) -> Client:
        """The open client.

        Raises:
            ResourceError: It is not open.
        """
        if self._client is None:
            raise ResourceError(f"{self.what} is not open: await model.open() first")
        return self._client

    @property
    def asked_model(self) -> str:
        """The name that requests give: on Azure, the deployment's."""
        return self.azure_deployment or self.model

    def model_of(self, request: ChatRequest) -> str:
        """The name that one request gives: its own model, or the one declared.

        Raises:
            ModelError: ``bad_request``: what it names is no model, or on Azure no deployment.
        """
        model = asked_model(request, self.asked_model)
        if self.azure_endpoint is not None and not _DEPLOYMENT.fullmatch(model):
            text = f"options of the request: {model!r} is no name of a deployment"
            raise ModelError(text, code="bad_request")
        return model

    @property
    def _key_env(self) -> str | None:
        azure = self.azure_endpoint is not None and self.api_key_env == _USUAL
        return f"AZURE_{_USUAL}" if azure else self.api_key_env

    def _faults(self) -> list[str]:
        """What is wrong with the arguments that are the model's own."""
        return []

    def _server_faults(self) -> list[str]:
        faults = [] if self.model.strip() else ["model is empty"]
        if self.base_url is not None:
            faults += url_faults(self.base_url)
        faults += self._azure_faults()
        faults += header_faults(self.headers or {})
        variables = {"api_key_env": self._key_env}
        secret_headers = self.secret_headers or {}
        variables |= {f"secret_headers: {name}": at for name, at in secret_headers.items()}
        return faults + variable_faults(variables) + factory_faults(self.http_client)

    def _azure_faults(self) -> list[str]:
        if self.azure_endpoint is None:
            given = {"api_version": self.api_version, "azure_deployment": self.azure_deployment}
            return [
                f"{name} is Azure's, and azure_endpoint is missing"
                for name, value in given.items()
                if value is not None
            ]
        faults = url_faults(self.azure_endpoint, "azure_endpoint")
        if self.base_url is not None:
            faults.append("base_url and azure_endpoint exclude each other")
        if not self.api_version:
            faults.append("api_version is missing: Azure's interface has many, such as 2025-03-01")
        if not _DEPLOYMENT.fullmatch(self.asked_model):
            where = "model" if self.azure_deployment is None else "azure_deployment"
            faults.append(f"{where} is no name of a deployment: letters, digits, '.', '_' and '-'")
        return faults
