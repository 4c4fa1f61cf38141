"""Each distribution as a user gets it: its wheel, installed alone into an empty place."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from filelock import FileLock
from uv import find_uv_bin

from .jobs import shared_folder

ROOT = Path(__file__).parents[1]
FOLDERS = {
    "headrace-core": ROOT / "core",
    "headrace-skills": ROOT / "skills",
    "headrace-registry": ROOT / "registry",
    "headrace-cli": ROOT / "cli",
    **{f"headrace-{folder.name}": folder for folder in sorted((ROOT / "plugins").iterdir())},
    "headrace": ROOT,
}
# A plugin alone with what it declares: its entry points are found and can be loaded.
PLUGIN_WORKS = """
import importlib.metadata, sys
from headrace.plugins import discover, load
points = importlib.metadata.distribution("%s").entry_points
found = [discover(cache=False).get(one.group.removeprefix("headrace."), one.name) for one in points]
assert found and all(load(plugin) for plugin in found)
"""
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
    **{
        f"headrace-{f.name}": PLUGIN_WORKS % f"headrace-{f.name}"
        for f in (ROOT / "plugins").iterdir()
    },
    "headrace": """
import importlib.metadata, headrace
assert importlib.metadata.version("headrace") == "0.1.0"
assert headrace.AgentPlan
""",
}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # pip takes its time


@pytest.fixture(scope="session")
def wheels(tmp_path_factory) -> Path:
    """All distributions, built from the checkout once for all workers of the run."""
    folder = shared_folder(tmp_path_factory).with_name("wheels")
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            fresh = folder.with_suffix(".new")
            for source in FOLDERS.values():
                subprocess.run(
                    [
                        *(find_uv_bin(), "build", "--quiet", "--wheel", "--no-build-isolation"),
                        *("--python", sys.executable, "--out-dir", fresh, source),
                    ],
                    check=True,
                    capture_output=True,
                )
            fresh.rename(folder)
    return folder


def by_pip(python: Path, wheels: Path) -> list[object]:
    """How stock pip installs from the built wheels and the package index."""
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    return [python, *pip, "--find-links", wheels]


def by_uv(python: Path, wheels: Path) -> list[object]:
    """How uv does, which takes what it knows from its cache: pip takes minutes for large ones."""
    return [
        *(find_uv_bin(), "pip", "install", "--quiet", "--no-config"),
        *("--python", python, "--find-links", wheels),
    ]


@pytest.mark.parametrize(
    ("name", "installer"),
    [
        *((name, by_pip) for name in ("headrace-core", "headrace-scripted", "headrace-openai")),
        *((name, by_uv) for name in FOLDERS),
    ],
)
def test_a_wheel_installs_by_itself_and_works(name, installer, wheels, tmp_path):
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=installer is by_pip)
    python = environment / "bin/python"
    installed = subprocess.run(
        [*map(str, installer(python, wheels)), name], check=False, capture_output=True, text=True
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
