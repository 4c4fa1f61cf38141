"""Jobs that a cluster cannot run: refused with the reason, and the cluster is as it was."""

from __future__ import annotations

import shutil

import pytest

from headrace_registry.clusters import ClusterSpec, wait_for_end

from ..jobs import PYTHON  # noqa: TID252 - tests are no package
from .conftest import SOURCES, opened, own_name, wait_until
from .resealing import for_another, for_flink, reseal, without_package

pytestmark = [pytest.mark.slow, pytest.mark.flink]
ANOTHER = "3.12" if PYTHON != "3.12" else "3.11"
SMALL = (SOURCES / "small.py").read_text()


@pytest.fixture(scope="module")
def echo(zips):
    return zips.build(SMALL, "jobs:echo")


@pytest.fixture(scope="module")
def provided(zips):
    return zips.build(SMALL, "jobs:echo", "--engine", "provided")


@pytest.fixture(scope="module")
def refused(site, echo):
    """Submits what must be refused, beside a job that runs: gives what is said of it."""
    site.all_free()
    free = site.free_slots() - 1
    with site.running(echo, "--name", "runs on", "--parallelism", 1) as runs_on:

        def is_as_it_was() -> bool:
            return (site.alive(), site.free_slots()) == ({runs_on}, free)

        wait_until(is_as_it_was, "one job, which has its slot")

        def submit(zip_, *arguments):
            done = site.agents("submit", zip_, "--detach", *arguments, check=False)
            assert (done.returncode, done.stdout) == (1, ""), done.stdout + done.stderr
            assert "Traceback" not in done.stderr
            for one in site.rest.jobs():
                if one.name.startswith("headrace: what Python"):  # it asked, and fails on purpose
                    assert wait_for_end(site.rest, one.id) == "FAILED"
            wait_until(is_as_it_was, "one job, which has its slot, and nothing else")
            return " ".join(done.stderr.split())

        yield submit


# ---------------------------------------------------------------- the zip
def test_a_zip_that_was_cut_short(refused, echo, tmp_path):
    data = echo.read_bytes()
    (tmp_path / "short.zip").write_bytes(data[: len(data) * 2 // 3])
    said = refused(tmp_path / "short.zip")
    assert "short.zip" in said
    assert "it was cut short" in said


def test_a_zip_of_which_a_byte_was_changed(refused, echo, tmp_path):
    path = shutil.copy(echo, tmp_path / "changed.zip")
    data = bytearray(path.read_bytes())
    at = data.index(b"Says each number, slowly.")  # the job's code is stored as it is
    data[at] ^= 1
    path.write_bytes(data)
    assert "changed: app/jobs.py" in refused(path)


def test_a_zip_that_lacks_a_plugin_of_its_plan(refused, zips, tmp_path):
    files = {"policy.yaml": "rules: []\n"}
    whole = zips.build(SMALL, "jobs:scripted", files=files)
    path = reseal(whole, tmp_path / "job.zip", without_package("headrace-scripted"))
    said = refused(path)
    assert "needs headrace-scripted" in said
    assert "build it again" in said


# ---------------------------------------------------------------- what it is for
def test_a_zip_for_another_python(refused, provided, tmp_path):
    path = reseal(provided, tmp_path / "job.zip", for_another(ANOTHER, "x86_64"))
    said = refused(path)
    assert f"the job is for Python {ANOTHER}, and the workers have {PYTHON}" in said
    assert "--python" in said


def test_a_zip_for_another_platform(refused, provided, tmp_path):
    path = reseal(provided, tmp_path / "job.zip", for_another(PYTHON, "aarch64"))
    said = refused(path)
    assert "the job is for linux/arm64, and the workers are linux/amd64" in said
    assert "--platform linux/amd64" in said


def test_a_zip_for_another_flink(refused, provided, tmp_path):
    path = reseal(provided, tmp_path / "job.zip", for_flink("1.20.1"))
    said = refused(path)
    assert "is Flink 2.3" in said
    assert "the job was built for 1.20" in said


# ---------------------------------------------------------------- what the cluster has
def test_a_job_for_which_there_are_too_few_slots(refused, echo):
    said = refused(echo, "--parallelism", 4)
    assert "the job needs 4 slots" in said
    assert "3 free of 4" in said
    assert "--parallelism 3" in said


def test_a_job_whose_secret_the_workers_are_not_given(refused, zips):
    said = refused(zips.build(SMALL, "jobs:secretive"))
    assert "DEMO_SERVICE_TOKEN" in said
    assert "is not given to the workers" in said


def test_a_job_without_its_engine_where_the_workers_have_none_either(refused, provided):
    said = refused(provided)
    assert "the workers' Python has to have apache-flink==2.3.*" in said
    assert "--engine bundled" in said


def test_a_secret_that_is_given_is_enough(kit, zips):
    spec = ClusterSpec(
        name=own_name("given"), memory="768m", environment={"DEMO_SERVICE_TOKEN": "of a test"}
    )
    zip_ = zips.build(SMALL, "jobs:secretive")
    with opened(kit, spec) as site, site.running(zip_, "--set", "demo.count=3") as job:
        site.finished(job)
