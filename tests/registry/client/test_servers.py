"""Servers that are broken or hostile: each ends in an error that says what it was."""

from __future__ import annotations

import time

import pytest

from headrace_registry.errors import DownloadError, SettingsError
from headrace_registry.http import AccessError, Limits, MissingError, UnreachableError, open_remote
from headrace_registry.settings import RegistrySettings, read_settings

from .conftest import QUICK

PATH = "files/a/a.whl"


@pytest.fixture
def bad(tmp_path, serve):
    (tmp_path / "empty").mkdir()
    return serve(tmp_path / "empty")


@pytest.fixture
def read(tmp_path):
    def run(url, limit=1000, path=PATH, limits=QUICK, **more):
        registry = RegistrySettings("main", url, None, **more)
        remote = open_remote(registry, tmp_path / "tls", limits)
        try:
            return b"".join(remote.read(path, limit))
        finally:
            remote.close()

    return run


def _drip(handler, data, ended, pause):
    for byte in data:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        if ended.wait(pause):
            return


# ------------------------------------------------------------------ bytes


def test_a_file_that_is_declared_too_large_is_not_read(bad, read):
    sent = []

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        sent.append(1)
        bad.ended.wait(5)

    bad.answers[PATH] = answer
    with pytest.raises(DownloadError, match="1000000000000 bytes where at most 1000 are expected"):
        read(bad.url)


def test_an_endless_file_is_given_up(bad, read):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while not bad.ended.is_set():
            handler.wfile.write(b"400\r\n" + bytes(1024) + b"\r\n")

    bad.answers[PATH] = answer
    with pytest.raises(DownloadError, match="more than the 1000 bytes expected; given up"):
        read(bad.url)


def test_an_endless_file_without_a_length_is_given_up(bad, read):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        while not bad.ended.is_set():
            handler.wfile.write(bytes(1024))

    bad.answers[PATH] = answer
    with pytest.raises(DownloadError, match="given up"):
        read(bad.url)


def test_a_file_that_breaks_off_is_an_error(bad, read):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(bytes(60))
        handler.close_connection = True

    bad.answers[PATH] = answer
    with pytest.raises(UnreachableError, match="broke"):
        read(bad.url)


def test_what_is_sent_compressed_unasked_is_refused(bad, read):
    bad.answers[PATH] = lambda handler: handler.say(200, bytes(10), Content_Encoding="gzip")
    with pytest.raises(DownloadError, match="compressed"):
        read(bad.url)
    assert bad.asked[0][1]["Accept-Encoding"] == "identity"


# ------------------------------------------------------------------ time


def _within(seconds, call):
    began = time.monotonic()
    with pytest.raises(UnreachableError) as raised:
        call()
    assert time.monotonic() - began < seconds
    return str(raised.value)


def test_a_silent_server_is_given_up(bad, read):
    bad.answers[PATH] = lambda handler: bad.ended.wait(20)
    limits = Limits(connect=1, answer=1, silence=9)
    assert "no byte came for 1 s" in _within(10, lambda: read(bad.url, limits=limits))


def test_headers_that_drip_are_given_up(bad, read):
    def answer(handler):
        _drip(handler, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000, bad.ended, 0.05)

    bad.answers[PATH] = answer
    limits = Limits(connect=1, answer=1, silence=9)
    assert "too slowly" in _within(10, lambda: read(bad.url, limits=limits))


def test_a_body_that_drips_is_given_up(bad, read):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        _drip(handler, bytes(1000), bad.ended, 0.05)

    bad.answers[PATH] = answer
    limits = Limits(connect=1, answer=1, silence=0.5, least_rate=2048)
    assert "bytes came in" in _within(10, lambda: read(bad.url, limits=limits))


def test_a_body_that_stops_is_given_up(bad, read):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(bytes(500))
        handler.wfile.flush()
        bad.ended.wait(20)

    bad.answers[PATH] = answer
    limits = Limits(connect=1, answer=5, silence=0.5)
    _within(10, lambda: read(bad.url, limits=limits))


def test_a_chunk_whose_length_drips_is_given_up(bad, read):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"5\r\nhello\r\n")
        _drip(handler, b"0" * 1000, bad.ended, 0.05)

    bad.answers[PATH] = answer
    limits = Limits(connect=1, answer=5, silence=0.7)
    _within(10, lambda: read(bad.url, limits=limits))


# ------------------------------------------------------------------ elsewhere


@pytest.mark.parametrize(
    "location",
    [
        "http://elsewhere.example.org/a.whl",
        "//elsewhere.example.org/a.whl",
        "http://127.0.0.1:1/a.whl",
        "https://127.0.0.1:1/a.whl",
        "ftp://127.0.0.1/a.whl",
        "file:///etc/passwd",
        "http://user:secret@127.0.0.1/a.whl",
    ],
)
def test_a_redirect_to_another_place_is_not_followed(bad, read, location):
    bad.answers[PATH] = lambda handler: handler.say(302, Location=location)
    with pytest.raises(DownloadError, match="sends its clients elsewhere") as raised:
        read(bad.url)
    assert "secret" not in str(raised.value)
    assert len(bad.asked) == 1


