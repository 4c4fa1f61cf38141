"""The skill that teaches coding agents to write for headrace: kept by our own commands.

Its examples are run as guides (``tests/test_guides.py``).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from headrace_skills.audit import audit_skill
from headrace_skills.checking import check_skill

SKILL = Path(__file__).parents[2] / "skills/headrace-agents"


def test_it_keeps_to_the_standard_in_every_point():
    assert not check_skill(SKILL).faults


def test_the_audit_finds_nothing_in_it():
    assert not audit_skill(SKILL).findings


def test_a_model_is_told_when_to_use_it_in_what_every_agent_shows():
    text = (SKILL / "SKILL.md").read_text(encoding="utf-8")

    assert "Use when" in text
    assert len(text.splitlines()) < 200, "what is longer belongs into references/"


@pytest.mark.slow
def test_it_is_packed_published_and_installed(tmp_path):
    def typed(*command: str, **more: str) -> str:
        environment = {**os.environ, **more}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    agents = (str(Path(sys.executable).with_name("agents")),)
    typed(*agents, "skills", "pack", str(SKILL), "-o", "dist", "--version", "1.0")
    [wheel] = (tmp_path / "dist").glob("*.whl")
    typed(*agents, "registry", "build", str(wheel), "-o", "site")
    index = f"file://{tmp_path}/site/simple/"
    name = wheel.name.partition("-")[0]
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--index-url", index)
    typed(*pip, "--target", "here", name)

    listed = typed(*agents, "skills", "list", "--json", PYTHONPATH=str(tmp_path / "here"))

    assert '"headrace-agents"' in listed
