"""Whether a job's graph can be made on this machine."""

from __future__ import annotations

import importlib.util
import sys
from importlib import metadata

import pytest

from headrace.jobs.manifest import read_manifest
from headrace_registry.clusters._compiling import CompileError, HostError, check_host
from headrace_registry.locking.targets import machine

from ..bundle.zips import JobFiles  # noqa: TID252 - small zips, made by hand

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pyflink") is None, reason="PyFlink is not installed"
)
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
FLINK = metadata.version("apache-flink")
HERE = machine(PYTHON).platform


@pytest.fixture
def job(tmp_path):
    """The manifest of a job for a Flink and a platform."""

    def made(flink, platform=HERE):
        files = JobFiles()
        engine = {"mode": "bundled", "distribution": "apache-flink", "version": flink}
        files.manifest |= {"engine": engine, "python": PYTHON, "platform": platform}
        (tmp_path / "job.json").write_bytes(files.packed()["job.json"])
        return read_manifest(tmp_path)

    return made


def test_a_job_for_this_machine_and_its_flink_is_taken(job):
    check_host(job(FLINK))


def test_another_release_of_the_same_line_is_taken(job):
    check_host(job(f"{FLINK.rpartition('.')[0]}.99"))


@pytest.mark.parametrize("flink", ["1.20.1", "2.30.0"])
def test_a_job_for_another_line_of_flink_is_refused_with_the_line_to_install(job, flink):
    line = flink.rpartition(".")[0]
    with pytest.raises(CompileError, match=rf"the job was built for Flink {line}\n") as caught:
        check_host(job(flink))
    assert f"here is {FLINK}" in str(caught.value)
    assert f"pip install 'apache-flink=={line}.*'" in str(caught.value)


def test_a_job_for_another_platform_is_refused_as_one_for_another_machine(job):
    with pytest.raises(HostError, match="submit from a machine of that platform"):
        check_host(job(FLINK, "linux/arm64"))
