"""Agents in modules: to import one with its errors in words, and to make what it names."""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import TYPE_CHECKING, Any

from headrace_cli._errors import CommandError, WrongUseError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import ModuleType

    from headrace.agent import Agent
    from headrace.jobs import Job
    from headrace.teams import AgentLike

__all__ = ["FORMS", "agent_in", "import_from", "imported"]

FORMS = (
    "MODULE:AGENT, FILE.py:AGENT, FILE.yaml, FILE.yaml:AGENT, "
    "or a FOLDER whose pyproject.toml has [tool.agents]"
)


def agent_in(
    name: str, attribute: str, folder: Path, parameters: Mapping[str, str]
) -> AgentLike | Job:
    module = imported(name, folder)
    found: Any = module
    for part in attribute.split("."):
        found = getattr(found, part, None)
    if found is None:
        has = _agents_of(module)
        raise WrongUseError(
            f"the module {name} has no {attribute!r}" if attribute else "which agent is not said",
            where=getattr(module, "__file__", None) or name,
            then=f"it has: {', '.join(has)}" if has else "it has no agent",
        )
    return _made(found, f"{name}:{attribute}", parameters, module)


# ---------------------------------------------------------------- to import
def import_from(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def imported(name: str, folder: Path) -> ModuleType:
    import_from(folder)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name + ".").startswith(error.name + "."):
            raise WrongUseError(
                f"there is no module {name!r}",
                why=f"looked in {folder} and among what is installed",
                then=f"TARGET is {FORMS}",
            ) from None
        raise _import_failed(name, error) from error
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # a module may well call sys.exit()
        raise _import_failed(name, error) from error


def _import_failed(name: str, error: BaseException) -> CommandError:
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "importlib" not in frame.filename and frame.filename != __file__
    ]
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else name
    if isinstance(error, SyntaxError):
        where = f"{error.filename}:{error.lineno}"
    then = ""
    if isinstance(error, ModuleNotFoundError):
        then = f"install what provides {error.name!r} into this environment"
    return CommandError(
        f"the module {name!r} cannot be imported",
        where=where,
        why=f"{type(error).__name__}: {error}".rstrip(": "),
        then=then,
    )


# ---------------------------------------------------------------- the agent
def _agents_of(module: ModuleType) -> list[str]:
    from headrace.agent import Agent
    from headrace.agent_builder import AgentBuilder
    from headrace.jobs import Job
    from headrace.teams import Team

    return [
        name
        for name, value in vars(module).items()
        if (isinstance(value, type) and issubclass(value, Agent) and value is not Agent)
        or isinstance(value, (Agent, AgentBuilder, Job, Team))
    ]


def _made(
    found: Any, name: str, parameters: Mapping[str, str], module: ModuleType
) -> AgentLike | Job:
    from headrace.agent import Agent
    from headrace.agent_builder import AgentBuilder
    from headrace.jobs import Job
    from headrace.teams import Team

    if isinstance(found, type) and issubclass(found, Agent):
        return _with_parameters(found, parameters)
    if isinstance(found, (Agent, AgentBuilder, Job, Team)):
        if parameters:
            raise WrongUseError(
                f"{name} is made already, so it takes no --param",
                then="name its class instead",
            )
        return found
    has = _agents_of(module)
    raise WrongUseError(
        f"{name} is not an agent",
        why=f"it is {'the class' if isinstance(found, type) else 'a'} "
        f"{found.__name__ if isinstance(found, type) else type(found).__name__}",
        then=f"the module has: {', '.join(has)}" if has else "subclass headrace.Agent",
    )


def _with_parameters(kind: type[Agent], typed: Mapping[str, str]) -> Agent:
    from pydantic import ValidationError

    from headrace.typed import made_of_typed

    try:
        return made_of_typed(kind, typed)
    except ValidationError as error:
        raise _wrong_parameters(kind, error) from None


def _wrong_parameters(kind: type[Agent], error: Any) -> WrongUseError:
    known = ", ".join(kind.model_fields) or "none"
    lines = []
    for fault in error.errors():
        place = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            lines.append(f"{place}: there is no such parameter (there are: {known})")
        else:
            lines.append(f"{place}: {fault['msg']}" if place else fault["msg"])
    return WrongUseError(
        f"{kind.__name__} does not take these parameters",
        why="\n".join(lines),
        then="give parameters as --param NAME=VALUE",
    )
