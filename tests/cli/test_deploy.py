"""`agents deploy`: what it prints, writes and refuses."""

from __future__ import annotations

import json
import zipfile

import pytest
import yaml

from ..registry.deploying.conftest import Workshop  # noqa: TID252 - small zips of jobs


@pytest.fixture
def job(place, monkeypatch):
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(place.folder / "cache"))
    return Workshop(place.folder).zip(secrets=[{"name": "OPENAI_API_KEY", "used_by": "llm"}]).name


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_folder_for_kubernetes_is_written_and_its_files_are_listed(place, job):
    result = place.run("deploy", "kubernetes", job, "-o", "k8s")
    assert result.exit_code == 0, result.output
    assert {"Dockerfile", "flinkdeployment.yaml", "README.md"} <= names(place.folder / "k8s")
    assert "+ k8s/flinkdeployment.yaml" in result.stdout
    assert "make the secret demo-secrets before you apply: it needs OPENAI_API_KEY" in result.stderr


def test_a_folder_for_yarn_is_written(place, job):
    result = place.run("deploy", "yarn", job, "-o", "yarn")
    assert result.exit_code == 0, result.output
    assert names(place.folder / "yarn") == {
        "README.md",
        "deploy.json",
        "job.zip",
        "submit-yarn-session.sh",
        "submit-yarn.sh",
    }


def test_every_option_for_kubernetes_is_heard(place, job):
    result = place.run(
        *("deploy", "kubernetes", job, "-o", "k8s", "--name", "orders", "--namespace", "agents"),
        *("--image", "demo:7", "--parallelism", "6", "--slots", "3", "--taskmanager-memory", "3g"),
        *("--taskmanager-cpu", "1.5", "--checkpoints", "s3://bucket/orders", "--secret", "keys"),
        *("--state", "s3://bucket/1", "--set", "a.b=c", "--service-account", "runner"),
        *("--base", "own/flink:1"),
    )
    assert result.exit_code == 0, result.output
    data = yaml.safe_load((place.folder / "k8s/flinkdeployment.yaml").read_text())
    spec = data["spec"]
    assert data["metadata"]["name"] == "orders"
    assert data["metadata"]["namespace"] == "agents"
    assert spec["image"] == "demo:7"
    assert spec["serviceAccount"] == "runner"
    assert spec["taskManager"]["resource"] == {"memory": "3072m", "cpu": 1.5}
    assert spec["job"]["parallelism"] == 6
    assert spec["job"]["initialSavepointPath"] == "s3://bucket/1"
    settings = spec["flinkConfiguration"]
    assert settings["taskmanager.numberOfTaskSlots"] == "3"
    assert settings["execution.checkpointing.dir"] == "s3://bucket/orders/checkpoints"
    assert settings["a.b"] == "c"
    assert spec["podTemplate"]["spec"]["volumes"][0]["secret"]["secretName"] == "keys"
    assert "ARG FLINK_IMAGE=own/flink:1\n" in (place.folder / "k8s/Dockerfile").read_text()


def test_without_a_parallelism_one_taskmanager_is_filled(place, job):
    place.run("deploy", "kubernetes", job, "-o", "k8s", "--slots", "5")
    data = yaml.safe_load((place.folder / "k8s/flinkdeployment.yaml").read_text())
    assert data["spec"]["job"]["parallelism"] == 5


def test_a_dry_run_prints_what_it_would_write_and_writes_nothing(place, job):
    result = place.run("deploy", "kubernetes", job, "-o", "k8s", "--dry-run")
    assert result.exit_code == 0, result.output
    assert not (place.folder / "k8s").exists()
    assert "==> k8s/flinkdeployment.yaml <==\n" in result.stdout
    assert "kind: FlinkDeployment\n" in result.stdout
    assert "nothing was written" in result.stderr


