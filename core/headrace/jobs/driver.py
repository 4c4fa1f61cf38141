"""Puts the job of a zip together on Flink: what the zip's ``main.py`` runs.

It runs where a job is submitted, never on a worker, and in three ways:

- started by Flink (``flink run -py main.py``, application mode): it executes the job in the
  environment that Flink gives it;
- started by ``agents run JOB.zip``: it executes the job embedded, on this machine; a job over
  files as ``headrace.jobs.here`` does;
- started by ``agents submit``: it writes the job's graph to a file, which is uploaded then.

What it is to do beyond the zip's own defaults is in the variable ``HEADRACE_ORDER``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict, Field

from headrace.errors import HeadraceError
from headrace.jobs._job import Job
from headrace.jobs.manifest import (
    DRIVER,
    HOME_VARIABLE,
    LAUNCHER,
    FilesIO,
    job_digest,
    read_manifest,
    read_plans,
)
from headrace.jobs.pending import PENDING
from headrace.references import find

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.jobs.manifest import JobManifest
    from headrace.plan import AgentPlan

__all__ = [
    "ARCHIVE",
    "CHECKPOINT_FOLDERS",
    "ORDER_VARIABLE",
    "PROBE",
    "RUN_VARIABLE",
    "Graph",
    "Order",
    "main",
]

ORDER_VARIABLE = "HEADRACE_ORDER"
"""The environment variable that holds an ``Order``, as JSON."""
RUN_VARIABLE = "HEADRACE_RUN"
"""The environment variable that says that the job runs here; see ``headrace.jobs.here``."""
PROBE = "headrace: what Python the workers have (fails on purpose)"
"""What the job is called that asks for it."""
ARCHIVE = "job"
"""The folder that Flink unpacks the zip to, in a worker's working folder."""
_CHECKPOINTS = {"execution.checkpointing.interval": "10s"}
_PENDING_ONLY = {
    "parallelism.default": "1",
    "restart-strategy.type": "disable",
    "execution.runtime-mode": "STREAMING",
    # All but the agents' operators is left out of the job.
    "execution.state-recovery.ignore-unclaimed-state": "true",
}
CHECKPOINT_FOLDERS = ("execution.checkpointing.dir", "state.checkpoints.dir")
"""Where checkpoints go, as Flink calls that: workers learn there which of them are complete."""


class Order(BaseModel):
    """What the driver is to do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Literal["execute", "compile", "probe"] = "execute"
    """Run the job; write its graph; or write the graph of ``probe`` alone, which needs no zip."""
    archive: str | None = None
    """The zip, where workers are sent it; ``None``: they have it unpacked in the same place."""
    graph: str | None = None
    """For ``compile`` and ``probe``: the folder to write to."""
    probe: str | None = None
    """A zip whose ``bin/python`` tells of the workers; a second graph is made,
    of a job that asks each for it, and fails."""
    name: str | None = None
    """What the job is called; the manifest's name where ``None``."""
    parallelism: int | None = Field(default=None, ge=1)
    """Subtasks of each operator; where ``None``, as the settings say, or for ``compile`` one."""
    savepoint: str | None = None
    """The savepoint or checkpoint to go on from."""
    allow_lost_state: bool = False
    """Whether state of the savepoint that no operator takes is dropped."""
    pending: bool = False
    """For ``compile``: the graph of a job instead that tells which unfinished runs of the savepoint
    fit the code, and fails (``headrace.jobs.pending``)."""
    waits: bool = False
    """For ``compile``: whether to wait for the path of a savepoint, a line on stdin, and to write
    the graph again so that it goes on from there."""
    job_id: str | None = None
    """The job's id, 32 hexadecimal digits; Flink's choice where ``None``."""
    settings: dict[str, str] = Field(default_factory=dict)
    """Flink's settings, over those of the manifest."""
    typed: dict[str, str] = Field(default_factory=dict)
    """Settings and values of the agents, as ``--set`` had them."""
    cluster: dict[str, str] = Field(default_factory=dict)
    """What the cluster's own configuration says of them (its keys ``headrace.*``), and where it
    says that checkpoints go."""
    files: FilesIO = FilesIO()
    """What a job over files reads and writes, over the manifest's defaults."""
    follow: bool = False
    """Whether a job over files waits for more of them, and never ends."""


