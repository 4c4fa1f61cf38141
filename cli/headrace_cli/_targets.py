"""From what is typed as TARGET to a compiled agent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace_cli._errors import CommandError, WrongUseError
from headrace_cli._importing import FORMS, agent_in, import_from, imported
from headrace_cli._project import Project, nearest_project, read_project
from headrace_cli._skill_rules import apply_skill_rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.agent_builder import AgentBuilder
    from headrace.jobs import Job
    from headrace.plan import AgentPlan
    from headrace.teams import AgentLike, Team

__all__ = ["JobTarget", "Target", "load_job", "load_target"]

_YAML = (".yaml", ".yml")
_Files = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A compiled agent, and the project that it belongs to."""

    plan: AgentPlan
    """The agent."""
    project: Project
    """Its project; for a folder its defaults count."""
    path: Path
    """The folder that its modules are imported from."""
    agent: Any = None
    """The agent as its author wrote it; ``None`` where only the plan is there."""


@dataclass(frozen=True, slots=True)
class JobTarget:
    """A job to be built: its compiled agents, and the project that they belong to."""

    name: str
    """What it is called."""
    plans: Mapping[str, AgentPlan]
    """Its agents, by name."""
    pipeline: str | None
    """The author's job, ``module:name``; ``None``: its only agent runs over files."""
    project: Project
    """Its project."""
    path: Path
    """The folder that its modules are imported from."""


def load_target(text: str, parameters: Mapping[str, str], files: Sequence[str] = ()) -> Target:
    """Finds, makes and compiles an agent.

    Args:
        text: ``module:Agent``, ``path/to/file.py:Agent``, a YAML file, or a project's folder.
        parameters: The agent's parameters by name, as typed.
        files: YAML files that belong to the agent's; in the place of those that its project names.

    Raises:
        WrongUseError: There is no such agent, or it takes no such parameters.
        CommandError: Its module or its project's file is at fault.
        PlanError: It does not compile.
    """
    from headrace.jobs import Job

    project, agent, path = _found(text, parameters, tuple(files))
    if isinstance(agent, Job):
        raise WrongUseError(
            f"{text} is a job, with streams of its own",
            then=f"agents build {text} -o job.zip, then: agents run job.zip",
        )
    plan = _compiled(agent, project, own=_is_own(text, project))
    return Target(plan, project, path, agent)


def load_job(text: str, parameters: Mapping[str, str], files: Sequence[str] = ()) -> JobTarget:
    """Finds a job, or an agent that is to run over files, and compiles what it has.

    Args:
        text: As for ``load_target``; what it names may be a job, too.
        parameters: The agent's parameters by name, as typed.
        files: YAML files that belong to the agent's; in the place of those that its project names.

    Raises:
        WrongUseError: There is no such job, or it takes no such parameters.
        CommandError: Its module or its project's file is at fault.
        PlanError: An agent does not compile.
    """
    from headrace.jobs import Job

    project, found, path = _found(text, parameters, tuple(files))
    if not isinstance(found, Job):
        plan = _compiled(found, project, own=_is_own(text, project))
        return JobTarget(plan.name, {plan.name: plan}, None, project, path)
    plans: dict[str, AgentPlan] = {}
    for agent in found.agents:
        plan = _compiled(agent, project)
        if plan.name in plans:
            raise CommandError(
                f"two agents of the job {found.name} are called {plan.name}",
                then="give one of them another name",
            )
        if same := [one.name for one in plans.values() if one.identity == plan.identity]:
            raise CommandError(
                f"two agents of the job {found.name} have the identity {plan.identity!r}: "
                f"{same[0]} and {plan.name}",
                why="state and memory belong to an identity, and they would share them",
                then="give each a setting job of its own",
            )
        plans[plan.name] = plan
    return JobTarget(found.name, plans, _reference(found), project, path)


def _reference(job: Job) -> str:
    """The name that the job is found by where it is submitted."""
    from headrace.errors import ResourceError
    from headrace.references import find

    name = f"{job.pipeline.__module__}:{getattr(job.pipeline, '__qualname__', '')}"
    try:
        found = find(name)
    except ResourceError:
        found = None
    if found is not job:
        raise CommandError(
            f"the job {job.name} cannot be found by its function's name, {name}",
            then="write @job(...) right above a function at the top of a module",
        )
    return name


def _compiled(agent: AgentLike, project: Project, *, own: bool = False) -> AgentPlan:
    from headrace.plan import AgentPlan
    from headrace.settings import Layer, environment_layer, settled

    # Compiling resolves plugins by the project's rules.
    plan = AgentPlan.from_agent(agent, plugins=project.plugins())
    identity = project.job if own else None
    identity = project.jobs.get(plan.name, identity)
    if identity is not None:
        plan = settled(plan, Layer("project", {"job": identity}))
    return settled(apply_skill_rules(plan, project), project.layer(), environment_layer())


