"""The chat model: its settings, and the way from a request to an answer."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from headrace.errors import ModelError, ResourceError
from headrace.interfaces import ChatModel
from headrace_openai._answers import read_answer
from headrace_openai._requests import request_parameters
from headrace_openai._secrets import Secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.chat import ChatRequest, ChatResponse
    from headrace_openai._client import Client

__all__ = ["OpenAIChatModel"]

_TYPED = frozenset({"model", "messages", "tools", "functions", "stream", "stream_options", "n"})
"""Options that are told in another way, or that would change what an answer is."""
_CLIENT = frozenset({"extra_body", "extra_headers", "extra_query", "timeout"})
"""Arguments of the client's, which are no options of the provider's."""
_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie"}
)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")


class OpenAIChatModel(ChatModel):
    """Answers through OpenAI's chat completions, or a server that speaks the same.

    Arguments are part of the plan, so none of them holds a secret: keys are named by the
    environment variable that the worker finds them in. Retries and time-outs are the runtime's.

    Args:
        model: The model, as the provider calls it.
        base_url: The server; ``OPENAI_BASE_URL`` of the worker, or else OpenAI's own, where
            ``None``.
        api_key_env: The name of the environment variable that holds the API key; ``None`` for a
            server that asks for none.
        organization: OpenAI's organisation; ``OPENAI_ORG_ID`` of the worker where ``None``.
        temperature: The sampling temperature; the provider's own where ``None``.
        options: Further options of the provider, by their names in its HTTP interface. A request's
            own options win over these.
        headers: Headers of every request.
        secret_headers: Headers whose values are secrets: the environment variable of each.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key_env: str | None = "OPENAI_API_KEY",
        organization: str | None = None,
        temperature: float | None = None,
        options: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        secret_headers: Mapping[str, str] | None = None,
    ) -> None:
        self._model = model
        self._base_url = base_url
        self._api_key_env = api_key_env
        self._organization = organization
        self._options = dict(options or {})
        if temperature is not None:
            self._options["temperature"] = temperature
        self._headers = dict(headers or {})
        self._secret_headers = dict(secret_headers or {})
        self._client: Client | None = None
        self._secrets = Secrets(())
        faults = self._faults(doubled=temperature is not None and "temperature" in (options or {}))
        if faults:
            raise ResourceError("the openai chat model cannot be set up: " + "; ".join(faults))

    async def open(self) -> None:
        """Reads the secrets and makes the client.

        Raises:
            ResourceError: An environment variable is not set, or holds nothing usable; the text
                names it.
        """
        from headrace_openai._client import Client

        variables = [*self._secret_headers.values()]
        if self._api_key_env is not None:
            variables.append(self._api_key_env)
        values = _from_environment(variables)
        self._secrets = Secrets(values.values())
        secret_headers = {name: values[at] for name, at in self._secret_headers.items()}
        self._client = Client(
            # The vendor's client insists on a key.
            api_key="none" if self._api_key_env is None else values[self._api_key_env],
            base_url=self._base_url,
            organization=self._organization,
            headers={**self._headers, **secret_headers},
            secrets=self._secrets,
        )

    async def close(self) -> None:
        """Closes the client and its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def chat(self, request: ChatRequest) -> ChatResponse:
        """Answers one request.

        Raises:
            ModelError: There is no answer; its ``code`` says why, and no secret is in its text.
            ResourceError: The model is not open.
        """
        if self._client is None:
            raise ResourceError("the openai chat model is not open: await model.open() first")
        if refused := _refused_options(request.options):
            raise ModelError(f"options of the request: {'; '.join(refused)}", code="bad_request")
        parameters = request_parameters(self._model, request)
        body = await self._client.ask(parameters, {**self._options, **request.options})
        return read_answer(body, self._model, len(request.messages), self._secrets)

    def _faults(self, *, doubled: bool) -> list[str]:
        faults = [] if self._model.strip() else ["model is empty"]
        faults += [f"options: {text}" for text in _refused_options(self._options)]
        if doubled:
            faults.append("temperature is given twice: as itself and in options")
        if self._base_url is not None:
            faults += _url_faults(self._base_url)
        for name, value in self._headers.items():
            if name.lower() in _SECRET_HEADERS:
                faults.append(
                    f"headers: {name} is a secret, which a plan must not hold: name the "
                    "environment variable that holds it, in api_key_env or secret_headers"
                )
            elif not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
                faults.append(f"headers: {name!r} is no header of visible ASCII characters")
        names = [("api_key_env", self._api_key_env), *self._secret_headers.items()]
        faults += [
            # A key given in place of its variable's name must not be printed.
            f"{where}: this is no name of an environment variable (a secret itself is never given)"
            for where, name in names
            if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
        ]
        return faults


def _refused_options(options: Mapping[str, Any]) -> list[str]:
    faults = []
    for name in options:
        if name in _TYPED:
            faults.append(f"{name} is not an option: it is set by the request and the agent")
        elif name in _CLIENT:
            faults.append(f"{name} is not an option: give the provider's options themselves")
    return faults


def _url_faults(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ["base_url is no address"]
    if parts.scheme not in {"http", "https"} or not host:
        return ["base_url must begin with http:// or https:// and name a host"]
    if parts.username is not None or parts.password is not None:
        return ["base_url holds a user or a password, which a plan must not: use secret_headers"]
    return []


def _from_environment(names: list[str]) -> dict[str, str]:
    values = {name: os.environ.get(name, "").strip() for name in names}
    missing = [name for name, value in values.items() if not value]
    if missing:
        raise ResourceError(
            "the openai chat model needs a secret that this worker does not have: set the "
            f"environment variable {' and '.join(missing)}"
        )
    for name, value in values.items():
        if not re.fullmatch(r"[\x21-\x7e]+", value):
            raise ResourceError(
                f"the environment variable {name} holds white space or characters that a header "
                "cannot carry"
            )
    return values
