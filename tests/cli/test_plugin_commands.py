"""Commands that installed plugins add to `agents`."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

ONE = """
import click
from headrace.plugins import hookimpl

class Commands:
    @hookimpl
    def headrace_cli_commands(self):
        @click.command("{name}")
        @click.argument("who")
        def hello(who):
            "Greet WHO."
            click.echo(f"{said} {{who}}")
        return [hello]
"""
RAISES = """
from headrace.plugins import hookimpl

class Commands:
    @hookimpl
    def headrace_cli_commands(self):
        raise RuntimeError("not today")
"""
GIVES_NONSENSE = """
from headrace.plugins import hookimpl

class Commands:
    @hookimpl
    def headrace_cli_commands(self):
        return [42]
"""


@pytest.fixture
def installed(tmp_path):
    """Puts plugins on the path, each a distribution with a hook; gives a way to run `agents`."""
    packages = tmp_path / "packages"

    def install(**sources):
        for name, source in sources.items():
            info = packages / f"{name}-1.0.dist-info"
            info.mkdir(parents=True)
            (packages / f"{name}.py").write_text(source)
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text(f"[headrace.hooks]\n{name} = {name}:Commands\n")
            (info / "RECORD").write_text("")

        def run(*arguments):
            return subprocess.run(
                [sys.executable, "-c", "from headrace_cli.main import main; main()", *arguments],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(packages)},
                capture_output=True,
                text=True,
                check=False,
            )

        return run

    return install


def test_a_plugins_command_is_run(installed):
    run = installed(greeter=ONE.format(name="hello", said="good day,"))
    done = run("hello", "Ada")
    assert (done.returncode, done.stdout, done.stderr) == (0, "good day, Ada\n", "")


def test_help_lists_it_with_its_short_help(installed):
    run = installed(greeter=ONE.format(name="hello", said=""))
    lines = run("--help").stdout.splitlines()
    assert any(line.split() == ["hello", "Greet", "WHO."] for line in lines)


def test_no_plugin_takes_the_place_of_a_command_of_headrace(installed):
    run = installed(usurper=ONE.format(name="schema", said="mine,"))
    assert "mine," not in run("schema").stdout


def test_a_name_that_two_plugins_claim_is_nobodys(installed):
    run = installed(
        first=ONE.format(name="hello", said="1"), second=ONE.format(name="hello", said="2")
    )
    done = run("hello", "Ada")
    assert done.returncode == 2
    assert "first" in done.stderr
    assert "second" in done.stderr


@pytest.mark.parametrize(
    ("source", "why"),
    [(RAISES, "not today"), (GIVES_NONSENSE, "no click command"), ("import nowhere", "nowhere")],
    ids=["raises", "gives nonsense", "cannot be imported"],
)
def test_a_broken_plugin_costs_a_warning_and_only_its_own_commands(installed, source, why):
    run = installed(broken=source, greeter=ONE.format(name="hello", said="good day,"))
    done = run("hello", "Ada")
    assert (done.returncode, done.stdout) == (0, "good day, Ada\n")
    assert "broken" in done.stderr
    assert why in done.stderr


def test_a_command_of_headrace_imports_no_plugin(installed):
    run = installed(broken="raise SystemExit('imported')")
    done = run("plugins", "list")
    assert done.returncode == 0
    assert "imported" not in done.stderr


def test_a_blocked_plugin_adds_nothing(installed, tmp_path):
    run = installed(greeter=ONE.format(name="hello", said=""))
    (tmp_path / "pyproject.toml").write_text('[tool.agents.plugins]\nblock = ["greeter"]\n')
    assert run("hello", "Ada").returncode == 2