class Graph(BaseModel):
    """A compiled job, ready to be uploaded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_id: str
    """Its id."""
    name: str
    """What it is called."""
    path: str
    """The file with Flink's graph."""
    jars: tuple[str, ...]
    """Files that go on the job's class path."""
    artifacts: dict[str, str]
    """Files that workers are sent, by the name that the graph has for them."""
    parallelism: int
    """The most subtasks that one of its operators has: the slots that it takes."""
    probe: Graph | None = None
    """The job that asks for the workers' Python."""


def main() -> None:
    """Runs what the zip holds, as ``HEADRACE_ORDER`` says."""
    home = Path(os.environ.get(HOME_VARIABLE) or Path(sys.argv[0]).resolve().parent)
    os.environ[HOME_VARIABLE] = str(home)
    if os.environ.get(RUN_VARIABLE):
        # Not by `python -m`, which would find modules in the working folder before the zip's.
        from headrace.jobs.here import main as run_here

        run_here()
        return
    order = Order.model_validate_json(os.environ.get(ORDER_VARIABLE) or "{}")
    try:
        run(home, order)
    except HeadraceError as error:
        raise SystemExit(f"headrace: {error}") from error


def run(home: Path, order: Order) -> None:
    """Runs the job of an unpacked zip.

    Raises:
        HeadraceError: The zip is damaged, or the job cannot be put together.
        JobFailedError: It ran here, and failed.
    """
    # Else PyFlink would run the functions of a job here, in this process, and tell workers so.
    os.environ["_python_worker_execution_mode"] = "process"  # noqa: SIM112 - PyFlink's name
    if order.action == "probe":
        assert order.graph is not None  # noqa: S101 - who orders a graph says where
        assert order.probe is not None  # noqa: S101
        folder = Path(order.graph)
        _say(_probe(order.probe, folder / "probe.bin"), folder / "graph.json")
        return
    manifest = read_manifest(home)
    plans = _settled(read_plans(home, manifest), manifest, order)
    _check_packages(plans, manifest)
    name = PENDING if order.pending else order.name or manifest.name
    env = _environment(home, manifest, order, name)
    if order.pending:
        from headrace.flink._pending import pending_job

        pending_job(env, plans, {name: one.uid for name, one in manifest.state.agents.items()})
    elif manifest.pipeline is not None:
        _authors(manifest.pipeline)(env, plans)
    else:
        from headrace.jobs._files import file_pipeline

        file_pipeline(env, _only(plans), _files(manifest, order), follow=order.follow)
    if order.action == "compile":
        assert order.graph is not None  # noqa: S101 - who orders a graph says where
        _compile(env, order, name, Path(order.graph))
    else:
        env.execute(name)


def _settled(
    plans: Mapping[str, AgentPlan], manifest: JobManifest, order: Order
) -> dict[str, AgentPlan]:
    """The plans with what is said where the job is started.

    Raises:
        HeadraceError: It does not fit, or would change what the job's state depends on.
    """
    from headrace.settings import Layer, cluster_layer, environment_layer, settled

    typed = Layer("set", order.typed, {name: f"--set {name}" for name in order.typed})
    layers = (cluster_layer(order.cluster), environment_layer(), typed)
    made = {name: settled(plan, *layers) for name, plan in plans.items()}
    for name, plan in made.items():
        built = manifest.state.agents.get(name)
        if built is not None and built.shards != plan.config.shards:
            raise HeadraceError(
                f"the setting shards is part of how a job was built: {name} has {built.shards}, "
                f"not {plan.config.shards}\n  next: build it again with that"
            )
    return made


