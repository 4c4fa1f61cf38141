"""`agents run JOB.zip`: here, on either engine, with the zip's packages and no others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from filelock import FileLock

AGENTS = """\
import os
import sys

import helper
from headrace import Agent, Context, InputEvent, OutputEvent, action, retry


class Echo(Agent):
    @action(InputEvent)
    async def echo(self, event: InputEvent, ctx: Context) -> None:
        count = ctx.short_term["n"] = ctx.short_term.get("n", 0) + 1
        ctx.send(OutputEvent(output={"k": event.input["k"], "n": count, "of": helper.OF}))


class Where(Agent):
    @action(InputEvent)
    async def tell(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output={"path": sys.path, "home": os.environ["HEADRACE_JOB"]}))


class Reaching(Agent):
    \"\"\"Imports something that is installed where tests run, in a way that no build can see.\"\"\"

    @action(InputEvent)
    async def reach(self, event: InputEvent, ctx: Context) -> None:
        __import__("py" + "test")


class Knowing(Agent):
    @action(InputEvent)
    async def tell(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=len(os.environ["SHOP_TOKEN"])))


class Failing(Agent):
    @action(InputEvent, on_failure=retry(1, then="dead_letter"))
    async def go(self, event: InputEvent, ctx: Context) -> None:
        if event.input["k"] == 2:
            raise ValueError("boom")
        ctx.send(OutputEvent(output=event.input))


class Slow(Agent):
    @action(InputEvent)
    async def go(self, event: InputEvent, ctx: Context) -> None:
        import asyncio

        await asyncio.sleep(0.02)
        ctx.send(OutputEvent(output=event.input))
"""
JOBS = """\
from agents_here import Echo

from headrace.flink import process
from headrace.jobs import job


@job(Echo(), name="numbers")
def numbers(env, plans):
    from pyflink.common import Encoder, Types
    from pyflink.datastream.connectors.file_system import FileSink

    stream = env.from_collection([f'{{"k": {n}}}' for n in range(6)], Types.STRING())
    found = process(stream, plans["Echo"], key=str, parse=eval, render=str,
                    output_type=Types.STRING())
    sink = FileSink.for_row_format(OUT, Encoder.simple_string_encoder()).build()
    found.output.sink_to(sink)
"""
COMMAND = (sys.executable, "-c", "from headrace_cli.main import main; main()")
# What is started in the background ignores SIGINT, unless it says otherwise.
STOPPABLE = (
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from headrace_cli.main import main; main()",
)


class Zips:
    """Zips of the agents above, each built once for all workers of a test run."""

    def __init__(self, kit):
        self.kit = kit
        self.folder = kit.folder / "run-zip"

    def of(self, name, *arguments, more=""):
        path = self.folder / f"{name}.zip"
        self.folder.mkdir(exist_ok=True)
        with FileLock(f"{path}.lock"):
            if not path.exists():
                project = self.kit.project(
                    self.folder / name,
                    agent=f"agents_here:{name}",
                    files={"agents_here.py": AGENTS, "helper.py": "OF = 'zip'\n"},
                    more='\n[tool.agents.run]\nkey = "k"\n' + more,
                )
                self.kit.build(project, *arguments, output=path)
        return path


@pytest.fixture
def zips(kit):
    return Zips(kit)


@pytest.fixture
def run(kit, tmp_path):
    """`agents run` in an empty folder."""

    def start(*arguments, check=True, stdin=None, **environment):
        done = subprocess.run(
            [*COMMAND, "run", *map(str, arguments)],
            cwd=tmp_path,
            env={**kit.environment, **environment},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    return start


@pytest.fixture
def lines(tmp_path):
    """Writes inputs."""

    def write(count, name="in.jsonl"):
        path = tmp_path / name
        path.write_text("".join(f'{{"k": {number}}}\n' for number in range(count)))
        return path

    return write


def outputs(text):
    return [json.loads(line) for line in text.splitlines()]


def in_order(path):
    return sorted(path.read_text().splitlines())


# ---------------------------------------------------------------- what ran in test is what ships
@pytest.fixture(scope="session")
def triage_outputs(kit, triage_zip):
    """The main job's outputs, from its sources, on the local engine."""
    path = kit.folder / "triage-outputs.jsonl"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            logs = "data/flink-logs.jsonl"
            line = ("run", ".", "--input", logs, "--output", path, "--quiet")
            kit.agents(*line, cwd=triage_zip.parent / "triage")
    return path


