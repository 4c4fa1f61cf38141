"""A job on Kubernetes: for Flink's operator, and for Flink's own application mode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace.flink.releases import application_mode
from headrace_registry.deploying import _checks
from headrace_registry.deploying._image import HOME, PYTHON_JAR, image_files
from headrace_registry.deploying._options import Options
from headrace_registry.deploying._pods import pod_template
from headrace_registry.deploying._settings import merged, order_of
from headrace_registry.deploying._shell import Beside, script
from headrace_registry.deploying._storage import check_uri, storage_of
from headrace_registry.deploying._texts import kubernetes_notes, kubernetes_page
from headrace_registry.deploying._yaml import Noted, document
from headrace_registry.deploying.writing import Folder

if TYPE_CHECKING:
    from pathlib import Path

    from headrace_registry.deploying._storage import Storage
    from headrace_registry.deploying.subject import Subject

__all__ = ["KubernetesOptions", "kubernetes_folder"]

_JOB_MANAGER_MEMORY = 2048
_DIGITS = 12
_CLAIM_SIZE = "20Gi"
_SCRIPT = "run-application.sh"
_ARGUMENTS = (
    "-pyclientexec",
    f"{HOME}/bin/python",
    "-pyexec",
    f"{HOME}/bin/python",
    "-py",
    f"{HOME}/main.py",
)
"""What Flink is told of the job: absolute paths, since the image has it unpacked."""


@dataclass(frozen=True, slots=True)
class KubernetesOptions(Options):
    """What a platform team decides of a job on Kubernetes."""

    namespace: str = "default"
    """Where it runs."""
    image: str | None = None
    """The job's image; without a tag it gets one of the job's digest."""
    base: str | None = None
    """An image with Flink and Python in it; ``None``: made of stock ones."""
    lock: Path | None = None
    """The lock of the job's project, for a zip without its engine."""
    service_account: str = "flink"
    """The account that starts TaskManagers."""


@dataclass(frozen=True, slots=True)
class _Deployment:
    """The options, checked and with nothing left open."""

    subject: Subject
    options: KubernetesOptions
    name: str
    image: str
    storage: Storage
    plugins: frozenset[str]
    claim_is_ours: bool
    secret: str | None
    memory: int
    settings: dict[str, str] = field(hash=False)
    pods: dict[str, Any] = field(hash=False)

    @property
    def version(self) -> str:
        return self.subject.manifest.engine.version


def kubernetes_folder(subject: Subject, options: KubernetesOptions) -> Folder:
    """The folder of a job for Kubernetes.

    Args:
        subject: The job.
        options: What the platform team decides.

    Raises:
        DeployError: Kubernetes, Flink or the image would not take something; says what.
        LockError: The lock that was given cannot be read.
    """
    made = _checked(subject, options)
    texts, copies = image_files(subject, made.plugins, base=options.base, lock=options.lock)
    texts["flinkdeployment.yaml"] = _flink_deployment(made)
    resources = ["flinkdeployment.yaml"]
    if made.claim_is_ours:
        texts["volume-claim.yaml"] = _claim(made)
        resources.insert(0, "volume-claim.yaml")
    if made.secret is not None:
        texts["secret.example.yaml"] = _secret(made, made.secret)
    texts["kustomization.yaml"] = document(
        "What `kubectl apply -k .` applies. The secret is not of it: it stays out of here.",
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": options.namespace,
            "resources": resources,
        },
    )
    texts["pod-template.yaml"] = document(
        f"The pods of `{_SCRIPT}`; flinkdeployment.yaml has the same in it.", made.pods
    )
    texts[_SCRIPT] = _application(made)
    notes = kubernetes_notes(subject, made.secret, claim_is_ours=made.claim_is_ours)
    texts["README.md"] = kubernetes_page(
        subject,
        name=made.name,
        namespace=options.namespace,
        image=made.image,
        account=options.service_account,
        secret=made.secret,
        claim_is_ours=made.claim_is_ours,
        notes=notes,
    )
    return Folder(
        texts=texts,
        copies=copies,
        executables=frozenset({_SCRIPT}),
        about={
            "system": "kubernetes",
            "job": subject.manifest.name,
            "digest": subject.digest,
            "name": made.name,
            "namespace": options.namespace,
            "image": made.image,
        },
        notes=notes,
    )


def _checked(subject: Subject, options: KubernetesOptions) -> _Deployment:
    name = _checks.check_name(
        _checks.slug(subject.manifest.name) if options.name is None else options.name
    )
    _checks.check_label("--namespace", options.namespace)
    _checks.check_label("--service-account", options.service_account)
    secret = _checks.check_label("--secret", options.secret or f"{name}-secrets")
    if options.base is not None:
        _checks.check_image("--base", options.base)
    if options.state is not None:
        check_uri("--state", options.state)
    storage = storage_of(options.checkpoints or f"pvc:{name}-state", "kubernetes")
    ours = storage.settings | {
        # Also where there is one JobManager: the next one goes on from what the last one noted.
        "high-availability.type": "kubernetes",
        "high-availability.storageDir": storage.availability,
        "taskmanager.numberOfTaskSlots": str(options.slots),
    }
    settings, replaced = merged(subject, ours, options.settings)
    return _Deployment(
        subject=subject,
        options=options,
        name=name,
        image=_checks.check_image("--image", options.image or name, subject.digest[:_DIGITS]),
        storage=storage,
        plugins=options.files.plugins(subject, "kubernetes") | storage.plugins,
        claim_is_ours=options.checkpoints is None,
        secret=secret if subject.secrets else None,
        memory=_checks.mebibytes("--taskmanager-memory", options.memory),
        settings=settings,
        pods=pod_template(
            secret=secret,
            secrets=subject.secrets,
            claim=storage.claim,
            order=order_of(settings, replaced, options.settings, options.files),
        ),
    )


