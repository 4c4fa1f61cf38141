"""What a deployment's folder tells people: the pages of ``texts/``, filled in."""

from __future__ import annotations

import re
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from headrace.jobs.secrets import FOLDER

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from headrace_registry.deploying._storage import Storage
    from headrace_registry.deploying.subject import Subject

__all__ = ["kubernetes_notes", "kubernetes_page", "yarn_notes", "yarn_page"]


def kubernetes_notes(
    subject: Subject, secret: str | None, *, claim_is_ours: bool
) -> tuple[str, ...]:
    """What must be seen to before the job runs on Kubernetes."""
    found = []
    if secret is not None:
        named = ", ".join(subject.secrets)
        found.append(f"make the secret {secret} before you apply: it needs {named}")
    if claim_is_ours:
        found.append("volume-claim.yaml asks for a volume that several nodes mount (ReadWriteMany)")
    if subject.hosts:
        found.append("skills' scripts are granted hosts: see README.md, Skills")
    if subject.commands:
        found.append(f"skills' scripts run {', '.join(subject.commands)}: the image must have them")
    return tuple(found)


def kubernetes_page(
    subject: Subject,
    *,
    name: str,
    namespace: str,
    image: str,
    account: str,
    secret: str | None,
    claim_is_ours: bool,
    notes: Sequence[str],
) -> str:
    """The README of a folder for Kubernetes."""
    return _filled(
        "kubernetes.md",
        {
            **_facts(subject, name, notes),
            "namespace": namespace,
            "image": image,
            "account": account,
            "secrets": _kubernetes_secrets(subject, secret, namespace),
            "claim": "kubectl apply -f volume-claim.yaml\n" if claim_is_ours else "",
            "skills": _kubernetes_skills(subject),
        },
    )


def yarn_notes(subject: Subject, plugins: Collection[str], secrets: str | None) -> tuple[str, ...]:
    """What must be seen to before the job runs on YARN."""
    manifest = subject.manifest
    found = [f"each NodeManager needs Python {manifest.python}, and is {manifest.platform}"]
    if manifest.engine.mode == "provided":
        needs = ", ".join([f"apache-flink {manifest.engine.version}", *manifest.engine.requires])
        found.append(f"the zip brings no engine: that Python has {needs}")
    if subject.secrets:
        named = ", ".join(subject.secrets)
        found.append(f"each NodeManager has {named} as files in {secrets or FOLDER}")
    if subject.commands:
        found.append(f"skills' scripts run {', '.join(subject.commands)}: the nodes have them")
    for one in sorted(plugins):
        jar = f"{one}-{manifest.engine.version}.jar"
        found.append(f"$FLINK_HOME/plugins/{one}/ has {jar} (it is in $FLINK_HOME/opt)")
    return tuple(found)


def yarn_page(
    subject: Subject, *, name: str, storage: Storage, secrets: str | None, notes: Sequence[str]
) -> str:
    """The README of a folder for YARN."""
    return _filled(
        "yarn.md",
        {
            **_facts(subject, name, notes),
            "secrets": _yarn_secrets(subject, secrets),
            "availability": storage.availability,
        },
    )


def _filled(page: str, values: Mapping[str, str]) -> str:
    text = (files(__package__) / "texts" / page).read_text(encoding="utf-8")
    return re.sub(r"\n{3,}", "\n\n", Template(text).substitute(values)).rstrip() + "\n"


def _facts(subject: Subject, name: str, notes: Sequence[str]) -> dict[str, str]:
    manifest = subject.manifest
    listed = "".join(f"- {one}\n" for one in notes)
    return {
        "name": name,
        "flink": manifest.engine.version,
        "python": manifest.python,
        "platform": manifest.platform,
        "digest": subject.digest,
        "before": f"\nBefore it runs:\n\n{listed}\n" if notes else "",
    }


def _kubernetes_secrets(subject: Subject, secret: str | None, namespace: str) -> str:
    if secret is None:
        return ""
    given = "".join(f" \\\n    --from-file={one}=./{one}" for one in subject.secrets)
    return f"""
## Secrets

Each of these files holds a value and nothing else. `secret.example.yaml` is the same for tools that
keep secrets. Pods read them where they start: after a change, restart the job.

```sh
kubectl -n {namespace} create secret generic {secret}{given}
```
"""


def _kubernetes_skills(subject: Subject) -> str:
    if not subject.manifest.skills:
        return ""
    text = """
## Skills

Scripts of skills run in a sandbox. In these pods that is Landlock, which a node's kernel has from
Linux 5.13 on; where there is none, a run is refused.
"""
    if subject.hosts:
        text += """
Scripts of this job are granted hosts, and only the sandbox with namespaces holds them to these. It
needs `bwrap` in the image, and nodes and a seccomp profile that let pods make user namespaces: the
profile `RuntimeDefault` of `podTemplate` does not.
"""
    return text


def _yarn_secrets(subject: Subject, secrets: str | None) -> str:
    if not subject.secrets:
        return ""
    listed = "".join(f"- `{one}`\n" for one in subject.secrets)
    text = f"""
## Secrets

Each is a file in `{secrets or FOLDER}` on every node, which the containers' user may read, with the
value and nothing else:

{listed}"""
    if secrets is not None:
        text += """
A session must have been started with the variable `HEADRACE_SECRETS` set to that folder.
"""
    return text
