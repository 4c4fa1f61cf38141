"""`agents build`, refused: what, why, and the way out; nothing is written."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

AGENT = """\
from headrace import Agent, Context, InputEvent, OutputEvent, action, use


class Echo(Agent):
    @action(InputEvent)
    async def echo(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=event.input))
"""
JOBS = """\
from echo_agent import Echo

from headrace.jobs import Job, job


@job(Echo(), name="good")
def good(env, plans): ...


def _hidden(env, plans): ...


renamed = job(Echo(), name="renamed")(_hidden)


@job(Echo(), Echo(), name="twins")
def twins(env, plans): ...
"""
TINY = ("headrace-core",)
# Ctrl-C while this process packs; SIGINT may be ignored where tests run in the background.
INTERRUPTED = """\
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from headrace_registry.bundle import _zip
put = _zip._put
def slow(*arguments):
    os.kill(os.getpid(), signal.SIGINT)
    return put(*arguments)
_zip._put = slow
from headrace_cli.main import main
main()
"""


@pytest.fixture
def project(kit, tmp_path):
    files = {"echo_agent.py": AGENT, "jobs.py": JOBS}
    return kit.project(tmp_path / "echo", agent="echo_agent:Echo", dependencies=TINY, files=files)


@pytest.fixture
def refused(kit, project):
    """Builds over an older zip, which has to fail and leave that; gives what is said."""

    def build(*arguments, code=1, engine="provided", **more):
        (project / "job.zip").write_bytes(b"older")
        before = state(project)
        done = kit.agents(
            *("build", *arguments, "--engine", engine), cwd=project, check=False, **more
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert state(project) == before
        assert "Traceback" not in done.stderr
        assert "error: " in done.stderr
        return done.stderr

    return build


def state(folder):
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and ".headrace" not in path.parts
    }


def append(path, text):
    path.write_text(path.read_text() + text)


# ---------------------------------------------------------------- the lock
def test_without_a_lock(project, refused):
    (project / "pylock.toml").unlink()
    said = refused()
    assert "there is no lock" in said
    assert "next:  agents lock" in said


def test_with_a_stale_lock(project, refused):
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(
        text.replace('["headrace-core"]', '["headrace-core", "wcwidth>=0.2"]')
    )
    said = refused()
    assert "the lock is stale" in said
    assert "changed since it was locked" in said
    assert "agents build --frozen" in said


def test_a_stale_lock_can_be_taken_as_it_is(kit, project):
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(
        text.replace('["headrace-core"]', '["headrace-core", "wcwidth>=0.2"]')
    )
    kit.agents("build", "--frozen", "--engine", "provided", cwd=project)
    assert (project / "job.zip").is_file()


def test_for_a_target_that_the_lock_is_not_for(refused):
    said = refused("--platform", "linux/arm64")
    assert "the lock has no such target" in said
    assert "targets in [tool.agents]" in said
    assert "the lock is not for Python 3.12 on linux/arm64" in refused(
        "--python", "3.12", "--platform", "linux/arm64"
    )


def test_with_an_engine_that_is_not_locked(refused):
    said = refused(engine="bundled")
    assert "headrace-core[flink]" in said
    assert "--engine provided" in said


def test_outside_of_a_project(kit, tmp_path):
    (tmp_path / "lone").mkdir()
    (tmp_path / "lone/echo_agent.py").write_text(AGENT)
    line = ("build", "echo_agent:Echo", "-o", "job.zip")
    done = kit.agents(*line, cwd=tmp_path / "lone", check=False)
    assert done.returncode == 1
    assert "this job belongs to no project" in done.stderr
    assert "agents init" in done.stderr


# ---------------------------------------------------------------- the wheels
def test_offline_with_a_cold_cache(refused, tmp_path):
    said = refused("--offline", HEADRACE_CACHE_DIR=str(tmp_path / "cold"))
    assert "is not in the cache" in said
    assert "next: once without --offline" in said


def test_offline_with_a_warm_cache_nothing_is_refused(kit, project):
    kit.agents("build", "--engine", "provided", cwd=project)
    kit.agents("build", "--engine", "provided", "--offline", "-o", "again.zip", cwd=project)
    assert (project / "again.zip").read_bytes() == (project / "job.zip").read_bytes()


# ---------------------------------------------------------------- the agent
def test_a_skill_that_needs_a_program_which_the_workers_lack(kit, tmp_path):
    resources = (
        "\n    def resources(self):\n"
        '        return {"skills": use("tools", "skills", folders=["skills"])}\n'
    )
    project = kit.project(
        tmp_path / "skilled",
        agent="echo_agent:Echo",
        files={
            "echo_agent.py": AGENT + resources,
            "skills/cutting/SKILL.md": "---\nname: cutting\ndescription: Cuts films.\n"
            "metadata:\n  headrace-commands: ffmpeg\n---\n\nCut.\n",
        },
        more='\n[tool.agents.grants.cutting]\ncommands = ["ffmpeg"]\n',
    )
    line = ("build", "--engine", "provided")
    done = kit.agents(*line, cwd=project, check=False)
    assert done.returncode == 1
    assert "the skill cutting runs the program 'ffmpeg'" in done.stderr
    assert 'commands = ["ffmpeg"]' in done.stderr
    assert not (project / "job.zip").exists()
    append(project / "pyproject.toml", '\n[tool.agents.bundle]\ncommands = ["ffmpeg"]\n')
    kit.agents(*line, cwd=project)


def test_a_secret_in_the_plan(project, refused):
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1"
    text = AGENT.replace(
        "class Echo(Agent):\n", f'class Echo(Agent):\n    token: str = "{token}"\n'
    )
    (project / "echo_agent.py").write_text(text)
    said = refused("--param", f"token={token}")
    assert "token" in said
    assert "secret" in said
    assert token not in said


def test_a_path_that_leads_out_of_the_project(kit, tmp_path):
    resources = (
        "\n    def resources(self):\n"
        '        return {"skills": use("tools", "skills", folders=["/opt/skills"])}\n'
    )
    project = kit.project(
        tmp_path / "skilled",
        agent="echo_agent:Echo",
        files={"echo_agent.py": AGENT + resources},
    )
    done = kit.agents("build", "--engine", "provided", cwd=project, check=False)
    assert done.returncode == 1
    assert "/opt/skills" in done.stderr
    assert "next:" in done.stderr


# ---------------------------------------------------------------- the job
def test_a_job_that_is_not_found_by_its_functions_name(refused):
    said = refused("jobs:renamed")
    assert "cannot be found by its function's name, jobs:_hidden" in said
    assert "write @job(...) right above a function" in said


def test_two_agents_of_one_name(refused):
    said = refused("jobs:twins")
    assert "two agents of the job twins are called Echo" in said
    assert "another name" in said


def test_a_job_that_is_not_there(refused):
    assert "it has: " in refused("jobs:none", code=2)


# ---------------------------------------------------------------- what is typed
def test_an_output_that_is_a_folder(project, refused):
    (project / "out").mkdir()
    assert "-o out is a folder" in refused("-o", "out", code=2)


def test_an_output_in_a_folder_that_is_not_there(refused):
    assert "there is no folder none" in refused("-o", "none/job.zip", code=2)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no /proc")
def test_an_output_where_nothing_can_be_written(refused):
    said = refused("-o", "/proc/job.zip")
    assert "/proc/job.zip cannot be written" in said
    assert "-o FILE" in said


def test_a_connector_that_is_no_jar(project, refused):
    (project / "text.jar").write_text("no jar")
    assert "--jar text.jar is no jar file" in refused("--jar", "text.jar")


def test_signing_without_a_key(refused):
    assert "--sign needs a key" in refused("--sign", code=2, HEADRACE_SIGNING_KEYS="")


def test_a_check_that_is_to_write_something(project, refused):
    assert "--check writes nothing" in refused("--check", "job.zip", "--dry-run", code=2)


# ---------------------------------------------------------------- stopped on the way
def test_stopped_by_ctrl_c_the_older_zip_stays(kit, project):
    (project / "job.zip").write_bytes(b"older")
    before = state(project)
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, "build", "--engine", "provided"],
        cwd=project,
        env=kit.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Aborted!" in done.stderr
    assert "Traceback" not in done.stderr
    assert state(project) == before


def test_on_a_full_disk_the_older_zip_stays(kit, project):
    kit.agents("build", "--engine", "provided", "-o", "warm.zip", cwd=project)
    (project / "job.zip").write_bytes(b"older")
    before = state(project)
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from headrace_cli.main import main; main()"),
            *("build", "--engine", "provided"),
        ],
        cwd=project,
        env=kit.environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000,) * 2),
    )
    assert done.returncode == 1
    assert "job.zip cannot be written: File too large" in done.stderr
    assert state(project) == before
