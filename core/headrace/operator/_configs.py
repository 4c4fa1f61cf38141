"""What actions and tools read of the configuration: a plan's values, typed by their models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from headrace.errors import Fault
from headrace.references import find
from headrace.settings import Config, SettingError
from headrace.values import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.plan import ActionSpec, AgentPlan

__all__ = ["config_of", "with_settings"]


def config_of(plan: AgentPlan, member: str | None, mains: Mapping[str, Any] | None) -> Config:
    """The values that an agent (``None``), or a team's member, reads.

    Raises:
        SettingError: They do not fit the model that types them.
    """
    values = {name: decode(stored) for name, stored in plan.values.items()}
    if member is None:
        reference = plan.value_models[0] if plan.value_models else None
    else:
        reference = plan.members[member].value_model
    if reference is None:
        return Config(values)
    model = find(reference, mains)
    try:
        typed = model.model_validate(
            {name: value for name, value in values.items() if name in model.model_fields}
        )
    except ValidationError as error:
        faults = [
            Fault(
                f"values.{'.'.join(str(part) for part in one['loc'])}",
                "nobody says this value" if one["type"] == "missing" else one["msg"],
                "say it below [tool.agents.values], or by --set values.NAME=...",
            )
            for one in error.errors()
        ]
        raise SettingError(plan.name, faults) from None
    return Config({**values, **{name: getattr(typed, name) for name in model.model_fields}})


def with_settings(config: Config, spec: ActionSpec) -> Config:
    """The values as one action reads them: its own come first."""
    if not spec.settings:
        return config
    own = {name: decode(stored) for name, stored in spec.settings.items()}
    return Config({**config, **own})
