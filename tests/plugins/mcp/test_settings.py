"""What can be wrong with the arguments, and with what the worker has."""

from __future__ import annotations

import subprocess
import sys

import pytest

from headrace.errors import ResourceError, ToolError
from headrace_mcp import McpTools

WRONG = [
    ({}, "either command"),
    ({"command": ["x"], "url": "http://h/mcp"}, "either command"),
    ({"command": []}, "command is empty"),
    ({"command": "npx server"}, "command is a list of texts"),
    ({"command": ["a\0"]}, "NUL"),
    ({"command": ["x"], "env": ["sk-secret"]}, "env: 1: this is no name"),
    (
        {"command": ["x"], "bearer_env": "TOKEN", "oauth": {"client_id": "c"}},
        "for a url, and not for a command, are: bearer_env, oauth",
    ),
    ({"url": "http://h/mcp", "env": ["A"]}, "are for a command"),
    ({"url": "ftp://h"}, "url must begin with http"),
    ({"url": "http://me:pw@h/mcp"}, "holds a user or a password"),
    ({"url": "http://h", "headers": {"Authorization": "x"}}, "is a secret"),
    ({"url": "http://h", "headers": {"a": 1}}, "headers is a table of texts"),
    ({"url": "http://h", "secret_headers": {"X-Key": "sk-1"}}, "secret_headers: X-Key"),
    ({"url": "http://h", "bearer_env": "sk-1"}, "bearer_env: this is no name"),
    (
        {"url": "http://h", "bearer_env": "A", "secret_headers": {"authorization": "B"}},
        "given twice",
    ),
    ({"url": "https://h", "user": "me"}, "user and password_env go together"),
    ({"url": "https://h", "user": "a:b", "password_env": "A"}, "without a colon"),
    ({"url": "https://h", "user": "me", "password_env": "pw!"}, "password_env: this is no name"),
    (
        {"url": "https://h", "user": "me", "password_env": "A", "oauth": {}},
        "given twice: by password_env and oauth",
    ),
    ({"url": "https://h", "oauth": "login"}, "oauth is a table"),
    ({"url": "https://h", "oauth": {"isuer": "x"}}, "oauth: there is no isuer"),
    ({"url": "https://h", "oauth": {"client_secret": "s"}}, "there is no client_secret"),
    ({"url": "https://h", "oauth": {"client_id": 1}}, "oauth: client_id is a text"),
    ({"url": "https://h", "oauth": {"grant": "password"}}, "oauth: grant is"),
    ({"url": "https://h", "oauth": {"client_secret_env": "A"}}, "is for a client_id"),
    ({"url": "http://shop.example/mcp", "oauth": {}}, "oauth: url must begin with https://"),
    ({"url": "http://127.0.0.1.example/mcp", "oauth": {}}, "oauth: url must begin with https://"),
    (
        {"url": "https://h", "oauth": {"issuer": "http://auth.example"}},
        "oauth: issuer must begin with https://",
    ),
    (
        {"url": "https://h", "oauth": {"issuer": "https://169.254.169.254/latest"}},
        "oauth: issuer lies within this machine or its network",
    ),
    (
        {"url": "https://h", "oauth": {"grant": "client_credentials", "client_id": "c"}},
        "client_credentials needs issuer; .*client_credentials needs client_secret_env",
    ),
    ({"command": ["x"], "prefix": "a b"}, "prefix"),
    ({"command": ["x"], "on_change": "warn"}, "on_change"),
    ({"command": ["x"], "sessions": "many"}, "sessions"),
    ({"command": ["x"], "include": "a*"}, "include is a list"),
    ({"command": ["x"], "log_level": "loud"}, "log_level"),
    ({"command": ["x"], "max_result": 0}, "max_result is over 0"),
    ({"command": ["x"], "max_sessions": -1}, "max_sessions is over 0"),
    ({"command": ["x"], "start_timeout": 0}, "start_timeout is over 0"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_wrong_argument_is_refused(arguments, said):
    with pytest.raises(ResourceError, match=said):
        McpTools(**arguments)


def test_all_faults_are_told_at_once():
    with pytest.raises(ResourceError) as failure:
        McpTools(command=["x"], prefix="a b", on_change="warn", max_result=0)

    assert [word in str(failure.value) for word in ("prefix", "on_change", "max_result")] == [
        True,
        True,
        True,
    ]


def test_a_secret_in_place_of_a_name_is_not_shown():
    with pytest.raises(ResourceError) as failure:
        McpTools(url="http://h", bearer_env="sk-0123456789")

    assert "sk-0123456789" not in str(failure.value)


def test_a_variable_that_the_worker_does_not_have_is_named(wire, run, monkeypatch):
    monkeypatch.delenv("SHOP_TOKEN", raising=False)

    with pytest.raises(ResourceError, match="SHOP_TOKEN"):
        run(McpTools(command=wire.command, env=["SHOP_TOKEN"]).open())


def test_a_secret_header_that_the_worker_does_not_have_is_named(run, monkeypatch):
    monkeypatch.delenv("SHOP_TOKEN", raising=False)

    with pytest.raises(ResourceError, match="SHOP_TOKEN"):
        run(McpTools(url="http://127.0.0.1:9/mcp", bearer_env="SHOP_TOKEN").open())


def test_a_command_that_is_not_there_is_named(run):
    with pytest.raises(ResourceError, match="no-such-program cannot be started"):
        run(McpTools(command=["no-such-program"]).open())


def test_a_folder_that_is_not_there_is_named(wire, run):
    with pytest.raises(ResourceError, match="in the folder /no/such"):
        run(McpTools(command=wire.command, cwd="/no/such").open())


def test_tools_that_are_not_open_say_so(run):
    with pytest.raises(ResourceError, match="not open"):
        run(McpTools(command=["x"]).call("a", {}))


def test_the_sdk_is_not_imported_before_a_worker_opens_the_tools():
    code = (
        "import sys; from headrace_mcp import McpTools; McpTools(command=['x']); "
        "print([name for name in ('mcp', 'mcp_types', 'anyio', 'httpx2') if name in sys.modules])"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout == "[]\n"


def test_a_server_that_dies_at_its_start_is_not_to_be_had_and_its_last_words_are_told(wire, run):
    wire.offers("echo", dies_at_start="no licence\x07 found\n")

    with pytest.raises(ToolError, match="ended with code 4; it last said on stderr: no licence fo"):
        run(McpTools(command=wire.command).open())


def test_a_server_that_is_never_ready_is_given_up(wire, run):
    wire.offers("echo", never_ready=True)

    with pytest.raises(ToolError, match=r"not ready within 0\.2 s"):
        run(McpTools(command=wire.command, start_timeout=0.2).open())
