"""Guides are walked from top to bottom: files are written, commands are run, and say what is told.

In a guide, a paragraph that is a file's name in backticks and a colon stands before its content. A
``console`` block holds commands (``$``) with what they print, typed into one shell; ``...`` stands
for whatever is left out, and ``# exit code 1`` says how a command ends that does not end well.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDES = [
    "docs/agents.md",
    "docs/tools.md",
    "docs/prompts.md",
    "docs/approvals.md",
    "docs/effects.md",
    "docs/from-flink-agents.md",
    "docs/models.md",
    "docs/yaml.md",
    "docs/memory.md",
    "docs/retrieval.md",
    "docs/settings.md",
    "docs/metrics.md",
    "docs/cost.md",
    "docs/plugins.md",
    "docs/replay.md",
    "docs/logs.md",
    "docs/samples.md",
    "docs/traces.md",
    "docs/skills.md",
    "docs/packages.md",
    "docs/registry.md",
    "docs/deploy.md",
    # What coding agents are taught holds too.
    *sorted(
        str(path.relative_to(ROOT)) for path in (ROOT / "skills/headrace-agents").rglob("*.md")
    ),
]
_AS_BEFORE = """
test -e {state} && . {state}
{command}
code=$?
{{ export -p | grep -vE '^declare -x (PWD|OLDPWD|SHLVL|_)='; printf 'cd %q\\n' "$PWD"; }} > {state}
exit $code
"""
_BLOCK = re.compile(
    r"(?:^`(?P<file>[^`\n]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_EXIT = re.compile(r"\s+# exit code (\d+)$")


@dataclass
class Step:
    """A command of a guide, and what it is to print."""

    command: str
    code: int = 0
    printed: list[str] = field(default_factory=list)


def steps_of(text: str) -> list[Step]:
    """The commands of a console block."""
    steps: list[Step] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            command = line[2:]
            code = _EXIT.search(command)
            steps.append(Step(_EXIT.sub("", command), int(code[1]) if code else 0))
        elif steps and steps[-1].command.endswith("\\"):
            steps[-1].command += "\n" + line
        elif line.strip():
            steps[-1].printed.append(line)
    return steps


def says(printed: list[str], told: str) -> bool:
    """Whether a command printed what the guide tells, between the parts that it leaves out."""
    parts = [re.escape(part) for part in "\n".join(printed).split("...")]
    pattern = r"\s*".join(re.sub(r"(\\ )+", r"\\s+", r".*?".join(parts)).split(r"\n"))
    return re.search(pattern, told, re.DOTALL) is not None


@pytest.mark.slow
@pytest.mark.timeout(600)  # packages are downloaded and installed
@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_can_be_followed(guide, tmp_path, request):
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "XDG_CACHE_HOME": str(tmp_path / ".cache"),
        "COLUMNS": "100",
    }
    environment.pop("PYTEST_ADDOPTS", None)  # of whoever runs these tests
    environment["HEADRACE"] = str(ROOT)  # "a checkout", as guides call it
    environment.pop("VIRTUAL_ENV", None)
    home = tmp_path / "guide"
    home.mkdir()
    if "agents cluster up" in (ROOT / guide).read_text(encoding="utf-8"):
        # A step that fails leaves no cluster behind.
        down = ["agents", "cluster", "down", "--all"]
        request.addfinalizer(lambda: subprocess.run(down, env=environment, check=False))
    state = tmp_path / "state"
    commands = 0
    for block in _BLOCK.finditer((ROOT / guide).read_text(encoding="utf-8")):
        if block["file"]:
            path = home / block["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"], encoding="utf-8")
        if block["kind"] != "console":
            continue
        for step in steps_of(block["text"]):
            typed = _AS_BEFORE.format(state=shlex.quote(str(state)), command=step.command)
            run = subprocess.run(
                ["bash", "-c", typed],
                cwd=home,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=280,
            )
            assert (step.command, run.returncode) == (step.command, step.code), run.stdout
            assert says(step.printed, run.stdout), f"$ {step.command}\n{run.stdout}"
            commands += 1
    assert commands > 0
