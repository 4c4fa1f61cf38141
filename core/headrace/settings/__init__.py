"""Settings: one table of them all, the layers that they come from, and values of your own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace.settings._layers import (
        LAYERS,
        PREFIX,
        Layer,
        SettingError,
        check_complete,
        cluster_layer,
        environment_layer,
        said_in_code,
        settled,
        settled_here,
    )
    from headrace.settings._table import (
        VARIABLES,
        Setting,
        Variable,
        nearest,
        runtime_settings,
        setting_names,
    )
    from headrace.settings._values import Config, flattened, secret_name

_HOMES = {
    "_layers": (
        "LAYERS",
        "PREFIX",
        "Layer",
        "SettingError",
        "check_complete",
        "cluster_layer",
        "environment_layer",
        "said_in_code",
        "settled",
        "settled_here",
    ),
    "_table": ("VARIABLES", "Setting", "Variable", "nearest", "runtime_settings", "setting_names"),
    "_values": ("Config", "flattened", "secret_name"),
}

__all__ = [
    "LAYERS",
    "PREFIX",
    "VARIABLES",
    "Config",
    "Layer",
    "Setting",
    "SettingError",
    "Variable",
    "check_complete",
    "cluster_layer",
    "environment_layer",
    "flattened",
    "nearest",
    "runtime_settings",
    "said_in_code",
    "secret_name",
    "setting_names",
    "settled",
    "settled_here",
]

__getattr__ = lazily(__name__, _HOMES)
