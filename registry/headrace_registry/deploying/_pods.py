"""The pods of a job: who it runs as, and where its secrets and its state are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.jobs.secrets import FOLDER
from headrace_registry.deploying._settings import ORDER_VARIABLE
from headrace_registry.deploying._storage import MOUNT

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["pod_template"]

_USER = 9999
"""The user ``flink`` of Flink's images."""
_SECRETS = "headrace-secrets"
_STATE = "flink-state"
_GROUP_READS = 0o440


def pod_template(
    *, secret: str, secrets: Sequence[str], claim: str | None, order: str | None
) -> dict[str, Any]:
    """What Flink's pods are beside what Flink makes them itself.

    Secrets are files: what is in a container's environment is shown to whoever may read pods, and
    handed on to each process that it starts.

    Args:
        secret: The secret's name.
        secrets: The names in it that the job needs: only these are mounted.
        claim: The claim of the volume with the job's state.
        order: The order to the job's driver.
    """
    mounts: list[dict[str, Any]] = []
    volumes: list[dict[str, Any]] = []
    if secrets:
        mounts.append({"name": _SECRETS, "mountPath": FOLDER, "readOnly": True})
        source = {
            "secretName": secret,
            "defaultMode": _GROUP_READS,
            "items": [{"key": name, "path": name} for name in secrets],
        }
        volumes.append({"name": _SECRETS, "secret": source})
    if claim is not None:
        mounts.append({"name": _STATE, "mountPath": MOUNT})
        volumes.append({"name": _STATE, "persistentVolumeClaim": {"claimName": claim}})
    container: dict[str, Any] = {
        "name": "flink-main-container",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    if order is not None:
        container["env"] = [{"name": ORDER_VARIABLE, "value": order}]
    if mounts:
        container["volumeMounts"] = mounts
    spec: dict[str, Any] = {
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    }
    if volumes:
        spec["volumes"] = volumes
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod-template"}, "spec": spec}
