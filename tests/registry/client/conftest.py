"""A registry, its server, and clients; no setting of this machine gets in."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from headrace_registry.client import RegistryClient
from headrace_registry.http import Limits

from .keeping import Keeper, Server

QUICK = Limits(connect=5, answer=20, silence=5, total=60, least_rate=1)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch, tmp_path):
    for name in (
        *("NETRC", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def keeper(tmp_path):
    return Keeper(tmp_path / "keeper")


@pytest.fixture
def serve():
    """Serves a folder until the test ends."""
    with ExitStack() as stack:

        def start(site, prepare=None):
            server = Server(site)
            if prepare is not None:
                prepare(server)
            return stack.enter_context(server.running())

        yield start


@pytest.fixture
def server(keeper, serve):
    return serve(keeper.site)


@pytest.fixture
def client_of(tmp_path):
    """A client with a cache of its own for each name."""
    with ExitStack() as stack:

        def make(settings, cache="cache", **more):
            more.setdefault("limits", QUICK)
            made = RegistryClient(settings, cache=tmp_path / cache, **more)
            return stack.enter_context(made)

        yield make


@pytest.fixture
def client(keeper, server, client_of):
    return client_of(keeper.settings(server.url))
