"""Running a command that was checked."""

from __future__ import annotations

import asyncio

import pytest

from headrace_skills.sandbox import Outcome, Sandbox, choose_sandbox, try_sandboxes
from headrace_skills.shell import ShellRefusedError, ShellRules, link_programs, run_bash


@pytest.fixture
def programs(tmp_path):
    folder = tmp_path / "programs"
    folder.mkdir()
    return link_programs(folder, ["cat", "env", "ls", "no-such-program"])


@pytest.fixture
def run(skill):
    def ran(command, rules=None, **more):
        async def main():
            sandbox = choose_sandbox("none")
            try:
                return await run_bash(sandbox, command, rules or ShellRules(), skill=skill, **more)
            finally:
                await sandbox.close()

        return asyncio.run(main())

    return ran


def test_a_command_runs_and_tells_how_it_ended(run):
    outcome = run("echo a | tr a b; echo e >&2; exit 3")
    assert (outcome.code, outcome.stdout, outcome.stderr) == (3, b"b\n", b"e\n")


def test_it_reads_what_it_is_given(run):
    assert run("sort -r", stdin=b"a\nb\n").stdout == b"b\na\n"


def test_it_works_in_its_scratch_folder(run, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert run("echo kept > out.txt; pwd", scratch=scratch).ok
    assert (scratch / "out.txt").read_text() == "kept\n"


def test_what_is_refused_reaches_no_sandbox(skill):
    class Untouched(Sandbox):
        async def run(self, command):
            raise AssertionError(command)

    with pytest.raises(ShellRefusedError):
        asyncio.run(run_bash(Untouched(), "ls; eval ls", ShellRules(), skill=skill))


def test_no_start_up_file_and_no_function_comes_from_outside(run, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for name in (".bashrc", ".bash_profile", ".profile", "env.sh"):
        (scratch / name).write_text("echo started\n")
    environment = {
        "BASH_ENV": str(scratch / "env.sh"),
        "ENV": str(scratch / "env.sh"),
        "BASH_FUNC_ls%%": "() { echo taken; }",
        "SHELLOPTS": "xtrace",
    }
    outcome = run("ls missing; echo end", scratch=scratch, environment=environment)
    assert outcome.stdout == b"end\n"
    assert b"+ echo" not in outcome.stderr


def test_only_linked_programs_are_found(run, programs):
    assert {entry.name for entry in programs.iterdir()} == {"cat", "env", "ls"}
    outcome = run("ls -d . ; wc -l < /dev/null; env | cat", programs=programs)
    assert outcome.stdout.startswith(b".\n")
    assert b"wc: command not found" in outcome.stderr
    assert f"PATH={programs}\n".encode() in outcome.stdout


def test_it_runs_in_what_isolates_here_as_well(skill, programs):
    names = [tried.name for tried in try_sandboxes() if tried.works and tried.name != "none"]
    if not names:
        pytest.skip("nothing isolates on this machine")

    async def main(name):
        sandbox = choose_sandbox(name)
        try:
            return await run_bash(
                sandbox, "echo a > f; cat f; wc -l f", ShellRules(), skill=skill, programs=programs
            )
        finally:
            await sandbox.close()

    for name in names:
        outcome = asyncio.run(main(name))
        assert outcome.stdout == b"a\n", (name, outcome)
        assert b"wc: command not found" in outcome.stderr, name


def test_a_granted_variable_is_there(run):
    assert run('echo "$TOKEN"', environment={"TOKEN": "t1"}).stdout == b"t1\n"


class Printing(Sandbox):
    """Stands for a bash that reads commands as something else."""

    def __init__(self, printed, *, code=0, stderr=b""):
        self.printed, self.code, self.stderr = printed, code, stderr
        self.commands = []

    async def run(self, command):
        self.commands.append(command)
        printed = self.printed if "--pretty-print" in command.argv else b"ran"
        code = self.code if "--pretty-print" in command.argv else 0
        return Outcome("exit", code, printed, len(printed), self.stderr, len(self.stderr))

    def ask(self, skill, command):
        return asyncio.run(run_bash(self, command, ShellRules(), skill=skill))


@pytest.mark.parametrize(
    ("printed", "rule"),
    [
        (b"echo a\neval b\n", "runs-text"),
        (b"echo a\npwned\n", "name"),
        (b"echo a\nsed p\n", "quoting"),
        (b"", "syntax"),
        (b"echo 'a", "syntax"),
        (b"echo \xff", "character"),
    ],
)
def test_what_bash_reads_otherwise_is_not_run(skill, printed, rule):
    sandbox = Printing(printed)
    with pytest.raises(ShellRefusedError) as raised:
        sandbox.ask(skill, "echo a # and so on")
    assert raised.value.rule == rule
    assert len(sandbox.commands) == 1


def test_what_bash_cannot_read_is_not_run(skill):
    sandbox = Printing(b"", code=2, stderr=b"bash: line 1: syntax error")
    with pytest.raises(ShellRefusedError, match="bash cannot read it: bash: line 1"):
        sandbox.ask(skill, "echo a")
    assert len(sandbox.commands) == 1


def test_an_old_bash_that_prints_nothing_leaves_one_reading(skill):
    sandbox = Printing(b"", code=2, stderr=b"/bin/bash: --pretty-print: invalid option\n")
    assert sandbox.ask(skill, "echo a").stdout == b"ran"


def test_asking_bash_runs_nothing(run, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    text = "echo once >> count; cat <<E\n$(echo twice >> count)\nE\n"
    assert run(text, scratch=scratch).ok
    assert (scratch / "count").read_text().split() == ["once", "twice"]
