"""Private registries: who one is, whom one trusts, and through whom one goes."""

from __future__ import annotations

import base64
import netrc
import os
import ssl
import stat
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import trustme

from headrace_registry.client import netrc_for
from headrace_registry.errors import DownloadError, SettingsError
from headrace_registry.http import AccessError, UnreachableError, open_remote
from headrace_registry.http._server import Server as Remote
from headrace_registry.settings import RegistrySettings

from .conftest import QUICK

USER, PASSWORD = "hannah", "pässword:with-colon"
TOKEN = "t0ken"  # noqa: S105 - a test's


def _basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _guard(server, *allowed):
    """Lets only those in who have one of some credentials."""

    def answer(handler):
        if handler.headers.get("Authorization") in allowed:
            handler.say(200, b"here")
        else:
            handler.say(401, WWW_Authenticate='Basic realm="r"')

    server.answers["*"] = answer


@pytest.fixture
def guarded(tmp_path, serve):
    (tmp_path / "empty").mkdir()
    server = serve(tmp_path / "empty")
    _guard(server, _basic(USER, PASSWORD), _basic("__token__", TOKEN))
    return server


@pytest.fixture
def read(tmp_path):
    def run(url, name="main", **more):
        remote = open_remote(RegistrySettings(name, url, None, **more), tmp_path / "tls", QUICK)
        try:
            return b"".join(remote.read("a", 100))
        finally:
            remote.close()

    return run


# ------------------------------------------------------------------ credentials


def test_a_user_and_password_of_the_environment(guarded, read, monkeypatch):
    monkeypatch.setenv("HEADRACE_REGISTRY_MAIN_USERNAME", USER)
    monkeypatch.setenv("HEADRACE_REGISTRY_MAIN_PASSWORD", PASSWORD)
    assert read(guarded.url) == b"here"


def test_a_token_of_the_environment(guarded, read, monkeypatch):
    monkeypatch.setenv("HEADRACE_REGISTRY_OUR_OWN_TOKEN", TOKEN)
    assert read(guarded.url, "our-own") == b"here"
    with pytest.raises(AccessError):
        read(guarded.url, "another")


