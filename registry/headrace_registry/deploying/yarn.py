"""A job on YARN: the lines of ``flink run`` that send it there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from shlex import quote
from typing import TYPE_CHECKING

from headrace.flink.releases import application_mode
from headrace.jobs.secrets import FOLDER_VARIABLE
from headrace_registry.deploying import _checks
from headrace_registry.deploying._options import Options
from headrace_registry.deploying._settings import ORDER_VARIABLE, in_container, merged, order_of
from headrace_registry.deploying._shell import Beside, script
from headrace_registry.deploying._storage import check_uri, storage_of
from headrace_registry.deploying._texts import yarn_notes, yarn_page
from headrace_registry.deploying.errors import OptionError
from headrace_registry.deploying.writing import Folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace_registry.deploying.subject import Subject

__all__ = ["YarnOptions", "yarn_folder"]

FOLDER = "headrace_job"
"""Where Flink unpacks the zip, in the working folder of each process.

Not ``job``: the driver is started as a module of this folder, and a module of the author's that is
called so would be started in its place.
"""
_ZIP = "job.zip"
_APPLICATION = "submit-yarn.sh"
_SESSION = "submit-yarn-session.sh"
_JOB_MANAGER_MEMORY = 2048
_CLUSTERS = (
    "containerized.",
    "high-availability",
    "jobmanager.",
    "kubernetes.",
    "taskmanager.",
    "yarn.",
)
"""How settings begin that are a cluster's, and no job's in a session."""


@dataclass(frozen=True, slots=True)
class YarnOptions(Options):
    """What a platform team decides of a job on YARN."""


def yarn_folder(subject: Subject, options: YarnOptions) -> Folder:
    """The folder of a job for YARN.

    Args:
        subject: The job.
        options: What the platform team decides.

    Raises:
        DeployError: YARN or Flink would not take something; says what.
    """
    name = _checks.check_name(
        _checks.slug(subject.manifest.name) if options.name is None else options.name
    )
    storage = storage_of(options.checkpoints or f"hdfs:///flink/{name}", "yarn")
    plugins = options.files.plugins(subject, "yarn") | storage.plugins
    if options.state is not None:
        check_uri("--state", options.state)
    ours = {**storage.settings, "taskmanager.numberOfTaskSlots": str(options.slots)}
    settings, replaced = merged(subject, ours, options.settings)
    order = order_of(settings, replaced, options.settings, options.files)
    secrets = _secrets(subject, options)
    container = {
        **settings,
        "jobmanager.memory.process.size": f"{_JOB_MANAGER_MEMORY}m",
        "taskmanager.memory.process.size": (
            f"{_checks.mebibytes('--taskmanager-memory', options.memory)}m"
        ),
        "yarn.application.name": name,
        "yarn.containers.vcores": str(_whole(options.cpu)),
    }
    for role in ("master", "taskmanager"):
        if secrets is not None:
            container[f"containerized.{role}.env.{FOLDER_VARIABLE}"] = secrets
    if order is not None:
        container[f"containerized.master.env.{ORDER_VARIABLE}"] = in_container(order)
    notes = yarn_notes(subject, plugins, secrets)
    texts = {
        _APPLICATION: _application(subject, options, container),
        _SESSION: _session(subject, options, settings, order),
        "README.md": yarn_page(subject, name=name, storage=storage, secrets=secrets, notes=notes),
    }
    return Folder(
        texts=texts,
        copies={_ZIP: subject.zip},
        executables=frozenset({_APPLICATION, _SESSION}),
        about={
            "system": "yarn",
            "job": subject.manifest.name,
            "digest": subject.digest,
            "name": name,
        },
        notes=notes,
    )


def _secrets(subject: Subject, options: YarnOptions) -> str | None:
    """The folder of the secrets, where it is not the one that workers look at anyway."""
    if options.secret is None or not subject.secrets:
        return None
    path = PurePosixPath(options.secret)
    if not path.is_absolute() or ".." in path.parts:
        raise OptionError(
            f"--secret {options.secret!r} is no folder on the nodes, such as /etc/headrace/secrets"
        )
    _checks.check_setting(FOLDER_VARIABLE, options.secret, "--secret", OptionError)
    return str(path)


def _whole(cpu: float) -> int:
    if cpu != int(cpu):
        raise OptionError(f"--taskmanager-cpu {cpu:g}: YARN gives whole processors only")
    return int(cpu)


def _application(subject: Subject, options: YarnOptions, settings: Mapping[str, str]) -> str:
    run = application_mode(subject.manifest.engine.version)
    words: list[str | Beside] = [run, "--target", "yarn-application", "--detached"]
    words += _begin(options)
    words += [f"-D{key}={value}" for key, value in sorted(settings.items())]
    # YARN puts the zip beside the JobManager, by its bare name; Flink sends it on to the workers.
    words.append(Beside(f"-Dyarn.ship-files={{here}}/{_ZIP}"))
    words += _program(_ZIP)
    return script(
        (
            "Sends the job to YARN as an application of its own: nothing of it runs here.",
            "The zip goes along as an archive; each process starts the Python of its node with",
            "what is in there.",
        ),
        _check(subject),
        words,
    )


def _session(
    subject: Subject, options: YarnOptions, settings: Mapping[str, str], order: str | None
) -> str:
    jobs_own = {key: value for key, value in settings.items() if not key.startswith(_CLUSTERS)}
    words: list[str | Beside] = ["run", "--target", "yarn-session", "--detached"]
    words += _begin(options)
    words.append(Beside("-Dyarn.application.id={session}"))
    words += [f"-D{key}={value}" for key, value in sorted(jobs_own.items())]
    words += _program(Beside(f"{{here}}/{_ZIP}#{FOLDER}"))
    python = subject.manifest.python
    check = f"""\
session=${{1:?usage: {_SESSION} APPLICATION_ID, such as application_1700000000000_0001}}
{_check(subject)}"""
    if order is not None:
        check += f"\nexport {ORDER_VARIABLE}={quote(order)}"
    return script(
        (
            "Sends the job to a Flink session that runs on YARN. The job is put together here:",
            f"this machine has Python {python} and is {subject.manifest.platform}, as the nodes.",
            "Memory, processors and slots are the session's.",
        ),
        check,
        words,
    )


def _begin(options: YarnOptions) -> list[str]:
    words = ["--parallelism", str(options.parallelism)]
    if options.state is not None:
        words += ["--fromSavepoint", options.state]
    return words


def _program(archive: str | Beside) -> list[str | Beside]:
    # The driver is named as a module: where Flink unpacks the zip for the client's Python is known
    # to that process only, and a path of a file would have to be known before.
    python = f"{FOLDER}/bin/python"
    if isinstance(archive, str):
        archive = f"{archive}#{FOLDER}"
    words: list[str | Beside] = ["-pyarch", archive]
    return [*words, "-pyclientexec", python, "-pyexec", python, "-pym", f"{FOLDER}.main"]


def _check(subject: Subject) -> str:
    version = subject.manifest.engine.version
    return f"""\
: "${{FLINK_HOME:?FLINK_HOME is not set: the folder of a Flink {version} distribution}}"
: "${{HADOOP_CLASSPATH:?HADOOP_CLASSPATH is not set: it is what hadoop classpath prints}}"
here=$(cd "$(dirname "${{BASH_SOURCE[0]}}")" && pwd)"""
