"""What a wheel must be for a registry to take it when it is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace_registry.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Collection

    from headrace_registry.site._describing import Described

__all__ = ["check_publishable"]

_TOLD = 10


def check_publishable(described: Described, accept: Collection[str] = ()) -> None:
    """Holds the skills of a wheel against the standard, and against the audit.

    Args:
        described: The wheel.
        accept: Rules of the audit whose serious findings were looked at, and are taken.

    Raises:
        PublishError: A skill is broken or not valid, or a serious finding is not accepted.
    """
    name = described.file.filename
    if described.broken:
        told = [f"{one.path}: {one.broken}" for one in described.broken]
        raise PublishError(_said(f"{name} has skills that cannot be used", told))
    if described.faults:
        raise PublishError(
            _said(f"{name} has skills that are not as the standard has them", described.faults)
            + "\n  next: agents skills check FOLDER tells how to mend each"
        )
    open_ones = [one for one in described.serious if one[1].rule not in accept]
    if open_ones:
        told = [
            f"{skill.path}/{one.file}:{one.line}: {one.severity}: {one.reason} ({one.rule})"
            for skill, one in open_ones
        ]
        rules = sorted({one.rule for _, one in open_ones})
        accepting = " ".join(f"--accept {rule}" for rule in rules)
        raise PublishError(
            _said(f"{name}: somebody should look at what the audit found", told)
            + f"\n  next: look, and if it is meant so: the same command with {accepting}"
        )


def _said(what: str, told: Collection[str]) -> str:
    lines = list(told)
    more = [f"and {len(lines) - _TOLD} more"] if len(lines) > _TOLD else []
    return "\n".join([what, *(f"  {line}" for line in [*lines[:_TOLD], *more])])
