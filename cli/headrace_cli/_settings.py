"""What is typed as ``NAME=VALUE``, and the settings of the runtime among it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.plan import AgentPlan
    from headrace.settings import Layer

__all__ = ["apply_settings", "pairs", "split_settings", "typed_layer"]

_PREFIX = "headrace."
_VALUES = "values."


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
    """Settings of the runtime and values (``values.NAME``), and Flink's own, which have a dot.

    ``headrace.NAME``, as in Flink's configuration, is the runtime's too.

    Raises:
        WrongUseError: A setting is neither.
    """
    from headrace.config import RuntimeConfig
    from headrace.settings import nearest, runtime_settings

    ours: dict[str, str] = {}
    others: dict[str, str] = {}
    for name, text in settings.items():
        own = name.removeprefix(_PREFIX)
        if (
            own != name
            or name.startswith(_VALUES)
            or own.split(".")[0] in RuntimeConfig.model_fields
        ):
            ours[own] = text
        elif engine == "flink" and "." in name:
            others[name] = text
        else:
            raise WrongUseError(
                f"there is no setting {name!r}",
                why="agents config list names those of the runtime; values.NAME is a value of "
                "yours" + ("" if engine != "flink" else "; and Flink's own have a dot"),
                then=nearest(name, runtime_settings()),
            )
    return ours, others


def typed_layer(settings: Mapping[str, str]) -> Layer:
    """What ``--set`` says, as a layer."""
    from headrace.settings import Layer

    return Layer("set", settings, {name: f"--set {name}" for name in settings})


def apply_settings(plan: AgentPlan, settings: Mapping[str, str]) -> AgentPlan:
    """The plan with what ``--set`` says; names of nested ones are dotted (``failure.attempts``).

    Raises:
        WrongUseError: A name is none, or a value does not fit.
    """
    if not settings:
        return plan
    from headrace.settings import SettingError, settled

    try:
        return settled(plan, typed_layer(settings))
    except SettingError as error:
        lines = "\n".join(str(fault) for fault in error.faults)
        raise WrongUseError("--set does not fit", why=lines) from None
