"""Importing a plugin, so that what is wrong with it is known by its name."""

from __future__ import annotations

import importlib
import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.plugins._errors import PluginBrokenError

if TYPE_CHECKING:
    from headrace.plugins._model import Plugin

__all__ = ["PluginCheck", "check", "load"]

# The specification's object reference; extras after it are allowed, and mean nothing any more.
_REFERENCE = re.compile(r"(?P<module>\w+(?:\.\w+)*)(?:\s*:\s*(?P<attribute>\w+(?:\.\w+)*))?")
_EXTRAS = re.compile(r"\s*\[[^\]]*\]\s*$")


@dataclass(frozen=True, slots=True)
class PluginCheck:
    """Whether a plugin loads."""

    plugin: Plugin
    """The plugin."""
    error: PluginBrokenError | None
    """Why it does not load; None if it does."""

    @property
    def ok(self) -> bool:
        """Whether it loads."""
        return self.error is None


def load(plugin: Plugin) -> object:
    """Import a plugin and give what its entry point names.

    Raises:
        PluginBrokenError: It cannot be had, whatever it is that stands in the way: its module
            is not there, raises, or ends the process; its attribute is missing.
    """
    reference = _REFERENCE.fullmatch(_EXTRAS.sub("", plugin.value))
    if reference is None:
        raise PluginBrokenError(plugin, f"{plugin.value!r} is not MODULE:ATTRIBUTE")
    try:
        found: object = importlib.import_module(reference["module"])
        for name in (reference["attribute"] or "").split("."):
            found = getattr(found, name) if name else found
    except KeyboardInterrupt:
        raise  # the person at the keyboard, and not the plugin
    except BaseException as error:  # a module may well call sys.exit()
        cause = f"{type(error).__name__}: {error}".rstrip(": ")
        raise PluginBrokenError(plugin, cause + _hint(plugin, error)) from error
    return found


def check(plugin: Plugin) -> PluginCheck:
    """Tell whether a plugin loads, by loading it."""
    try:
        load(plugin)
    except PluginBrokenError as error:
        return PluginCheck(plugin, error)
    return PluginCheck(plugin, None)


def _hint(plugin: Plugin, error: BaseException) -> str:
    folder = os.path.dirname(plugin.origin)  # noqa: PTH120 - the origin may lie in a zip
    if isinstance(error, ModuleNotFoundError) and folder not in map(os.path.abspath, sys.path):
        return f" (its folder {folder} is not on sys.path)"
    return ""