def _check_packages(plans: Mapping[str, AgentPlan], manifest: JobManifest) -> None:
    """Refuses a zip that lacks what its plans need, before anything is sent.

    Raises:
        HeadraceError: It names all that is missing.
    """
    have = {one.name: one.version for one in manifest.packages}
    missing = [
        f"{name} {version} (there is {have.get(name, 'none')})"
        for plan in plans.values()
        for name, version in plan.distributions.items()
        if have.get(str(canonicalize_name(name))) != version
    ]
    if missing:
        raise HeadraceError(
            f"the zip lacks packages that its plans need: {', '.join(sorted(set(missing)))}\n"
            "  next: agents lock, agents sync, and build it anew"
        )


def _environment(home: Path, manifest: JobManifest, order: Order, name: str) -> Any:
    from headrace.flink import SETTINGS
    from headrace.flink._pyflink import Configuration, StreamExecutionEnvironment

    by_flink = os.environ.get("PYFLINK_GATEWAY_PORT") is not None
    options: dict[str, str] = {}
    if not by_flink:  # else whoever runs Flink has said it
        if order.archive is None:
            python = str(home / LAUNCHER)
        else:
            python = f"{ARCHIVE}/{LAUNCHER}"
            options["python.archives"] = f"{order.archive}#{ARCHIVE}"
        options |= {"python.executable": python, "python.client.executable": sys.executable}
    options |= {**manifest.settings, "pipeline.name": name, **order.settings}
    if order.parallelism is not None:
        options["parallelism.default"] = str(order.parallelism)
    if order.savepoint is not None:
        options["execution.state-recovery.path"] = order.savepoint
        if order.allow_lost_state:
            options["execution.state-recovery.ignore-unclaimed-state"] = "true"
    if order.job_id is not None:
        options["$internal.pipeline.job-id"] = order.job_id
    if order.pending:
        options |= _PENDING_ONLY
        options.pop("execution.checkpointing.interval", None)
    options["pipeline.global-job-parameters"] = _parameters(home, manifest)
    # What suits agents is a default: what Flink was given for this job goes before it.
    known = _known() if by_flink else set()
    defaults = {**SETTINGS, **({} if order.pending else _CHECKPOINTS)}
    if order.action == "compile":
        # Else Flink takes the number of this machine's cores, and the job runs elsewhere.
        defaults["parallelism.default"] = "1"
        defaults |= {key: order.cluster[key] for key in CHECKPOINT_FOLDERS if key in order.cluster}
    options = {**{key: one for key, one in defaults.items() if key not in known}, **options}
    config = Configuration()
    for key, value in options.items():
        config.set_string(key, value)
    env = StreamExecutionEnvironment.get_execution_environment(config)
    if order.pending:
        env.set_parallelism(1)
    elif order.parallelism is not None:
        env.set_parallelism(order.parallelism)
    jars = [(home / one).as_uri() for one in manifest.jars]
    if order.action == "compile":
        jars.append(_python_jar().as_uri())
    if jars:
        env.add_jars(*jars)
    return env


def _known() -> set[str]:
    """The settings that Flink, which started this, has for the job."""
    from headrace.flink._pyflink import StreamExecutionEnvironment

    env = StreamExecutionEnvironment.get_execution_environment()
    config = env._j_stream_execution_environment.getConfiguration()  # noqa: SLF001 - PyFlink
    return set(config.keySet())


def _parameters(home: Path, manifest: JobManifest) -> str:
    """What a running job shows of itself, in the form of Flink's maps."""
    shown = {
        "headrace.job": manifest.name,
        "headrace.digest": job_digest(home),
        "headrace.version": manifest.headrace,
        "headrace.state": manifest.state.model_dump_json(),
    }
    # Flink reads YAML here, and JSON is YAML.
    return json.dumps(shown)


