"""What is typed as ``NAME=VALUE``, and the settings of the runtime among it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.plan import AgentPlan

__all__ = ["apply_settings", "pairs", "split_settings"]


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """The values by name.

    Raises:
        WrongUseError: A text has no ``=``, or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise WrongUseError(f"{option} {text!r} is not NAME=VALUE")
        if name in found:
            raise WrongUseError(f"{option} {name} is given twice")
        found[name] = value
    return found


def split_settings(
    settings: Mapping[str, str], engine: str
) -> tuple[dict[str, str], dict[str, str]]:
    """The runtime's settings, and Flink's own (``execution.checkpointing.interval``, ...).

    Raises:
        WrongUseError: A setting is neither.
    """
    from difflib import get_close_matches

    from headrace.config import RuntimeConfig

    known = tuple(RuntimeConfig.model_fields)
    ours = {name: text for name, text in settings.items() if name.split(".")[0] in known}
    others = {name: text for name, text in settings.items() if name not in ours}
    for name in others:
        if engine != "flink" or "." not in name:
            near = get_close_matches(name, known, 1)
            raise WrongUseError(
                f"there is no setting {name!r}",
                why=f"the settings are: {', '.join(known)}"
                + ("" if engine != "flink" else "; and Flink's own, which have a dot"),
                then=f"did you mean {near[0]!r}?" if near else "",
            )
    return ours, others


def apply_settings(plan: AgentPlan, settings: Mapping[str, str]) -> AgentPlan:
    """The plan with other settings; names of nested ones are dotted (``failure.attempts``).

    Raises:
        WrongUseError: A value does not fit.
    """
    if not settings:
        return plan
    from pydantic import ValidationError

    from headrace.config import RuntimeConfig

    values = plan.config.model_dump()
    for name, text in settings.items():
        *above, last = name.split(".")
        place: dict[str, Any] = values
        for part in above:
            inner = place.get(part)
            if not isinstance(inner, dict):
                raise WrongUseError(f"there is no setting {name!r}: {part} has no parts")
            place = inner
        place[last] = _parsed(text)
    try:
        config = RuntimeConfig.model_validate(values)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise WrongUseError("--set does not fit", why="\n".join(lines)) from None
    return plan.model_copy(update={"config": config})


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None if text.lower() == "none" else text
