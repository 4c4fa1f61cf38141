"""The loopback provider, and models that ask it."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme

from headrace_openai import OpenAIChatModel, OpenAIEmbeddingModel, OpenAIResponsesModel

from .provider import Handler, Provider, Server

KEY = "sk-test-0123456789abcdef"
VARIABLES = (
    "AZURE_OPENAI_AD_TOKEN",
    "AZURE_OPENAI_ENDPOINT",
    "OPENAI_API_VERSION",
    "OPENAI_BASE_URL",
    "OPENAI_CUSTOM_HEADERS",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
)


@pytest.fixture(scope="session")
def few_certificates(tmp_path_factory):
    """One authority: to load all that the world trusts takes a client longer than most tests."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(autouse=True)
def environment(monkeypatch, few_certificates):
    """Keys, no proxy, and nothing else that the vendor's client would read."""
    monkeypatch.setenv("SSL_CERT_FILE", few_certificates)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", f"azure-{KEY}")


@pytest.fixture
def provider():
    """A provider that listens; at the end, no request may have broken the vendor's types."""
    made = Provider()
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"provider": made}))
    made.root = f"http://127.0.0.1:{server.server_address[1]}"
    made.url = f"{made.root}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.released.set()
    server.shutdown()
    server.server_close()
    thread.join()
    assert made.faults == []


@asynccontextmanager
async def _open(model: Any):
    await model.open()
    try:
        yield model
    finally:
        await model.close()


@pytest.fixture
def opened(provider):
    """``async with opened(...) as model``: a chat model of the provider, open."""

    def make(**arguments: Any):
        return _open(OpenAIChatModel("gpt-test", **{"base_url": provider.url, **arguments}))

    return make


@pytest.fixture
def opened_responses(provider):
    """The same, of the responses interface."""

    def make(**arguments: Any):
        return _open(OpenAIResponsesModel("gpt-test", **{"base_url": provider.url, **arguments}))

    return make


@pytest.fixture
def opened_embeddings(provider):
    """The same, of the embedding model."""

    def make(**arguments: Any):
        return _open(OpenAIEmbeddingModel("embed", **{"base_url": provider.url, **arguments}))

    return make


def _asking(opened: Any) -> Any:
    def once(request: Any, **arguments: Any) -> Any:
        async def run() -> Any:
            async with opened(**arguments) as model:
                return await model.chat(request)

        return asyncio.run(run())

    return once


def _streaming(opened: Any) -> Any:
    def once(request: Any, **arguments: Any) -> Any:
        parts: list[Any] = []

        async def run() -> Any:
            async with opened(**arguments) as model:
                return await model.stream(request, parts.append)

        return asyncio.run(run()), parts

    return once


@pytest.fixture
def ask(opened):
    """Asks the chat model once and gives the answer."""
    return _asking(opened)


@pytest.fixture
def stream(opened):
    """Asks the chat model for a stream, and gives the answer and its parts."""
    return _streaming(opened)


@pytest.fixture
def respond(opened_responses):
    """Asks the model of the responses interface once and gives the answer."""
    return _asking(opened_responses)


@pytest.fixture
def respond_streamed(opened_responses):
    """Asks the model of the responses interface for a stream: the answer and its parts."""
    return _streaming(opened_responses)


@pytest.fixture
def key():
    """The API key."""
    return KEY


@pytest.fixture
def unused_port():
    """A port on which nobody listens: it is bound, so nobody else can take it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