def _flink_deployment(made: _Deployment) -> str:
    options = made.options
    job: dict[str, Any] = {
        "jarURI": Noted(
            "The job is Python: this jar of Flink's starts what args name.",
            f"local://{PYTHON_JAR.format(version=made.version)}",
        ),
        "entryClass": "org.apache.flink.client.python.PythonDriver",
        "args": list(_ARGUMENTS),
        "parallelism": options.parallelism,
        "upgradeMode": Noted(
            "A new image takes over with the state that the old one had: it is stopped with a\n"
            "savepoint, and the new one begins from it.",
            "savepoint",
        ),
        "state": "running",
    }
    if options.state is not None:
        job["initialSavepointPath"] = Noted(
            "Read when the deployment is made, and not at its changes.", options.state
        )
    spec: dict[str, Any] = {
        "image": made.image,
        "imagePullPolicy": "IfNotPresent",
        "flinkVersion": "v" + made.subject.manifest.engine.line.replace(".", "_"),
        "serviceAccount": options.service_account,
        "flinkConfiguration": Noted(
            "The job's own settings are among these. Settings of the job that are changed here by\n"
            "hand are put back by the job: give them to `agents deploy` with --set.",
            made.settings,
        ),
        "jobManager": {"resource": {"memory": f"{_JOB_MANAGER_MEMORY}m", "cpu": 1.0}},
        "taskManager": Noted(
            "The memory is that of the pod: the JVM and all Python workers of its slots.",
            {"resource": {"memory": f"{made.memory}m", "cpu": options.cpu}},
        ),
        "podTemplate": Noted("For JobManager and TaskManagers alike.", made.pods),
        "job": job,
    }
    return document(
        f"The job {made.subject.title!r} for the Flink Kubernetes Operator.\n"
        "Written by `agents deploy kubernetes`: change it by options, or by an overlay.",
        {
            "apiVersion": "flink.apache.org/v1beta1",
            "kind": "FlinkDeployment",
            "metadata": {
                "name": made.name,
                "namespace": options.namespace,
                "annotations": {"headrace/job-digest": made.subject.digest},
            },
            "spec": spec,
        },
    )


def _claim(made: _Deployment) -> str:
    return document(
        "Checkpoints, savepoints and what a new JobManager goes on from. All pods mount it, on\n"
        "whichever node they are: the storage class must have ReadWriteMany. Where there is none:\n"
        "--checkpoints s3://BUCKET/FOLDER (or gs://, abfs://).",
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": made.storage.claim, "namespace": made.options.namespace},
            "spec": {
                "accessModes": ["ReadWriteMany"],
                "resources": {"requests": {"storage": _CLAIM_SIZE}},
            },
        },
    )


def _secret(made: _Deployment, name: str) -> str:
    return document(
        "The names of the job's secrets. Copy this file to where no repository has it, fill it\n"
        "in, and apply it there; or let what keeps your secrets make a secret of these names.",
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": made.options.namespace},
            "type": "Opaque",
            "stringData": dict.fromkeys(made.subject.secrets, ""),
        },
    )


def _application(made: _Deployment) -> str:
    options = made.options
    settings = {
        **made.settings,
        "jobmanager.memory.process.size": f"{_JOB_MANAGER_MEMORY}m",
        "kubernetes.cluster-id": made.name,
        "kubernetes.container.image.ref": made.image,
        "kubernetes.namespace": options.namespace,
        "kubernetes.service-account": options.service_account,
        "kubernetes.taskmanager.cpu.amount": f"{options.cpu:g}",
        "taskmanager.memory.process.size": f"{made.memory}m",
    }
    run = application_mode(made.version)
    words: list[str | Beside] = [run, "--target", "kubernetes-application", "--detached"]
    words += ["--parallelism", str(options.parallelism)]
    if options.state is not None:
        words += ["--fromSavepoint", options.state]
    words += [f"-D{key}={value}" for key, value in sorted(settings.items())]
    words.append(Beside("-Dkubernetes.pod-template-file.default={here}/pod-template.yaml"))
    words += _ARGUMENTS
    check = f"""\
: "${{FLINK_HOME:?FLINK_HOME is not set: the folder of a Flink {made.version} distribution}}"
here=$(cd "$(dirname "${{BASH_SOURCE[0]}}")" && pwd)"""
    return script(
        (
            "Starts the job in Flink's own application mode: without the operator.",
            f"It needs a Flink {made.version} distribution here (FLINK_HOME), a kubeconfig, and",
            f"the image, pushed. Flink's name for the cluster is {made.name}.",
        ),
        check,
        words,
    )
