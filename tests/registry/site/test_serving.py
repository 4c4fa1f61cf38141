"""What the server answers: the right form, the right part, and nothing outside of the site."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace_registry.errors import SiteError
from headrace_registry.site import serve
from headrace_registry.site._requests import chosen_form, find, wanted_range

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"


@pytest.fixture
def server(workshop, site, build):
    build(workshop.plain(), pages=True)
    (site.parent / "secret.txt").write_text("secret")
    with serve(site) as running:
        yield running


@pytest.fixture
def ask(server):
    """Send a request, its path as it is; give status, headers and body."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)

    def send(path, method="GET", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    yield send
    connection.close()


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        (JSON, JSON),
        ("application/vnd.pypi.simple.latest+json", JSON),
        (HTML, HTML),
        (f"{JSON}, {HTML};q=0.2, text/html;q=0.01", JSON),  # pip's, uv's
        (f"{JSON};q=0.1, text/html", "text/html; charset=utf-8"),
    ],
)
def test_a_page_comes_in_the_form_that_is_asked_for(ask, accept, content_type):
    status, headers, body = ask("/simple/acme/", Accept=accept)
    assert (status, headers["Content-Type"], headers["Vary"]) == (200, content_type, "Accept")
    if content_type == JSON:
        assert json.loads(body)["name"] == "acme"
    else:
        assert body.startswith(b"<!DOCTYPE html>")


def test_a_form_that_there_is_not_is_not_sent(ask):
    assert ask("/simple/acme/", Accept="image/png")[0] == 404


@pytest.mark.parametrize("path", ["/simple/acme", "/simple/ACME/", "/simple/Acme"])
def test_other_spellings_lead_to_the_right_page(ask, path):
    status, headers, _ = ask(path)
    assert (status, headers["Location"]) == (301, "/simple/acme/")


def test_the_front_page_and_folders_with_one(ask):
    assert ask("/")[1]["Content-Type"] == "text/html; charset=utf-8"
    assert ask("/packages/acme")[1]["Location"] == "/packages/acme/"
    assert ask("/packages/acme/")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/simple/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/files/..%5c..%5csecret.txt",
        "//etc/passwd",
        "/files/%00",
        "/out/secret.txt",
        "/out.txt",
        "/.git/config",
        "/files/",
        "/files",
        "/nothing",
        "/simple/nobody/",
        "/pipe",
        "/%ff",
    ],
)
def test_nothing_outside_nothing_hidden_and_no_listing(ask, site, path):
    (site / "out").symlink_to(site.parent)
    (site / "out.txt").symlink_to(site.parent / "secret.txt")
    (site / ".git").mkdir()
    (site / ".git" / "config").write_text("secret")
    os.mkfifo(site / "pipe")
    status, headers, body = ask(path)
    assert status == 404
    assert body != b"secret\n"
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert body.startswith(b"this registry has no file ")


def test_what_is_known_is_not_sent_again(ask):
    _, headers, body = ask("/catalogue.json")
    assert ask("/catalogue.json", If_None_Match=headers["ETag"])[0::2] == (304, b"")
    assert ask("/catalogue.json", If_Modified_Since=headers["Last-Modified"])[0] == 304
    assert ask("/catalogue.json", If_None_Match='"other"')[2] == body
    assert ask("/catalogue.json", If_Modified_Since="Mon, 01 Jan 2001 00:00:00 GMT")[2] == body
    assert ask("/catalogue.json", If_Modified_Since="yesterday")[2] == body


@pytest.mark.parametrize(
    ("said", "start", "end"),
    [
        ("bytes=0-3", 0, 4),
        ("bytes=5-", 5, None),
        ("bytes=-4", -4, None),
        ("bytes=2-9999999", 2, None),
    ],
)
def test_a_part_of_a_file(ask, site, said, start, end):
    path = "files/acme/acme-1.0-py3-none-any.whl"
    whole = (site / path).read_bytes()
    status, headers, body = ask(f"/{path}", Range=said)
    assert (status, body) == (206, whole[start:end])
    first = start if start >= 0 else len(whole) + start
    assert headers["Content-Range"] == f"bytes {first}-{first + len(body) - 1}/{len(whole)}"


@pytest.mark.parametrize("said", ["bytes=0-1,4-5", "lines=1-2", "bytes=-", "bytes=x-"])
def test_a_range_that_is_not_understood_is_all(ask, said):
    assert ask("/catalogue.json", Range=said)[0] == 200


def test_a_range_beyond_the_end_is_told(ask, site):
    size = (site / "catalogue.json").stat().st_size
    status, headers, _ = ask("/catalogue.json", Range=f"bytes={size}-")
    assert (status, headers["Content-Range"]) == (416, f"bytes */{size}")


def test_a_part_of_a_file_that_changed_is_all_of_it(ask):
    assert ask("/catalogue.json", Range="bytes=0-3", If_Range='"old"')[0] == 200


def test_head_tells_and_sends_nothing(ask, site):
    status, headers, body = ask("/catalogue.json", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) == (site / "catalogue.json").stat().st_size


def test_there_are_no_uploads_unless_they_are_wanted(ask):
    assert ask("/", "POST")[0] == 405


def test_a_new_site_is_served_from_when_it_is_there(ask, workshop, build):
    build(workshop.plain("other"))
    assert ask("/simple/other/")[0] == 200


def test_answers_do_not_wait_for_receipts(ask):
    """With Nagle's algorithm each answer takes 40 ms: 100 took four seconds."""
    began = time.perf_counter()
    for _ in range(100):
        assert ask("/simple/acme/")[0] == 200
    assert time.perf_counter() - began < 2


def test_a_request_that_is_none_harms_nobody(server, ask):
    place = urlsplit(server.url)
    with socket.create_connection((place.hostname, place.port), timeout=20) as rude:
        rude.sendall(b"\0\xff nonsense\r\n\r\n")
        rude.recv(10)
    assert ask("/")[0] == 200


def test_what_is_no_registry_is_not_served(tmp_path):
    with pytest.raises(SiteError, match="no registry"), serve(tmp_path):
        pass


def test_an_address_that_is_taken_is_told(server, site):
    port = urlsplit(server.url).port
    taken = pytest.raises(SiteError, match=f"cannot listen at 127.0.0.1:{port}")
    with taken, serve(site, port=port):
        pass


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_accept_is_answered_or_declined(said):
    assert chosen_form(said) in (None, JSON, HTML, "text/html; charset=utf-8")


@settings(deadline=None)
@given(st.text("bytes=-0123456789,", max_size=20), st.integers(0, 50))
def test_a_range_is_within_the_file(said, size):
    try:
        found = wanted_range(said, size)
    except ValueError:
        return
    assert found is None or 0 <= found[0] < found[1] <= size


def test_a_target_is_never_outside(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "secret").write_text("x")

    @settings(deadline=None)
    @given(st.text("./%2e5cf\\sret~", max_size=24))
    def check(target):
        assert find(tmp_path / "site", f"/{target}", "") is None

    check()
