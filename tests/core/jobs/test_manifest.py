"""`job.json`: read back as written, stable, bounded, and refused where it is wrong."""

from __future__ import annotations

import hashlib
import json

import pytest
from pydantic import ValidationError

from headrace import AgentBuilder, AgentPlan, InputEvent
from headrace.errors import PlanVersionError
from headrace.jobs.manifest import (
    FORMAT,
    AgentState,
    Engine,
    FilesIO,
    JobManifest,
    ManifestError,
    PlanFile,
    State,
    job_digest,
    job_home,
    parse_manifest,
    read_manifest,
    read_plans,
)


def echo(event: InputEvent, ctx) -> None: ...


def plan(name="Echo"):
    return AgentPlan.from_agent(AgentBuilder(name).action(echo, InputEvent))


def manifest(**changes):
    some = {
        "name": "größe",
        "headrace": "0.1.0",
        "python": "3.11",
        "platform": "linux/amd64",
        "engine": Engine(mode="provided", distribution="apache-flink", version="2.3.0"),
        "plans": (PlanFile(agent="Echo", path="plans/Echo.json", digest=plan().digest),),
        "files": FilesIO(key="k"),
        "settings": {"b": "2", "a": "1"},
        "state": State(agents={"Echo": AgentState(uid="headrace-Echo", shards=64)}),
        "files_total": 3,
        "sums": "0" * 64,
    }
    return JobManifest(**{**some, **changes})


def changed(**fields):
    return json.dumps({**json.loads(manifest().to_json()), **fields}).encode()


def test_it_is_read_back_as_it_was_written():
    assert parse_manifest(manifest().to_json()) == manifest()


def test_its_bytes_are_those_of_its_content():
    written = manifest().to_json()
    assert parse_manifest(written).to_json() == written
    assert "größe" in written.decode("utf-8")
    assert written.endswith(b"}\n")


def test_it_cannot_be_changed():
    with pytest.raises(ValidationError):
        manifest().name = "other"


def test_the_line_of_an_engine_is_what_clusters_are_held_to():
    assert Engine(mode="bundled", distribution="apache-flink", version="2.3.1").line == "2.3"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "job.json is no manifest of a job"),
        (b"{}", "name: Field required"),
        (b"[1]", "is no manifest"),
        (b"\xff", "is no manifest"),
        (changed(unknown=1), "unknown: Extra inputs are not permitted"),
        (changed(files_total="many"), "files_total"),
        (changed(engine={"mode": "none", "distribution": "x", "version": "1"}), "engine.mode"),
    ],
)
def test_one_that_is_damaged_is_told_by_the_first_fault(data, said):
    with pytest.raises(ManifestError, match=said):
        parse_manifest(data)


@pytest.mark.parametrize("number", [FORMAT + 1, 0, -1, "1", None])
def test_another_format_is_refused_and_its_writer_named(number):
    with pytest.raises(PlanVersionError, match=r"install the headrace that built it \(0\.1\.0\)"):
        parse_manifest(changed(format=number))


def test_one_that_is_too_large_is_not_read():
    with pytest.raises(ManifestError, match="more than"):
        parse_manifest(b" " * (16 * 1024 * 1024 + 1))


# ---------------------------------------------------------------- an unpacked zip
@pytest.fixture
def home(tmp_path):
    """An unpacked job."""
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans/Echo.json").write_text(plan().model_dump_json())
    (tmp_path / "job.json").write_bytes(manifest().to_json())
    return tmp_path


def test_the_manifest_of_a_folder_is_read(home):
    assert read_manifest(home) == manifest()


def test_a_folder_without_one_is_told(tmp_path):
    with pytest.raises(ManifestError, match="cannot be read: No such file"):
        read_manifest(tmp_path)


def test_a_jobs_digest_is_that_of_its_manifest(home):
    assert job_digest(home) == hashlib.sha256(manifest().to_json()).hexdigest()


def test_the_plans_are_those_that_the_manifest_names(home):
    assert read_plans(home, read_manifest(home)) == {"Echo": plan()}


def test_another_plan_under_the_name_is_refused(home):
    (home / "plans/Echo.json").write_text(plan("Other").model_dump_json())
    with pytest.raises(ManifestError, match=r"is not the plan that job\.json names"):
        read_plans(home, read_manifest(home))


def test_where_the_job_is_unpacked_is_said_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("HEADRACE_JOB", raising=False)
    assert job_home() is None
    monkeypatch.setenv("HEADRACE_JOB", str(tmp_path))
    assert job_home() == tmp_path
