"""Plugins: found by the metadata of what is installed, imported when something names them.

Listing imports no plugin, and neither pluggy nor packaging where the answer is cached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily
from headrace.plugins._discover import discover
from headrace.plugins._errors import (
    PluginBlockedError,
    PluginBrokenError,
    PluginConflictError,
    PluginIncompatibleError,
    PluginNotFoundError,
    UnknownKindError,
)
from headrace.plugins._model import (
    BrokenDistribution,
    DistributionName,
    Kind,
    ListedPlugin,
    Plugin,
    State,
    normalise,
)
from headrace.plugins._set import PluginSet

if TYPE_CHECKING:
    from headrace.plugins._hooks import Hooks, add_hooks, hookimpl, hooks, hookspec
    from headrace.plugins._load import PluginCheck, check, load
    from headrace.plugins._policy import Policy, make_policy

__all__ = [
    "BrokenDistribution",
    "DistributionName",
    "Hooks",
    "Kind",
    "ListedPlugin",
    "Plugin",
    "PluginBlockedError",
    "PluginBrokenError",
    "PluginCheck",
    "PluginConflictError",
    "PluginIncompatibleError",
    "PluginNotFoundError",
    "PluginSet",
    "Policy",
    "State",
    "UnknownKindError",
    "add_hooks",
    "check",
    "discover",
    "hookimpl",
    "hooks",
    "hookspec",
    "load",
    "make_policy",
    "normalise",
]

# A listing does without these, and without pluggy.
_HOMES = {
    "_hooks": ("Hooks", "add_hooks", "hookimpl", "hooks", "hookspec"),
    "_load": ("PluginCheck", "check", "load"),
    "_policy": ("Policy", "make_policy"),
}

__getattr__ = lazily(__name__, _HOMES)
