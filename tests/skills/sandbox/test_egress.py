"""Hosts that are granted: reached by a script, through the worker, and no others."""

from __future__ import annotations

import http.server
import socket
import sys
import threading
from contextlib import closing

import pytest

from headrace_skills.sandbox import Command
from headrace_skills.sandboxes._hosts import may_connect, rules_of
from headrace_skills.sandboxes._http import BadRequestError, read_head

from ..conftest import write_skill  # noqa: TID252 - helpers of all skills' tests
from .conftest import SHORT

# ------------------------------------------------------------------ which hosts


@pytest.mark.parametrize(
    ("granted", "host", "port", "named"),
    [
        ("api.example.com", "api.example.com", 443, True),
        ("api.example.com", "api.example.com", 80, True),
        ("api.example.com", "api.example.com", 8443, False),
        ("api.example.com", "example.com", 443, False),
        ("api.example.com", "x.api.example.com", 443, False),
        ("api.example.com", "api.example.com.evil.invalid", 443, False),
        ("api.example.com:8443", "api.example.com", 8443, True),
        ("api.example.com:8443", "api.example.com", 443, False),
        ("*.example.org", "a.example.org", 443, True),
        ("*.example.org", "a.b.example.org", 443, True),
        ("*.example.org", "example.org", 443, False),
        ("*.example.org", "evilexample.org", 443, False),
        ("*.example.org:99", "a.example.org", 99, True),
        ("*.example.org:99", "a.example.org", 443, False),
    ],
)
def test_a_grant_names_hosts_and_ports(granted, host, port, named):
    assert any(rule.names(host, port) for rule in rules_of((granted,))) is named


@pytest.mark.parametrize(
    ("granted", "host", "address", "allowed"),
    [
        ("a.example.com", "a.example.com", "93.184.216.34", True),
        ("a.example.com", "a.example.com", "2606:2800:220:1::1", True),
        ("a.example.com", "a.example.com", "127.0.0.1", False),
        ("a.example.com", "a.example.com", "::1", False),
        ("a.example.com", "a.example.com", "0.0.0.0", False),  # noqa: S104 - an address to refuse
        ("a.example.com", "a.example.com", "169.254.169.254", False),
        ("a.example.com", "a.example.com", "::ffff:169.254.169.254", False),
        ("a.example.com", "a.example.com", "fe80::1%eth0", False),
        ("a.example.com", "a.example.com", "224.0.0.1", False),
        ("a.example.com", "a.example.com", "100.64.0.1", False),
        ("a.example.com", "a.example.com", "10.1.2.3", True),
        ("a.example.com", "a.example.com", "192.168.1.1", True),
        ("a.example.com", "a.example.com", "fd00::1", True),
        ("*.example.com", "a.example.com", "10.1.2.3", False),
        ("*.example.com", "a.example.com", "127.0.0.1", False),
        ("*.example.com", "a.example.com", "93.184.216.34", True),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1", True),
        ("169.254.169.254", "169.254.169.254", "169.254.169.254", True),
        ("localhost", "localhost", "127.0.0.1", True),
        ("localhost", "localhost", "::1", True),
        ("localhost", "localhost", "169.254.169.254", False),
        ("a.example.com", "b.example.com", "93.184.216.34", False),
    ],
)
def test_where_a_name_leads_is_looked_at(granted, host, address, allowed):
    assert may_connect(rules_of((granted,)), host, 443, address) is allowed


# ------------------------------------------------------------------ what is asked of the proxy


def head_of(*pieces: bytes):
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        for piece in pieces:
            ours.sendall(piece)
        ours.shutdown(socket.SHUT_WR)
        return read_head(theirs)


def test_a_request_goes_to_the_host_of_its_address_whatever_it_says_of_it():
    head = head_of(
        b"POST http://a.example.com:81/path?q=1 HTTP/1.1\r\nHost: other.example.com\r\n",
        b"Connection: keep-alive\r\nContent-Length: 4\r\nX-Mine: yes\r\n\r\nbody",
    )
    assert head.target == ("a.example.com", 81)
    assert not head.tunnel
    assert head.sent == (
        b"POST /path?q=1 HTTP/1.1\r\nHost: a.example.com:81\r\nContent-Length: 4\r\nX-Mine: yes\r\n"
        b"Connection: close\r\n\r\n"
    )
    assert (head.rest, head.length) == (b"body", 4)


