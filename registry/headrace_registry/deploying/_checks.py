"""What Kubernetes, container registries and Flink take as names, sizes and settings."""

from __future__ import annotations

import re

from headrace_registry.deploying.errors import DeployError, OptionError
from headrace_skills._text import has_hidden, one_line

__all__ = [
    "check_image",
    "check_label",
    "check_name",
    "check_setting",
    "mebibytes",
    "read_settings",
    "slug",
]

MAX_NAME = 45
"""The longest name of a FlinkDeployment: Flink puts more behind it, and 63 is all there is."""
_MAX_LABEL = 63
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,199}")
_MAX_VALUE = 4096
_SIZE = re.compile(r"(\d{1,9})\s*(m|mi|mb|mib|g|gi|gb|gib)", re.IGNORECASE)
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?/"
_IMAGE = re.compile(
    rf"(?:{_HOST})?{_PART}(?:/{_PART})*"
    r"(?P<tag>:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?P<digest>@sha256:[0-9a-f]{64})?"
)
_OWN = {
    "kubernetes.cluster-id": "--name",
    "kubernetes.namespace": "--namespace",
    "kubernetes.container.image": "--image",
    "kubernetes.container.image.ref": "--image",
    "execution.state-recovery.path": "--state",
    "execution.savepoint.path": "--state",
    "parallelism.default": "--parallelism",
    "taskmanager.numberOfTaskSlots": "--slots",
    "taskmanager.memory.process.size": "--taskmanager-memory",
    "kubernetes.taskmanager.cpu": "--taskmanager-cpu",
    "kubernetes.taskmanager.cpu.amount": "--taskmanager-cpu",
    "yarn.containers.vcores": "--taskmanager-cpu",
    "yarn.application.name": "--name",
}
"""Settings that an option of the command is for."""
_SECRET = re.compile(
    r"(password|passwd|secret|secret[-.]?key|account\.key.*|api-?key|service-key|basic-auth"
    r"|auth-params|jaas\.config|access[-.]?token)",
    re.IGNORECASE,
)
"""How the names of settings end whose values nobody may read."""


def slug(text: str) -> str:
    """A name for Kubernetes made of a job's name."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not name[:1].isalpha():
        name = f"job-{name}".rstrip("-")
    return name[:MAX_NAME].rstrip("-")


def check_name(name: str) -> str:
    """The name of a deployment, as the operator and Kubernetes take it.

    Raises:
        OptionError: They do not take it.
    """
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise OptionError(
            f"--name {one_line(name, 80)!r} is no name for a deployment: small letters, digits and "
            f"dashes, a letter first, no dash last, {MAX_NAME} at most\n"
            f"  next: --name {slug(name)}"
        )
    return name


def check_label(option: str, name: str) -> str:
    """The name of a namespace, a service account, a secret or a claim.

    Raises:
        OptionError: Kubernetes does not take it.
    """
    if len(name) > _MAX_LABEL or not _LABEL.fullmatch(name):
        raise OptionError(
            f"{option} {one_line(name, 80)!r} is no name in Kubernetes: small letters, digits and "
            f"dashes, no dash first or last, {_MAX_LABEL} at most"
        )
    return name


def check_image(option: str, name: str, tag: str | None = None) -> str:
    """The name of an image, with a tag.

    Args:
        option: The option that it is from.
        name: The name.
        tag: What to put behind it where it has neither tag nor digest.

    Raises:
        OptionError: It is no image's name, or would be another image tomorrow.
    """
    found = _IMAGE.fullmatch(name)
    if found is None:
        raise OptionError(
            f"{option} {one_line(name, 120)!r} is no name of an image, "
            "such as registry.example.com/team/job:1"
        )
    if found["digest"]:
        return name
    if found["tag"] == ":latest" or (tag is None and not found["tag"]):
        raise OptionError(
            f"{option} {name} is another image tomorrow, and nobody could say what ran\n"
            "  next: give it a tag or a digest"
        )
    return name if found["tag"] else f"{name}:{tag}"


def mebibytes(option: str, text: str) -> int:
    """A size of memory, in MiB: Flink and Kubernetes read 4g and 4Gi unlike each other.

    Raises:
        OptionError: It is no size.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise OptionError(f"{option} {one_line(text, 40)!r} is no size, such as 4g or 1536m")
    return int(found[1]) * (1024 if found[2][0] in "gG" else 1)


def check_setting(key: str, value: str, where: str, kind: type[DeployError] = DeployError) -> None:
    """Checks one of Flink's settings.

    Args:
        key: Its name.
        value: Its value.
        where: Where it is from.
        kind: The error that it is told by.

    Raises:
        DeployError: It could not stand in Flink's configuration.
    """
    if not _KEY.fullmatch(key):
        raise kind(f"{where}: {one_line(repr(key), 120)} is no name of a setting of Flink")
    if len(value) > _MAX_VALUE or has_hidden(value):
        raise kind(
            f"{where}: the value of {key} has more than {_MAX_VALUE} characters, or some that are "
            "not seen"
        )


def read_settings(given: tuple[str, ...]) -> dict[str, str]:
    """What ``--set`` was given.

    Raises:
        OptionError: One is no ``KEY=VALUE``, or is what another option is for.
    """
    found: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise OptionError(f"--set {one_line(text, 120)!r} is not of the form KEY=VALUE")
        check_setting(key, value, "--set", OptionError)
        if key in _OWN:
            raise OptionError(f"--set {key}: the option {_OWN[key]} is for that")
        if any(_SECRET.fullmatch(key, at) for at in range(len(key))):
            raise OptionError(
                f"--set {key}: a secret would stand in files that many read\n"
                "  next: give the pods or nodes an identity that needs none, or put it into "
                "Flink's own config.yaml where it runs"
            )
        found[key] = value
    return found