def test_the_json_tells_all_of_it(place, job):
    result = place.run("deploy", "yarn", job, "-o", "yarn", "--json")
    data = json.loads(result.stdout)
    assert data["system"] == "yarn"
    assert data["job"] == data["name"] == "demo"
    assert data["written"] is True
    assert {one["path"]: one["change"] for one in data["files"]}["submit-yarn.sh"] == "new"
    assert any("OPENAI_API_KEY" in note for note in data["notes"])


def test_the_json_of_a_dry_run_says_so(place, job):
    result = place.run("deploy", "yarn", job, "-o", "yarn", "--json", "--dry-run")
    assert json.loads(result.stdout)["written"] is False


def test_an_option_that_kubernetes_does_not_take_is_bad_usage(place, job):
    result = place.run("deploy", "kubernetes", job, "-o", "k8s", "--name", "Orders")
    assert result.exit_code == 2
    assert "next: --name orders" in result.stderr
    assert not (place.folder / "k8s").exists()


def test_a_folder_with_other_files_is_refused(place, job):
    place.write("k8s/thesis.txt", "mine")
    result = place.run("deploy", "kubernetes", job, "-o", "k8s")
    assert result.exit_code == 1
    assert "no deployment: thesis.txt" in result.stderr
    assert names(place.folder / "k8s") == {"thesis.txt"}


def test_force_writes_beside_them(place, job):
    place.write("k8s/thesis.txt", "mine")
    assert place.run("deploy", "kubernetes", job, "-o", "k8s", "--force").exit_code == 0
    assert {"thesis.txt", "Dockerfile"} <= names(place.folder / "k8s")


def test_a_zip_that_was_changed_is_refused(place, job):
    path = place.folder / job
    path.write_bytes(path.read_bytes()[:-400])
    result = place.run("deploy", "kubernetes", job, "-o", "k8s")
    assert result.exit_code == 1
    assert not (place.folder / "k8s").exists()


def test_a_zip_that_was_changed_after_it_was_deployed_is_refused(place, job):
    place.run("deploy", "kubernetes", job, "-o", "k8s")
    path = place.folder / job
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr("app/more.py", "")
    before = (place.folder / "k8s/job.zip").read_bytes()
    result = place.run("deploy", "kubernetes", job, "-o", "k8s")
    assert result.exit_code == 1
    assert "extra: app/more.py" in result.stderr
    assert (place.folder / "k8s/job.zip").read_bytes() == before


def test_a_zip_that_nobody_signed_is_refused_where_a_key_is_asked_for(place, job):
    key = f"sha256:{'a' * 64}"
    result = place.run("deploy", "yarn", job, "-o", "yarn", "--signed-by", key)
    assert result.exit_code == 1
    assert not (place.folder / "yarn").exists()


def test_what_a_job_over_files_reads_and_writes_is_heard(place, monkeypatch):
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(place.folder / "cache"))
    path = Workshop(place.folder).zip(pipeline=None).name
    files = ("--input", "/shared/in", "--output", "/shared/out", "--dead-letters", "/shared/dead")
    result = place.run(
        "deploy", "kubernetes", path, "-o", "k8s", *files, "--key", "user", "--follow"
    )
    assert result.exit_code == 0, result.output
    data = yaml.safe_load((place.folder / "k8s/flinkdeployment.yaml").read_text())
    (container,) = data["spec"]["podTemplate"]["spec"]["containers"]
    assert json.loads(container["env"][0]["value"]) == {
        "files": {
            "input": "/shared/in",
            "output": "/shared/out",
            "dead_letters": "/shared/dead",
            "key": "user",
        },
        "follow": True,
    }


def test_a_job_over_files_of_which_nobody_said_which_is_bad_usage(place, monkeypatch):
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(place.folder / "cache"))
    path = Workshop(place.folder).zip(pipeline=None).name
    result = place.run("deploy", "yarn", path, "-o", "yarn")
    assert result.exit_code == 2
    assert "--input URI --output URI" in result.stderr