def _is_own(text: str, project: Project) -> bool:
    """Whether what was typed is the agent that the project names as its own."""
    if Path(text).is_dir():
        return True
    if project.agent is None:
        return False
    own, _, name = project.agent.partition(":")
    typed, _, named = text.partition(":")
    if named != name:
        return False
    if own.endswith(_YAML):
        return (project.folder / own).resolve() == Path(typed).resolve()
    if typed.endswith(".py"):
        typed, _ = _module_of(Path(typed).resolve())
    return typed == own


def _found(
    text: str, parameters: Mapping[str, str], files: _Files
) -> tuple[Project, AgentLike | Job, Path]:
    head, colon, attribute = text.rpartition(":") if ":" in text else (text, "", "")
    if Path(text).is_dir():
        return _of_folder(Path(text).resolve(), parameters, files)
    if text.endswith(_YAML) or head.endswith(_YAML):
        file, name = (text, None) if text.endswith(_YAML) else (head, attribute)
        path = Path(file).resolve().parent
        project = nearest_project(path)
        known = _files_of(project) if _is_agents_file(project, path / Path(file).name) else []
        more = [Path(one) for one in files] or known
        return project, _of_yaml(Path(file), more, name, parameters), path
    if files:
        raise _no_yaml(text)
    if head.endswith(".py"):
        return _of_file(Path(head), attribute, parameters)
    if head and colon:
        path = Path.cwd()
        return nearest_project(path), agent_in(head, attribute, path, parameters), path
    raise _no_target(text)


# ---------------------------------------------------------------- the forms
def _of_folder(
    folder: Path, parameters: Mapping[str, str], files: _Files
) -> tuple[Project, AgentLike | Job, Path]:
    project = read_project(folder)
    if project is None or project.agent is None:
        raise WrongUseError(
            "this folder does not say which agent it holds",
            where=str(folder / "pyproject.toml"),
            then='write there:\n[tool.agents]\nagent = "module:Class"',
        )
    file, colon, name = project.agent.partition(":")
    if file.endswith(_YAML):
        more = [Path(one) for one in files] or _files_of(project)
        return project, _of_yaml(folder / file, more, name if colon else None, parameters), folder
    if files:
        raise _no_yaml(project.agent)
    module, colon, attribute = project.agent.partition(":")
    if not colon:
        raise CommandError(
            f"tool.agents.agent must be 'module:Class', and is {project.agent!r}",
            where=str(folder / "pyproject.toml"),
        )
    return project, agent_in(module, attribute, folder, parameters), folder


def _of_yaml(
    path: Path, more: Sequence[Path], name: str | None, parameters: Mapping[str, str]
) -> AgentBuilder | Team:
    files = dict.fromkeys([path, *(one for one in more if one.resolve() != path.resolve())])
    for one in files:
        if not one.is_file():
            raise WrongUseError(f"there is no file {one}")
    from headrace.agent_yaml import load_agent

    import_from(path.resolve().parent)
    return load_agent(*files, name=name, parameters=parameters)


def _files_of(project: Project) -> list[Path]:
    """The YAML files that a project's agents are read together with."""
    return [project.folder / one for one in project.files]


def _is_agents_file(project: Project, path: Path) -> bool:
    """Whether a file is the one that the project's agent is in."""
    file = (project.agent or "").partition(":")[0]
    return bool(file) and (project.folder / file).resolve() == path.resolve()


def _no_yaml(agent: str) -> WrongUseError:
    return WrongUseError("-f is for agents in YAML", why=f"{agent} is none")


def _module_of(path: Path) -> tuple[str, Path]:
    """The name of the module that a file is, and the folder that it is imported from."""
    folder, names = path.parent, [path.stem]
    while (folder / "__init__.py").is_file():  # in a package it has the package's name
        names.insert(0, folder.name)
        folder = folder.parent
    return ".".join(names), folder


def _of_file(
    path: Path, attribute: str, parameters: Mapping[str, str]
) -> tuple[Project, AgentLike | Job, Path]:
    if not path.is_file():
        raise WrongUseError(f"there is no file {path}", then=f"TARGET is {FORMS}")
    path = path.resolve()
    name, folder = _module_of(path)
    found = getattr(imported(name, folder), "__file__", None)
    if found is None or Path(found).resolve() != path:
        raise WrongUseError(
            f"the name {name!r} of this file is taken by another module",
            where=str(path),
            why=f"`import {name}` gives {found or 'a built-in module'}",
            then="give the file another name",
        )
    agent = agent_in(name, attribute, folder, parameters)
    return nearest_project(path.parent), agent, folder


def _no_target(text: str) -> WrongUseError:
    return WrongUseError(f"{text!r} is neither a folder nor an agent", then=f"TARGET is {FORMS}")