@pytest.mark.slow
def test_the_main_jobs_zip_gives_what_its_sources_give(
    kit, run, triage_zip, triage_outputs, tmp_path
):
    logs = kit.folder / "triage/data/flink-logs.jsonl"
    run(triage_zip, "--input", logs, "--output", "out.jsonl")
    assert in_order(tmp_path / "out.jsonl") == in_order(triage_outputs)
    expected = json.loads((kit.folder / "triage/data/expected.json").read_text())
    found = {one["class"] for one in outputs((tmp_path / "out.jsonl").read_text())}
    assert found == {one["class"] for one in expected["incidents"]}


@pytest.mark.slow
@pytest.mark.flink
def test_the_main_jobs_zip_gives_the_same_on_flink(kit, run, triage_zip, triage_outputs, tmp_path):
    logs = kit.folder / "triage/data/flink-logs.jsonl"
    run(triage_zip, "--engine", "flink", "--input", logs, "--output", "out.jsonl")
    assert in_order(tmp_path / "out.jsonl") == in_order(triage_outputs)


@pytest.mark.slow
@pytest.mark.flink
def test_a_job_with_streams_of_its_own_runs_on_an_embedded_flink(kit, run, tmp_path):
    project = kit.project(
        tmp_path / "streams",
        files={
            "agents_here.py": AGENTS,
            "helper.py": "OF = 'zip'\n",
            "jobs.py": JOBS.replace("OUT", repr(str(tmp_path / "out"))),
        },
    )
    path = kit.build(project, "jobs:numbers")
    run(path)
    found = [line for one in (tmp_path / "out").rglob(".*part-*") for line in in_order(one)]
    found += [line for one in (tmp_path / "out").rglob("part-*") for line in in_order(one)]
    assert sorted(eval(line)["k"] for line in found) == [0, 1, 2, 3, 4, 5]  # noqa: S307 - ours
    assert {eval(line)["of"] for line in found} == {"zip"}  # noqa: S307


def test_options_for_files_are_refused_for_a_job_with_streams_of_its_own(kit, run, tmp_path):
    project = kit.project(
        tmp_path / "streams",
        files={"agents_here.py": AGENTS, "helper.py": "OF = 1\n", "jobs.py": JOBS},
    )
    path = kit.build(project, "jobs:numbers", "--engine", "provided")
    done = run(path, "--input", "x", check=False)
    assert done.returncode == 2
    assert "--input is for jobs over files" in done.stderr
    assert "it runs on --engine flink" in run(path, "--engine", "local", check=False).stderr


# ---------------------------------------------------------------- isolation
def test_nothing_but_the_zip_and_the_standard_library_is_on_its_path(zips, run, lines):
    (told,) = outputs(run(zips.of("Where"), "--input", lines(1)).stdout)
    home = told["home"]
    inside = [one for one in told["path"] if one == home or one.startswith(home + "/")]
    assert {f"{home}/app", f"{home}/site-packages"} <= set(inside)
    others = [one for one in told["path"] if one not in inside]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert all(one.endswith((f"/{version}", "/lib-dynload", ".zip")) for one in others)
    assert "" not in others


def test_what_is_installed_here_and_not_locked_cannot_be_imported(zips, run, lines):
    done = run(zips.of("Reaching"), "--input", lines(1), check=False)
    assert done.returncode == 1
    assert "No module named 'pytest'" in done.stderr


def test_a_module_in_the_working_folder_does_not_take_the_place_of_the_zips(
    zips, run, lines, tmp_path
):
    (tmp_path / "helper.py").write_text("OF = 'folder'\n")
    (tmp_path / "agents_here.py").write_text("raise SystemExit('from the folder')\n")
    found = outputs(run(zips.of("Echo"), "--input", lines(2)).stdout)
    assert {one["of"] for one in found} == {"zip"}


