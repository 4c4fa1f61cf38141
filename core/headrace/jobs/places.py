"""Paths in a plan, marked so that they lead into a job's zip wherever that is unpacked.

Each worker has the zip in a folder of its own, so a plan that travels says ``job:/app/rules.yaml``
for a file of the zip. A worker puts its own folder there before anything is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.errors import HeadraceError
from headrace.jobs.manifest import HOME_VARIABLE, job_home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headrace.plan import AgentPlan

__all__ = ["MARK", "located", "map_texts"]

MARK = "job:/"
"""How a path in the zip begins."""


def located(plan: AgentPlan, home: Path | None = None) -> AgentPlan:
    """The plan with this worker's paths.

    Args:
        plan: A plan out of a job's zip, or any other.
        home: Where the zip is unpacked; else where ``HEADRACE_JOB`` says.

    Raises:
        HeadraceError: It has paths into a zip, and there is none here.
    """
    where = home or job_home()

    def locate(text: str) -> str:
        if not text.startswith(MARK):
            return text
        if where is None:
            raise HeadraceError(
                f"the plan names {text}, a file of its job's zip, and {HOME_VARIABLE} does not "
                "say where that is unpacked\n  next: run it by the zip's bin/python, or: "
                "agents run JOB.zip"
            )
        return str(where / text[len(MARK) :])

    return map_texts(plan, locate)


def map_texts(plan: AgentPlan, change: Callable[[str], str]) -> AgentPlan:
    """The plan with each text changed of its parameters, values, and resources' arguments."""
    providers = {
        kind: {
            name: one.model_copy(update={"arguments": _mapped(one.arguments, change)})
            for name, one in some.items()
        }
        for kind, some in plan.resource_providers.items()
    }
    return plan.model_copy(
        update={
            "parameters": _mapped(plan.parameters, change),
            "values": _mapped(plan.values, change),
            "actions": {
                name: one.model_copy(update={"settings": _mapped(one.settings, change)})
                if one.settings
                else one
                for name, one in plan.actions.items()
            },
            "resource_providers": providers,
        }
    )


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _mapped(one, change) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mapped(one, change) for one in value]
    return value
