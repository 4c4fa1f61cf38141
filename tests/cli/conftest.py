"""A folder with agents, and `agents` in this process or in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from headrace_cli._app import agents

AGENTS = '''
import asyncio

from headrace import Agent, AgentBuilder, Context, InputEvent, OutputEvent, action, retry


class Echo(Agent):
    """Says what it hears."""

    prefix: str = ""
    times: int = 1

    @action(InputEvent)
    async def echo(self, event: InputEvent, ctx: Context) -> None:
        count = ctx.short_term.get("seen", 0) + 1
        ctx.short_term["seen"] = count
        text = f"{self.prefix}{event.input}"
        ctx.send(OutputEvent(output={"key": ctx.key, "n": count, "text": text}))


class Other(Echo):
    pass


class Slow(Agent):
    @action(InputEvent)
    async def go(self, event: InputEvent, ctx: Context) -> None:
        await asyncio.sleep(0.02)
        ctx.send(OutputEvent(output=event.input))


class Printing(Agent):
    @action(InputEvent)
    def go(self, event: InputEvent, ctx: Context) -> None:
        print("a remark")
        ctx.send(OutputEvent(output=event.input))


class Failing(Agent):
    @action(InputEvent)
    async def go(self, event: InputEvent, ctx: Context) -> None:
        if event.input["k"] == 2:
            raise ValueError("boom")
        ctx.send(OutputEvent(output=event.input))


class Aside(Agent):
    @action(InputEvent, on_failure=retry(1, then="dead_letter"))
    async def go(self, event: InputEvent, ctx: Context) -> None:
        raise ValueError("boom")


class Model(Agent):
    model: str = "none"

    @action(InputEvent, when="event.input.k > 1", timeout=3)
    def go(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=self.model))


made = Echo(prefix="made ")


def start(event: InputEvent, ctx: Context) -> None:
    ctx.send(OutputEvent(output="built"))


built = AgentBuilder("built").action(start, InputEvent)


class Plain:
    pass
'''


class Place:
    """A working folder with a module of agents."""

    def __init__(self, folder: Path, module: str) -> None:
        self.folder = folder
        self.module = module

    def agent(self, name: str) -> str:
        return f"{self.module}:{name}"

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def lines(self, name: str, values: list[object]) -> Path:
        return self.write(name, "".join(json.dumps(value) + "\n" for value in values))

    def read(self, name: str) -> list[object]:
        text = (self.folder / name).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def run(self, *arguments: object, input: str | bytes | None = None) -> Result:  # noqa: A002
        return CliRunner().invoke(agents, [str(one) for one in arguments], input=input)

    def process(self, *arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
        more.setdefault("timeout", 280)
        more.setdefault("env", ENVIRONMENT)
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            **more,
        )

    def start(
        self, *arguments: object, terminal: int | None = None, **more: object
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            cwd=self.folder,
            stderr=subprocess.PIPE if terminal is None else terminal,
            text=True,
            env=ENVIRONMENT,
            **more,
        )


# Who starts tests in the background has them ignore SIGINT, and children take that over.
_AGENTS = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from headrace_cli.main import main; main()"
)
COMMAND = [sys.executable, "-c", _AGENTS]
ENVIRONMENT = {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONWARNINGS": "error"}
_count = 0


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    global _count  # noqa: PLW0603 - each test imports a module of its own name
    _count += 1
    module = f"cli_agents_{_count}"
    (tmp_path / f"{module}.py").write_text(AGENTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return Place(tmp_path, module)