def test_python_path_does_not_lead_into_it(zips, run, lines, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more/helper.py").write_text("OF = 'PYTHONPATH'\n")
    (tmp_path / "more/pluggy.py").write_text("raise SystemExit('from PYTHONPATH')\n")
    done = run(zips.of("Echo"), "--input", lines(1), PYTHONPATH=str(tmp_path / "more"))
    assert [one["of"] for one in outputs(done.stdout)] == ["zip"]


def test_a_project_in_the_working_folder_changes_nothing(zips, run, lines, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.agents.run]\nkey = "other"\n')
    found = outputs(run(zips.of("Echo"), "--input", lines(3)).stdout)
    assert [one["n"] for one in found] == [1, 1, 1]


# ---------------------------------------------------------------- inputs and outputs
def test_it_reads_stdin_and_writes_stdout(zips, run):
    done = run(zips.of("Echo"), stdin='{"k": 1}\n{"k": 1}\n')
    assert [(one["k"], one["n"]) for one in outputs(done.stdout)] == [(1, 1), (1, 2)]
    assert "2 inputs, 2 outputs" in done.stderr


def test_the_summary_is_told_as_json(zips, run, lines):
    done = run(zips.of("Echo"), "--input", lines(3), "--output", "o.jsonl", "--json")
    told = json.loads(done.stdout)
    assert (told["inputs"], told["outputs"]) == (3, 3)


def test_dead_letters_are_kept(zips, run, lines, tmp_path):
    line = ("--input", lines(4), "--output", "o.jsonl", "--dead-letters", "d.jsonl")
    done = run(zips.of("Failing"), *line)
    (letter,) = outputs((tmp_path / "d.jsonl").read_text())
    assert "boom" in json.dumps(letter)
    assert "1 dead letter" in done.stderr


def test_an_input_that_cannot_be_read_is_told_without_a_traceback(zips, run, tmp_path):
    (tmp_path / "bad.jsonl").write_text("{not json\n")
    done = run(zips.of("Echo"), "--input", "bad.jsonl", check=False)
    assert done.returncode == 1
    assert "an input cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_can_be_typed(zips, run, lines):
    line = ("--input", lines(3), "--set", "max_in_flight=1")
    assert len(outputs(run(zips.of("Echo"), *line).stdout)) == 3


# ---------------------------------------------------------------- secrets
@pytest.fixture
def granted(kit, tmp_path):
    """Builds a zip that names a secret, as a skill's grant does."""

    def granted(variable):
        return _granted(kit, tmp_path, variable)

    return granted


def _granted(kit, folder, variable):
    resources = (
        "\n    def resources(self):\n        from headrace import use\n\n"
        '        return {"skills": use("tools", "skills", folders=["skills"], '
        f'grants={{"shopping": {{"environment": ["{variable}"]}}}})}}\n'
    )
    text = AGENTS.replace('["SHOP_TOKEN"])))\n', f'["{variable}"])))\n' + resources)
    project = kit.project(
        folder / "knowing",
        agent="agents_here:Knowing",
        files={
            "agents_here.py": text,
            "helper.py": "OF = 1\n",
            "skills/shopping/SKILL.md": "---\nname: shopping\ndescription: Buys.\nmetadata:\n"
            f"  headrace-environment: {variable}\n---\n\nBuy.\n",
        },
    )
    return kit.build(project, "--engine", "provided")


def test_secrets_come_from_the_environment_or_from_files_and_else_the_job_says_so(
    granted, run, lines, tmp_path
):
    knowing = granted("SHOP_TOKEN")
    with zipfile.ZipFile(knowing) as archive:
        manifest = json.loads(archive.read("job.json"))
    assert [one["name"] for one in manifest["secrets"]] == ["SHOP_TOKEN"]
    done = run(knowing, "--input", lines(1), SHOP_TOKEN="1" * 5)
    assert done.stdout == "5\n"
    (tmp_path / "mounted").mkdir()
    (tmp_path / "mounted/SHOP_TOKEN").write_text("1234567\n")
    done = run(knowing, "--input", lines(1), HEADRACE_SECRETS=str(tmp_path / "mounted"))
    assert done.stdout == "7\n"
    done = run(knowing, "--input", lines(1), check=False)
    assert done.returncode == 1
    assert "a secret is missing" in done.stderr
    assert "SHOP_TOKEN" in done.stderr


def test_what_a_zip_names_as_secret_is_in_no_event_log_whatever_its_name(granted, run, tmp_path):
    (tmp_path / "mounted").mkdir()
    (tmp_path / "mounted/DOOR").write_text("opensesame-42\n")
    (tmp_path / "in.jsonl").write_text('{"k": 1, "says": "it is opensesame-42"}\n')
    line = ("--input", "in.jsonl", "--key", "k", "--set", "log.folder=logs")
    done = run(granted("DOOR"), *line, HEADRACE_SECRETS=str(tmp_path / "mounted"))
    [log] = (tmp_path / "logs").iterdir()

    assert done.stdout == "13\n"
    assert '"input":{"k":1,"says":"it is [redacted]"}' in log.read_text()
    assert "opensesame" not in log.read_text()


# ---------------------------------------------------------------- refused
@pytest.fixture
def changed(zips, tmp_path):
    """A zip in which a file is another than its manifest says."""
    data = bytearray(zips.of("Echo").read_bytes())
    data[data.index(b"OF = 'zip'") + 6] ^= 1
    path = tmp_path / "changed.zip"
    path.write_bytes(data)
    return path


def test_a_zip_that_was_changed_is_not_run(changed, run, lines, tmp_path):
    done = run(
        *(changed, "--input", lines(1)), check=False, HEADRACE_CACHE_DIR=str(tmp_path / "cold")
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "app/helper.py" in done.stderr


def test_of_a_zip_that_was_changed_after_it_ran_what_was_verified_is_what_runs(
    zips, changed, run, lines
):
    run(zips.of("Echo"), "--input", lines(1))
    found = outputs(run(changed, "--input", lines(1)).stdout)
    assert [one["of"] for one in found] == ["zip"]


def test_a_zip_that_is_not_there_is_told(run):
    done = run("none.zip", check=False)
    assert done.returncode == 2
    assert "there is no file none.zip" in done.stderr


def test_parameters_are_the_builds(zips, run, lines):
    done = run(zips.of("Echo"), "--input", lines(1), "--param", "a=b", check=False)
    assert done.returncode == 2
    assert "agents build with them" in done.stderr


# ---------------------------------------------------------------- stopped and killed
def start(kit, folder, *arguments, stdin=None):
    return subprocess.Popen(
        [*STOPPABLE, "run", *map(str, arguments)],
        cwd=folder,
        env=kit.environment,
        stdin=stdin,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def children(pid):
    """The processes that one started."""
    return map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def wait_for_lines(path, count=5):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.01)
    pytest.fail("the job wrote nothing")


@pytest.fixture
def slow(zips, lines):
    return (
        *(zips.of("Slow"), "--input", lines(500), "--output", "o.jsonl"),
        *("--set", "max_in_flight=10", "--state", "s.db"),
    )


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal_it_goes_on_with_its_state(kit, run, slow, tmp_path, number):
    job = start(kit, tmp_path, *slow)
    wait_for_lines(tmp_path / "o.jsonl")
    job.send_signal(number)
    _, errors = job.communicate(timeout=60)
    assert job.returncode == 0, errors
    assert "stopped by a signal" in errors
    assert "Traceback" not in errors
    assert 0 < len((tmp_path / "o.jsonl").read_text().splitlines()) < 500
    run(*slow)
    found = [one["k"] for one in outputs((tmp_path / "o.jsonl").read_text())]
    assert sorted(found) == list(range(500))


@pytest.mark.slow
def test_it_stops_while_it_waits_for_stdin(kit, zips, tmp_path):
    line = (zips.of("Slow"), "--output", "o.jsonl")
    job = start(kit, tmp_path, *line, stdin=subprocess.PIPE)
    job.stdin.write("".join(f'{{"k": {number}}}\n' for number in range(5)))
    job.stdin.flush()
    wait_for_lines(tmp_path / "o.jsonl")
    job.send_signal(signal.SIGINT)
    job.wait(timeout=60)  # not communicate(): it closes stdin, and the end of the inputs could win
    _, errors = job.communicate()
    assert job.returncode == 1
    assert "stopped by a signal" in errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_killed_with_all_its_processes_it_goes_on_with_its_state(kit, run, slow, tmp_path):
    job = start(kit, tmp_path, *slow)
    wait_for_lines(tmp_path / "o.jsonl")
    for pid in (job.pid, *children(job.pid)):
        os.kill(pid, signal.SIGKILL)
    job.communicate(timeout=60)
    run(*slow)
    found = [one["k"] for one in outputs((tmp_path / "o.jsonl").read_text())]
    assert sorted(found) == list(range(500))
