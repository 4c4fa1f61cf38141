"""All plugins of an environment, and how one is had by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.plugins._errors import (
    PluginBlockedError,
    PluginConflictError,
    PluginIncompatibleError,
    PluginNotFoundError,
)
from headrace.plugins._model import ListedPlugin
from headrace.plugins._policy import as_kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.plugins._model import BrokenDistribution, Kind, Plugin
    from headrace.plugins._policy import Policy

__all__ = ["PluginSet"]


class PluginSet:
    """The plugins that were found at one moment; it does not change when one is installed."""

    __slots__ = ("_by_key", "_core", "_fits", "_policy", "broken")

    broken: tuple[BrokenDistribution, ...]
    """Distributions that have plugins, and whose metadata is at fault."""

    def __init__(
        self,
        plugins: Sequence[Plugin],
        broken: Sequence[BrokenDistribution],
        policy: Policy,
        core_version: str | None,
        fits: Mapping[str, bool],
    ) -> None:
        self.broken = tuple(broken)
        self._policy = policy
        self._core = core_version
        self._fits = fits
        self._by_key: dict[str, list[Plugin]] = {}
        for plugin in plugins:
            self._by_key.setdefault(plugin.key, []).append(plugin)

    def __repr__(self) -> str:
        return f"PluginSet({len(self)} plugins, {len(self.broken)} broken distributions)"

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))

    @property
    def core_version(self) -> str | None:
        """The version of the core that plugins are held against; None where it is not known."""
        return self._core

    def get(self, kind: Kind | str, name: str) -> Plugin:
        """Give the plugin of a kind and a name. It is not imported.

        Raises:
            UnknownKindError: There is no such kind.
            PluginNotFoundError: Nothing installed provides it, or not the pinned distribution.
            PluginBlockedError: A list keeps it out.
            PluginConflictError: Several distributions provide it, and no pin chooses.
            PluginIncompatibleError: It needs another version of the core.
        """
        kind = as_kind(kind)
        claims = self._by_key.get(f"{kind}.{name}", [])
        pin = self._policy.choose.get(f"{kind}.{name}")
        wanted = [one for one in claims if pin is None or one.distribution == pin]
        if not wanted:
            raise PluginNotFoundError(
                kind,
                name,
                installed=self.names(kind),
                broken=self.broken,
                pinned_to=pin or "",
                provided_by=[one.source for one in claims],
            )
        let_in = [one for one in wanted if not self._policy.blocked_by(one)]
        if not let_in:
            raise PluginBlockedError(wanted[0], self._policy.blocked_by(wanted[0]))
        if len(let_in) > 1:
            raise PluginConflictError(let_in)
        if not self._is_fit(let_in[0]):
            raise PluginIncompatibleError(let_in[0], self._core or "")
        return let_in[0]

    def list(self, kind: Kind | str | None = None) -> tuple[ListedPlugin, ...]:
        """List all plugins (of one kind), each with how it stands; by kind, name, distribution.

        Raises:
            UnknownKindError: There is no such kind.
        """
        only = None if kind is None else as_kind(kind)
        return tuple(
            self._listed(plugin, claims)
            for claims in self._by_key.values()
            for plugin in claims
            if only is None or plugin.kind is only
        )

    def names(self, kind: Kind | str) -> tuple[str, ...]:
        """List the names of a kind, however they stand.

        Raises:
            UnknownKindError: There is no such kind.
        """
        only = as_kind(kind)
        return tuple(c[0].name for c in self._by_key.values() if c[0].kind is only)

    def _is_fit(self, plugin: Plugin) -> bool:
        # What is not known (a core that runs from its sources) is not held against a plugin.
        return plugin.requires_core is None or self._fits.get(plugin.requires_core, True)

    def _listed(self, plugin: Plugin, claims: Sequence[Plugin]) -> ListedPlugin:
        setting = self._policy.blocked_by(plugin)
        if setting:
            return ListedPlugin(plugin, "blocked", setting)
        pin = self._policy.choose.get(plugin.key)
        if pin is not None and pin != plugin.distribution:
            return ListedPlugin(plugin, "unchosen", f"{plugin.key} is pinned to {pin}")
        rivals = [
            one.source for one in claims if one != plugin and not self._policy.blocked_by(one)
        ]
        if rivals and pin is None:
            return ListedPlugin(plugin, "conflict", "also provided by " + ", ".join(rivals))
        if not self._is_fit(plugin):
            why = f"needs headrace-core {plugin.requires_core}, and this is {self._core}"
            return ListedPlugin(plugin, "incompatible", why)
        return ListedPlugin(plugin, "ready")
