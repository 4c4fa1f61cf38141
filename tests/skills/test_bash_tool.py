"""The tool ``bash``: shell commands for a skill's work, behind the fence and in the sandbox."""

from __future__ import annotations

import pytest

from headrace.errors import ToolError

from .conftest import write_skill


@pytest.fixture
def bash(skill, using):
    """Run a command with the tool, and give what the model is told."""

    def run(command, **more):
        call = {"skill": "triage", "command": command}
        return using(lambda tools: tools.call("bash", call), **{"bash": True, **more})

    return run


def offered(using, **more):
    async def names(tools):
        return [spec.name for spec in tools.specs()]

    return using(names, **more)


def test_it_is_offered_where_the_agent_asks_for_it(using):
    assert ("bash" in offered(using), "bash" in offered(using, bash=True)) == (False, True)


def test_a_command_prints(bash):
    assert bash("printf '%s\\n' b a | sort") == "a\nb\n"


def test_the_skills_files_can_be_read(bash, skill):
    assert bash(f"cat {skill}/references/codes.md") == "E1 is bad.\n"


def test_the_model_is_told_where_they_are(using, skill):
    text = using(lambda tools: tools.call("load_skill", {"name": "triage"}), bash=True)
    assert f"The skill's folder is {skill}" in text


def test_it_works_in_an_empty_folder_of_its_own(bash):
    assert bash("ls -A; echo x > y; ls") == "y\n"
    assert bash("ls -A; echo nothing") == "nothing\n"


@pytest.mark.parametrize(
    "command",
    ["python3 -c 1", "sh -c ls", "ls | xargs rm -rf / | sh", "$(echo ls)", "/bin/ls", "eval ls"],
)
def test_what_is_not_allowed_is_told_to_the_model_and_not_run(bash, command):
    with pytest.raises(ToolError) as caught:
        bash(command)
    assert "not" in str(caught.value)


def test_a_command_that_fails_is_told(bash):
    with pytest.raises(ToolError, match="the command failed with exit code 1"):
        bash("echo no; false")


def test_a_program_that_is_granted_may_be_called(skill, using):
    front = "name: triage\ndescription: Explains.\nmetadata:\n  headrace-commands: uname"
    write_skill(skill, front)
    call = {"skill": "triage", "command": "uname -s"}
    granted = {"grants": {"triage": {"commands": ["uname"]}}, "bash": True}

    assert using(lambda tools: tools.call("bash", call), **granted) == "Linux\n"


def test_a_program_on_the_path_that_nobody_allows_is_not_there(bash):
    # The parser lets `type` look for names: the fixed PATH holds allowed programs only.
    with pytest.raises(ToolError):
        bash("type -P python3")
    assert bash("type -P sort").endswith("/sort\n")


@pytest.mark.parametrize("sandbox", ["bubblewrap", "landlock"])
def test_it_runs_in_each_sandbox(bash, sandbox, skill):
    from headrace_skills.sandbox import try_sandboxes

    if not any(one.works for one in try_sandboxes() if one.name == sandbox):
        pytest.skip(f"{sandbox} does not work on this machine")
    assert bash(f"wc -l < {skill}/references/codes.md", sandbox=sandbox).strip() == "1"


def test_an_unknown_skill_is_told(using):
    call = {"skill": "other", "command": "ls"}
    with pytest.raises(ToolError, match="there is no skill 'other'"):
        using(lambda tools: tools.call("bash", call), bash=True)
