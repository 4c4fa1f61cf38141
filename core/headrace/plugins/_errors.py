"""What can be wrong with a plugin that was asked for: what, why, and what to type next."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from headrace.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.plugins._model import BrokenDistribution, Kind, Plugin

__all__ = [
    "PluginBlockedError",
    "PluginBrokenError",
    "PluginConflictError",
    "PluginIncompatibleError",
    "PluginNotFoundError",
    "UnknownKindError",
]

# Names whose distribution is known to be ``headrace-NAME``; any other is said to be a guess,
# since to install a guessed name is to trust whoever registered it.
_FIRST_PARTY = frozenset(
    {"anthropic", "bedrock", "gemini", "mcp", "mem0", "ollama", "openai", "scripted"}
)


def _nearest(wanted: str, names: Sequence[str]) -> list[str]:
    from difflib import get_close_matches

    # Lower case on both sides, or "OpenAI" would be near to nothing.
    known = {name.lower(): name for name in names}
    return [known[match] for match in get_close_matches(wanted.lower(), known, n=3, cutoff=0.6)]


class _DescribedError(PluginError):
    """An error that is made of values, and is pickled by them (workers send errors home)."""

    def __init__(self, message: str, **made_of: Any) -> None:
        super().__init__(message)
        self._made_of = made_of

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (type(self), self._made_of)


def _made(kind: type[_DescribedError], made_of: dict[str, Any]) -> _DescribedError:
    return kind(**made_of)


class UnknownKindError(_DescribedError):
    """A kind of plugin that there is not."""

    def __init__(self, kind: str, kinds: Sequence[str]) -> None:
        self.kind = kind
        near = _nearest(kind, kinds)
        hint = f"did you mean {near[0]!r}?" if near else "the kinds are: " + ", ".join(kinds)
        super().__init__(
            f"there is no kind of plugin called {kind!r}; {hint}", kind=kind, kinds=tuple(kinds)
        )


class PluginNotFoundError(_DescribedError):
    """No installed distribution provides the plugin, or not the one that it is pinned to.

    Attributes:
        kind: The kind that was asked for.
        name: The name that was asked for.
        nearest: Installed names of that kind that look like it, the nearest first.
        command: What to type to add it; it holds a guessed name where the plugin is nobody's
            that headrace knows.
    """

    def __init__(
        self,
        kind: Kind,
        name: str,
        *,
        installed: Sequence[str] = (),
        broken: Sequence[BrokenDistribution] = (),
        pinned_to: str = "",
        provided_by: Sequence[str] = (),
    ) -> None:
        self.kind = kind
        self.name = name
        self.nearest = tuple(_nearest(name, installed))
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "NAME"
        guess = pinned_to or f"headrace-{slug}"
        self.command = f"pip install {guess}"
        lines = [f"no installed distribution provides the {kind} plugin {name!r}"]
        if pinned_to:
            who = ", ".join(provided_by) or "no other distribution"
            lines = [f"the {kind} plugin {name!r} is pinned to {pinned_to}, but {who} provides it"]
        if self.nearest:
            lines.append("did you mean " + " or ".join(map(repr, self.nearest)) + "?")
        elif installed and not pinned_to:
            lines.append("installed are: " + ", ".join(installed))
        lines += [
            f"{one.distribution} could not be read, and may be the one: {one.reason}"
            for one in broken
        ]
        if pinned_to or slug in _FIRST_PARTY:
            lines.append(f"to add it: {self.command}")
        else:
            lines.append(
                f"to add it: {self.command}, or: pip install {guess} "
                "(a guessed name; look who publishes it first)"
            )
        super().__init__(
            "\n    ".join(lines),
            kind=kind,
            name=name,
            installed=tuple(installed),
            broken=tuple(broken),
            pinned_to=pinned_to,
            provided_by=tuple(provided_by),
        )


class PluginConflictError(_DescribedError):
    """Several distributions provide a plugin of one kind and name, and nothing chooses.

    Attributes:
        plugins: All of them.
    """

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self.plugins = tuple(plugins)
        first, last = self.plugins[0], self.plugins[-1]
        sources = " and ".join(plugin.source for plugin in self.plugins)
        super().__init__(
            f"{len(self.plugins)} distributions provide the {first.kind} plugin {first.name!r}: "
            f"{sources}\n"
            "    choose one in pyproject.toml:\n"
            "        [tool.agents.plugins]\n"
            f'        "{first.key}" = "{first.distribution}"\n'
            f"    or block the other: HEADRACE_PLUGINS_BLOCK={last.distribution}",
            plugins=self.plugins,
        )


class PluginBlockedError(_DescribedError):
    """The plugin is installed and kept out by an allow-list or a block-list.

    Attributes:
        plugin: The plugin.
        setting: Which list keeps it out, and by which pattern.
    """

    def __init__(self, plugin: Plugin, setting: str) -> None:
        self.plugin = plugin
        self.setting = setting
        super().__init__(
            f"the {plugin.kind} plugin {plugin.name!r} of {plugin.source} is blocked: {setting}\n"
            "    change that setting to use it",
            plugin=plugin,
            setting=setting,
        )


class PluginIncompatibleError(_DescribedError):
    """The plugin asks for another version of the core than the one that runs.

    Attributes:
        plugin: The plugin; ``plugin.requires_core`` is what it asks for.
        core_version: The version that runs.
    """

    def __init__(self, plugin: Plugin, core_version: str) -> None:
        self.plugin = plugin
        self.core_version = core_version
        super().__init__(
            f"the {plugin.kind} plugin {plugin.name!r} of {plugin.source} needs headrace-core "
            f"{plugin.requires_core}, and this is headrace-core {core_version}\n"
            f"    another version of it may fit: pip install --upgrade {plugin.distribution}",
            plugin=plugin,
            core_version=core_version,
        )


class PluginBrokenError(_DescribedError):
    """The plugin cannot be loaded. ``__cause__`` is what it raised, where it is still at hand.

    Attributes:
        plugin: The plugin.
        distribution: The distribution that it comes from.
        cause: What went wrong, in words.
    """

    def __init__(self, plugin: Plugin, cause: str) -> None:
        self.plugin = plugin
        self.distribution = plugin.distribution
        self.cause = cause
        super().__init__(
            f"the {plugin.kind} plugin {plugin.name!r} of {plugin.source} ({plugin.value}) "
            f"cannot be loaded: {cause}\n"
            f"    to see more: agents plugins info {plugin.name}",
            plugin=plugin,
            cause=cause,
        )
