"""The client of Flink's REST API, against a cluster."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from headrace_registry.clusters import (
    FlinkRest,
    LogReader,
    NoSuchJobError,
    NoSuchTaskManagerError,
    RejectedError,
    explain,
    find_job,
    follow,
    wait_for_end,
    wait_for_savepoint,
)
from headrace_registry.clusters._jars import lacking, missing_jars

from ...clusters import wait_until  # noqa: TID252 - tests are no package
from .running import Jobs

pytestmark = [pytest.mark.slow, pytest.mark.flink]
NOBODY = "0" * 32


@pytest.fixture(scope="module")
def rest(cluster):
    with FlinkRest(cluster.address) as found:
        yield found


@pytest.fixture(scope="module")
def jobs(cluster):
    found = Jobs(cluster.address)
    yield found
    found.close()


@pytest.fixture(scope="module")
def steady(jobs, rest):
    """A job that runs and has checkpoints."""
    with jobs.running(rest, "steady") as job:
        wait_until(lambda: rest.checkpoints(job).latest.completed, "a checkpoint is completed")
        yield job


def states_of(rest, job, **more):
    seen, failures = [], []
    last = follow(
        rest, job, on_state=seen.append, on_exception=failures.append, timeout=120, **more
    )
    return seen, failures, last


# ---------------------------------------------------------------- what it is asked
def test_a_jar_that_its_jobmanager_has_loaded_is_not_sent(rest):
    jars = ["/opt/flink-python-2.3.0.jar", "/home/own.jar"]
    assert missing_jars(rest, jars) == [Path("/home/own.jar")]
    assert lacking(rest, "2.3.0") == ""


def test_a_cluster_without_flinks_side_of_python_is_told(rest):
    said = lacking(rest, "2.3.1")
    assert "the cluster has no flink-python-2.3.1.jar in its lib folder" in said
    assert "copy it there from opt" in said


def test_a_cluster_tells_its_version_and_slots(cluster, rest):
    assert rest.config().flink_version == rest.overview().flink_version == cluster.flink_version
    assert rest.config().line == ".".join(cluster.flink_version.split(".")[:2])
    found = rest.taskmanagers()
    assert len(found) == rest.overview().taskmanagers == 2
    assert sum(one.slots for one in found) == rest.overview().slots_total == 4
    assert {one.host for one in found} == {"127.0.0.1"}
    assert rest.settings()["rest.port"] == str(urlsplit(rest.url).port)


def test_a_job_is_told_in_full(jobs, rest, steady):
    found = wait_until(
        lambda: (one := rest.job(steady)).state == "RUNNING" and one, "the job is shown as running"
    )
    assert found.name == jobs.names[steady]
    assert 0 < found.started <= found.since <= found.now
    assert found.ended is None
    assert (found.slots, len(found.vertices), found.vertices[0].parallelism) == (1, 1, 1)
    assert rest.user_config(steady) == {}
    assert rest.metrics(steady, ["numRestarts", "nothing"]) == {"numRestarts": "0"}
    assert {one.taskmanager for one in rest.placements(steady)} <= {
        one.id for one in rest.taskmanagers()
    }


def test_a_job_is_found_by_its_name_and_by_the_beginning_of_its_id(jobs, rest, steady):
    assert find_job(rest.jobs(), jobs.names[steady]).id == steady
    assert find_job(rest.jobs(), steady[:10]).id == steady


def test_checkpoints_have_a_place_a_size_and_a_time(cluster, rest, steady):
    last = rest.checkpoints(steady).latest.completed
    assert last.size > 0
    assert last.acknowledged >= last.triggered
    assert str(cluster.folder) in last.path


@pytest.mark.parametrize("job", [NOBODY, "no-id", "../config", "A" * 32])
def test_a_job_that_is_not_there_is_said_so(rest, job):
    for ask in (rest.job, rest.state, rest.exceptions, rest.checkpoints, rest.cancel):
        with pytest.raises(NoSuchJobError, match="agents jobs list"):
            ask(job)


# ---------------------------------------------------------------- submitting
def test_a_plan_with_its_jars_and_files_is_uploaded_and_runs(jobs, rest, tmp_path):
    import pyflink

    plan, artifact = tmp_path / "plan", tmp_path / "a file"
    wanted = jobs.plan("steady", plan)
    artifact.write_bytes(b"x" * 100_000)
    jars = list((Path(pyflink.__file__).parent / "opt").glob("flink-python*.jar"))
    sent = []
    job = rest.submit(
        plan, jars=jars, artifacts={"a": artifact}, progress=lambda *one: sent.append(one)
    )
    try:
        assert job == wanted
        assert follow(rest, job, until={"RUNNING"}, timeout=120).state == "RUNNING"
    finally:
        rest.cancel(job)
        wait_for_end(rest, job)
    total = sum(one.stat().st_size for one in (plan, artifact, *jars))
    assert sent[-1] == (total, total)


def test_a_plan_that_is_none_is_refused(rest, tmp_path):
    (tmp_path / "plan").write_bytes(b"nonsense")
    with pytest.raises(RejectedError, match="invalid stream header: 6E6F6E73"):
        rest.submit(tmp_path / "plan")


# ---------------------------------------------------------------- savepoints
def test_a_savepoint_is_made_where_it_is_wanted(rest, steady, tmp_path):
    path = wait_for_savepoint(rest, steady, rest.savepoint(steady, tmp_path.as_uri())).location
    assert Path(urlsplit(path).path).parent == tmp_path
    assert Path(urlsplit(path).path, "_metadata").is_file()
    assert rest.state(steady) == "RUNNING"


def test_a_savepoint_that_cannot_be_made_says_why_and_the_job_goes_on(rest, steady, tmp_path):
    place = tmp_path / "file"
    place.write_text("no folder")
    trigger = rest.savepoint(steady, f"{place.as_uri()}/below")
    with pytest.raises(RejectedError, match=re.escape(str(place))):
        wait_for_savepoint(rest, steady, trigger)
    assert rest.state(steady) == "RUNNING"


def test_stop_ends_a_job_with_a_savepoint(jobs, rest, tmp_path):
    with jobs.running(rest, "steady") as job:
        follow(rest, job, until={"RUNNING"}, timeout=60)
        wait_until(lambda: rest.checkpoints(job).latest.completed, "it works")
        done = wait_for_savepoint(rest, job, rest.stop(job, tmp_path.as_uri()))
        assert Path(urlsplit(done.location).path, "_metadata").is_file()
        assert wait_for_end(rest, job) == "FINISHED"
        with pytest.raises(RejectedError, match=r"(?s)already reached.*next"):
            rest.cancel(job)


def test_a_savepoint_of_a_job_that_is_over_is_refused(rest, jobs):
    with jobs.running(rest, "wide") as job:
        rest.cancel(job)
        wait_for_end(rest, job)
        with pytest.raises(NoSuchJobError, match="does not run"):
            wait_for_savepoint(rest, job, rest.stop(job))


# ---------------------------------------------------------------- logs
def test_a_taskmanagers_log_has_what_the_python_worker_logs(rest, steady):
    (place,) = {one.taskmanager for one in rest.placements(steady)}
    lines = list(LogReader(rest, place, python=True).lines())
    assert lines
    assert all("PythonWorker" in line for line in lines)


def test_a_log_is_read_on_from_where_one_was(rest):
    name = rest.taskmanagers()[0].id
    reader = LogReader(rest, name)
    before = list(reader.lines())
    assert len(before) > 10
    assert before[0] not in list(reader.lines())


def test_a_printing_job_is_read(rest, steady):
    (place,) = {one.taskmanager for one in rest.placements(steady)}
    # A JobManager shows for three seconds what it has fetched.
    wait_until(
        lambda: any(line.isdigit() for line in LogReader(rest, place, stdout=True).lines()),
        "the job has printed a number",
    )


def test_a_log_that_is_not_there_is_said_so(rest):
    name = rest.taskmanagers()[0].id
    for found in (rest.log("nobody:1-1"), rest.log(name, "no-such-file.log")):
        with pytest.raises(NoSuchTaskManagerError):
            next(found)


@pytest.mark.parametrize("name", ["../conf/config.yaml", "/etc/hostname", "..", ""])
def test_no_name_leads_out_of_the_log_folder(rest, name):
    with pytest.raises(NoSuchTaskManagerError, match="no log"):
        next(rest.log(rest.taskmanagers()[0].id, name))


# ---------------------------------------------------------------- following, and failures
def test_a_job_that_fails_is_followed_to_its_end_with_the_reason(jobs, rest):
    with jobs.running(rest, "failing") as job:
        seen, failures, last = states_of(rest, job)
        assert explain(rest.exceptions(job)) == failures[-1]
    names = [one.state for one in seen]
    assert last == seen[-1]
    assert last.state == "FAILED"
    assert names.index("RESTARTING") < names.index("FAILED")
    again = next(one for one in seen if one.state == "RESTARTING")
    assert "ZeroDivisionError: division by zero" in again.why
    assert "ZeroDivisionError" in last.why
    assert len(failures) == 2
    assert {one.kind for one in failures} == {"python"}
    assert "return 100 / (number - 20)" in failures[-1].python_trace
    assert "sdk_worker" not in failures[-1].python_trace
    assert failures[-1].host


def test_a_worker_that_ends_itself_is_told_from_an_error(jobs, rest):
    with jobs.running(rest, "dying") as job:
        _, _, last = states_of(rest, job)
    assert last.state == "FAILED"
    assert last.failure.kind == "python worker"


def test_a_python_without_pyflink_is_told(jobs, rest):
    with jobs.running(rest, "bare") as job:
        _, _, last = states_of(rest, job)
    assert last.failure.kind == "python missing"
    assert "No module named 'pyflink'" in last.why


def test_a_job_that_waits_for_slots_says_how_many_it_lacks(jobs, rest):
    with jobs.running(rest, "wide") as job:
        seen = []

        def on_state(state):
            seen.append(state)
            if "slots" in state.why:
                rest.cancel(job)

        last = follow(rest, job, on_state=on_state, timeout=60)
    starved = next(one for one in seen if one.why)
    assert (starved.state, last.state) == ("RUNNING", "CANCELED")
    assert "it needs 9, and the cluster has 4" in starved.why


def test_each_state_is_told_once(jobs, rest):
    with jobs.running(rest, "steady") as job:
        seen = []

        def on_state(state):
            seen.append(state.state)
            if state.state == "RUNNING":
                rest.cancel(job)

        follow(rest, job, on_state=on_state, timeout=60)
    assert seen[-1] == "CANCELED"
    assert len(seen) == len(set(seen))
