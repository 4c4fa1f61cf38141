"""The FlinkDeployment: what the operator takes, with what a job and a platform team say."""

from __future__ import annotations

import json

import pytest

from headrace.jobs.manifest import FilesIO
from headrace_registry.deploying import Files

from .conftest import PROVIDED, document
from .schema import faults

SECRETS = [
    {"name": "OPENAI_API_KEY", "used_by": "llm"},
    {"name": "DB_PASSWORD", "used_by": "store"},
]


def deployment(folder):
    return document(folder, "flinkdeployment.yaml")


def container(folder):
    (found,) = deployment(folder)["spec"]["podTemplate"]["spec"]["containers"]
    return found


# ---------------------------------------------------------------- the operator's schema
def test_it_is_what_the_operators_schema_says(workshop):
    assert faults(deployment(workshop.kubernetes())) == []


def test_it_is_so_with_all_options(workshop):
    folder = workshop.kubernetes(
        "state.backend.type=rocksdb",
        job=workshop.subject(secrets=SECRETS),
        name="orders",
        namespace="agents",
        image="registry.example.com/team/orders:7",
        service_account="runner",
        parallelism=8,
        slots=4,
        memory="6g",
        cpu=1.5,
        checkpoints="s3://bucket/orders",
        secret="orders-keys",  # noqa: S106 - the name of one
        state="s3://bucket/orders/savepoints/savepoint-1",
    )
    assert faults(deployment(folder)) == []


@pytest.mark.parametrize(
    "place",
    [
        ("spec", "flinkVersions"),
        ("spec", "job", "entryKlass"),
        ("spec", "taskManager", "resource", "mem"),
        ("spec", "podTemplate", "spec", "volume"),
    ],
    ids=".".join,
)
def test_a_misspelt_field_would_be_found(workshop, place):
    data = deployment(workshop.kubernetes())
    *path, last = place
    inner = data
    for name in path:
        inner = inner[name]
    inner[last] = "x"
    assert len(faults(data)) == 1


def test_the_settings_are_texts_as_flink_reads_them(workshop):
    settings = deployment(workshop.kubernetes(slots=3))["spec"]["flinkConfiguration"]
    assert settings["taskmanager.numberOfTaskSlots"] == "3"
    assert all(isinstance(value, str) for value in settings.values())


# ---------------------------------------------------------------- the job
def test_the_job_is_started_out_of_the_image(workshop):
    job = deployment(workshop.kubernetes(parallelism=6))["spec"]["job"]
    args = job["args"]
    assert dict(zip(args[::2], args[1::2], strict=True)) == {
        "-pyclientexec": "/opt/job/bin/python",
        "-pyexec": "/opt/job/bin/python",
        "-py": "/opt/job/main.py",
    }
    assert job["jarURI"] == "local:///opt/flink/opt/flink-python-2.3.0.jar"
    assert job["entryClass"] == "org.apache.flink.client.python.PythonDriver"
    assert job["parallelism"] == 6


def test_the_entry_class_and_its_jar_are_flinks(flink_home):
    import zipfile

    with zipfile.ZipFile(flink_home / "opt/flink-python-2.3.0.jar") as jar:
        assert "org/apache/flink/client/python/PythonDriver.class" in jar.namelist()


def test_the_flink_version_is_the_engines_line(workshop):
    job = workshop.subject(engine={**PROVIDED, "version": "2.1.4"})
    data = deployment(workshop.kubernetes(job=job, base="own/flink:2.1"))
    assert data["spec"]["flinkVersion"] == "v2_1"
    assert data["spec"]["job"]["jarURI"].endswith("/flink-python-2.1.4.jar")


def test_a_change_takes_the_state_along(workshop):
    assert deployment(workshop.kubernetes())["spec"]["job"]["upgradeMode"] == "savepoint"


def test_it_begins_from_a_savepoint_that_is_named(workshop):
    folder = workshop.kubernetes(state="s3://bucket/savepoint-1")
    assert deployment(folder)["spec"]["job"]["initialSavepointPath"] == "s3://bucket/savepoint-1"


def test_without_one_it_begins_anew(workshop):
    assert "initialSavepointPath" not in deployment(workshop.kubernetes())["spec"]["job"]


# ---------------------------------------------------------------- names
def test_its_name_is_made_of_the_jobs(workshop):
    folder = workshop.kubernetes(job=workshop.subject(name="My Échos: v2"))
    assert deployment(folder)["metadata"]["name"] == "my-chos-v2"


def test_a_job_whose_name_has_no_letter_gets_one(workshop):
    folder = workshop.kubernetes(job=workshop.subject(name="2024"))
    assert deployment(folder)["metadata"]["name"] == "job-2024"


