"""Each distribution as a user gets it: its wheel, installed by stock pip into an empty place."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {
    "headrace-core": ROOT / "core",
    "headrace-skills": ROOT / "skills",
    "headrace-registry": ROOT / "registry",
    "headrace-cli": ROOT / "cli",
    "headrace-scripted": ROOT / "plugins/scripted",
    "headrace-openai": ROOT / "plugins/openai",
    "headrace": ROOT,
}
# What shows that a distribution works where only it and what it declares is installed.
WORKS = {
    "headrace-core": """
import pathlib, sys
pathlib.Path("echo_agent.py").write_text('''
from headrace import Agent, Context, InputEvent, OutputEvent, action
class Echo(Agent):
    prefix: str = ""
    @action(InputEvent, when="size(event.input) > 0")
    async def echo(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["seen"] = ctx.short_term.get("seen", 0) + 1
        ctx.send(OutputEvent(output=[self.prefix + event.input, ctx.short_term["seen"]]))
''')
sys.path.insert(0, ".")
from echo_agent import Echo
from headrace import run_local
assert run_local(Echo(prefix="> "), ["a", "", "a"]) == [["> a", 1], ["> a", 2]]
""",
    "headrace-skills": """
import asyncio, pathlib
skill = pathlib.Path("skills/hello"); skill.mkdir(parents=True)
(skill / "SKILL.md").write_text("---\\nname: hello\\ndescription: Says hello.\\n---\\n# Hello\\n")
from headrace_skills.toolset import SkillTools
tools = SkillTools(skills=["hello"], folders=["skills"])
asyncio.run(tools.open())
assert "Says hello." in tools.instructions()
""",
    "headrace-registry": "import headrace_registry",
    "headrace-cli": """
import subprocess, sys, pathlib
agents = str(pathlib.Path(sys.executable).with_name("agents"))
assert "0.1.0" in subprocess.run([agents, "--version"], capture_output=True, text=True).stdout
listed = subprocess.run([agents, "plugins", "list", "--json"], capture_output=True, text=True)
assert listed.returncode == 0, listed.stderr
""",
    "headrace-scripted": """
from headrace.plugins import discover, load
model = load(discover(cache=False).get("chat_models", "scripted"))
assert model.__name__ == "ScriptedChatModel"
""",
    "headrace-openai": """
from headrace.plugins import discover, load
model = load(discover(cache=False).get("chat_models", "openai"))
assert model.__name__ == "OpenAIChatModel"
""",
    "headrace": """
import importlib.metadata, headrace
assert importlib.metadata.version("headrace") == "0.1.0"
assert headrace.AgentPlan
""",
}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def wheels(tmp_path_factory) -> Path:
    """All distributions, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheels")
    for source in FOLDERS.values():
        subprocess.run(
            [
                sys.executable,
                "-m",
                "uv",
                "build",
                "--quiet",
                "--wheel",
                "--no-build-isolation",
                "--python",
                sys.executable,
                "--out-dir",
                str(folder),
                str(source),
            ],
            check=True,
            capture_output=True,
        )
    return folder


@pytest.mark.parametrize("name", FOLDERS)
def test_a_wheel_installs_by_itself_and_works(name, wheels, tmp_path):
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin/python"
    installed = subprocess.run(
        [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--find-links",
            wheels,
            name,
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert installed.returncode == 0, installed.stderr
    # -I: the checkout is not on the path; the working folder is empty.
    done = subprocess.run(
        [python, "-I", "-c", WORKS[name]],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", FOLDERS)
def test_a_wheel_carries_its_licence_and_nothing_foreign(name, wheels):
    [wheel] = wheels.glob(f"{name.replace('-', '_')}-0.1.0-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    package = name.replace("-", "_").replace("headrace_core", "headrace")
    package = "-" if name == "headrace" else package  # the umbrella has no module of its own
    assert any(entry.endswith(".dist-info/licenses/LICENSE") for entry in names)
    assert not [
        entry
        for entry in names
        if not entry.startswith((f"{package}/", f"{name.replace('-', '_')}-0.1.0.dist-info/"))
    ]