def test_the_users_netrc(guarded, read, monkeypatch, tmp_path):
    path = tmp_path / "my-netrc"
    path.write_text(f"machine 127.0.0.1 login __token__ password {TOKEN}\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))
    assert read(guarded.url) == b"here"


def test_the_netrc_of_the_home_folder(guarded, read, tmp_path):
    (tmp_path / "home").mkdir()
    path = tmp_path / "home/.netrc"
    path.write_text(f"machine 127.0.0.1 login __token__ password {TOKEN}\n")
    path.chmod(0o600)
    assert read(guarded.url) == b"here"


@pytest.fixture
def keyring(monkeypatch):
    import keyring
    from keyring.backend import KeyringBackend
    from keyring.credentials import SimpleCredential

    class Backend(KeyringBackend):
        priority = 1

        def __init__(self):
            super().__init__()
            self.kept, self.asked = {}, []

        def get_credential(self, service, username):
            self.asked.append(service)
            return SimpleCredential(*self.kept[service]) if service in self.kept else None

        def get_password(self, service, username):
            raise AssertionError

        set_password = delete_password = get_password

    before = keyring.get_keyring()
    made = Backend()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.mark.parametrize("service", ["the address", "the host"])
def test_the_keyring(guarded, read, keyring, service):
    name = guarded.url if service == "the address" else "127.0.0.1"
    keyring.kept[name] = (USER, PASSWORD)
    assert read(guarded.url) == b"here"


def test_the_keyring_is_not_asked_where_nobody_wants_credentials(tmp_path, serve, read, keyring):
    (tmp_path / "a").write_text("open")
    assert read(serve(tmp_path).url) == b"open"
    assert keyring.asked == []


def test_wrong_credentials_are_told_with_where_they_come_from(guarded, read, monkeypatch):
    monkeypatch.setenv("HEADRACE_REGISTRY_MAIN_TOKEN", "wrong-secret")
    with pytest.raises(AccessError, match="come from HEADRACE_REGISTRY_MAIN_TOKEN") as raised:
        read(guarded.url)
    assert "wrong-secret" not in str(raised.value)


def test_credentials_are_not_sent_in_the_clear(monkeypatch):
    monkeypatch.setenv("HEADRACE_REGISTRY_MAIN_TOKEN", TOKEN)
    remote = Remote(RegistrySettings("main", "http://registry.example.org", "k"), None, QUICK)
    assert remote._credentials is None
    with pytest.raises(AccessError, match="not sent without TLS"):
        raise remote._no_access("http://registry.example.org/a", 401)


@pytest.mark.parametrize(
    ("old", "new", "followed"),
    [
        ("http://r.example.org/a", "https://r.example.org/a", True),
        ("https://r.example.org/a", "https://r.example.org:443/b", True),
        ("https://r.example.org/a", "http://r.example.org/a", False),
        ("http://r.example.org/a", "https://s.example.org/a", False),
        ("http://r.example.org:8080/a", "https://r.example.org/a", False),
        ("https://r.example.org/a", "https://r.example.org:444/a", False),
        ("https://r.example.org/a", "https://r.example.org@s.example.org/a", False),
    ],
)
def test_a_redirect_may_only_add_tls(old, new, followed):
    remote = Remote(RegistrySettings("main", "https://r.example.org", "k"), None, QUICK)
    if followed:
        assert remote._followed(old, new) == new
        return
    with pytest.raises(DownloadError, match="elsewhere"):
        remote._followed(old, new)


# ------------------------------------------------------------------ for the installer


def test_the_installers_netrc_is_private_and_gone_afterwards(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_REGISTRY_MAIN_TOKEN", TOKEN)
    own = tmp_path / "own"
    own.write_text(
        "machine other.example.org login me password mine\n"
        "machine r.example.org login me password old\n"
        "default login any password one\n"
    )
    own.chmod(0o600)
    monkeypatch.setenv("NETRC", str(own))
    registries = [
        RegistrySettings("main", "https://r.example.org/x", "k"),
        RegistrySettings("local", "file:///srv/registry", "k"),
    ]
    with netrc_for(registries, cache=tmp_path / "cache") as more:
        path = Path(more["NETRC"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        hosts = netrc.netrc(str(path)).hosts
        assert "SSL_CERT_FILE" not in more
    assert not path.exists()
    user, _, password = hosts["r.example.org"]  # no account: None or "", by the version of Python
    assert (user, password) == ("__token__", TOKEN)
    assert hosts["other.example.org"][::2] == ("me", "mine")
    assert hosts["default"][::2] == ("any", "one")


def test_two_users_on_one_host_cannot_be_handed_over(monkeypatch, tmp_path):
    monkeypatch.setenv("HEADRACE_REGISTRY_A_TOKEN", "1")
    monkeypatch.setenv("HEADRACE_REGISTRY_B_TOKEN", "2")
    both = [RegistrySettings(name, f"https://r.example.org/{name}", "k") for name in "ab"]
    with (
        pytest.raises(SettingsError, match=r"on r\.example\.org have different"),
        netrc_for(both, cache=tmp_path),
    ):
        pass


@pytest.mark.parametrize("password", ["a b", 'a"b', "a\\b", "a\nmachine evil.example.org"])
def test_a_password_that_would_break_out_is_refused(monkeypatch, tmp_path, password):
    monkeypatch.setenv("HEADRACE_REGISTRY_MAIN_TOKEN", password)
    registries = [RegistrySettings("main", "https://r.example.org", "k")]
    with pytest.raises(SettingsError) as raised, netrc_for(registries, cache=tmp_path):
        pass
    assert password not in str(raised.value)


@pytest.mark.parametrize("token", [TOKEN, "#t0#k:en$%", "tökén"])
def test_uv_installs_from_a_private_registry_with_it(guarded, keeper, tmp_path, monkeypatch, token):
    import subprocess
    import sys

    from uv import find_uv_bin

    site = keeper.site

    def answer(handler):
        if handler.headers.get("Authorization") != _basic("__token__", token):
            handler.say(401)
            return
        handler.say(200, (site / handler.path.lstrip("/")).read_bytes())

    guarded.answers["*"] = answer
    monkeypatch.setenv("HEADRACE_REGISTRY_MAIN_TOKEN", token)
    url = f"{guarded.url}/files/skill-log-triage/skill_log_triage-1.0-py3-none-any.whl"
    command = [find_uv_bin(), "pip", "install", "--no-deps", "--no-config", "--python"]
    command += [sys.executable, "--target", str(tmp_path / "in"), "--cache-dir"]
    command += [str(tmp_path / "uv"), f"skill-log-triage @ {url}"]
    without = subprocess.run(command, capture_output=True, check=False, env={**os.environ})
    assert without.returncode != 0
    with netrc_for([keeper.settings(guarded.url)], cache=tmp_path / "cache") as more:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, **more}
        )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "in/skill_log_triage/__init__.py").is_file()


# ------------------------------------------------------------------ TLS


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def over_tls(tmp_path, serve, authority):
    """Serves a file over TLS with a certificate for some host."""
    (tmp_path / "tls-site").mkdir()
    (tmp_path / "tls-site/a").write_text("here")

    def start(host="127.0.0.1", **more):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host, **more).configure_cert(context)
        return serve(tmp_path / "tls-site", lambda server: server.over_tls(context))

    return start


