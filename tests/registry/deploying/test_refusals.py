"""What is refused before anything is written, and what it says."""

from __future__ import annotations

import pytest

from headrace.jobs.manifest import FilesIO
from headrace_registry.deploying import DeployError, Files, OptionError

from .conftest import BUNDLED


# ---------------------------------------------------------------- options
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"name": "Orders"}, "--name orders"),
        ({"name": "1orders"}, "--name job-1orders"),
        ({"name": "a" * 46}, "45 at most"),
        ({"name": "orders-"}, "--name orders"),
        ({"name": ""}, "no name for a deployment"),
        ({"namespace": "my_space"}, "--namespace"),
        ({"namespace": "a" * 64}, "63 at most"),
        ({"service_account": "a b"}, "--service-account"),
        ({"secret": "../x"}, "--secret"),
        ({"image": "Demo"}, "--image"),
        ({"image": "demo:latest"}, "another image tomorrow"),
        ({"image": "demo:7\nRUN x"}, "--image"),
        ({"base": "flink"}, "another image tomorrow"),
        ({"memory": "lots"}, "--taskmanager-memory"),
        ({"memory": "0g"}, "--taskmanager-memory"),
        ({"checkpoints": "s3:/bucket"}, "no address of a folder"),
        ({"checkpoints": "/tmp/x"}, "no address of a folder"),
        ({"checkpoints": "s3://bucket/$(id)"}, "no address of a folder"),
        ({"checkpoints": "hdfs://nn/x"}, "nothing that reads hdfs://"),
        ({"checkpoints": "file:///x"}, "pvc:CLAIM"),
        ({"checkpoints": "pvc:My_Claim"}, "--checkpoints pvc:"),
        ({"checkpoints": "s3://key:secret@bucket/x"}, "holds a password"),
        ({"state": "savepoint-1"}, "--state"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_kubernetes_does_not_take(workshop, options, told):
    with pytest.raises(OptionError) as caught:
        workshop.kubernetes(**options)
    assert told in str(caught.value)


def test_a_password_is_not_told_again(workshop):
    with pytest.raises(OptionError) as caught:
        workshop.kubernetes(checkpoints="s3://key:sesame@bucket/x")
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"cpu": 1.5}, "whole processors"),
        ({"secret": "keys"}, "no folder on the nodes"),
        ({"secret": "/etc/../x"}, "no folder on the nodes"),
        ({"checkpoints": "pvc:state"}, "no address of a folder"),
        ({"checkpoints": "ftp://host/x"}, "nothing that reads ftp://"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_yarn_does_not_take(workshop, options, told):
    job = workshop.subject(secrets=[{"name": "KEY", "used_by": "llm"}])
    with pytest.raises(OptionError) as caught:
        workshop.yarn(job=job, **options)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("state.backend.type", "KEY=VALUE"),
        ("=x", "no name of a setting"),
        ("a b=x", "no name of a setting"),
        ("a.b=x\ny", "not seen"),
        ("a.b=" + "x" * 5000, "4096 characters"),
        ("kubernetes.cluster-id=x", "--name"),
        ("taskmanager.numberOfTaskSlots=9", "--slots"),
        ("execution.savepoint.path=/x", "--state"),
        ("s3.secret-key=sesame", "a secret would stand in files"),
        ("security.ssl.rest.keystore-password=sesame", "a secret would stand in files"),
        ("fs.azure.account.key.box.example.com=sesame", "a secret would stand in files"),
    ],
    ids=lambda value: value[:40],
)
def test_settings_that_are_none_or_are_not_to_be_set_here(workshop, given, told):
    with pytest.raises(OptionError) as caught:
        workshop.kubernetes(given)
    assert told in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_a_setting_with_an_equals_sign_keeps_it(workshop):
    folder = workshop.kubernetes("env.java.opts.all=-Da=b")
    assert "env.java.opts.all: -Da=b\n" in folder.texts["flinkdeployment.yaml"]


# ---------------------------------------------------------------- jobs over files
@pytest.mark.parametrize("system", ["kubernetes", "yarn"])
def test_a_job_over_files_of_which_nobody_said_which(workshop, system):
    job = workshop.subject(pipeline=None, files={"input": "/shared/in"})
    with pytest.raises(OptionError, match="next: --output URI"):
        getattr(workshop, system)(job=job)


@pytest.mark.parametrize("system", ["kubernetes", "yarn"])
def test_files_for_a_job_that_has_sources_of_its_own(workshop, system):
    with pytest.raises(OptionError, match="sources and sinks of its own"):
        getattr(workshop, system)(files=Files(FilesIO(input="/shared/in")))


def test_files_that_no_pod_reads(workshop):
    job = workshop.subject(pipeline=None)
    files = Files(FilesIO(input="hdfs://nn/in", output="/shared/out"))
    with pytest.raises(OptionError, match="--input hdfs://nn/in: a stock Flink on kubernetes"):
        workshop.kubernetes(job=job, files=files)


# ---------------------------------------------------------------- jobs
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"python": "3.9"}, "the job is for Python 3.9"),
        ({"python": "3.11\nRUN x"}, "the job is for Python 3.11 RUN x"),
        ({"platform": "darwin/arm64"}, "the job is for darwin/arm64"),
        ({"engine": {**BUNDLED, "version": "2.3.0; x"}}, "a release of apache-flink"),
        ({"engine": {**BUNDLED, "distribution": "flinkish"}}, "a release of apache-flink"),
        ({"secrets": [{"name": "A\nB", "used_by": "x"}]}, "no name of an environment variable"),
        ({"settings": {"a b": "x"}}, "no name of a setting"),
        ({"settings": {"a.b": "x\n- y"}}, "not seen"),
        (
            {"skills": [{"name": "s", "origin": "o", "digest": "0", "commands": ["jq; reboot"]}]},
            "no name of a program",
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_job_of_which_something_cannot_stand_in_a_file(workshop, changes, told):
    with pytest.raises(DeployError) as caught:
        workshop.subject(**changes)
    assert told in str(caught.value)
