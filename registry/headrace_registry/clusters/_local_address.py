"""Which cluster is meant where a command takes one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace_registry.clusters._local_cluster import LocalCluster, clusters, find_cluster
from headrace_registry.clusters._local_errors import NoSuchClusterError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["address_of"]

_WEB = re.compile(r"https?://", re.IGNORECASE)
_HOST_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+):(\d{1,5})/?")
_LAST_PORT = 65535


def address_of(text: str | None = None, *, cache: Path | None = None) -> str:
    """The address of a cluster that was named on a command line.

    Args:
        text: ``HOST:PORT`` or an ``http(s)`` URL, which come back as they are; the name of a
            cluster of this machine; nothing: the only one that runs here.
        cache: Where clusters have their folders; by default headrace's cache.

    Returns:
        ``HOST:PORT``, or the URL.

    Raises:
        NoSuchClusterError: None is meant by that; lists those that are there.
        ClusterSpecError: It is neither an address nor a name.
    """
    if not text:
        return _only(cache)
    if _WEB.match(text):
        return text
    if found := _HOST_PORT.fullmatch(text):
        if not 1 <= int(found[1]) <= _LAST_PORT:
            raise NoSuchClusterError(
                f"{text} has no port of a cluster\n  next:  give HOST:PORT, such as localhost:8081"
            )
        return text
    return find_cluster(text, cache).address


def _only(cache: Path | None) -> str:
    alive = [one for one in clusters(cache) if _runs(one)]
    if len(alive) == 1:
        return alive[0].address
    if alive:
        rows = "\n".join(f"         {one.name} (http://{one.address})" for one in alive)
        raise NoSuchClusterError(
            f"which cluster? These run on this machine:\n{rows}\n"
            f"  next:  name one, such as --cluster {alive[0].name}"
        )
    raise NoSuchClusterError(
        "no cluster runs on this machine\n"
        "  next:  agents cluster up; or name one that others run: --cluster HOST:PORT"
    )


def _runs(cluster: LocalCluster) -> bool:
    return any(one.role == "jobmanager" and one.lives for one in cluster.processes)
