"""What a project says of skills, put into the plan: workers have the plan, and no pyproject.toml.

``[tool.agents.grants.SKILL]`` says what a skill may have of what it asks for.
``[tool.agents.skills]`` gives the arguments of the ``skills`` tools that the agent leaves out, such
as ``sandbox``. A pin ``"skills.NAME" = "DISTRIBUTION"`` in ``[tool.agents.plugins]`` chooses
between two skills of one name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.plan import AgentPlan, ResourceProvider
    from headrace_cli._project import Project

__all__ = ["apply_skill_rules"]


def apply_skill_rules(plan: AgentPlan, project: Project) -> AgentPlan:
    """The plan, with what the project says in the arguments of its ``skills`` tools."""
    said: dict[str, Any] = dict(project.skill_defaults)
    if project.grants:
        said["grants"] = {name: dict(grant) for name, grant in project.grants.items()}
    if project.skill_pins:
        said["choose"] = dict(project.skill_pins)
    tools = plan.resource_providers.get("tools", {})
    if not said or all(one.plugin != "skills" for one in tools.values()):
        return plan
    changed = {
        name: _with(one, said) if one.plugin == "skills" else one for name, one in tools.items()
    }
    return plan.model_copy(
        update={"resource_providers": {**plan.resource_providers, "tools": changed}}
    )


def _with(provider: ResourceProvider, said: Mapping[str, Any]) -> ResourceProvider:
    given = {name: value for name, value in provider.arguments.items() if value is not None}
    arguments = dict(sorted({**provider.arguments, **said, **given}.items()))
    for name in ("grants", "choose"):  # by skill: the agent's and the project's, side by side
        if name in said and name in given:
            arguments[name] = {**said[name], **given[name]}
    return provider.model_copy(update={"arguments": arguments})
