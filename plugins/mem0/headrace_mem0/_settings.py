"""What is wrong with the arguments, and what of them is a secret."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from headrace.providers import variable_faults

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["setting_faults"]

_SECRET = re.compile(
    r"(?i)(^|_)(api_?key|key|password|secret|token|credentials?|connection_string|auth)$"
)
_USER_IN_URL = re.compile(r"//[^/@\s]+:[^/@\s]+@|(?i:password\s*=)")
OURS = frozenset({"collection_name", "embedding_model_dims", "client"})
"""Settings of mem0's stores that are not for a plan to say."""


def setting_faults(
    path: str | None,
    provider: str,
    config: Mapping[str, Any],
    secrets: Mapping[str, str],
    numbers: Mapping[str, tuple[float | None, float, float]],
    names: Mapping[str, str | None],
) -> list[str]:
    """All that is wrong.

    Args:
        path: The folder of an embedded store.
        provider: The store, as mem0 calls it.
        config: The store's settings.
        secrets: Settings whose values are secrets, by the environment variable of each.
        numbers: Further arguments by name: their value, the least and the most.
        names: Arguments that name one of the agent's resources.
    """
    faults = []
    if path is None and not config:
        faults.append("give path, the folder of an embedded store, or the config of another one")
    if path is not None and (config or provider != "qdrant"):
        faults.append(
            "path is for the embedded qdrant alone: another store's settings are in config"
        )
    if path is not None and (not path.strip() or "\x00" in path):
        faults.append("path names no folder")
    if provider == "qdrant" and "path" in config:
        faults.append("config: give the folder of an embedded qdrant as path")
    try:
        json.dumps(dict(config), allow_nan=False)
    except (TypeError, ValueError):
        faults.append("config is no JSON")
    for name, value in config.items():
        if name in OURS - {"collection_name"}:
            faults.append(f"config: {name} is set by the memory itself")
        elif _SECRET.search(str(name)) or (isinstance(value, str) and _USER_IN_URL.search(value)):
            faults.append(
                f"config: {name} holds a secret, which a plan must not: name the environment "
                "variable that holds it, in secrets"
            )
    faults += variable_faults({f"secrets: {name}": variable for name, variable in secrets.items()})
    faults += [
        f"{name} names none of the agent's resources"
        for name, value in names.items()
        if value is not None and not (isinstance(value, str) and value.strip())
    ]
    for name, (number, least, most) in numbers.items():
        fits = isinstance(number, (int, float)) and least <= number <= most
        if number is not None and not fits:
            faults.append(f"{name} is no number from {least:g} to {most:g}")
    return faults
