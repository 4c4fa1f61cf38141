"""`agents login`: signing in for an agent's tools, and running it then."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx2
import pytest

AGENT = """\
from headrace import Agent, Context, InputEvent, OutputEvent, action, use


class Watch(Agent):
    shop = use("tools", "mcp", url="URL", oauth={"grant": "authorization_code"})

    @action(InputEvent)
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=await ctx.tool("who")))
"""


@pytest.fixture
def agents(guarded, tmp_path):
    """Starts a command in a folder with the agent."""
    (tmp_path / "agent.py").write_text(AGENT.replace("URL", guarded.url))
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}

    def start(*arguments):
        return subprocess.Popen(
            [sys.executable, "-c", "from headrace_cli.main import main; main()", *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def ended(process, given=""):
    out, errors = process.communicate(given, timeout=60)
    return process.returncode, out, errors


@pytest.mark.slow
def test_who_signs_in_once_runs_the_agent_from_then_on(guarded, agents, tmp_path):
    code, _, errors = ended(agents("run", "agent.py:Watch", "--quiet"), '"x"\n')
    assert code == 1
    assert "agents login TARGET" in errors

    job = agents("login", "agent.py:Watch", "--no-browser")
    asked, url = job.stderr.readline(), job.stderr.readline().strip()
    httpx2.get(url, follow_redirects=True)
    code, out, errors = ended(job)

    assert code == 0, errors
    assert asked == f"{guarded.issuer} asks you to sign in for 'shop'. Open in a browser:\n"
    [kept] = [path for path in (tmp_path / "kept").iterdir() if path.suffix == ".json"]
    assert out == f"signed in for 'shop': kept in {kept}\n"
    [client] = guarded.provider.clients
    ran = ended(agents("run", "agent.py:Watch", "--quiet"), '"x"\n')
    assert ran[:2] == (0, f'"you are {client}"\n')


@pytest.mark.slow
def test_tools_that_nobody_signs_in_for_are_named(agents):
    code, _, errors = ended(agents("login", "agent.py:Watch", "till"))

    assert code == 2
    assert "Watch has no tools 'till' that somebody signs in for" in errors
    assert "there is: shop" in errors


@pytest.mark.slow
def test_what_went_wrong_is_told(guarded, agents):
    guarded.provider.denies = True

    job = agents("login", "agent.py:Watch", "shop", "--no-browser")
    job.stderr.readline()
    httpx2.get(job.stderr.readline().strip(), follow_redirects=True)
    code, _, errors = ended(job)

    assert code == 1
    assert "nobody was signed in for 'shop'" in errors
    assert "the person said no" in errors