def test_the_error_of_a_redirect_names_the_other_host(bad, read):
    location = "https://elsewhere.example.org/a.whl"
    bad.answers[PATH] = lambda handler: handler.say(301, Location=location)
    with pytest.raises(DownloadError, match=r"to elsewhere\.example\.org"):
        read(bad.url)


def test_a_redirect_within_the_registry_is_followed(bad, read):
    bad.answers[PATH] = lambda handler: handler.say(302, Location="/moved")
    bad.answers["moved"] = lambda handler: handler.say(200, b"here")
    assert read(bad.url) == b"here"


def test_redirects_in_a_circle_end(bad, read):
    bad.answers[PATH] = lambda handler: handler.say(302, Location=f"/{PATH}")
    with pytest.raises(DownloadError, match="in a circle"):
        read(bad.url)
    assert len(bad.asked) < 10


# ------------------------------------------------------------------ answers


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_file_is_named(bad, read, status):
    bad.answers[PATH] = lambda handler: handler.say(status)
    with pytest.raises(MissingError, match=f"has no file {PATH}"):
        read(bad.url)


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_not_let_in_is_told_what_to_set(bad, read, status):
    bad.answers[PATH] = lambda handler: handler.say(status)
    with pytest.raises(
        AccessError, match="set HEADRACE_REGISTRY_MAIN_TOKEN, or HEADRACE_REGISTRY_MAIN_"
    ):
        read(bad.url)


def test_a_busy_server_is_asked_again(bad, read):
    answers = iter([503, 429])

    def answer(handler):
        status = next(answers, 200)
        handler.say(status, b"here" if status == 200 else b"", Retry_After="0")

    bad.answers[PATH] = answer
    assert read(bad.url) == b"here"
    assert len(bad.asked) == 3


def test_a_server_that_stays_busy_is_given_up(bad, read):
    bad.answers[PATH] = lambda handler: handler.say(503, Retry_After="0")
    with pytest.raises(UnreachableError, match="answers 503"):
        read(bad.url)
    assert len(bad.asked) == 4


def test_a_server_cannot_make_us_wait_for_a_day(bad, read, monkeypatch):
    monkeypatch.setattr("headrace_registry.http._server.MAX_WAIT", 0.1)
    answers = iter([503])

    def answer(handler):
        handler.say(next(answers, 200), Retry_After="86400")

    bad.answers[PATH] = answer
    assert read(bad.url) == b""
    assert len(bad.asked) == 2


def test_another_error_is_told_at_once(bad, read):
    bad.answers[PATH] = lambda handler: handler.say(418)
    with pytest.raises(DownloadError, match="answers 418"):
        read(bad.url)
    assert len(bad.asked) == 1


def test_nobody_listens(read):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(UnreachableError, match="the connection was refused") as raised:
            read(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert "--offline" in str(raised.value)


def test_a_name_that_is_not_found(read):
    with pytest.raises(UnreachableError, match="its host's name is not found"):
        read("http://registry.invalid")


def test_no_cookie_is_kept(bad, tmp_path):
    bad.answers[PATH] = lambda handler: handler.say(200, b"x", Set_Cookie="a=b; Path=/")
    remote = open_remote(RegistrySettings("main", bad.url, None), tmp_path, QUICK)
    for _ in range(2):
        assert b"".join(remote.read(PATH, 10)) == b"x"
    remote.close()
    assert not any("Cookie" in headers for _, headers in bad.asked)


def test_credentials_in_an_address_are_refused_and_not_shown(tmp_path):
    table = {"registries": {"main": {"url": "https://me:secret@example.org/r", "unsigned": True}}}
    with pytest.raises(SettingsError, match="holds a password") as raised:
        read_settings(table, tmp_path)
    assert "secret" not in str(raised.value)
    assert "me:" not in str(raised.value)


# ------------------------------------------------------------------ folders


def test_a_folder_gives_nothing_from_outside(tmp_path, read):
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / "secret").write_text("secret")
    (site / "link").symlink_to(tmp_path / "secret")
    for path in ("../secret", "link"):
        with pytest.raises(MissingError):
            read(site.as_uri(), path=path)


def test_a_folder_gives_files_alone(tmp_path, read):
    import os

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(bytes(1001))
    for path in ("pipe", "large", ""):
        with pytest.raises(DownloadError):
            read(tmp_path.as_uri(), path=path)


def test_a_folder_that_is_not_there(tmp_path, read):
    with pytest.raises(UnreachableError, match="no such folder"):
        read((tmp_path / "none").as_uri())