@pytest.fixture
def ca(authority, tmp_path):
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


def test_an_authority_of_ones_own_by_the_project(over_tls, read, ca):
    assert read(over_tls().url, ca=ca) == b"here"


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_an_authority_of_ones_own_by_the_environment(over_tls, read, ca, monkeypatch, name):
    monkeypatch.setenv(name, str(ca))
    assert read(over_tls().url) == b"here"


def test_an_unknown_authority_is_refused(over_tls, read):
    with pytest.raises(DownloadError, match="authority that is not known here") as raised:
        read(over_tls().url)
    assert "ca = " in str(raised.value)


def test_a_certificate_for_another_host_is_refused(over_tls, read, ca):
    with pytest.raises(DownloadError, match="for another host"):
        read(over_tls("other.example.org").url, ca=ca)


def test_an_expired_certificate_is_refused(over_tls, read, ca):
    from datetime import datetime

    server = over_tls(not_before=datetime(2020, 1, 1), not_after=datetime(2021, 1, 1))  # noqa: DTZ001
    with pytest.raises(DownloadError, match="has expired"):
        read(server.url, ca=ca)


def test_a_file_of_authorities_that_is_none_is_named(over_tls, read, tmp_path):
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(DownloadError, match="file of authorities") as raised:
        read(over_tls().url, ca=tmp_path / "bad.pem")
    assert "bad.pem" in str(raised.value)


def test_a_variable_that_names_no_file_is_told(over_tls, read, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(DownloadError, match="SSL_CERT_FILE") as raised:
        read(over_tls().url)
    assert "none.pem" in str(raised.value)


def test_the_installer_gets_the_authorities_and_the_usual_ones(ca, tmp_path):
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    registry = RegistrySettings("main", "https://r.example.org", "k", ca)
    with netrc_for([registry], cache=tmp_path / "cache") as more:
        data = Path(more["SSL_CERT_FILE"]).read_bytes()
    assert ca.read_bytes() in data
    assert Path(DEFAULT_CA_BUNDLE_PATH).read_bytes() in data


def test_plain_http_where_tls_is_expected_is_told(guarded, read):
    with pytest.raises((DownloadError, UnreachableError), match=r"TLS|connection broke"):
        read(guarded.url.replace("http:", "https:"))


def test_a_signed_registry_behind_tls_and_a_password(
    keeper, serve, authority, ca, client_of, keyring, tmp_path
):
    """All of it together; what the keyring had is handed to the installer too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = serve(keeper.site, lambda server: server.over_tls(context))

    def answer(handler):
        path = keeper.site / handler.path.lstrip("/")
        if handler.headers.get("Authorization") != _basic(USER, TOKEN):
            handler.say(401)
        elif path.is_file():
            handler.say(200, path.read_bytes())
        else:
            handler.say(404)

    server.answers["*"] = answer
    settings = keeper.settings(server.url, ca=ca)
    client = client_of(settings)
    with pytest.raises(AccessError):
        client.refresh()
    keyring.kept[server.url] = (USER, TOKEN)
    client = client_of(settings)
    file = client.refresh().catalogue.by_name["skill-log-triage"].releases[0].files[0]
    assert client.fetch("skill-log-triage", file).is_file()
    with netrc_for([settings], cache=tmp_path / "cache") as more:
        assert netrc.netrc(more["NETRC"]).hosts["127.0.0.1"][::2] == (USER, TOKEN)


# ------------------------------------------------------------------ proxies


@pytest.fixture
def proxy():
    """A proxy for plain HTTP, which answers itself, and notes what it is asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, dict(self.headers)))
            self.send_response(200)
            self.send_header("Content-Length", "9")
            self.end_headers()
            self.wfile.write(b"via proxy")

        def log_message(self, *_):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}", asked
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_the_environments_proxy_is_used(proxy, read, monkeypatch):
    url, asked = proxy
    monkeypatch.setenv("http_proxy", url)
    assert read("http://registry.example.org") == b"via proxy"
    assert asked[0][0] == "http://registry.example.org/a"


def test_hosts_without_a_proxy_are_asked_directly(proxy, read, monkeypatch, tmp_path, serve):
    url, asked = proxy
    monkeypatch.setenv("http_proxy", url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "a").write_text("open")
    assert read(serve(tmp_path).url) == b"open"
    assert asked == []


def test_a_proxy_that_is_away_is_told_without_its_password(read, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://me:secret@127.0.0.1:1")
    with pytest.raises(UnreachableError, match="proxy") as raised:
        read("https://registry.example.org")
    assert "secret" not in str(raised.value)