def _python_jar() -> Path:
    """Flink's own jar for Python, which a stock cluster has not on its class path."""
    from pyflink.find_flink_home import _find_flink_home

    found = sorted(Path(_find_flink_home(), "opt").glob("flink-python*.jar"))
    if not found:
        raise HeadraceError("there is no flink-python jar: pip install 'headrace[flink]'")
    return found[0]


def _authors(reference: str) -> Job:
    found = find(reference)
    if not isinstance(found, Job):
        raise HeadraceError(f"{reference} is no job: it is made by the decorator headrace.jobs.job")
    return found


def _only(plans: Mapping[str, AgentPlan]) -> AgentPlan:
    (plan,) = plans.values()
    return plan


def _files(manifest: JobManifest, order: Order) -> FilesIO:
    said = order.files.model_dump(exclude_none=True)
    return (manifest.files or FilesIO()).model_copy(update=said)


def _compile(env: Any, order: Order, name: str, folder: Path) -> None:
    """Writes the graph; and once more, where a savepoint is waited for."""
    made, graph = _compiled(env, name, folder / "graph.bin")
    if order.probe is not None:
        graph = graph.model_copy(update={"probe": _probe(order.probe, folder / "probe.bin")})
    _say(graph, folder / "graph.json")
    if not order.waits:
        return
    savepoint = sys.stdin.readline().strip()
    if savepoint:
        settings = _jvm().org.apache.flink.runtime.jobgraph.SavepointRestoreSettings
        made.setSavepointRestoreSettings(
            settings.forPath(savepoint, order.allow_lost_state or order.pending)
        )
        _write(made, folder / "restored.bin")
        path = str(folder / "restored.bin")
        _say(graph.model_copy(update={"path": path}), folder / "restored.json")


def _say(graph: Graph, path: Path) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(graph.model_dump_json(), encoding="utf-8")
    beside.replace(path)  # whoever waits for it sees it whole


def _probe(archive: str, path: Path) -> Graph:
    """A job of one Python function, which never gets as far as to run it."""
    from headrace.flink._pyflink import Configuration, StreamExecutionEnvironment

    config = Configuration()
    for key, value in {
        "python.archives": f"{archive}#{ARCHIVE}",
        "python.executable": f"{ARCHIVE}/{LAUNCHER}",
        "pipeline.jars": _python_jar().as_uri(),
        "restart-strategy.type": "disable",
    }.items():
        config.set_string(key, value)
    env = StreamExecutionEnvironment.get_execution_environment(config)
    env.set_parallelism(1)
    env.from_collection([0]).map(_same).print()
    return _compiled(env, PROBE, path)[1]


def _same(value: Any) -> Any:
    return value


def _compiled(env: Any, name: str, path: Path) -> tuple[Any, Graph]:
    """Makes the graph, and writes it as Flink's own client would send it."""
    from py4j.java_gateway import get_field

    from headrace.flink._pyflink import execution_plan

    graph = execution_plan(env, name)
    _write(graph, path)
    artifacts = {
        entry.getKey(): str(get_field(entry.getValue(), "filePath"))
        for entry in graph.getUserArtifacts().entrySet()
    }
    return graph, Graph(
        job_id=str(graph.getJobID()),
        name=name,
        path=str(path),
        jars=tuple(jar.getPath() for jar in graph.getUserJars()),
        artifacts=artifacts,
        parallelism=int(graph.getMaximumParallelism()),
    )


def _write(graph: Any, path: Path) -> None:
    io = _jvm().java.io
    stream = io.ObjectOutputStream(io.FileOutputStream(str(path)))
    stream.writeObject(graph)
    stream.close()


def _jvm() -> Any:
    from pyflink.java_gateway import get_gateway

    return get_gateway().jvm


if __name__ == "__main__":
    sys.argv[0] = DRIVER
    main()