def test_the_image_has_a_tag_of_the_jobs_digest(workshop):
    job = workshop.subject()
    folder = workshop.kubernetes(job=job, image="registry.example.com:5000/team/demo")
    wanted = f"registry.example.com:5000/team/demo:{job.digest[:12]}"
    assert deployment(folder)["spec"]["image"] == wanted


def test_a_tag_that_is_given_stays(workshop):
    assert deployment(workshop.kubernetes(image="demo:7"))["spec"]["image"] == "demo:7"


def test_a_digest_that_is_given_stays(workshop):
    image = f"demo@sha256:{'a' * 64}"
    assert deployment(workshop.kubernetes(image=image))["spec"]["image"] == image


# ---------------------------------------------------------------- resources
@pytest.mark.parametrize(("given", "wanted"), [("4g", "4096m"), ("3Gi", "3072m"), ("900m", "900m")])
def test_memory_reads_alike_in_flink_and_kubernetes(workshop, given, wanted):
    spec = deployment(workshop.kubernetes(memory=given))["spec"]
    assert spec["taskManager"]["resource"]["memory"] == wanted


def test_processors_may_be_parts(workshop):
    spec = deployment(workshop.kubernetes(cpu=0.5))["spec"]
    assert spec["taskManager"]["resource"]["cpu"] == 0.5


# ---------------------------------------------------------------- state
def test_state_is_on_a_volume_of_its_own(workshop):
    folder = workshop.kubernetes(name="orders")
    settings = deployment(folder)["spec"]["flinkConfiguration"]
    (mount,) = container(folder)["volumeMounts"]
    (volume,) = deployment(folder)["spec"]["podTemplate"]["spec"]["volumes"]
    assert volume["persistentVolumeClaim"] == {"claimName": "orders-state"}
    assert volume["name"] == mount["name"]
    for key in (
        "execution.checkpointing.dir",
        "execution.checkpointing.savepoint-dir",
        "high-availability.storageDir",
    ):
        assert settings[key].startswith(f"file://{mount['mountPath']}/")


def test_the_claim_of_that_volume_is_written_for_several_nodes(workshop):
    folder = workshop.kubernetes(name="orders", namespace="agents")
    claim = document(folder, "volume-claim.yaml")
    assert claim["metadata"] == {"name": "orders-state", "namespace": "agents"}
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert "volume-claim.yaml" in document(folder, "kustomization.yaml")["resources"]


def test_a_claim_that_is_there_is_only_named(workshop):
    folder = workshop.kubernetes(checkpoints="pvc:shared-state")
    (volume,) = deployment(folder)["spec"]["podTemplate"]["spec"]["volumes"]
    assert volume["persistentVolumeClaim"] == {"claimName": "shared-state"}
    assert "volume-claim.yaml" not in folder.names


def test_in_an_object_store_there_is_no_volume(workshop):
    folder = workshop.kubernetes(checkpoints="gs://bucket/orders/")
    settings = deployment(folder)["spec"]["flinkConfiguration"]
    assert settings["execution.checkpointing.dir"] == "gs://bucket/orders/checkpoints"
    assert settings["high-availability.storageDir"] == "gs://bucket/orders/high-availability"
    assert "volumes" not in deployment(folder)["spec"]["podTemplate"]["spec"]


def test_a_new_jobmanager_finds_what_the_last_one_noted(workshop):
    settings = deployment(workshop.kubernetes())["spec"]["flinkConfiguration"]
    assert settings["high-availability.type"] == "kubernetes"


# ---------------------------------------------------------------- secrets
def test_secrets_are_files_where_workers_look(workshop):
    from headrace.jobs.secrets import FOLDER

    job = workshop.subject(secrets=SECRETS)
    folder = workshop.kubernetes(job=job, secret="keys")  # noqa: S106 - the name of one
    mount = next(one for one in container(folder)["volumeMounts"] if one["mountPath"] == FOLDER)
    volumes = deployment(folder)["spec"]["podTemplate"]["spec"]["volumes"]
    source = next(one["secret"] for one in volumes if one["name"] == mount["name"])
    assert mount["readOnly"] is True
    assert source["secretName"] == "keys"
    assert {one["key"]: one["path"] for one in source["items"]} == {
        "OPENAI_API_KEY": "OPENAI_API_KEY",
        "DB_PASSWORD": "DB_PASSWORD",
    }


def test_a_job_without_secrets_asks_for_none(workshop):
    folder = workshop.kubernetes()
    assert "secret.example.yaml" not in folder.names
    assert "secret" not in str(deployment(folder)["spec"]["podTemplate"])


