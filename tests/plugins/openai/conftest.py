"""The loopback provider, and models that ask it."""

from __future__ import annotations

import pytest
import trustme
from tests.loopback import asking, opener, serving, streaming

from headrace_openai import OpenAIChatModel, OpenAIEmbeddingModel, OpenAIResponsesModel

from .provider import Provider

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
    with serving(Provider()) as made:
        yield made


@pytest.fixture
def opened(provider):
    """``async with opened(...) as model``: a chat model of the provider, open."""
    return opener(OpenAIChatModel, model="gpt-test", base_url=provider.url)


@pytest.fixture
def opened_responses(provider):
    """The same, of the responses interface."""
    return opener(OpenAIResponsesModel, model="gpt-test", base_url=provider.url)


@pytest.fixture
def opened_embeddings(provider):
    """The same, of the embedding model."""
    return opener(OpenAIEmbeddingModel, model="embed", base_url=provider.url)


@pytest.fixture
def respond(opened_responses):
    """Asks the model of the responses interface once and gives the answer."""
    return asking(opened_responses)


@pytest.fixture
def respond_streamed(opened_responses):
    """Asks the model of the responses interface for a stream: the answer and its parts."""
    return streaming(opened_responses)


@pytest.fixture
def key():
    """The API key."""
    return KEY
