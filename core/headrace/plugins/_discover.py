"""Finding the plugins of an environment by their metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.plugins import _cache
from headrace.plugins._listing import take_listing
from headrace.plugins._policy import make_policy
from headrace.plugins._set import PluginSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from headrace.plugins._listing import Listing
    from headrace.plugins._model import Reading

__all__ = ["discover"]


def discover(
    *,
    path: Sequence[str] | None = None,
    cache: bool = True,
    allow: Iterable[str] | str | None = None,
    block: Iterable[str] | str | None = None,
    choose: Mapping[str, str] | None = None,
    core_version: str | None = None,
) -> PluginSet:
    """Find all plugins that are installed. None of them is imported.

    Args:
        path: Folders and zips to look in, first to last; ``sys.path`` if None.
        cache: Whether an answer may be taken from the cache and kept there. It is in
            ``HEADRACE_CACHE_DIR``, else ``XDG_CACHE_HOME/headrace``, else ``~/.cache/headrace``.
        allow: Patterns of distributions (``acme-*``) or plugins (``chat_models.*``) to let in;
            None lets in all, an empty list none. ``HEADRACE_PLUGINS_ALLOW`` narrows it further.
        block: Patterns to keep out, which also beat ``allow``; those of
            ``HEADRACE_PLUGINS_BLOCK`` are added.
        choose: Which distribution to take a plugin from, such as
            ``{"chat_models.scripted": "headrace-scripted"}``.
        core_version: Version of headrace-core to hold plugins against; the running one if None.

    Raises:
        TypeError: The path is one text; a list of them is meant.
        UnknownKindError: ``choose`` has a kind that there is not.
    """
    if isinstance(path, str):
        raise TypeError("path is a list of folders, not one text")
    policy = make_policy(allow, block, choose)
    listing = take_listing(path)
    core = core_version or _running_core(listing if path is None else take_listing(None))
    kept = _cache.fetch(listing, core) if cache else None
    if kept is None:
        from headrace.plugins._reading import read_plugins

        reading = read_plugins(listing)
        fits = _fits(reading, core)
        if cache:
            _cache.keep(listing, core, reading, fits)
    else:
        reading, fits = kept
    return PluginSet(reading.plugins, reading.broken, policy, core, fits)


def _running_core(listing: Listing) -> str | None:
    """Tell the core's version by the name of its metadata folder; None where it has none."""
    prefix, suffix = "headrace_core-", ".dist-info"
    for place in listing.places:
        for name, _ in place.infos:
            if name.startswith(prefix) and name.endswith(suffix):
                return name[len(prefix) : -len(suffix)]
    return None


def _fits(reading: Reading, core: str | None) -> dict[str, bool]:
    specifiers = {one.requires_core for one in reading.plugins if one.requires_core}
    if core is None or not specifiers:
        return {}
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        version = Version(core)
    except InvalidVersion:
        return {}
    # A core under development is what its developer has: pre-releases count.
    return {one: SpecifierSet(one).contains(version, prereleases=True) for one in specifiers}