def test_the_example_of_the_secret_has_names_and_no_values(workshop):
    folder = workshop.kubernetes(job=workshop.subject(secrets=SECRETS), name="orders")
    secret = document(folder, "secret.example.yaml")
    assert secret["metadata"]["name"] == "orders-secrets"
    assert secret["stringData"] == {"OPENAI_API_KEY": "", "DB_PASSWORD": ""}
    assert "secret.example.yaml" not in document(folder, "kustomization.yaml")["resources"]


# ---------------------------------------------------------------- the pods
def test_pods_run_as_flinks_user_and_gain_nothing(workshop):
    folder = workshop.kubernetes()
    pods = deployment(folder)["spec"]["podTemplate"]["spec"]
    assert pods["securityContext"]["runAsNonRoot"] is True
    assert pods["securityContext"]["fsGroup"] == pods["securityContext"]["runAsUser"] == 9999
    assert container(folder)["securityContext"]["allowPrivilegeEscalation"] is False


def test_flink_finds_its_container_in_the_template(workshop):
    assert container(workshop.kubernetes())["name"] == "flink-main-container"


# ---------------------------------------------------------------- settings
def test_the_jobs_settings_are_flinks(workshop):
    job = workshop.subject(settings={"state.backend.type": "rocksdb"})
    settings = deployment(workshop.kubernetes(job=job))["spec"]["flinkConfiguration"]
    assert settings["state.backend.type"] == "rocksdb"


def test_what_is_set_here_comes_last_also_for_the_jobs_driver(workshop):
    """The driver puts the job's settings over the cluster's: it is told of these."""
    from headrace.jobs.driver import Order

    job = workshop.subject(settings={"execution.checkpointing.interval": "5s", "a.b": "1"})
    folder = workshop.kubernetes("execution.checkpointing.interval=1min", job=job)
    settings = deployment(folder)["spec"]["flinkConfiguration"]
    assert settings["execution.checkpointing.interval"] == "1min"
    assert settings["a.b"] == "1"
    (variable,) = container(folder)["env"]
    assert variable["name"] == "HEADRACE_ORDER"
    order = Order.model_validate_json(variable["value"])
    assert order.settings == {"execution.checkpointing.interval": "1min"}


def test_where_checkpoints_go_is_not_the_jobs_to_say(workshop):
    job = workshop.subject(settings={"execution.checkpointing.dir": "file:///tmp/mine"})
    folder = workshop.kubernetes(job=job, checkpoints="s3://bucket/orders")
    (variable,) = container(folder)["env"]
    assert json.loads(variable["value"])["settings"] == {
        "execution.checkpointing.dir": "s3://bucket/orders/checkpoints"
    }


def test_where_nothing_is_set_the_driver_is_told_nothing(workshop):
    assert "env" not in container(workshop.kubernetes())


# ---------------------------------------------------------------- a job over files
def test_the_driver_is_told_what_a_job_over_files_reads_and_writes(workshop):
    from headrace.jobs.driver import Order

    io = FilesIO(input="s3://box/in", output="/shared/out", key="user")
    job = workshop.subject(pipeline=None, files={"input": "in.jsonl"})
    folder = workshop.kubernetes(job=job, files=Files(io, follow=True))
    (variable,) = container(folder)["env"]
    order = Order.model_validate_json(variable["value"])
    assert order.files == io
    assert order.follow is True


def test_what_the_zip_says_itself_needs_not_be_said_again(workshop):
    files = {"input": "/shared/in", "output": "/shared/out"}
    folder = workshop.kubernetes(job=workshop.subject(pipeline=None, files=files))
    assert "env" not in container(folder)


# ---------------------------------------------------------------- the folder
def test_the_same_job_gives_the_same_bytes(workshop):
    first, second = (workshop.kubernetes(job=workshop.subject(name)) for name in ("a.zip", "b.zip"))
    assert first.texts == second.texts


def test_kustomize_puts_all_into_the_namespace(workshop):
    data = document(workshop.kubernetes(namespace="agents"), "kustomization.yaml")
    assert data["namespace"] == "agents"
    assert data["resources"] == ["volume-claim.yaml", "flinkdeployment.yaml"]


def test_the_pages_commands_name_this_deployment(workshop):
    page = workshop.kubernetes(name="orders", namespace="agents", image="demo:7").texts["README.md"]
    assert "docker build --platform linux/amd64 -t demo:7 ." in page
    assert "kubectl -n agents get flinkdeployment orders\n" in page
    assert "$" not in page.replace("$FLINK_HOME", "")


def test_strangers_text_stays_in_its_comment(workshop):
    folder = workshop.kubernetes(job=workshop.subject(name="x\nkind: Secret\n- evil: \u202etrue"))
    assert deployment(folder)["kind"] == "FlinkDeployment"
    assert "\u202e" not in folder.texts["flinkdeployment.yaml"]