def test_a_tunnel_goes_to_the_host_that_it_names():
    head = head_of(b"CONNECT A.example.com:443 HTTP/1.1\r\nHost: x\r\n\r\nhello")
    assert head.tunnel
    assert head.target == ("a.example.com", 443)
    assert head.rest == b"hello"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n", 400),
        (b"GET ftp://a.example.com/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://user@a.example.com/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://a.example.com\\@b.example.com/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://[::1]/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http:/// HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT a.example.com:0 HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT a.example.com:443\0 HTTP/1.1\r\n\r\n", 400),
        (b"GET http://a.example.com/ HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400),
        (b"GET http://a.example.com/ HTTP/1.1\r\nA: b\nHost: x\r\n\r\n", 400),
        (b"GET http://a.example.com/ HTTP/1.1\r\nContent-Length : 3\r\n\r\n", 400),
        (
            b"GET http://a.example.com/ HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
            400,
        ),
        (b"GET http://a.example.com/ HTTP/1.1\r\nContent-Length: +3\r\n\r\n", 400),
        (b"GET http://a.example.com/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"GET http://a.example.com/ HTTP/1.1\r\nA: " + b"x" * 70_000, 431),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(said, code):
    with pytest.raises(BadRequestError) as raised:
        head_of(said)
    assert raised.value.code == code


# ------------------------------------------------------------------ from inside


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self._answer(f"{self.command} {self.path} of {self.headers['Host']}".encode())

    def do_POST(self):
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).upper())

    def _answer(self, body: bytes) -> None:
        self.server.asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def site():
    """A server of this machine."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        server.daemon_threads = True
        server.asked = 0
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def ask(sandbox_named, tmp_path):
    """Run Python source with hosts granted; its outcome."""
    skill = write_skill(tmp_path / "skills" / "asking")

    def run(source, *granted, arguments=()):
        argv = (sys.executable, "-s", "-B", "-c", source, *map(str, arguments))
        command = Command(argv, skill, limits=SHORT, network=granted)
        return sandbox_named("bubblewrap").run_now(command)

    return run


FETCH = """
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
"""


def test_a_granted_host_is_reached_by_what_libraries_do_by_themselves(ask, site):
    host = f"127.0.0.1:{site.server_port}"
    outcome = ask(FETCH, host, arguments=[f"http://{host}/page"])
    assert outcome.stdout.decode() == f"GET /page of {host}\n", outcome


def test_a_body_is_sent(ask, site):
    host = f"127.0.0.1:{site.server_port}"
    source = """
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], data=b"x" * 200_000, timeout=10).read() == b"X" * 200_000)
"""
    assert ask(source, host, arguments=[f"http://{host}/"]).stdout == b"True\n"


def test_a_tunnel_carries_whatever_is_said_in_it(ask, site):
    host = f"127.0.0.1:{site.server_port}"
    source = """
import http.client, sys
proxy = http.client.HTTPConnection("127.0.0.1", 3128, timeout=10)
proxy.set_tunnel(sys.argv[1])
for path in ("/one", "/two"):
    proxy.request("GET", path)
    print(proxy.getresponse().read().decode())
"""
    outcome = ask(source, host, arguments=[host])
    assert outcome.stdout.decode() == f"GET /one of {host}\nGET /two of {host}\n", outcome


def test_a_host_that_is_not_granted_is_refused(ask, site):
    outcome = ask(FETCH, "api.example.com", arguments=["http://other.example.com/"])
    said = outcome.stdout.decode()
    assert said.startswith("403 headrace: the host other.example.com:80 is not granted")
    assert "granted are api.example.com" in said


def test_a_port_that_is_not_granted_is_refused(ask, site):
    granted = f"127.0.0.1:{site.server_port + 1}"
    outcome = ask(FETCH, granted, arguments=[f"http://127.0.0.1:{site.server_port}/"])
    assert outcome.stdout.startswith(b"403 "), outcome
    assert site.asked == 0


def test_a_granted_name_that_leads_to_this_machine_is_refused(ask, site, monkeypatch):
    real = socket.getaddrinfo

    def lead_here(host, *arguments, **more):
        return real("127.0.0.1" if host == "api.example.com" else host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lead_here)
    host = f"api.example.com:{site.server_port}"
    outcome = ask(FETCH, host, arguments=[f"http://{host}/"])
    assert outcome.stdout.startswith(b"403 headrace: api.example.com leads to 127.0.0.1"), outcome
    assert site.asked == 0


def test_the_proxy_is_the_only_way(ask, site):
    source = """
import socket, sys
for kind, address in ((socket.SOCK_STREAM, ("127.0.0.1", int(sys.argv[1]))),
                      (socket.SOCK_STREAM, ("192.0.2.1", 80)),
                      (socket.SOCK_DGRAM, ("192.0.2.1", 53))):
    try:
        socket.socket(socket.AF_INET, kind).connect(address); print("reached", address)
    except OSError as error:
        print("refused")
try:
    print(socket.getaddrinfo("api.example.com", 443))
except socket.gaierror:
    print("no names")
"""
    granted = f"127.0.0.1:{site.server_port}"
    outcome = ask(source, granted, arguments=[site.server_port])
    assert outcome.stdout.decode().split("\n")[:4] == ["refused"] * 3 + ["no names"], outcome
    assert site.asked == 0


def test_a_connection_that_is_left_open_ends_with_its_command(ask, site):
    source = """
import socket, sys
one = socket.create_connection(("127.0.0.1", 3128))
one.sendall(f"CONNECT {sys.argv[1]} HTTP/1.1\\r\\n\\r\\n".encode())
print(one.recv(100).split()[1].decode())
"""
    host = f"127.0.0.1:{site.server_port}"
    assert ask(source, host, arguments=[host]).stdout == b"200\n"
    assert not [one for one in threading.enumerate() if "accept" in one.name]


def test_a_command_that_asks_for_no_host_has_no_proxy(ask):
    source = "import os; print([name for name in os.environ if 'proxy' in name.lower()])"
    assert ask(source).stdout == b"[]\n"
